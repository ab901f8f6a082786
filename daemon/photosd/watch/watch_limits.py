"""Limits and timeouts of the watcher, the kernel's limits, and remedies."""

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

    collect: float = 0.05  # hints about one file within this time are merged
    tick: float = 2.0  # how often an idle watcher checks
    roots: float = 10.0  # how often folders are checked for replacement
    probe: float = 30.0  # how often the watcher probes its own event delivery
    answer: float = 10.0  # a probe without event after this means that events are lost
    quiet: float = 1.0  # after lost events, wait until none are lost for this long
    calm: float = 120.0  # trouble within this time makes the next wait longer
    longest_wait: float = 300.0
    suspend: float = 5.0  # suspend time above which everything is compared again
    retry: float = 1800.0  # how often a folder without watches is retried
    pending: int = 200_000  # maximum queued events and hints; more count as lost


def watch_budget() -> int:
    """How many watches photosd may hold: the kernel's limit less a reserve for other programs."""
    limit = watch_limit()
    return max(0, limit - max(500, limit // 10)) if limit >= 1000 else limit // 2


def watch_limit() -> int:
    """The kernel's limit of watches for one user; unlimited if unknown."""
    limits = [
        value
        for file in (_SYSTEM / "max_user_watches", _USER / "max_inotify_watches")
        if (value := _read(file)) is not None
    ]
    return min(limits, default=sys.maxsize)


def watches_remedy() -> str:
    """The command that allows more watches."""
    wanted = max(RECOMMENDED_WATCHES, 2 * _known(watch_limit()))
    return (
        f"sudo sysctl fs.inotify.max_user_watches={wanted}   (to keep it: the same assignment "
        "in /etc/sysctl.d/90-photosd.conf); until then new photos are found by scans"
    )


def instances_remedy() -> str:
    """The command that allows more watchers."""
    return (
        f"sudo sysctl fs.inotify.max_user_instances={RECOMMENDED_INSTANCES}; "
        "until then new photos are found by scans"
    )


def kernel_watches(descriptor: int) -> int:
    """How many watches the kernel has for an inotify descriptor of this process."""
    lines = Path(f"/proc/self/fdinfo/{descriptor}").read_bytes().split(b"\n")
    return sum(line.startswith(b"inotify wd:") for line in lines)


def _read(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _known(limit: int) -> int:
    return 0 if limit == sys.maxsize else limit
