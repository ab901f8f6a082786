"""When to restart the watcher after trouble: once events stop, and later each time it recurs."""

from __future__ import annotations

from photosd.watch.watch_limits import WatchLimits

# Continuous trouble delays a restart by at most this, seconds.
MAX_DELAY = 30.0


class Recovery:
    """Decides from times (seconds of ``time.monotonic()``) only; it does nothing itself."""

    def __init__(self, limits: WatchLimits) -> None:
        self._limits = limits
        self._wait = 0.0
        self.due_at: float | None = None  # when to restart; None while all is well
        self._latest = 0.0
        self._recovered = float("-inf")

    def trouble(self, now: float) -> bool:
        """Record trouble; returns whether it is new."""
        if self.due_at is not None:
            self.due_at = min(max(self.due_at, now + self._limits.quiet), self._latest)
            return False
        returned = now - self._recovered < self._limits.calm
        self._wait = min(2 * self._wait, self._limits.longest_wait) if returned else 0.0
        self._wait = max(self._wait, self._limits.quiet)
        self.due_at, self._latest = now + self._wait, now + max(self._wait, MAX_DELAY)
        return True

    def recovered(self, now: float) -> None:
        """A restart was made."""
        self.due_at, self._recovered = None, now
