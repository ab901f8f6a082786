"""Deadlines: a time on the monotonic clock shared by a chain of calls; pauses; rates."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

# Time limit for the daemon's stop; the command, systemd and launchd wait slightly longer.
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Deadline:
    """A time, in seconds of ``time.monotonic()``, after which waiting ends."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def to_stop(cls) -> Deadline:
        """The default deadline to stop a single part."""
        return cls.after(STOP_SECONDS)

    def part(self, share: float) -> Deadline:
        """A deadline after this share of the remaining time, never later than this one."""
        return Deadline(min(self.at, time.monotonic() + share * self.remaining))

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self.at


@dataclass(frozen=True)
class Pause:
    """A pause until a wall-clock time. It never lasts longer than computed at its start, even if
    the clock is set back.
    """

    until: float = 0.0  # Unix seconds
    ends: float = 0.0  # of ``time.monotonic()``

    @classmethod
    def to(cls, until: float) -> Pause:
        """A pause until this time (Unix seconds)."""
        return cls(until, time.monotonic() + until - time.time())

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, min(self.until - time.time(), self.ends - time.monotonic()))


WINDOW_SECONDS = 20.0


class Rate:
    """Counts of the last seconds; written by one thread, read by any."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[int, int]] = deque(maxlen=int(WINDOW_SECONDS))
        self._started = time.monotonic()

    def count(self) -> None:
        """One more photo."""
        second = int(time.monotonic())
        if self._ticks and self._ticks[-1][0] == second:
            self._ticks[-1] = (second, self._ticks[-1][1] + 1)
        else:
            self._ticks.append((second, 1))

    def per_second(self) -> float:
        """Photos per second over the window, 0 if none."""
        now = time.monotonic()
        recent = [(at, n) for at, n in list(self._ticks) if now - at <= WINDOW_SECONDS]
        if not recent:
            return 0.0
        return sum(n for _, n in recent) / max(1.0, now - recent[0][0])

    def eta_seconds(self, pending: int) -> float | None:
        """Seconds until ``pending`` photos are done at that rate; None if unknown."""
        rate = self.per_second()
        return pending / rate if rate > 0 and pending else None
