"""When photos were taken, in local time at that place."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


def clock_of(photo: Mapping[str, Any]) -> time.struct_time | None:
    """Local time of a hit or of a photo's facts; None without a date.

    A daemon of photosd 0.1, or a photo that it has read, has only ``taken_at``: Unix seconds.
    """
    taken, unix = photo.get("taken"), photo.get("taken_at")
    try:
        if taken is not None:
            return time.strptime(taken[:19], "%Y-%m-%dT%H:%M:%S")
        return None if unix is None else time.localtime(unix)
    except (OverflowError, OSError, ValueError):  # a date out of range for this machine
        return None


def day(photo: Mapping[str, Any]) -> str:
    """The date of a photo; empty if unknown."""
    if photo.get("taken") is not None:  # without strptime, which is slow to import
        return str(photo["taken"])[:10]
    clock = clock_of(photo)
    return "" if clock is None else time.strftime("%Y-%m-%d", clock)
