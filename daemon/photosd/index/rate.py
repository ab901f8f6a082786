"""The indexing rate over the last seconds, and the estimated time to finish."""

from __future__ import annotations

import time
from collections import deque

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
