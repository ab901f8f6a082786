"""What disks do: full, read-only, files gone or overwritten. It heals once that is over."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photosd.core.paths import Home
from tests.cli.conftest import command, environment
from tests.conftest import ENCODER_STANDS_IN, RunningDaemon

PHOTOS = 30
WAIT_SECONDS = 60.0
BLOCK = 4096


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Small pictures, each unlike the others."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(PHOTOS):
        paint(folder / f"{number}.png", number)
    return folder


def paint(file: Path, number: int) -> None:
    pixels = np.random.default_rng(number).integers(0, 255, (5, 5, 3), np.uint8)
    Image.fromarray(pixels.repeat(20, 0).repeat(20, 1)).save(file)


@pytest.fixture
def daemon(quick_daemon: RunningDaemon) -> RunningDaemon:
    return quick_daemon


@pytest.fixture
def full(daemon: RunningDaemon, folder: Path) -> RunningDaemon:
    """A daemon that has indexed the folder."""
    daemon.wait_until("ready")
    daemon.index(folder)
    assert listed(daemon) == on_disk(folder)
    return daemon


def on_disk(folder: Path) -> set[str]:
    return {str(file) for file in folder.glob("*.png")}


def listed(daemon: RunningDaemon) -> set[str]:
    with daemon.client() as client:
        batches = client.stream("list", {"state": "indexed"})
        return {path["path"] for batch in batches for path in batch.get("paths", ())}


def status(daemon: RunningDaemon) -> Any:
    with daemon.client() as client:
        return client.call("status", {})


def found(daemon: RunningDaemon) -> dict[str, float]:
    """Every photo a query finds, and its score."""
    answer: Any = daemon.query("a colourful pattern", 100)
    return {hit["path"]: hit["score"] for hit in answer["hits"]}


def eventually(condition: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.1)


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    return one.keys() == other.keys() and all(abs(one[p] - other[p]) < 1e-3 for p in one)


@pytest.mark.slow
def test_the_index_is_deleted_under_it(full: RunningDaemon, folder: Path, home: Home) -> None:
    """The daemon notices at the next photo, and rebuilds the index from the photos."""
    before = found(full)
    shutil.rmtree(home.index)
    assert found(full).keys() == before.keys(), "what is in memory still answers"
    paint(folder / "one more.png", 1000)
    eventually(lambda: listed(full) == on_disk(folder) == found(full).keys())
    full.stop()
    full.restart()
    full.wait_until("ready")
    full.index()
    assert found(full).keys() == on_disk(folder)


@pytest.mark.parametrize(
    ("part", "how"),
    [
        ("data", "overwritten"),
        *(
            pytest.param(part, how, marks=pytest.mark.chaos)
            for part in ("data", "_versions", "_transactions")
            for how in ("overwritten", "truncated", "deleted")
            if (part, how) != ("data", "overwritten")
        ),
    ],
)
def test_a_file_of_the_index_is_damaged(
    full: RunningDaemon, folder: Path, home: Home, how: str, part: str
) -> None:
    """After a restart all photos are found with the same scores; their files are not changed."""
    before, photos = found(full), {file: file.read_bytes() for file in folder.iterdir()}
    full.stop()
    file = max(home.index.glob(f"*.lance/{part}/*"), key=lambda file: file.stat().st_size)
    damage(file, how)
    full.restart()
    full.wait_until("ready")
    full.index()
    eventually(lambda: same(found(full), before))
    assert {file: file.read_bytes() for file in folder.iterdir()} == photos


@pytest.mark.parametrize(
    "how",
    ["garbage", *(pytest.param(h, marks=pytest.mark.chaos) for h in ("overwritten", "truncated"))],
)
def test_the_catalog_is_damaged(full: RunningDaemon, folder: Path, home: Home, how: str) -> None:
    """The catalog is renamed and rebuilt; folders stay known, no photo is encoded again."""
    before = found(full)
    full.stop()
    damage(home.catalog, how)
    full.restart()
    full.wait_until("ready")
    eventually(lambda: same(found(full), before))
    assert status(full)["folders"][0]["path"] == str(folder)


def damage(file: Path, how: str) -> None:
    size = file.stat().st_size
    if how == "deleted":
        file.unlink()
    elif how == "truncated":
        os.truncate(file, size // 2)
    elif how == "garbage":
        file.write_bytes(random.randbytes(size))
    else:
        with file.open("r+b") as stream:
            stream.seek(max(0, (size - BLOCK) // 2))
            stream.write(random.randbytes(min(BLOCK, size)))


@pytest.fixture
def small_disk(home: Home) -> Iterator[Path]:
    """The state directory on a file system of its own, of 24 MB."""
    home.state.mkdir(parents=True)
    options = ["-t", "tmpfs", "-o", "size=24m,mode=700", "none", str(home.state)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield home.state
    subprocess.run(["umount", "-l", str(home.state)], check=True)


def test_the_disk_is_full_for_a_while(small_disk: Path, home: Home, folder: Path) -> None:
    """Queries are answered, status says why indexing stopped; with space again all is indexed."""
    daemon = RunningDaemon(home, prelude=ENCODER_STANDS_IN)
    try:
        daemon.wait_until("ready")
        daemon.index(folder)
        ballast = small_disk / "ballast"
        numbers, said = itertools.count(2000), ""

        def waits() -> bool:
            """What the daemon deletes makes room, so one filling and one photo may not do."""
            nonlocal said
            fill(ballast)
            if listed(daemon) == on_disk(folder):
                paint(folder / f"while full {next(numbers)}.png", next(numbers))
            said = status(daemon)["index"]["waiting_for"] or ""
            return bool(said)

        eventually(waits)
        assert "space" in said or "disk" in said, said
        assert len(found(daemon)) >= PHOTOS, "what was indexed is found"
        ballast.unlink()
        eventually(lambda: listed(daemon) == on_disk(folder) == found(daemon).keys())
    finally:
        daemon.stop()


def fill(file: Path) -> None:
    """Leave not a byte; the file may be there and grows."""
    with file.open("ab", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    stream.write(b"x" * size)
            except OSError:
                continue


@pytest.mark.slow
def test_the_state_is_read_only_at_the_start(small_disk: Path, home: Home, folder: Path) -> None:
    """It refuses with the reason; when it may write again it knows what it knew."""
    daemon = RunningDaemon(home, prelude=ENCODER_STANDS_IN)
    try:
        daemon.wait_until("ready")
        daemon.index(folder)
        daemon.stop()
        remount(small_disk, "ro")
        daemon.restart()
        assert daemon.process.wait(30) == 5
        refused = subprocess.run(
            command("start"), env=environment(), capture_output=True, text=True, timeout=60
        )
        assert refused.returncode == 5
        assert "Read-only file system" in refused.stderr
        remount(small_disk, "rw")
        daemon.restart()
        daemon.wait_until("ready")
        assert found(daemon).keys() == on_disk(folder)
    finally:
        daemon.stop()


def remount(point: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(point)], check=True)
