"""A random walk over a household and its daemon: what files, people, disks and kills can do."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from photosd.core.errors import PhotosdError
from tests.chaos.walk import Walk
from tests.household import bodies
from tests.household.daemon import StandInDaemon, until
from tests.household.orders import KINDS, Orders

NOTE = len(b"%012d" % 0)  # the digits at the end of a household's pictures
AHEAD = (-7200.0, 7200.0, 86_400.0)  # seconds; dual boot, a wrong day
AT_ONCE = 3  # faults of a kind
SETTINGS = {
    "decode.workers": ("0", "1", "2", "5"),
    "decode.max_megapixels": ("0", "50"),
    "watch.settle_seconds": ("0.1", "0.2", "0.4"),
    "watch.rescan_minutes": ("30", "45"),
    "thumbnails.cache_mb": ("0", "64", "512"),
    "log.level": ("info", "warning"),
}


class FaultWalk:
    """Operations on ``places`` (the first two may be watched) and on the daemon, faults between.

    What an operation on the daemon is refused with is noted, not raised: there are faults. Only
    what the daemon calls its own defect (`defects`) is never right.
    """

    def __init__(
        self, seed: int, places: Sequence[Path], daemon: StandInDaemon, orders: Orders
    ) -> None:
        self._chance, self._daemon, self._orders = random.Random(seed), daemon, orders
        self._places, self._elsewhere = list(places), places[0].parent / "aside"
        self.files = HouseholdWalk(seed, self._places)
        self.refused: Counter[str] = Counter()
        self.defects: list[str] = []
        self.done: Counter[str] = Counter()
        self._operations: list[Callable[[], object]] = [
            self.add, self.remove, self.exclude, self.take_away, self.bring_back, self.empty,
            self.set_clock, self.right_clock, self.set_something, self.set_something,
            self.pause, self.resume, self.purge, self.reindex, self.rescan, self.fill_disk,
            self.free_disk,
        ]  # fmt: skip

    def step(self) -> None:
        """One operation; one of fourteen is on the daemon."""
        if self._chance.random() < 0.93:
            self.files.step()
        else:
            operation = self._chance.choice(self._operations)
            self._try(operation)
            self.done[operation.__name__] += 1
        if self._chance.random() < 0.05:
            time.sleep(self._chance.uniform(0, 0.1))

    def fault(self) -> None:
        """Order some of one kind, rather of one that has struck less often than others; but not if
        enough of it wait to strike: a daemon that is slow to start would meet all of them."""
        struck = self._orders.struck()
        kind = min(self._chance.sample(KINDS, 3), key=lambda kind: struck[kind])
        if self._orders.left(kind) < AT_ONCE:
            self._orders.order(kind, self._chance.randrange(1, AT_ONCE + 1))

    def kill(self) -> None:
        """As a power cut: nothing is said, and it starts again, every other time among faults."""
        self._daemon.kill()
        self._orders.clear()
        if self._chance.random() < 0.5:
            for _ in range(AT_ONCE):
                self.fault()
        self._daemon.restart()
        until(self._answers, 60, "it does not start")
        self.done["kill"] += 1

    def _answers(self) -> bool:
        with contextlib.suppress(PhotosdError), self._daemon.client() as client:
            return bool(client.status())
        return False

    def relieve(self) -> None:
        """Nothing that people and disks did keeps the daemon from indexing."""
        self.free_disk()
        self.right_clock()
        self.bring_back()
        self._try(self.resume)

    def end(self) -> None:
        """No fault is left, everything is where it belongs, and both folders are watched."""
        self._orders.clear()
        self.bring_back()
        self.files.finish()
        self._daemon.wait_until("ready")
        with self._daemon.client() as client:
            client.resume()
            watched = {folder["path"] for folder in client.folders()["folders"]}
            for place in self._places[:2]:
                if str(place) not in watched:
                    client.add(str(place))

    def excludes(self, place: Path) -> list[bytes]:
        """The patterns that a watched place was added with, as its daemon has them."""
        rows = self._daemon.rows("SELECT path, excludes FROM folders")
        found = {path: excludes for path, excludes in rows}
        return [b"*.gif"] if "gif" in found[bytes(place)] else []

    def _try(self, operation: Callable[[], object]) -> None:
        try:
            operation()
        except PhotosdError as error:
            self.refused[error.code] += 1
            if error.code == "internal":
                self.defects.append(f"{operation.__name__}: {error}")

    # -- what people do -----------------------------------------------------------------------

    def add(self) -> None:
        with self._daemon.client() as client:
            client.add(str(self._second))

    def remove(self) -> None:
        with self._daemon.client() as client:
            client.remove(str(self._second))

    def exclude(self) -> None:
        with self._daemon.client() as client:
            with contextlib.suppress(PhotosdError):
                client.remove(str(self._second))
            client.add(str(self._second), ["*.gif"])

    def set_something(self) -> None:
        name = self._chance.choice(list(SETTINGS))
        with self._daemon.client() as client:
            client.config_set(name, self._chance.choice(SETTINGS[name]))

    def pause(self) -> None:
        with self._daemon.client() as client:
            client.pause(self._chance.uniform(0.1, 0.5))

    def resume(self) -> None:
        with self._daemon.client() as client:
            client.resume()

    def purge(self) -> None:
        with self._daemon.client() as client:
            client.purge()

    def reindex(self) -> None:
        with self._daemon.client() as client:
            client.reindex(bytes(self.files.directory()))

    def rescan(self) -> None:
        with self._daemon.client() as client:
            for _ in client.rescan(wait=False):
                pass

    # -- what disks and clocks do -------------------------------------------------------------

    def take_away(self) -> None:
        """The second folder is not there for a while."""
        if not self._elsewhere.exists():
            self._second.rename(self._elsewhere)

    def empty(self) -> None:
        """The disk is unmounted, and its mount point is an empty directory."""
        if not self._elsewhere.exists():
            self._second.rename(self._elsewhere)
            self._second.mkdir()

    def bring_back(self) -> None:
        if self._elsewhere.exists():
            shutil.rmtree(self._second, ignore_errors=True)
            self._elsewhere.rename(self._second)

    def fill_disk(self) -> None:
        self._orders.full = True

    def free_disk(self) -> None:
        self._orders.full = False

    def set_clock(self) -> None:
        self._orders.clock = self._chance.choice(AHEAD)

    def right_clock(self) -> None:
        self._orders.clock = 0.0

    @property
    def _second(self) -> Path:
        return self._places[1]


class HouseholdWalk(Walk):
    """The walk of files, with pictures of every kind, and what people do to single ones."""

    def __init__(self, seed: int, places: list[Path]) -> None:
        super().__init__(seed, places)
        self._operations += [self.same_size, self.touch, self.change_mode, self.sidecar] * 3

    def directory(self) -> Path:
        """One of the places may be away."""
        self._places, all_places = [p for p in self._places if p.is_dir()], self._places
        try:
            return super().directory()
        finally:
            self._places = all_places

    def data(self) -> bytes:
        kind = self._random.choice(("plain", "camera", "png", "webp", "heic", "progressive"))
        number = self._random.randrange(20 if self._random.random() < 0.2 else 10**11)
        return bodies.fresh(kind, number)

    def same_size(self) -> None:
        """Another photo that is as long: only its time tells."""
        file = self.file()
        data = file.read_bytes()
        if not data[-NOTE:].isdigit():
            raise OSError("not one of ours")
        file.write_bytes(data[:-NOTE] + b"%012d" % self._random.randrange(10**11))

    def touch(self) -> None:
        os.utime(self.file())

    def change_mode(self) -> None:
        self.file().chmod(self._random.choice((0o400, 0o644, 0o755)))

    def sidecar(self) -> None:
        file = self.file()
        sidecar = file.with_name(file.name + ".xmp")
        sidecar.write_text(f'<x xmp:Rating="{self._random.randrange(6)}"/>')
