"""A long steady life: photos come, move and go, questions are asked, workers die; nothing grows.

`make soak MINUTES=180`, or `python -m tests.chaos.soak --minutes 5`. What is measured is the daemon
itself: two windows of the run, the second and the last quarter, are compared by their medians. The
library stays at its size and every question is new, so whatever grows is lost, not used.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from photosd.core.paths import Home
from tests.chaos.crowd import Crowd
from tests.chaos.walk import picture
from tests.conftest import RunningDaemon

CLIENTS = 2
DEADLINE_MS = 10_000
PHOTOS, DIRECTORIES = 400, 8
STEP_SECONDS = 0.5  # one photo is added, one renamed, one deleted at each
SAMPLE_SECONDS = 2.0
PURGE_SECONDS = 30.0  # what is gone is forgotten now, not in 30 days, or it would pile up
DECODER_SECONDS, ENCODER_SECONDS = 20.0, 160.0  # between kills; an encoder rests after 5 in 300
CURVE = 16  # parts of the run whose memory is told
FLAT = 0.02


@dataclass
class Samples:
    """What was seen of the daemon, every two seconds; memory in bytes."""

    rss: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    watches: list[int] = field(default_factory=list)

    def take(self, process: psutil.Process) -> None:
        """One more look."""
        with process.oneshot():
            self.rss.append(process.memory_info().rss)
            self.descriptors.append(process.num_fds())
            self.threads.append(process.num_threads())
        self.watches.append(_watches(process.pid))

    def drift(self) -> dict[str, float]:
        """How much each has grown from the second quarter to the last, as a share of itself."""
        return {name: drift(values) for name, values in asdict(self).items()}

    def curve(self) -> list[float]:
        """The median memory of each part of the run, MB."""
        step = max(1, len(self.rss) // CURVE)
        parts = [self.rss[start : start + step] for start in range(0, len(self.rss), step)]
        return [round(statistics.median(part) / 1e6, 1) for part in parts]


@dataclass(frozen=True)
class Outcome:
    """How it went."""

    minutes: float
    queries: dict[str, int]
    slowest_s: float
    kills: dict[str, int]
    added: int
    drift: dict[str, float]
    last: dict[str, int]
    rss_mb: list[float]  # over the run
    astray: int  # photos of which index and folder disagree at the end

    @property
    def faults(self) -> list[str]:
        """What must not be; empty when all went well."""
        ways = {"vector", "cached_embedding", "text_match"}
        failed = {way: n for way, n in self.queries.items() if way not in ways}
        faults = [f"queries failed: {failed}"] if failed else []
        faults += [f"{n} photos astray"] if (n := self.astray) else []
        for name, share in self.drift.items():
            # Memory may be given back; anything else that shrinks is lost.
            if share > FLAT or (share < -FLAT and name != "rss"):
                faults.append(f"{name} drifted by {share:+.1%}")
        return faults


def drift(values: list[int]) -> float:
    """(median of the last quarter) / (median of the second) - 1."""
    quarter = max(1, len(values) // 4)
    before = statistics.median(values[quarter : 2 * quarter] or values)
    return statistics.median(values[-quarter:]) / before - 1 if before else 0.0


class Keeper:
    """The photo folder: at each step one photo comes, one moves, one goes."""

    def __init__(self, folder: Path) -> None:
        self._places = [folder / f"{number:02}" for number in range(DIRECTORIES)]
        self._files: deque[Path] = deque()
        self._chance = random.Random(1)
        self.added = 0
        for place in self._places:
            place.mkdir(parents=True)
        while len(self._files) < PHOTOS:
            self._add()

    def step(self) -> None:
        """One of each."""
        self._files.popleft().unlink()
        self._add()
        number = self._chance.randrange(len(self._files))
        file = self._files[number]
        self._files[number] = file.rename(self._chance.choice(self._places) / file.name)

    def names(self) -> set[str]:
        """Every photo there is."""
        return {str(file) for file in self._files}

    def _add(self) -> None:
        file = self._chance.choice(self._places) / f"{self.added:08}.png"
        file.write_bytes(picture.__wrapped__(self.added))
        self._files.append(file)
        self.added += 1


class Every:
    """Does something each so many seconds."""

    def __init__(self, seconds: float, what: Callable[[], object]) -> None:
        self._seconds, self._what = seconds, what
        self._next = time.monotonic() + seconds
        self.times = 0

    def tick(self, now: float) -> None:
        """Do it if it is time."""
        if now >= self._next:
            self._next = now + self._seconds
            self._what()
            self.times += 1


def soak(daemon: RunningDaemon, folder: Path, minutes: float) -> Outcome:
    """Live like that for so long; the daemon is stopped by whoever started it."""
    keeper, samples = Keeper(folder), Samples()
    daemon.wait_until("ready")
    daemon.index(folder)
    process = psutil.Process(daemon.process.pid)
    decoders, encoders = (
        Every(DECODER_SECONDS, lambda: _kill(process, "photosd.decode")),
        Every(ENCODER_SECONDS, lambda: _kill_encoder(daemon)),
    )
    works = [
        Every(STEP_SECONDS, keeper.step),
        Every(SAMPLE_SECONDS, lambda: samples.take(process)),
        Every(PURGE_SECONDS, lambda: _purge(daemon)),
        decoders,
        encoders,
    ]
    end = time.monotonic() + 60 * minutes
    with Crowd(daemon.home, CLIENTS, DEADLINE_MS) as crowd:
        while (now := time.monotonic()) < end:
            for work in works:
                work.tick(now)
            time.sleep(0.05)
    if crowd.broken:
        raise crowd.broken[0]
    daemon.index()
    return Outcome(
        minutes=minutes,
        queries=crowd.kinds(),
        slowest_s=round(crowd.slowest, 3),
        kills={"decoders": decoders.times, "encoders": encoders.times},
        added=keeper.added,
        drift={name: round(share, 4) for name, share in samples.drift().items()},
        last={name: values[-1] for name, values in asdict(samples).items()},
        rss_mb=samples.curve(),
        astray=len(keeper.names() ^ _listed(daemon)),
    )


def _kill(daemon: psutil.Process, module: str) -> None:
    workers = [p for p in daemon.children(recursive=True) if module in " ".join(p.cmdline())]
    if workers:
        random.choice(workers).kill()


def _kill_encoder(daemon: RunningDaemon) -> None:
    with daemon.client() as client:
        if (pid := client.status()["encoder"]["pid"]) is not None:
            os.kill(pid, signal.SIGKILL)


def _purge(daemon: RunningDaemon) -> None:
    with daemon.client() as client:
        client.purge()


def _listed(daemon: RunningDaemon) -> set[str]:
    with daemon.client() as client:
        return {entry["path"] for part in client.paths() for entry in part}


def _watches(pid: int) -> int:
    """inotify watches of a process; none where the kernel does not say."""
    total = 0
    for file in Path(f"/proc/{pid}/fdinfo").glob("*"):
        try:
            total += sum(line.startswith("inotify ") for line in file.read_text().splitlines())
        except OSError:
            continue  # closed meanwhile
    return total


def main() -> int:
    """Run it on a home of its own; exit code 0 if nothing failed and nothing grew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=20.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="photosd-soak-", dir="/tmp") as root:
        os.environ["PHOTOSD_HOME"] = f"{root}/home"
        daemon = RunningDaemon(Home.from_environment())
        try:
            outcome = soak(daemon, Path(root).resolve() / "photos", minutes)
        finally:
            daemon.stop()
    print(json.dumps({**asdict(outcome), "faults": outcome.faults}, indent=1))
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
