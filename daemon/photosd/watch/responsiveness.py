"""Whether a file system is slow or silent: how long a caller waits for it.

One call may need several answers from a server (one for each part of a path), and each answer waits
behind those for other callers. The time that a call takes therefore says little. While a call takes
long, the keeper sends pings: `filesystem_calls.ping` needs exactly one answer, and the next ping
follows the last one. The file system counts as silent when one of these holds:

- No caller has received anything, and no ping was answered, for `ANSWER_SECONDS`; or for
  `QUIET_PINGS` times the expected time of a ping, if that is longer.
- Pings are answered but this call is not: after `ANSWER_SECONDS`, or after `CALL_PINGS` times the
  slowest ping, if that is longer. The server hangs on this kind of request.

A share that was quick is found silent after `ANSWER_SECONDS`, however many callers there are: its
pings need not wait for their answers. A share that needs a second or more
for each answer stays alive, however many callers there are.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from photosd.watch.filesystem_workers import FilesystemWorker

# The timeout of a share that was fast: `status` shows a silent one within five seconds.
ANSWER_SECONDS = 3.0
DISK_SECONDS = 15.0  # a local disk: a sleeping one needs up to ten seconds to spin up
START_SECONDS = 30.0  # for a worker process to start on a busy machine
# Seconds of waiting before the process for pings is started, and before pings are sent.
PREPARE_AFTER, PING_AFTER = 0.1, 0.5
# An answer within the first is quick; after the second, late.
QUICK_SECONDS, LATE_SECONDS = 0.1, 0.5
# Minimum timeout of a ping: PING_SECONDS for itself and for each waiting call. The slowest shares
# in use need a second per answer.
PING_SECONDS, MAX_PING_SECONDS = 1.25, 4.0
MAX_SECONDS = 2.0  # limit per answer; slower shares count as silent
SLOW_SECONDS = 0.25  # for one answer
LATER = 0.8  # after a quicker ping the known time decreases by this factor at most
REMEMBER_SECONDS = 60.0  # how long ping times are kept
QUIET_PINGS = 3  # expected pings without any answer
CALL_PINGS = 20  # answers that one call may need: a path of many parts, or a piece of a file
IDLE_SECONDS = 60.0  # then an idle worker ends


class Waiting:
    """A thread waiting for the answer to a call."""

    def __init__(self, responsiveness: Responsiveness) -> None:
        self._responsiveness, self.since = responsiveness, time.monotonic()
        self.slowest: float | None = None  # seconds, of pings answered meanwhile

    def heard(self) -> None:
        """Something arrived: an answer, or a part of one."""
        took = time.monotonic() - self.since
        self.restart()
        self._responsiveness.heard(took)

    def restart(self) -> None:
        """Restart the timeout: the file system is not the reason for the silence."""
        self.since, self.slowest = time.monotonic(), None

    def timed_out(self) -> bool:
        """Whether the file system counts as silent; does not block."""
        return self._responsiveness.silent(self)


class Responsiveness:
    """How quickly one file system answers. Thread-safe; only the keeper calls `turn`, `close`."""

    def __init__(self, point: bytes | None, wake: Callable[[], None]) -> None:
        """``point``: the mount point of a share, None for a disk; ``wake``: makes the
        keeper run.
        """
        self._point, self._wake = point, wake
        self.limit = DISK_SECONDS if point is None else ANSWER_SECONDS
        self._lock = threading.Lock()
        self._waiting: set[Waiting] = set()
        self._heard_at = self._answered_at = float("-inf")
        self._quick_at = self._late_at = float("-inf")  # the last such answer
        self._sent_at: float | None = None  # the ping that is not answered
        self._seconds = 0.0  # for one answer
        self._before_it: int | None = 0  # those who waited when it was sent
        self._pinger: FilesystemWorker | None = None
        self._begun_at = float("-inf")

    @contextlib.contextmanager
    def waiting(self) -> Iterator[Waiting]:
        """Start waiting."""
        waiting = Waiting(self)
        with self._lock:
            self._waiting.add(waiting)
        try:
            yield waiting
        finally:
            with self._lock:
                self._waiting.discard(waiting)

    def heard(self, took: float) -> None:
        """A waiting thread got an answer after so many seconds."""
        self._heard_at = time.monotonic()
        if took < QUICK_SECONDS:
            self._quick_at = self._heard_at
        elif took > LATE_SECONDS:
            self._late_at = self._heard_at

    def forget(self) -> None:
        """Do not measure the pending ping: the share was silent meanwhile."""
        self._before_it = None

    def asked_since(self, moment: float) -> bool:
        """Whether a caller waits, or has received anything after that moment."""
        return bool(self._waiting) or self._heard_at > moment

    @property
    def expected(self) -> float:
        """Seconds that a ping will take, behind the requests of all callers; 0: not known."""
        if time.monotonic() - self._answered_at > REMEMBER_SECONDS:
            return 0.0
        return min(self._seconds, MAX_SECONDS) * (len(self._waiting) + 1)

    @property
    def slow(self) -> bool:
        """Whether each answer takes long, so that few callers should ask at a time."""
        known = time.monotonic() - self._answered_at < REMEMBER_SECONDS
        return known and self._seconds > SLOW_SECONDS

    def silent(self, waiting: Waiting) -> bool:
        """Whether this caller should give up; wakes the keeper when a ping is due."""
        now, since = time.monotonic(), waiting.since
        if self._point is None:
            return now - since > self.limit
        after = PREPARE_AFTER if self._pinger is None else self._ping_after
        if now - since > after and self._sent_at is None:
            self._wake()
        if now - since <= self.limit:
            return False
        quiet, sent_at = now - max(since, self._heard_at), self._sent_at
        behind = 0 if self._quick(now) else len(self._waiting)
        enough = min(PING_SECONDS * (behind + 1), MAX_PING_SECONDS)
        if sent_at is not None and now - sent_at > enough:
            if quiet > max(self.limit, QUIET_PINGS * self.expected):
                return True
        elif quiet > START_SECONDS:  # no ping can be sent
            return True
        return waiting.slowest is not None and now - since > CALL_PINGS * waiting.slowest

    def _quick(self, now: float) -> bool:
        """Whether answers came quickly before, none of them late."""
        recent = now - REMEMBER_SECONDS
        return self._quick_at > recent and self._late_at < recent and not self.slow

    # -- pings, sent by the keeper ----------------------------------------------------------------

    @property
    def pinging(self) -> bool:
        """Whether a ping is pending, due, or being prepared."""
        return self._sent_at is not None or self._due() or self._ping_may_be_due()

    @property
    def held(self) -> bool:
        """Whether a process waits for the answer to a ping."""
        return self._sent_at is not None

    def _due(self) -> bool:
        if self._point is None:
            return False
        now = time.monotonic()
        with self._lock:
            waiting = list(self._waiting)
        after = self._ping_after
        quiet = now - self._heard_at > after
        return any(now - one.since > after and (quiet or one.slowest is None) for one in waiting)

    def _ping_may_be_due(self) -> bool:
        """Whether a ping may soon be due, and its process takes a while to start."""
        if self._point is None or self._pinger is not None:
            return False
        now = time.monotonic()
        with self._lock:
            return any(now - one.since > PREPARE_AFTER for one in self._waiting)

    @property
    def _ping_after(self) -> float:
        """Seconds without an answer until a ping is due: more on a slow server, to spare it."""
        return max(PING_AFTER, self.expected / 2)

    def turn(self, begin: Callable[[], FilesystemWorker]) -> None:
        """Receive the answer to the last ping, send the next one. ``begin`` may raise OSError."""
        if self._pinger is not None:
            self._receive(self._pinger)
        now = time.monotonic()
        if self._ping_may_be_due():
            if now - self._begun_at > PING_SECONDS:
                self._begun_at = now
                with contextlib.suppress(OSError):  # later
                    self._pinger = begin()
        elif not self._due():
            used_at = max(self._answered_at, self._begun_at)
            if self._sent_at is None and now - used_at > IDLE_SECONDS:
                self.close()
        elif self._pinger is not None and self._pinger.ready and self._sent_at is None:
            self._pinger.send("ping", (self._point,))
            self._sent_at, self._before_it = now, len(self._waiting)

    def _receive(self, pinger: FilesystemWorker) -> None:
        part = pinger.receive(0)
        if not pinger.usable:
            self.close()
        elif part is not None and part.end is not None and self._sent_at is not None:
            now = time.monotonic()
            took, self._sent_at = now - self._sent_at, None
            self._answered_at = self._heard_at = now
            if self._before_it is not None:
                self._seconds = max(took / (self._before_it + 1), LATER * self._seconds)
            with self._lock:
                for waiting in self._waiting:
                    waiting.slowest = max(took, waiting.slowest or 0.0)

    def close(self) -> FilesystemWorker | None:
        """End the pinger. Returns it, because the file system may hold it for longer."""
        pinger, self._pinger, self._sent_at = self._pinger, None, None
        if pinger is not None:
            pinger.discard()
        return pinger
