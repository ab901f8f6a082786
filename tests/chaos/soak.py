"""A long steady life: photos come, move and go, questions are asked, workers die; nothing grows.

`make soak MINUTES=180`, or `python -m tests.chaos.soak --minutes 5`. Measured are the daemon, the
zygote, the encoders and the decoders (tests.chaos.flatness says how). The library stays at its size
and every question is new, so whatever grows is lost, not used. Workers are killed in every other
quarter of the run, and live long enough in the others to show what age does to them. Where disks
can be mounted (tests.chaos.troubles), a share with photos hangs and comes back, and the disk of
the index is full and has room again, all the time; no query may fail for it.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from tests.chaos.crowd import Crowd
from tests.chaos.flatness import Growth, Lives, pool_threads
from tests.chaos.troubles import Trouble, troubles
from tests.chaos.walk import picture
from tests.conftest import RunningDaemon

CLIENTS = 2
DEADLINE_MS = 10_000
PHOTOS, DIRECTORIES = 400, 8
STEP_SECONDS = 0.5  # one photo is added, one renamed, one deleted at each
SAMPLE_SECONDS = 2.0
PURGE_SECONDS = 30.0  # what is gone is forgotten now, not in 30 days, or it would pile up
DECODER_SECONDS, ENCODER_SECONDS = 10.0, 80.0  # between kills; an encoder rests after 5 in 300
TROUBLE_SECONDS = 20.0  # one more trouble begins, or ends
REST_SECONDS = 40.0  # LanceDB ends a thread of its pool after 10 without work
SEASONS = 4  # rough and calm in turns; an encoder's memory reaches its level in two minutes
SETTLE_SECONDS = 120.0  # after troubles: a share that was away is tried again with patience
TOLD = 16  # how often in a run it is said how things are


@dataclass(frozen=True)
class Outcome:
    """How it went."""

    minutes: float
    queries: dict[str, int]
    slowest_s: float
    kills: dict[str, int]
    added: int
    growth: dict[str, Growth]  # by kind of process
    last: dict[str, int]  # what the daemon held at the end, still at work
    pool_at_rest: tuple[int, int]  # threads of LanceDB's pool before all that and after it
    astray: int  # photos of which index and folder disagree at the end

    @property
    def faults(self) -> list[str]:
        """What must not be; empty when all went well."""
        ways = {"vector", "cached_embedding", "text_match"}
        failed = {way: n for way, n in self.queries.items() if way not in ways}
        faults = [f"queries failed: {failed}"] if failed else []
        faults += [f"{n} photos astray"] if (n := self.astray) else []
        before, after = self.pool_at_rest
        faults += [f"LanceDB kept {after} threads, not {before}"] if after > before else []
        return faults + [
            f"{kind}: {fault}" for kind, growth in self.growth.items() for fault in growth.faults()
        ]


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


class Seasons:
    """Quarters of the run: rough ones, in which workers are killed, and calm ones in turns."""

    def __init__(self, seconds: float) -> None:
        self._begin, self._length = time.monotonic(), seconds / SEASONS

    @property
    def calm(self) -> int | None:
        """The number of the present calm season; None in a rough one."""
        number = int((time.monotonic() - self._begin) / self._length)
        return number if number % 2 else None


class Observer:
    """Looks at every process of a daemon now and then, sorted by what it does."""

    def __init__(self, daemon: psutil.Process, seasons: Seasons) -> None:
        self._daemon, self._seasons = daemon, seasons
        self.lives = {
            kind: Lives(SAMPLE_SECONDS) for kind in ("daemon", "zygote", "encoder", "decoder")
        }

    def look(self) -> None:
        """One look at each."""
        self.lives["daemon"].take(self._daemon, None)
        for process in self._daemon.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # killed meanwhile
                if kind := self._kind(process):
                    self.lives[kind].take(process, self._seasons.calm)

    def growth(self) -> dict[str, Growth]:
        """The growth of every kind of process that was seen."""
        return {
            kind: lives.of_one() if kind in ("daemon", "zygote") else lives.of_many()
            for kind, lives in self.lives.items()
            if lives.all
        }

    def _kind(self, process: psutil.Process) -> str | None:
        command = process.cmdline()
        if "photosd.decode" in command:
            return "decoder"
        if "photosd.encoder.zygote" in command and process.ppid() == self._daemon.pid:
            return "zygote"
        return "encoder" if any(word.startswith("photosd.encoder") for word in command) else None


class Turns:
    """One trouble begins, then the next, then the first ends, and so on."""

    def __init__(self, suffered: Sequence[Trouble]) -> None:
        steps = [trouble.begin for trouble in suffered] + [trouble.end for trouble in suffered]
        self._steps = itertools.cycle(steps)
        self._suffered = suffered

    def step(self) -> None:
        """The next one."""
        if self._suffered:
            next(self._steps)()

    def end(self) -> None:
        """All is well again."""
        for trouble in self._suffered:
            trouble.end()


def soak(
    daemon: RunningDaemon,
    folder: Path,
    minutes: float,
    tell: Callable[[str], object] = len,
    suffered: Sequence[Trouble] = (),
) -> Outcome:
    """Live like that for so long; the caller stops the daemon."""
    keeper, turns = Keeper(folder), Turns(suffered)
    others = [trouble.folder for trouble in suffered if trouble.folder is not None]
    daemon.wait_until("ready")
    daemon.index(folder, *others)
    elsewhere = {str(file) for other in others for file in other.iterdir()}
    process = psutil.Process(daemon.process.pid)
    pool_before = _at_rest(process)
    seasons = Seasons(60 * minutes)
    observer = Observer(process, seasons)
    decoders, encoders = (
        Every(DECODER_SECONDS, lambda: _kill(process, "photosd.decode")),
        Every(ENCODER_SECONDS, lambda: _kill_encoder(daemon)),
    )
    end = time.monotonic() + 60 * minutes
    with Crowd(daemon.home, CLIENTS, DEADLINE_MS) as crowd:
        works = [
            Every(STEP_SECONDS, keeper.step),
            Every(SAMPLE_SECONDS, observer.look),
            Every(PURGE_SECONDS, lambda: _purge(daemon)),
            Every(TROUBLE_SECONDS, turns.step),
            Every(60 * minutes / TOLD, lambda: tell(_so_far(observer, crowd))),
        ]
        while (now := time.monotonic()) < end:
            for work in works if seasons.calm is not None else [*works, decoders, encoders]:
                work.tick(now)
            time.sleep(0.05)
    if crowd.broken:
        raise crowd.broken[0]
    turns.end()
    wanted = keeper.names() | elsewhere
    _until(lambda: _listed(daemon) == wanted, SETTLE_SECONDS if suffered else 0.0)
    daemon.index()
    return Outcome(
        minutes=minutes,
        queries=crowd.kinds(),
        slowest_s=round(crowd.slowest, 3),
        kills={"decoders": decoders.times, "encoders": encoders.times},
        added=keeper.added,
        growth=observer.growth(),
        last=observer.lives["daemon"].all[-1],
        pool_at_rest=(pool_before, _at_rest(process)),
        astray=len(wanted ^ _listed(daemon)),
    )


def _so_far(observer: Observer, crowd: Crowd) -> str:
    last = {kind: lives.all[-1] for kind, lives in observer.lives.items() if lives.all}
    held = ", ".join(
        f"{kind} {seen['memory'] / 1e6:.0f} MB (RSS {seen['rss'] / 1e6:.0f})"
        for kind, seen in last.items()
    )
    return f"{time.strftime('%H:%M:%S')} {held}; {crowd.kinds()}"


def _at_rest(daemon: psutil.Process) -> int:
    """Threads of LanceDB's pool when nothing is to do: the fewest seen in a while."""
    seen, end = [pool_threads(daemon.pid)], time.monotonic() + REST_SECONDS
    while time.monotonic() < end:
        time.sleep(1)
        seen.append(pool_threads(daemon.pid))
    return min(seen)


