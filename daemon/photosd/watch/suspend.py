"""Detects that the computer was suspended: the clock that includes suspend is ahead."""

from __future__ import annotations

import sys
import time


def suspended_seconds() -> float:
    """Seconds of suspend since boot, up to a constant."""
    if sys.platform == "darwin":
        # RAW: setting the time does not change it.
        with_suspend = time.clock_gettime(time.CLOCK_MONOTONIC_RAW)
        return with_suspend - time.clock_gettime(time.CLOCK_UPTIME_RAW)
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    return 0.0


class SuspendDetector:
    """Reports once for each suspend of more than ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._before = seconds, suspended_seconds()

    def woke_up(self) -> bool:
        """Whether the computer was suspended since the last call."""
        before, self._before = self._before, suspended_seconds()
        return self._before - before > self._seconds
