"""The watcher: one thread that turns what the kernel reports into hints and never goes deaf."""

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
from photosd.watch.limits import WatchLimits
from photosd.watch.probe import Probe
from photosd.watch.recovery import Recovery
from photosd.watch.roots import RootHealth, Roots
from photosd.watch.source import Listener, OutOfWatches, Receive, Source
from photosd.watch.suspend import SuspendDetector

__all__ = ["Hint", "MakeSource", "RootHealth", "WatchLimits", "Watcher"]

log = structlog.get_logger()

BARRIER_SECONDS = 0.5
PROBES_BETWEEN_COUNTS = 20

MakeSource = Callable[[Receive, Listener], Source]


def platform_source(receive: Receive, listener: Listener) -> Source:
    """The source that suits this computer."""
    if sys.platform == "linux":
        from photosd.watch.inotify import InotifySource

        return InotifySource(receive, listener)
    from photosd.watch.observer import ObserverSource

    return ObserverSource(receive, listener)


class Watcher:
    """Watches folders; ``hints`` says where to look, and looking is up to others.

    Hints may be too many, late by ``limits.collect`` or about nothing; what they never are is
    too few, as long as an overflow hint is answered by a scan. A folder that is added, comes back
    or was not heard for a while gets an overflow hint once its watches are in place: scan then.
    """

    def __init__(
        self,
        probe_directory: Path,
        limits: WatchLimits | None = None,
        *,
        make_source: MakeSource = platform_source,
        answers: Callable[[bytes], bool] = lambda _path: True,
    ) -> None:
        """``probe_directory`` is ours alone, best in the runtime directory (memory, not disk).

        ``answers``: whether what a path lies on answers; what does not is left alone.
        """
        self.hints: queue.SimpleQueue[Hint] = queue.SimpleQueue()
        self.batch = HintBatch()
        self.rebuilds = -1  # times it had to start anew; the first start counts for nothing
        self.sign_at = time.monotonic()  # when a probe was last heard of; without a source: turned
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
        self._next_look = self._next_roots = self._next_probe = 0.0
        self._asked: tuple[bytes, float] | None = None
        self._last_news = 0.0
        self._uncounted = self._miscounts = 0

    # What others call, from any thread.

    def start(self) -> None:
        """Start watching; folders may be added before and after."""
        self._thread.start()

    def stop(self, deadline: Deadline | None = None) -> None:
        """Stop and give every watch back; returns by the deadline even if that hangs."""
        self._stopping.set()
        self._inbox.put(_nothing)
        if self._thread.is_alive():
            self._thread.join((deadline or Deadline.to_stop()).remaining)

    def add(self, root: bytes, ignore: IgnoreRules) -> None:
        """Watch ``root`` (absolute, links resolved) by these rules; again to change the rules.

        Returns at once. When the watches are in place an overflow hint for it follows.
        """
        if ignore.root != root or not root.startswith(b"/"):
            raise ValueError(f"rules for {ignore.root!r} do not fit the folder {root!r}")
        self._inbox.put(lambda: self._roots.add(ignore, self._source, time.monotonic()))

    def remove(self, root: bytes) -> None:
        """Watch ``root`` no longer; returns at once, hints on their way may still come."""
        self._inbox.put(lambda: self._roots.remove(root, self._source))

    def health(self) -> list[RootHealth]:
        """How each folder is watched."""
        return self._roots.health()

    def barrier(self, seconds: float) -> bool:
        """Wait until all that happened before this call is in ``hints``; False when it is not.

        On Linux exact; elsewhere the platform may still deliver older news later.
        """
        deadline = Deadline.after(seconds)
        self._listening.wait(seconds)
        while not deadline.passed:
            name, heard = self._probe.send()
            # Sent again after a while, in case the source was replaced just now.
            done = heard.wait(min(deadline.remaining, BARRIER_SECONDS))
            self._probe.give_up(name)
            if done:
                return True
        return False

    # What the source calls (`Listener`), on the watcher's thread.

    def heard(self, name: bytes) -> None:
        """A probe came back, and everything before it with it."""
        self.sign_at = time.monotonic()
        self._flush()
        self._probe.heard(name)
        if self._asked is not None and name == self._asked[0]:
            self._asked = None

    def lost(self) -> None:
        """Events were lost: start anew when it is quiet."""
        if self._recovery.trouble(time.monotonic()):
            log.warning("watch_events_lost", remedy="nothing to do: everything is compared again")

    def look_up(self) -> None:
        """Check roots and mounts in this turn."""
        self._next_roots = self._next_look = 0.0

    def unmounted(self, directory: bytes) -> None:
        """A watched directory's file system has gone."""
        self._roots.unmounted(directory)
        self.look_up()

    def too_many(self, root: bytes, error: OutOfWatches) -> None:
        """A folder has outgrown the watches."""
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
        """Wait for news, digest what comes in a short while, look around, pass the hints on."""
        self._digest_news()
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + self._limits.tick
            self._look_around(now)
        due = self._recovery.due_at
        if due is not None and now >= due:
            self._rebuild(now)
        if self._source is None:
            self.sign_at = now
        self._flush()

    def _digest_news(self) -> None:
        wake_at = min(self._next_look, self._recovery.due_at or self._next_look)
        try:
            self._inbox.get(timeout=max(0.001, wake_at - time.monotonic()))()
        except queue.Empty:
            return
        self._last_news = time.monotonic()
        until = self._last_news + self._limits.collect
        while (left := until - time.monotonic()) > 0:
            try:
                self._inbox.get(timeout=left)()
            except queue.Empty:
                return

    def _look_around(self, now: float) -> None:
        """All that is checked from time to time."""
        if self._flooded:
            self._flooded = False
            self.lost()
        if self._source is not None and not self._source.alive():
            self._trouble("watch_thread_died", now)
        if self._suspend.woke_up():
            log.info("computer_was_asleep")
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
        """Send a probe when it is time; one that stays away although we listened means deaf."""
        if self._asked is not None:
            name, deadline = self._asked
            if now > deadline and self._inbox.empty():
                self._probe.give_up(name)
                self._asked = None
                self._trouble("watch_deaf", now)
        elif now >= self._next_probe and self._source is not None:
            self._next_probe = now + self._limits.probe
            self._asked = self._probe.send()[0], now + self._limits.answer
            self._count_watches(self._source, now)

    def _count_watches(self, source: Source, now: float) -> None:
        """Every few probes: does the kernel hold the watches we think? Twice wrong is wrong.

        Only in a quiet moment: while directories go, news of that is still on its way.
        """
        self._uncounted += 1
        wanted = self._uncounted >= PROBES_BETWEEN_COUNTS or self._miscounts
        if not wanted or now - self._last_news < self._limits.tick:
            return
        self._uncounted = 0
        self._miscounts = 0 if source.complete() else self._miscounts + 1
        if self._miscounts > 1:
            self._miscounts = 0
            self._trouble("watches_missing", now)

    def _trouble(self, event: str, now: float) -> None:
        """Start anew soon; unlike lost events this lasts until then, and is not waited out."""
        if self._recovery.due_at is None:
            self._recovery.trouble(now)
            log.warning(event, remedy="nothing to do: the watcher starts anew")

    def _rebuild(self, now: float) -> None:
        """A new source, every folder watched anew, everything to be scanned."""
        had_one = self._source is not None
        self._close_source()
        self._asked, self._flooded, self._next_probe = None, False, 0.0
        source = self._make_source(self._receive, self)
        try:
            self._probe.prepare()
            source.open(os.fsencode(self._probe.directory))
        except (OSError, RuntimeError) as error:  # RuntimeError: there is no room for a thread
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

    def _receive(self, news: Callable[[], None]) -> None:
        """Take news from a source's thread; beyond the limit it counts as lost."""
        if self._inbox.qsize() < self._limits.pending:
            self._inbox.put(news)
        else:
            self._flooded = True

    def _flush(self) -> None:
        """Pass the hints on; if nobody has taken them for long, one says it all."""
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