def _kill(daemon: psutil.Process, module: str) -> None:
    workers = []
    for process in daemon.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            workers += [process] if module in process.cmdline() else []
    if workers:
        random.choice(workers).kill()


def _kill_encoder(daemon: RunningDaemon) -> None:
    with daemon.client() as client:
        if (pid := client.status()["encoder"]["pid"]) is not None:
            os.kill(pid, signal.SIGKILL)


def _purge(daemon: RunningDaemon) -> None:
    """Refused while the disk is full."""
    with contextlib.suppress(PhotosdError), daemon.client() as client:
        client.purge()


def _until(done: Callable[[], bool], seconds: float) -> None:
    """Wait for it, so long at most."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and not done():
        time.sleep(0.5)


def _listed(daemon: RunningDaemon) -> set[str]:
    with daemon.client() as client:
        return {entry["path"] for part in client.paths() for entry in part}


def main() -> int:
    """Run it on a home of its own; exit code 0 if nothing failed and nothing grew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=20.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="photosd-soak-", dir="/tmp") as root:
        os.environ["PHOTOSD_HOME"] = f"{root}/home"
        home, place = Home.from_environment(), Path(root).resolve()
        with troubles(place, home.state) as suffered:
            daemon = RunningDaemon(home)
            try:
                outcome = soak(daemon, place / "photos", minutes, _say, suffered)
            finally:
                daemon.stop()
    print(json.dumps({**asdict(outcome), "faults": outcome.faults}, indent=1))
    return 1 if outcome.faults else 0


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
