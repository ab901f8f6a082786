"""Operations and faults at random over a household: at the end the index equals the folders.

The daemon is a real one with stand-ins for its workers (tests.household.stand_in): thousands of
operations take seconds. SQLite, LanceDB, the file system, decoders and encoder fail on order, the
clock jumps, the disk is full for a while, the daemon is killed. After the last fault the test
neither restarts the daemon nor asks it to try again.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from photosd.core.paths import Home
from tests.chaos.fault_walk import FaultWalk
from tests.household.daemon import StandInDaemon, expected, misnamed
from tests.household.making import make_household
from tests.household.orders import Orders

WAIT_SECONDS = 60.0
STRIKING = 300.0  # seconds until the last fault strikes, however slow the machine
PACE = 0.1  # seconds between two operations, once all that were planned are done
SHORT = (300, 60, 250)  # operations, faults, files
LONG = (3000, 300, 1000)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("seed", "operations", "faults", "files"),
    [(0, *SHORT), *(pytest.param(seed, *LONG, marks=pytest.mark.chaos) for seed in range(1, 11))],
)
def test_the_index_equals_the_folders_after_the_last_fault(
    home: Home, tmp_path: Path, seed: int, operations: int, faults: int, files: int
) -> None:
    """Every path has its content and vector, there are no others, and no failure is wrong."""
    seed = int(os.environ.get("PHOTOSD_TEST_SEED", seed))
    places = [tmp_path / name for name in ("one", "two", "outside")]
    for place, share in zip(places, (0.7, 0.2, 0.1), strict=True):
        make_household(place, int(files * share), seed)
    orders = Orders(tmp_path / "orders")
    daemon = StandInDaemon(home, tmp_path / "orders", tmp_path)
    try:
        daemon.wait_until("ready")
        with daemon.client() as client:
            for place in places[:2]:
                client.add(str(place))
        walk = FaultWalk(seed, places, daemon, orders)
        _walk(walk, orders, seed, operations, faults)
        walk.end()
        print(sum(orders.struck().values()), "faults", orders.struck(), walk.refused, walk.done)
        _compare(daemon, walk, places[:2], f"seed {seed}")
        assert not walk.defects, walk.defects
    finally:
        if keep := os.environ.get("PHOTOSD_TEST_KEEP"):
            shutil.copytree(home.state, keep, dirs_exist_ok=True)
        daemon.stop()


def _walk(walk: FaultWalk, orders: Orders, seed: int, operations: int, faults: int) -> None:
    """So many operations, some kills among them; then, at a pace that the daemon can keep up
    with, more of them on files until so many faults have struck."""
    chance = random.Random(seed)
    kills = set(chance.sample(range(operations // 10, operations), 1 + operations // 1000))
    for number in range(operations):
        walk.step()
        if chance.random() < faults / operations:
            walk.fault()
        if number in kills:
            walk.kill()
    limit = time.monotonic() + STRIKING
    while sum(orders.struck().values()) < faults:
        walk.relieve()
        walk.files.step()
        walk.fault()
        time.sleep(PACE)
        assert time.monotonic() < limit, f"faults do not strike: {orders.struck()}"


def _compare(daemon: StandInDaemon, walk: FaultWalk, places: list[Path], seed: str) -> None:
    """First by its own watching, then after a full comparison, then the vectors."""
    good: dict[bytes, str] = {}
    bad: set[bytes] = set()
    for place in places:
        more, failing = expected(place, walk.excludes(place))
        good, bad = good | more, bad | failing
    wanted = Wanted(good, bad, misnamed(bad))
    limit = time.monotonic() + WAIT_SECONDS
    while (wrong := _unlinked(wanted.differences(daemon), walk)) and time.monotonic() < limit:
        time.sleep(0.3)
    assert not wrong, f"{seed}: {len(wrong)} astray: {_explained(daemon, wrong)}"
    result: Any = daemon.index()
    wrong = wanted.differences(daemon)
    assert not wrong, f"{seed}, compared: {len(wrong)} astray: {_explained(daemon, wrong)}"
    assert result["pending"] == 0, seed
    assert daemon.wrong_vectors(set(good.values())) == {}, seed
    limit = time.monotonic() + WAIT_SECONDS
    while (odd := _purged(daemon) ^ wanted.contents(daemon)) and time.monotonic() < limit:
        time.sleep(0.3)
    assert not odd, f"{seed}: {_strays(daemon, odd)}"


@dataclass(frozen=True)
class Wanted:
    """What the index must hold: contents by path, and paths that fail, some of which
    (``misnamed``) may be indexed instead."""

    good: dict[bytes, str]
    bad: set[bytes]
    misnamed: dict[bytes, str]

    def differences(self, daemon: StandInDaemon) -> set[bytes]:
        """Paths of which folder and index say different things."""
        indexed, failed = daemon.contents(), daemon.failed()
        wrong = {
            path
            for path in self.good.keys() | indexed.keys()
            if self.good.get(path) != indexed.get(path)
        }
        return (wrong | (self.bad ^ failed.keys())) - self._either(indexed)

    def contents(self, daemon: StandInDaemon) -> set[str]:
        """Those that have a vector."""
        either = self._either(daemon.contents())
        return {*self.good.values(), *(self.misnamed[path] for path in either)}

    def _either(self, indexed: dict[bytes, str]) -> set[bytes]:
        return {path for path, one in self.misnamed.items() if indexed.get(path) == one}


def _purged(daemon: StandInDaemon) -> set[str]:
    """The contents with vectors on the disk once nothing is kept for photos that are gone."""
    with daemon.client(timeout=60) as client:
        client.purge()
    return set(daemon.vectors())


def _strays(daemon: StandInDaemon, contents: set[str]) -> str:
    """What the catalog knows of these."""
    lines = []
    for content in sorted(contents)[:8]:
        places = [
            (table, f"SELECT * FROM {table} WHERE content = '{content}'")
            for table in ("photos", "contents", "embedded", "orphans", "unfiled")
        ]
        lines.append(f"{content}: { {t: daemon.rows(q) for t, q in places} }")
    return "\n".join([*lines, daemon.log()[-3000:]])


def _unlinked(paths: set[bytes], walk: FaultWalk) -> set[bytes]:
    """Without files of several names, of which the kernel tells under one of them only."""
    return {
        path
        for path in paths
        if not (file := Path(os.fsdecode(path))).is_symlink()
        and not (file.exists() and file.stat().st_ino in walk.files.shared)
    }


def _explained(daemon: StandInDaemon, paths: set[bytes]) -> str:
    known = {row[0]: row[1:] for row in daemon.rows("SELECT * FROM photos")}
    lines = [f"{path!r}: {known.get(path, 'unknown')}" for path in sorted(paths)[:8]]
    with daemon.client() as client:
        lines.append(str(client.status()["index"]))
        lines.append(str(client.folders()))
        directories = sorted({path.rpartition(b"/")[0] for path in paths})
        lines.append(f"in {directories}")
    return "\n".join([*lines, daemon.log()[-12000:]])
