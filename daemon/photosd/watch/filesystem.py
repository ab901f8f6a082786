"""One file system that may stop answering: its calls, made by workers, each with a limit.

The caller waits until the file system counts as silent (see `responsiveness`), then gets
`NotAnswering`. All other callers get it at once until the file system answers again.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog

from photosd.core.log import printable
from photosd.watch.filesystem_calls import CHANGES, Item
from photosd.watch.filesystem_workers import FilesystemWorker
from photosd.watch.mounts import Mount
from photosd.watch.responsiveness import IDLE_SECONDS, START_SECONDS, Responsiveness

log = structlog.get_logger()

CHECK_SECONDS = 0.5  # requests for the state check a share at most this often
POLL_SECONDS = 0.1
FIRST_RETRY, LONGEST_RETRY = 10.0, 300.0  # seconds until a call is retried, doubled each time
LEFT_BEHIND = 3  # processes that one file system may block; then no more are started
SILENT_TURN, IDLE_TURN = 0.25, 15.0  # seconds between two rounds of the keeper thread


class NotAnswering(OSError):
    """The file system of a path does not answer."""

    def __init__(self, path: bytes) -> None:
        super().__init__(errno.ETIMEDOUT, "it does not answer", path)


class Filesystem:
    """One file system. Any thread may use `call`; only the keeper thread calls `look_after`."""

    def __init__(
        self,
        mount: Mount,
        begin: Callable[[Filesystem], FilesystemWorker],
        stopping: threading.Event,
        wake: threading.Event,
    ) -> None:
        self.mount = mount
        self.responsiveness = Responsiveness(mount.point if can_hang(mount) else None, wake.set)
        self.silent_since: float | None = None
        self._begin, self._stopping = begin, stopping
        self._locks = {True: threading.Lock(), False: threading.Lock()}
        self._workers: dict[bool, tuple[FilesystemWorker, float]] = {}  # by long or not
        self._lock = threading.Lock()
        self._stuck: list[FilesystemWorker] = []  # if the first returns, it answers again
        self._asked: tuple[str, tuple[Any, ...]] = ("look", (mount.point,))
        self._tried_at: float | None = None  # of a retry; None: the first one is the original call
        self._try_at = self._pause = self._checked_at = 0.0

    def call(self, path: bytes, call: str, *arguments: Any, long: bool = False) -> Iterator[Item]:
        """What ``call`` yields; raises NotAnswering, or the OSError it ended with.

        A ``long`` call delays only other long ones.
        """
        self._wait_for_turn(path, long)
        try:
            worker = self._take(long)
            ended = False
            try:
                worker.send(call, arguments)
                while not ended:
                    part = self._next(worker, path, call, arguments)
                    ended = part.end is not None
                    yield from part.items
                    if part.end:
                        raise OSError(part.end, os.strerror(part.end), path)
            finally:
                self._give_back(worker, long, ended)
        finally:
            self._locks[long].release()

    def _wait_for_turn(self, path: bytes, long: bool) -> None:
        """Wait until earlier calls are done; raises NotAnswering when the file system is silent."""
        while True:
            if self.silent_since is not None or self._stopping.is_set():
                raise NotAnswering(path)
            if self._locks[long].acquire(timeout=POLL_SECONDS):
                return

    def _take(self, long: bool) -> FilesystemWorker:
        with self._lock:
            kept = self._workers.pop(long, None)
        if kept and kept[0].usable:
            return kept[0]
        if kept:
            kept[0].discard()
        return self._begin(self)

    def _ping_worker(self) -> FilesystemWorker:
        """A worker for pings: an idle one that is usable, else a new one."""
        with self._lock:
            for long, (worker, _) in list(self._workers.items()):
                if worker.usable:
                    del self._workers[long]
                    return worker
        return self._begin(self)

    def _give_back(self, worker: FilesystemWorker, long: bool, ended: bool) -> None:
        with self._lock:
            if ended and worker.usable and not self._stopping.is_set():
                self._workers[long] = worker, time.monotonic()
            elif worker not in self._stuck:  # the caller stopped reading the answer
                worker.discard()

    def _next(
        self, worker: FilesystemWorker, path: bytes, call: str, arguments: tuple[Any, ...]
    ) -> Any:
        """The next part of an answer; raises NotAnswering when the file system is silent."""
        begun_at = time.monotonic()
        with self.responsiveness.waiting() as waiting:
            while True:
                part = worker.receive(POLL_SECONDS)
                if part is not None:
                    waiting.heard()
                    if part.items or part.end is not None:
                        return part
                if self._stopping.is_set():
                    raise NotAnswering(path)
                if not worker.ready and time.monotonic() - begun_at < START_SECONDS:
                    waiting.restart()
                elif waiting.timed_out():
                    self._abandon(worker, call, arguments)
                    raise NotAnswering(path)

    def _abandon(self, worker: FilesystemWorker, call: str, arguments: tuple[Any, ...]) -> None:
        with self._lock:
            if self.silent_since is None:
                self._stuck.insert(0, worker)
                self._begin_silence(call, arguments)
            else:
                self._stuck.append(worker)

    def _begin_silence(self, call: str, arguments: tuple[Any, ...]) -> None:
        self.silent_since = time.monotonic()
        self._asked = ("look", (self.mount.point,)) if call in CHANGES else (call, arguments)
        self._tried_at, self._pause = None, FIRST_RETRY
        self.responsiveness.forget()
        self._try_at = self.silent_since + self._pause
        log.warning(
            "share_silent",
            mount=printable(self.mount.point),
            filesystem=self.mount.filesystem,
            call=call,
            remedy="no action needed: photosd uses it again when it responds",
        )

    def due_for_check(self) -> bool:
        """Whether no call runs or ran within CHECK_SECONDS; then the caller makes the check."""
        with self._lock:
            since = time.monotonic() - CHECK_SECONDS
            asked = any(lock.locked() for lock in self._locks.values())
            asked = asked or self._checked_at > since or self.responsiveness.asked_since(since)
            if asked or self.silent_since is not None:
                return False
            self._checked_at = time.monotonic()
            return True

    def report_silent(self, path: bytes) -> None:
        """Another process could not read ``path`` in time: silent until its bytes can be read."""
        with self._lock:
            if self.silent_since is None:
                self._begin_silence("read", (path,))
                self._try_at = 0.0

    def look_after(self) -> bool:
        """Whether it answers again since the last call of this method; never waits."""
        self.responsiveness.turn(self._ping_worker)
        with self._lock:
            if self.silent_since is None:
                self._end_idle()
                return False
            # A killed worker answers nothing, even if the file system still blocks it.
            if self._stuck and self._stuck[0].usable and self._answers_again(self._stuck[0]):
                self._taken_up()
                return True
            now, held = time.monotonic(), len(self._stuck)
            self._stuck = [one for one in self._stuck if one.usable or one.lingers]
            if len(self._stuck) < held:  # the remaining calls may end soon, too
                self._try_at = min(self._try_at, now + self.responsiveness.limit)
            if now >= self._try_at:
                self._retry()
            return False

    def _answers_again(self, worker: FilesystemWorker) -> bool:
        """Whether the unanswered call, or its retry, is answered now."""
        part = worker.receive(0)
        if part is None:
            return False
        if self._tried_at is None or part.end is not None:
            return True
        # A long call need not end: parts over a longer time than the limit are enough.
        now, enough = time.monotonic(), 2 * self.responsiveness.limit
        self._try_at = max(self._try_at, now + enough)  # no retry while this one proceeds
        return self._asked[0] == "tree" and now - self._tried_at > enough

    def _taken_up(self) -> None:
        if self.responsiveness.held and (pinger := self.responsiveness.close()) is not None:
            self._stuck.append(pinger)  # its ping may be lost
        self._discard_stuck()
        seconds = round(time.monotonic() - (self.silent_since or 0.0))
        self.silent_since = None
        log.info("share_answers", mount=printable(self.mount.point), silent_seconds=seconds)

    def _retry(self) -> None:
        """Make the call again with another worker, unless too many are blocked already."""
        self._pause = min(self._pause * 2, LONGEST_RETRY)
        self._try_at = time.monotonic() + self._pause
        if self._stuck and not can_hang(self.mount):
            return  # one waiting thread is enough
        self._discard_stuck()
        if len(self._stuck) + self.responsiveness.held >= LEFT_BEHIND:
            return
        worker = self._begin(self)
        worker.send(*self._asked)
        self._stuck.insert(0, worker)
        self._tried_at = time.monotonic()

    def _discard_stuck(self) -> None:
        for worker in self._stuck:
            worker.discard()
        self._stuck = [worker for worker in self._stuck if worker.lingers]

    def _end_idle(self) -> None:
        for long, (worker, since) in list(self._workers.items()):
            if time.monotonic() - since > IDLE_SECONDS:
                del self._workers[long]
                worker.discard()
        self._stuck = [stuck for stuck in self._stuck if stuck.lingers]

    def close(self) -> None:
        """End every worker that can be ended; blocked ones end when the file system answers."""
        with self._lock:
            for worker in [*self._stuck, *(worker for worker, _ in self._workers.values())]:
                worker.discard()
            self._workers.clear()
            self.responsiveness.close()

    @property
    def turn_seconds(self) -> float:
        """Seconds until the next `look_after`."""
        if self.silent_since is not None:
            return SILENT_TURN
        return POLL_SECONDS if self.responsiveness.pinging else IDLE_TURN

    @property
    def idle(self) -> bool:
        """Whether it has no worker, no ping and no silence to track."""
        with self._lock:
            return not (
                self._workers or self._stuck or self.silent_since or self.responsiveness.pinging
            )


def can_hang(mount: Mount) -> bool:
    """Whether its calls may wait without limit for another machine or process."""
    return mount.remote or mount.filesystem.startswith("fuse")
