"""Memory and cores available to this process, for all parts of photosd.

On Linux that is the minimum of the machine's and what control groups (version 1 and 2, its own and
every visible parent), cpusets and affinity allow; elsewhere the machine's. Read again on each call,
since limits may change at run time. Swap does not count.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path("/")


@dataclass(frozen=True)
class Host:
    """The machine's values: total bytes, available bytes, cores for this process."""

    memory: int
    available: int
    cores: int

    @classmethod
    def ask(cls) -> Host:
        """This machine, now."""
        import psutil  # an import of 10 ms that the command does not need

        ram = psutil.virtual_memory()
        affinity = getattr(os, "sched_getaffinity", None)  # Linux; includes cpusets
        cores = len(affinity(0)) if affinity is not None else os.cpu_count()
        return cls(int(ram.total), int(ram.available), cores or 1)


def cores(root: Path = ROOT, host: Host | None = None) -> int:
    """Cores, at least one; part of a core counts as one, as in Go and Java."""
    found = [float((host or Host.ask()).cores)]
    for group in _groups(root, ("cpu", "cpuset")):
        found += group.cores()
    return max(1, math.ceil(min(found)))


def memory(root: Path = ROOT, host: Host | None = None) -> int:
    """Bytes of memory that this process can ever get."""
    limits = [group.limit() for group in _groups(root, ("memory",))]
    return min([(host or Host.ask()).memory, *(one for one in limits if one is not None)])


def available(root: Path = ROOT, host: Host | None = None) -> int:
    """Bytes it can get now, without swapping, being throttled or killed; never negative."""
    free = [group.available() for group in _groups(root, ("memory",))]
    return max(0, min([(host or Host.ask()).available, *(one for one in free if one is not None)]))


def obtainable(root: Path = ROOT, host: Host | None = None) -> int:
    """Bytes that this process can get, if need be by compressing those of other programs.

    macOS keeps little memory free on purpose and compresses what others do not use: `available` is
    no reason to refuse anything there.
    """
    return (memory if sys.platform == "darwin" else available)(root, host)


def more_memory(root: Path = ROOT, host: Host | None = None) -> str:
    """How a user makes more of it available: imperative, no full stop."""
    host = host or Host.ask()
    if available(root, host) < host.available:
        return "raise the memory limit of its container or service"
    return "close other programs"


class Group:
    """One control group of version 2: a directory of small files."""

    MEMORY: tuple[str, ...] = ("memory.max", "memory.high")  # above `high` it is throttled
    USED, STATISTICS = "memory.current", ""
    CPUS: tuple[str, ...] = ("cpuset.cpus.effective",)

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def limit(self) -> int | None:
        """Bytes that all its processes may have together; None: no limit."""
        limits = [number for name in self.MEMORY if (number := self._number(name)) is not None]
        return min(limits, default=None)

    def available(self) -> int | None:
        """Bytes its processes can still get, counting caches that the kernel would reclaim.

        These are counted as for MemAvailable in proc_meminfo(5), for one group.
        """
        limit, used = self.limit(), self._number(self.USED)
        if limit is None or used is None:
            return limit
        found = self._statistics()
        caches = ("inactive_file", "active_file", "slab_reclaimable")
        kept = ("file_dirty", "file_writeback", "dirty", "writeback")
        cache = sum(found.get(self.STATISTICS + name, 0) for name in caches)
        cache -= sum(found.get(self.STATISTICS + name, 0) for name in kept)
        return limit - used + min(max(cache, 0), used)

    def cores(self) -> list[float]:
        """Its limits on cores, if any."""
        found = [_cpus(self._text(name)) for name in self.CPUS]
        quota = self._quota()
        return [float(one) for one in found if one] + ([quota] if quota else [])

    def _quota(self) -> float | None:
        quota, _, period = self._text("cpu.max").partition(" ")
        return _ratio(quota, period or "100000")

    def _statistics(self) -> Mapping[str, int]:
        rows = (line.split() for line in self._text("memory.stat").splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}

    def _number(self, name: str) -> int | None:
        text = self._text(name)
        return int(text) if text.isdigit() else None  # else "max", or empty

    def _text(self, name: str) -> str:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return (self._directory / name).read_text().strip()
        return ""


class OldGroup(Group):
    """A version 1 group; without a limit its number exceeds any memory."""

    MEMORY = ("memory.limit_in_bytes",)
    USED, STATISTICS = "memory.usage_in_bytes", "total_"
    CPUS = ("cpuset.effective_cpus", "cpuset.cpus")

    def limit(self) -> int | None:
        """As in version 2; includes parent groups, visible or not."""
        above = self._statistics().get("hierarchical_memory_limit")
        return min((one for one in (super().limit(), above) if one is not None), default=None)

    def _quota(self) -> float | None:
        return _ratio(self._text("cpu.cfs_quota_us"), self._text("cpu.cfs_period_us"))


def _groups(root: Path, controllers: tuple[str, ...]) -> Iterator[Group]:
    """Our groups for these controllers, and all parents up to the mount point."""
    for mount, inside, names in _mounts(root):
        old = bool(names)
        if old and not any(name in names for name in controllers):
            continue
        path = _own_path(root, [name for name in controllers if name in names])
        if path is None:
            continue
        below = _below(path, inside)
        for place in (below, *below.parents):
            yield (OldGroup if old else Group)(mount / place)


def _below(path: str, inside: str) -> PurePosixPath:
    """Our group relative to the mount point; names from another namespace mean the mount point."""
    with contextlib.suppress(ValueError):
        below = PurePosixPath(path).relative_to(inside)
        if ".." not in below.parts:
            return below
    return PurePosixPath()


def _mounts(root: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """Where control groups are mounted, which part of the tree that is, its controllers.

    See proc_pid_mountinfo(5). Version 2 lists no controllers.
    """
    for line in _lines(root / "proc/self/mountinfo"):
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(" "), right.split(" ")
        if len(fields) < 5 or len(kinds) < 3 or kinds[0] not in ("cgroup", "cgroup2"):
            continue
        place = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4])
        mount = root / place.lstrip("/")
        yield mount, fields[3], kinds[2].split(",") if kinds[0] == "cgroup" else []


def _own_path(root: Path, controllers: list[str]) -> str | None:
    """Our group in the hierarchy of these controllers; in version 2 if none are given."""
    for line in _lines(root / "proc/self/cgroup"):
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        ours = any(name in names.split(",") for name in controllers)
        if ours or (not controllers and number == "0" and not names):
            return path
    return None


def _lines(file: Path) -> list[str]:
    """Lines of a file; names of mounts may hold any bytes except line ends."""
    with contextlib.suppress(OSError):
        return os.fsdecode(file.read_bytes()).split("\n")
    return []


def _ratio(quota: str, period: str) -> float | None:
    """Cores for a quota and period in microseconds; None without a limit."""
    if not quota.isdigit() or not period.isdigit() or not int(quota) or not int(period):
        return None
    return int(quota) / int(period)


def _cpus(text: str) -> int:
    """Number of CPUs in a list like ``0-3,8``."""
    number = 0
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            return 0
        number += int(last or first) - int(first) + 1
    return number
