"""Noticing that the computer was asleep: the clock that counts sleep has run ahead."""

from __future__ import annotations

import sys
import time


def asleep() -> float:
    """Seconds the computer has been asleep since it was booted, up to a constant."""
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC) - time.clock_gettime(time.CLOCK_UPTIME_RAW)
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    return 0.0


class SuspendDetector:
    """Says once for each sleep of more than ``seconds`` that it has happened."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._before = seconds, asleep()

    def woke_up(self) -> bool:
        """Whether the computer slept since the last question."""
        before, self._before = self._before, asleep()
        return self._before - before > self._seconds
