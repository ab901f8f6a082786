"""What the watcher may use and how long it waits: its own limits, the kernel's, and the remedy."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

_USER = Path("/proc/sys/user")
_SYSTEM = Path("/proc/sys/fs/inotify")
RECOMMENDED_WATCHES = 524_288
RECOMMENDED_INSTANCES = 1_024


@dataclass(frozen=True)
class WatchLimits:
    """Times in seconds. The defaults suit a desktop; tests shorten them."""

    collect: float = 0.05  # hints about the same file within this time become one
    tick: float = 2.0  # how often an idle watcher looks up
    roots: float = 10.0  # how often folders are checked for being the ones that were added
    probe: float = 30.0  # how often the watcher asks itself whether it still hears anything
    answer: float = 10.0  # a probe not heard of after this means deaf
    quiet: float = 1.0  # after lost events, wait until no more are lost for this long
    calm: float = 120.0  # trouble that returns within this time makes the next wait longer
    longest_wait: float = 300.0
    suspend: float = 5.0  # time asleep above which everything is compared again
    retry: float = 1800.0  # a folder without watches is tried again this often
    pending: int = 200_000  # events and hints waiting at most; more count as lost


def watch_budget() -> int:
    """How many watches photosd may hold: the kernel's limit less a reserve for other programs."""
    limit = watch_limit()
    return max(0, limit - max(500, limit // 10)) if limit >= 1000 else limit // 2


def watch_limit() -> int:
    """The kernel's limit of watches for one user; no limit where there is none to read."""
    limits = [
        value
        for file in (_SYSTEM / "max_user_watches", _USER / "max_inotify_watches")
        if (value := _read(file)) is not None
    ]
    return min(limits, default=sys.maxsize)


def watches_remedy() -> str:
    """The line that allows more watches."""
    wanted = max(RECOMMENDED_WATCHES, 2 * _known(watch_limit()))
    return (
        f"sudo sysctl fs.inotify.max_user_watches={wanted}   (to keep it: the same assignment "
        "in /etc/sysctl.d/90-photosd.conf); until then new photos are found by scans"
    )


def instances_remedy() -> str:
    """The line that allows more watchers."""
    return (
        f"sudo sysctl fs.inotify.max_user_instances={RECOMMENDED_INSTANCES}; "
        "until then new photos are found by scans"
    )


def kernel_watches(descriptor: int) -> int:
    """How many watches the kernel holds for an inotify descriptor of this process."""
    lines = Path(f"/proc/self/fdinfo/{descriptor}").read_bytes().split(b"\n")
    return sum(line.startswith(b"inotify wd:") for line in lines)


def _read(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _known(limit: int) -> int:
    return 0 if limit == sys.maxsize else limit
