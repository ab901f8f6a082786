"""Medians, percentiles, and how busy the machine was with other things."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path


def median(values: Sequence[float]) -> float:
    """The middle value; of an even number the mean of the two in the middle."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` percent do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share / 100 * (len(ordered) - 1)))]


class ForeignLoad:
    """Cores kept busy by processes that are not ours, since the object was made (Linux)."""

    def __init__(self) -> None:
        self._total, self._own, self._at = _busy(), _own(), time.monotonic()

    def cores(self) -> float | None:
        """Mean number of cores; None where the system does not tell."""
        if self._total is None or (now := _busy()) is None:
            return None
        elapsed = time.monotonic() - self._at
        return round(max(0.0, (now - self._total) - (_own() - self._own)) / elapsed, 2)


def _busy() -> float | None:
    """Busy core-seconds of the machine since it started."""
    try:
        fields = [int(v) for v in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    except OSError:
        return None
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
