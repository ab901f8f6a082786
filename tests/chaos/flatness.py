"""Samples of what each kind of process holds, and whether that grows.

Two kinds of process are judged in two ways. One that lives through the whole run (daemon, zygote)
is compared with itself: the second quarter with the last, and the course of the second half, in
which a slow leak shows and warming up does not. Workers die and are started again, so each is
compared with itself over the later part of a time without kills.

Memory is what the kernel cannot take back unless the process frees it: anonymous pages, shared
memory, and what of both is swapped out. RSS is recorded and not judged. Two thirds of the daemon's
RSS are pages of libraries, and how many of those are mapped depends on what the page cache held
when they were first read: 132 MB or 187 MB with the same code and the same load. A leak of 2 % of
this memory is less than 1 % of RSS. A file that is mapped and never unmapped is not seen.

Parts of a run are compared by their lower quartiles. A leak raises them; caches that fill up while
a disk is full, or a calibration that runs, do not: those hold 5 to 15 MB and raise the median of a
minute by 2 % or more.

LanceDB's threads for blocking work are counted separately. Their number follows how much was read
or written at once, and falls when nothing is: only the threads that remain then are judged.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MEASURES = ("memory", "descriptors", "threads", "watches")
UNFILED = ("RssAnon", "RssShmem", "VmSwap")  # in /proc/PID/status
FLAT = 0.02  # from the second quarter to the last, over the second half, over a worker's calm time
A_STEP = 1.5  # descriptors, threads, watches: one more of thirty is 3 %, and may be a pool's last
POOL = "lancedb-tokio"  # what a thread of it is named
PARTS = 16  # of the second half, or of the run for its curve
MIN_SAMPLES = 12  # of a worker in one calm time; fewer say nothing
FEWEST_LIVES = 3  # of workers, with so many samples each
Sample = dict[str, int]


def look(process: psutil.Process) -> Sample:
    """What a process holds: bytes of memory, descriptors, threads, inotify watches; its RSS."""
    with process.oneshot():
        pool = pool_threads(process.pid)
        rss = process.memory_info().rss
        return {
            "memory": _memory(process.pid) or rss,
            "rss": rss,
            "descriptors": process.num_fds(),
            "threads": process.num_threads() - pool,
            "pool": pool,
            "watches": _watches(process.pid),
        }


def _memory(pid: int) -> int:
    """Bytes that no file holds; 0 where the kernel does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in lines)
    return sum(1024 * int(fields[name].split()[0]) for name in UNFILED if name in fields)


def pool_threads(pid: int) -> int:
    """Threads of LanceDB's pool in a process; none where the kernel does not name threads."""
    total = 0
    for file in Path(f"/proc/{pid}/task").glob("*/comm"):
        with contextlib.suppress(OSError):  # ended meanwhile
            total += file.read_text().startswith(POOL)
    return total


def _watches(pid: int) -> int:
    """inotify watches of a process; none where the kernel does not say."""
    total = 0
    for file in Path(f"/proc/{pid}/fdinfo").glob("*"):
        try:
            total += sum(line.startswith("inotify ") for line in file.read_text().splitlines())
        except OSError:
            continue  # closed meanwhile
    return total


@dataclass(frozen=True)
class Growth:
    """How one kind of process grew; shares of what it held, memory in MB."""

    lives: int
    drift: dict[str, float]  # the whole run, or calm times
    second_half: dict[str, float]  # empty for workers
    level: dict[str, float]  # how much there was of each, in the middle
    mb_per_hour: float  # of the second half, or of calm times
    curve_mb: list[float]  # over the run

    def faults(self) -> Iterable[str]:
        """What must not be. Memory may be given back; whatever else shrinks is lost.

        A leak of memory shows in the drift and in the second half. Growth in one of them, without
        any in the other, is a cache or an allocator that holds more for a while. Few calm times of
        workers say nothing: what an encoder holds follows the sizes of its last batches.
        """
        if 0 < self.lives < FEWEST_LIVES and not self.second_half:
            return
        for what, shares, others in (
            ("drifted by", self.drift, self.second_half),
            ("grew in the second half by", self.second_half, self.drift),
        ):
            for name, share in shares.items():
                counted = name != "memory"
                a_step = counted and abs(share) * self.level[name] < A_STEP
                for_a_while = not counted and others.get(name, share) <= 0
                grew = share > FLAT and not for_a_while
                if (grew or (counted and share < -FLAT)) and not a_step:
                    yield f"{name} {what} {share:+.1%}"


