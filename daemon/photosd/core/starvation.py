"""Tells a worker that hangs from one that only waits for a core other programs hold."""

from __future__ import annotations

from pathlib import Path

MEANINGFUL = 0.2  # of a limit: less waiting than that excuses nothing
MOST = 20  # times a limit: longer than that nobody is excused


def seconds_without_core(pid: int) -> float:
    """How long the unluckiest thread of a process was ready to run, in all, and had no core.

    From the second number of Linux's ``/proc/PID/task/TID/schedstat``; 0 where that is not known.
    A stopped, sleeping or deadlocked thread does not wait for a core; one that spins does, so that
    excuses must end somewhere.
    """
    longest = 0
    try:
        for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            longest = max(longest, int(file.read_text().split()[1]))
    except (OSError, IndexError, ValueError):
        pass
    return longest / 1e9
