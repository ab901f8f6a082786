"""Distinguishes a hung worker from one that waits for a core used by other programs."""

from __future__ import annotations

from pathlib import Path

MEANINGFUL = 0.2  # of a limit: shorter waits are no excuse
MOST = 20  # times a limit: after this nothing is an excuse


def seconds_without_core(pid: int) -> float:
    """Total seconds for which the most delayed thread of a process was ready to run without a core.

    The second number of Linux's ``/proc/PID/task/TID/schedstat``; 0 if unknown. A stopped, sleeping
    or deadlocked thread does not wait for a core; a spinning one does, so excuses are limited.
    """
    longest = 0
    try:
        for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            longest = max(longest, int(file.read_text().split()[1]))
    except (OSError, IndexError, ValueError):
        pass
    return longest / 1e9
