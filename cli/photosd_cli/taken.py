"""When photos were taken, as their owner's clock showed it there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


def clock_of(photo: Mapping[str, Any]) -> time.struct_time | None:
    """What the clock showed, of a hit or the facts of a photo; None where there is no date.

    A daemon of photosd 0.1, or a photo that it has read, knows only ``taken_at``: Unix seconds.
    """
    taken, unix = photo.get("taken"), photo.get("taken_at")
    try:
        if taken is not None:
            return time.strptime(taken[:19], "%Y-%m-%dT%H:%M:%S")
        return None if unix is None else time.localtime(unix)
    except (OverflowError, OSError, ValueError):  # a date beyond what this machine's clock knows
        return None


def day(photo: Mapping[str, Any]) -> str:
    """The date of a photo; nothing where it has none."""
    if photo.get("taken") is not None:  # without strptime, which takes long to import
        return str(photo["taken"])[:10]
    clock = clock_of(photo)
    return "" if clock is None else time.strftime("%Y-%m-%d", clock)