@dataclass
class Lives:
    """Samples of all processes of one kind. ``calm``: those of times without kills, by life."""

    period_seconds: float
    all: list[Sample] = field(default_factory=list)
    calm: dict[tuple[int, int], list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def take(self, process: psutil.Process, calm: int | None) -> None:
        """One more look; ``calm`` numbers the time without kills in which it happens."""
        sample = look(process)
        self.all.append(sample)
        if calm is not None:
            self.calm[process.pid, calm].append(sample)

    def of_one(self) -> Growth:
        """The growth of a process that lived through the run."""
        series = {name: [sample[name] for sample in self.all] for name in MEASURES}
        half = {name: values[len(values) // 2 :] for name, values in series.items()}
        hours = len(half["memory"]) * self.period_seconds / 3600
        return Growth(
            lives=1,
            drift={name: drift(values) for name, values in series.items()},
            second_half={name: course(values) for name, values in half.items()},
            level={name: statistics.median(values) for name, values in series.items()},
            mb_per_hour=_rate(course(half["memory"]), half["memory"], hours),
            curve_mb=_curve(series["memory"]),
        )

    def of_many(self) -> Growth:
        """The growth of workers: each long calm life, from its middle third to its last."""
        long = [life for life in self.calm.values() if len(life) >= MIN_SAMPLES]
        grown = {
            name: [later([sample[name] for sample in life], 3) for life in long]
            for name in MEASURES
        }
        drifts = {name: round(statistics.median(s), 4) for name, s in grown.items() if s}
        memory = [sample["memory"] for life in long for sample in life]
        third = statistics.median(map(len, long)) / 3 if long else 1
        hours = third * self.period_seconds / 3600
        return Growth(
            lives=len(long),
            drift=drifts,
            second_half={},
            level={name: statistics.median(s[name] for s in self.all) for name in MEASURES},
            mb_per_hour=_rate(drifts.get("memory", 0.0), memory or [0], hours),
            curve_mb=_curve([sample["memory"] for sample in self.all]),
        )


def floor(values: Sequence[int]) -> int:
    """The lower quartile."""
    return sorted(values)[(len(values) - 1) // 4]


def drift(values: Sequence[int]) -> float:
    """(floor of the last quarter) / (floor of the second) - 1."""
    quarter = max(1, len(values) // 4)
    return _ratio(values[-quarter:], values[quarter : 2 * quarter] or values)


def later(values: Sequence[int], parts: int) -> float:
    """(floor of the last of so many parts) / (floor of the one before) - 1."""
    size = max(1, len(values) // parts)
    return _ratio(values[-size:], values[-2 * size : -size] or values)


def course(values: Sequence[int]) -> float:
    """Growth from begin to end along the line through the floors of the parts.

    Its slope is the median of the slopes between all pairs (Theil and Sen): a leak shows in most
    pairs, a cache that is full at the very end in few.
    """
    size = max(1, len(values) // PARTS)
    parts = [floor(values[at : at + size]) for at in range(0, len(values), size)]
    if len(parts) < 2 or not (level := statistics.median(parts)):
        return 0.0
    pairs = itertools.combinations(enumerate(parts), 2)
    slope = statistics.median((later - sooner) / (b - a) for (a, sooner), (b, later) in pairs)
    return round(slope * (len(parts) - 1) / level, 4)


def _ratio(now: Sequence[int], before: Sequence[int]) -> float:
    base = floor(before)
    return round(floor(now) / base - 1, 4) if base else 0.0


def _rate(share: float, memory: Sequence[int], hours: float) -> float:
    return round(share * statistics.median(memory) / 1e6 / hours, 2) if hours else 0.0


def _curve(memory: Sequence[int]) -> list[float]:
    size = max(1, len(memory) // PARTS)
    parts = [memory[at : at + size] for at in range(0, len(memory), size)]
    return [round(statistics.median(part) / 1e6, 1) for part in parts]
