"""The watcher: one thread that turns kernel events into hints and recovers from lost ones."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from photosd.core.clock import Deadline
from photosd.watch.hints import Hint, HintBatch
from photosd.watch.ignore import IgnoreRules
from photosd.watch.probe import Probe
from photosd.watch.recovery import Recovery
from photosd.watch.roots import RootHealth, Roots
from photosd.watch.source import Listener, OutOfWatches, Receive, Source
from photosd.watch.suspend import SuspendDetector
from photosd.watch.watch_limits import WatchLimits

__all__ = ["Hint", "MakeSource", "RootHealth", "WatchLimits", "Watcher"]

log = structlog.get_logger()

BARRIER_SECONDS = 0.5
PROBES_BETWEEN_COUNTS = 20

MakeSource = Callable[[Receive, Listener], Source]


def platform_source(receive: Receive, listener: Listener) -> Source:
    """The source for this platform."""
    if sys.platform == "linux":
        from photosd.watch.inotify import InotifySource

        return InotifySource(receive, listener)
    from photosd.watch.fsevents import FSEventsSource

    return FSEventsSource(receive, listener)


class Watcher:
    """Watches folders; other parts take ``hints`` from its queue and compare those places.

    Hints may be redundant, late by ``limits.collect``, or about unchanged files. No change is
    missed if the caller scans after each overflow hint. A folder that was added, restored or
    unwatched for a while gets an overflow hint once its watches are set.
    """

    def __init__(
        self,
        probe_directory: Path,
        limits: WatchLimits | None = None,
        *,
        make_source: MakeSource = platform_source,
        answers: Callable[[bytes], bool] = lambda _path: True,
    ) -> None:
        """``probe_directory`` is private, preferably in the runtime directory (memory, not disk).

        ``answers``: whether the file system of a path responds; others are not accessed.
        """
        self.hints: queue.SimpleQueue[Hint] = queue.SimpleQueue()
        self.batch = HintBatch()
        self.rebuilds = -1  # number of restarts, without the first start
        self.last_event_at = time.monotonic()  # of a probe; without a source: of the last turn
        self._limits = limits or WatchLimits()
        self._make_source = make_source
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._flooded = False
        self._probe = Probe(probe_directory)
        self._recovery = Recovery(self._limits)
        self._roots = Roots(self._limits, self.batch, answers)
        self._suspend = SuspendDetector(self._limits.suspend)
        self._source: Source | None = None
        self._listening = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._next_checks = self._next_roots = self._next_probe = 0.0
        self._asked: tuple[bytes, float] | None = None
        self._last_taken = 0.0
        self._uncounted = self._miscounts = 0

    # For other threads.

    def start(self) -> None:
        """Start watching; folders may be added before and after."""
        self._thread.start()

    def stop(self, deadline: Deadline | None = None) -> None:
        """Stop and release all watches; returns by the deadline even if that hangs."""
        self._stopping.set()
        self._inbox.put(_nothing)
        if self._thread.is_alive():
            self._thread.join((deadline or Deadline.to_stop()).remaining)

    def add(self, root: bytes, ignore: IgnoreRules) -> None:
        """Watch ``root`` (absolute, links resolved) with these rules; again to change the rules.

        Returns at once. An overflow hint for it follows when the watches are set.
        """
        if ignore.root != root or not root.startswith(b"/"):
            raise ValueError(f"rules for {ignore.root!r} are not rules for the folder {root!r}")
        self._inbox.put(lambda: self._roots.add(ignore, self._source, time.monotonic()))

    def remove(self, root: bytes) -> None:
        """Stop watching ``root``; returns at once, pending hints may still arrive."""
        self._inbox.put(lambda: self._roots.remove(root, self._source))

    def health(self) -> list[RootHealth]:
        """How each folder is watched."""
        return self._roots.health()

    def barrier(self, seconds: float) -> bool:
        """Wait until all earlier events are in ``hints``; False if not.

        On Linux exact; elsewhere the platform may still deliver older events later.
        """
        deadline = Deadline.after(seconds)
        self._listening.wait(seconds)
        while not deadline.passed:
            name, heard = self._probe.send()
            # Sent again after a while, in case the source was just replaced.
            done = heard.wait(min(deadline.remaining, BARRIER_SECONDS))
            self._probe.cancel(name)
            if done:
                return True
        return False

    # For the source (`Listener`), on the watcher's thread.

    def heard(self, name: bytes) -> None:
        """A probe event arrived, and so did everything before it."""
        self.last_event_at = time.monotonic()
        self._flush()
        self._probe.heard(name)
        if self._asked is not None and name == self._asked[0]:
            self._asked = None

    def lost(self) -> None:
        """Events were lost: restart when it is quiet."""
        if self._recovery.trouble(time.monotonic()):
            log.warning(
                "watch_events_lost", remedy="no action needed: all folders are compared again"
            )

    def check_soon(self) -> None:
        """Check roots and mounts in this turn."""
        self._next_roots = self._next_checks = 0.0

    def unmounted(self, directory: bytes) -> None:
        """A watched directory's file system was unmounted."""
        self._roots.unmounted(directory)
        self.check_soon()

    def too_many(self, root: bytes, error: OutOfWatches) -> None:
        """A folder has more directories than watches."""
        if self._source is not None:
            self._roots.full(root, error, self._source, time.monotonic())
            self.batch.overflow(root)

    # The watcher's thread.

    def _run(self) -> None:
        begun = False
        while not self._stopping.is_set():
            try:
                if not begun:
                    begun = True
                    self._rebuild(time.monotonic())
                self._turn()
            except Exception:
                log.exception("watch_turn_failed")
                self.lost()
                self._stopping.wait(self._limits.quiet)
        with contextlib.suppress(Exception):
            self._close_source()
        self._probe.remove()
        self._roots.close()

    def _turn(self) -> None:
        """Wait for events, collect more for a short time, run checks, pass the hints on."""
        self._take_events()
        now = time.monotonic()
        if now >= self._next_checks:
            self._next_checks = now + self._limits.tick
            self._run_checks(now)
        due = self._recovery.due_at
        if due is not None and now >= due:
            self._rebuild(now)
        if self._source is None:
            self.last_event_at = now
        self._flush()

    def _take_events(self) -> None:
        wake_at = min(self._next_checks, self._recovery.due_at or self._next_checks)
        try:
            self._inbox.get(timeout=max(0.001, wake_at - time.monotonic()))()
        except queue.Empty:
            return
        self._last_taken = time.monotonic()
        until = self._last_taken + self._limits.collect
        while (left := until - time.monotonic()) > 0:
            try:
                self._inbox.get(timeout=left)()
            except queue.Empty:
                return

    def _run_checks(self, now: float) -> None:
        """Periodic checks."""
        if self._flooded:
            self._flooded = False
            self.lost()
        if self._source is not None and not self._source.alive():
            self._trouble("watch_thread_died", now)
        if self._suspend.woke_up():
            log.info("resumed_from_suspend")
            self.batch.overflow(b"")
            self._next_roots = 0.0
        self._roots.check_mounts(self._source, now)
        if self._source is not None:
            self._source.look_again()
        if now >= self._next_roots:
            self._next_roots = now + self._limits.roots
            self._roots.check(self._source, now)
        self._ask(now)

    def _ask(self, now: float) -> None:
        """Send a due probe; a missing event means that events are lost."""
        if self._asked is not None:
            name, deadline = self._asked
            if now > deadline and self._inbox.empty():
                self._probe.cancel(name)
                self._asked = None
                self._trouble("watch_deaf", now)
        elif now >= self._next_probe and self._source is not None:
            self._next_probe = now + self._limits.probe
            self._asked = self._probe.send()[0], now + self._limits.answer
            self._count_watches(self._source, now)

    def _count_watches(self, source: Source, now: float) -> None:
        """At intervals: does the kernel have the expected watches? Two mismatches in a row are an
        error.

        Only when idle: while directories are deleted, events are still pending.
        """
        self._uncounted += 1
        wanted = self._uncounted >= PROBES_BETWEEN_COUNTS or self._miscounts
        if not wanted or now - self._last_taken < self._limits.tick:
            return
        self._uncounted = 0
        self._miscounts = 0 if source.complete() else self._miscounts + 1
        if self._miscounts > 1:
            self._miscounts = 0
            self._trouble("watches_missing", now)

    def _trouble(self, event: str, now: float) -> None:
        """Restart soon; unlike lost events this lasts until then."""
        if self._recovery.due_at is None:
            self._recovery.trouble(now)
            log.warning(event, remedy="no action needed: the watcher restarts")

    def _rebuild(self, now: float) -> None:
        """A new source, every folder watched from scratch, everything to be scanned."""
        had_one = self._source is not None
        self._close_source()
        self._asked, self._flooded, self._next_probe = None, False, 0.0
        source = self._make_source(self._receive, self)
        try:
            self._probe.prepare()
            source.open(os.fsencode(self._probe.directory))
        except (OSError, RuntimeError) as error:  # RuntimeError: out of threads
            log.warning("watcher_refused", cause=getattr(error, "strerror", None) or str(error))
            source.close()
            self._recovery.recovered(now)
            self._recovery.trouble(now)
        else:
            self._source = source
            self._listening.set()
            self._recovery.recovered(now)
        self._roots.watch_all(self._source, now)
        self.rebuilds += 1
        if self.rebuilds and (had_one or self._source is not None):
            self.batch.overflow(b"")

    def _close_source(self) -> None:
        self._listening.clear()
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def _receive(self, event: Callable[[], None]) -> None:
        """Take events from a source's thread; above the limit they count as lost."""
        if self._inbox.qsize() < self._limits.pending:
            self._inbox.put(event)
        else:
            self._flooded = True

    def _flush(self) -> None:
        """Pass the hints on; if they were not taken for long, one overflow hint replaces all."""
        if not self.batch:
            return
        if self.hints.qsize() + len(self.batch) > self._limits.pending:
            with contextlib.suppress(queue.Empty):
                while True:
                    self.hints.get_nowait()
            self.batch.overflow(b"")
        for hint in self.batch.take():
            self.hints.put(hint)


def _nothing() -> None:
    """Wakes the thread."""
