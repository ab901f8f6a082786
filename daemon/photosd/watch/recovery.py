"""When to start anew after trouble: once it is quiet, and later each time the trouble returns."""

from __future__ import annotations

from photosd.watch.limits import WatchLimits

# Trouble that never pauses delays a new start by at most this, seconds.
PATIENCE = 30.0


class Recovery:
    """Decides from moments (seconds of ``time.monotonic()``) alone; it does nothing itself."""

    def __init__(self, limits: WatchLimits) -> None:
        self._limits = limits
        self._wait = 0.0
        self._due: float | None = None
        self._latest = 0.0
        self._recovered = float("-inf")

    @property
    def due_at(self) -> float | None:
        """When to start anew; None while all is well."""
        return self._due

    def trouble(self, now: float) -> bool:
        """Trouble was noticed; whether it is new rather than more of the same."""
        if self._due is not None:
            self._due = min(max(self._due, now + self._limits.quiet), self._latest)
            return False
        returned = now - self._recovered < self._limits.calm
        self._wait = min(2 * self._wait, self._limits.longest_wait) if returned else 0.0
        self._wait = max(self._wait, self._limits.quiet)
        self._due, self._latest = now + self._wait, now + max(self._wait, PATIENCE)
        return True

    def recovered(self, now: float) -> None:
        """A new start was made."""
        self._due, self._recovered = None, now
