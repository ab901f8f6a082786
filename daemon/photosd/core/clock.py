"""Deadlines: a moment on the monotonic clock that a whole chain of work shares; and pauses."""

from __future__ import annotations

import time
from dataclasses import dataclass

# What is promised for the end of the daemon; the command, systemd and launchd wait a little longer.
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Deadline:
    """The moment, in seconds of ``time.monotonic()``, after which nobody waits any more."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline that lies ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def to_stop(cls) -> Deadline:
        """The deadline of somebody who stops a part for itself."""
        return cls.after(STOP_SECONDS)

    def part(self, share: float) -> Deadline:
        """An earlier one, after this share of what remains."""
        return Deadline.after(share * self.remaining)

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether the moment is over."""
        return time.monotonic() >= self.at


@dataclass(frozen=True)
class Pause:
    """Until a moment that people name, by their clock; no longer than it was when it began, should
    that clock go back meanwhile."""

    until: float = 0.0  # Unix seconds
    ends: float = 0.0  # of ``time.monotonic()``

    @classmethod
    def to(cls, until: float) -> Pause:
        """A pause from now until then (Unix seconds)."""
        return cls(until, time.monotonic() + until - time.time())

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, min(self.until - time.time(), self.ends - time.monotonic()))
