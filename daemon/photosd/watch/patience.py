"""Slow or silent: how long those who wait for a file system go on waiting.

One call may need several answers of a server (each part of a path is looked up), and each of them
waits behind what others have asked. So a call that takes long says little. While one does, pings
are sent: `calls.ping` needs one answer, and is sent again as soon as it has one. From that follows:

- silent is a file system from which nobody has heard anything for `ANSWER_SECONDS`, be it the
  answer to a ping; or for a few times what pings took lately, where that is more;
- silent for one kind of call it is, too, when pings are answered and that call is not: within
  `ANSWER_SECONDS`, or the time of as many pings as a call may need answers, where that is more.

So a share that answers at once is found silent after `ANSWER_SECONDS`, and one that needs a second
or more for each answer stays alive, whoever else asks it at the same time.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from photosd.watch.workers import Worker

# So long is waited for a share that was quick: people are told of one that is silent within five.
ANSWER_SECONDS = 3.5
DISK_SECONDS = 15.0  # a disk of this machine: one that sleeps needs up to ten to turn
START_SECONDS = 30.0  # for a worker process to come up on a busy machine
PING_AFTER = 0.5  # seconds that somebody waits before pings are sent
# Before its silence says anything a ping has so long for the answer to each who waits, and its own:
# the slowest share that is in use needs a second for each.
PING_SECONDS, MOST_PING_SECONDS = 1.25, 4.0
MOST_SECONDS = 2.0  # for one answer; a share that needs far longer is as good as silent
SLOW_SECONDS = 0.25  # for one answer
LATER = 0.8  # share of the time of a ping that counts when the next one took less
REMEMBER_SECONDS = 60.0  # how long it is known what pings took
QUIET_PINGS = 3  # nobody hears anything for the time of so many pings: silent
CALL_PINGS = 20  # answers that one call may need: twelve directories deep, or a piece of a file
IDLE_SECONDS = 60.0  # then a worker ends


class Waiting:
    """Somebody who waits for the answer to a call."""

    def __init__(self, patience: Patience) -> None:
        self._patience, self.since = patience, time.monotonic()
        self.slowest: float | None = None  # seconds, of the pings answered meanwhile

    def heard(self) -> None:
        """Something came: an answer, or one of the many that the call needs."""
        self.excuse()
        self._patience.heard()

    def excuse(self) -> None:
        """That nothing came says nothing about the file system: wait for as long again."""
        self.since, self.slowest = time.monotonic(), None

    def over(self) -> bool:
        """Whether the file system is silent; never waits."""
        return self._patience.silent(self)


class Patience:
    """How one file system answers. For any thread, `turn` and `close` for the keeper's."""

    def __init__(self, point: bytes | None, wake: Callable[[], None]) -> None:
        """``point``: the mount point of a share, None for a disk; ``wake``: has the keeper turn."""
        self._point, self._wake = point, wake
        self.limit = DISK_SECONDS if point is None else ANSWER_SECONDS
        self._lock = threading.Lock()
        self._waiting: set[Waiting] = set()
        self._heard_at = self._answered_at = float("-inf")
        self._sent_at: float | None = None  # the ping that is not answered
        self._seconds = 0.0  # for one answer
        self._before_it: int | None = 0  # those who waited when it was sent
        self._pinger: Worker | None = None
        self._begun_at = float("-inf")

    @contextlib.contextmanager
    def waiting(self) -> Iterator[Waiting]:
        """Somebody waits from now on."""
        waiting = Waiting(self)
        with self._lock:
            self._waiting.add(waiting)
        try:
            yield waiting
        finally:
            with self._lock:
                self._waiting.discard(waiting)

    def heard(self) -> None:
        """Somebody had an answer."""
        self._heard_at = time.monotonic()

    def forget(self) -> None:
        """The ping that is out says nothing of how long answers take: the share was silent."""
        self._before_it = None

    def asked_since(self, moment: float) -> bool:
        """Whether somebody waits, or has heard anything after that moment."""
        return bool(self._waiting) or self._heard_at > moment

    @property
    def expected(self) -> float:
        """Seconds that a ping will take: it waits for the answers to all others; 0: not known."""
        if time.monotonic() - self._answered_at > REMEMBER_SECONDS:
            return 0.0
        return min(self._seconds, MOST_SECONDS) * (len(self._waiting) + 1)

    @property
    def slow(self) -> bool:
        """Whether each answer takes long: then fewer should be asked for at a time."""
        known = time.monotonic() - self._answered_at < REMEMBER_SECONDS
        return known and self._seconds > SLOW_SECONDS

    def silent(self, waiting: Waiting) -> bool:
        """Whether they need wait no longer."""
        now, since = time.monotonic(), waiting.since
        if self._point is None:
            return now - since > self.limit
        if now - since > self._ping_after and self._sent_at is None:
            self._wake()
        if now - since <= self.limit:
            return False
        quiet, sent_at = now - max(since, self._heard_at), self._sent_at
        enough = min(PING_SECONDS * (len(self._waiting) + 1), MOST_PING_SECONDS)
        if sent_at is not None and now - sent_at > enough:
            if quiet > max(self.limit, QUIET_PINGS * self.expected):
                return True
        elif quiet > START_SECONDS:  # no ping can be sent
            return True
        return waiting.slowest is not None and now - since > CALL_PINGS * waiting.slowest

    # -- pings, sent by the keeper ----------------------------------------------------------------

    @property
    def pinging(self) -> bool:
        """Whether a ping is out, or should be."""
        return self._sent_at is not None or self._due()

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

    @property
    def _ping_after(self) -> float:
        """Pings take their share of what a slow server answers: no more of them than it needs."""
        return max(PING_AFTER, self.expected / 2)

    def turn(self, begin: Callable[[], Worker]) -> None:
        """Hear of the last ping, send the next one. ``begin`` may raise OSError."""
        if self._pinger is not None:
            self._hear(self._pinger)
        now = time.monotonic()
        if not self._due():
            used_at = max(self._answered_at, self._begun_at)
            if self._sent_at is None and now - used_at > IDLE_SECONDS:
                self.close()
        elif self._pinger is None:
            if now - self._begun_at > PING_SECONDS:
                self._begun_at = now
                with contextlib.suppress(OSError):  # later
                    self._pinger = begin()
        elif self._pinger.ready and self._sent_at is None:
            self._pinger.send("ping", (self._point,))
            self._sent_at, self._before_it = now, len(self._waiting)

    def _hear(self, pinger: Worker) -> None:
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

    def close(self) -> Worker | None:
        """Send no more pings; the worker, which may be held by the file system."""
        pinger, self._pinger, self._sent_at = self._pinger, None, None
        if pinger is not None:
            pinger.discard()
        return pinger
