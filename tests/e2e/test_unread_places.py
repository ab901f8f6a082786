"""Places that cannot be read, and photos that are removed, through a whole daemon."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.paths import Home
from tests.conftest import ENCODER_STANDS_IN, RunningDaemon
from tests.decode.pictures import jpeg, scene
from tests.household.daemon import StandInDaemon, until

LONGEST = os.pathconf("/", "PC_PATH_MAX")


class Decoding(StandInDaemon):
    """Only its encoder is a stand-in."""

    def __init__(self, home: Home) -> None:
        RunningDaemon.__init__(self, home, prelude=ENCODER_STANDS_IN)


@pytest.fixture
def running(home: Home) -> Iterator[StandInDaemon]:
    daemon = Decoding(home)
    yield daemon
    daemon.stop()


def said(*arguments: str) -> str:
    """What a command prints, on both streams."""
    command = [sys.executable, "-m", "photosd_cli.main", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


def dig(top: Path, picture: bytes) -> None:
    """Directories with a photo in each, down to paths that the system refuses."""
    name = "d" * 250
    place = os.open(top, os.O_RDONLY)
    for _ in range(LONGEST // len(name) + 2):
        os.mkdir(name, dir_fd=place)
        inner = os.open(name, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
        file = os.open("a.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=place)
        os.write(file, picture)
        os.close(file)
    os.close(place)


def test_a_path_that_is_too_long_is_told(running: StandInDaemon, tmp_path: Path) -> None:
    """By status, folders, doctor and the log; all photos with shorter paths are indexed."""
    photos = tmp_path / "photos"
    photos.mkdir()
    dig(photos, jpeg(scene(64, 48)))
    running.wait_until()
    running.index(photos)
    paths = running.contents()
    lengths = sorted(map(len, paths))
    assert len(lengths) >= (LONGEST - 300) // 251
    assert LONGEST - 300 < lengths[-1] < LONGEST
    with running.client() as client:
        (folder,) = client.folders()["folders"]
    assert folder["unreadable"] in (1, 2)  # the last directory, and a photo if there is room
    assert os.strerror(36) in (folder["unreadable_example"] or "")
    assert "in it cannot be read: " in said("status")
    assert "cannot be read, for example" in said("doctor")
    assert "folder_unreadable_in_part" in running.log()


def test_what_a_removed_folder_leaves_is_deleted(running: StandInDaemon, tmp_path: Path) -> None:
    """Vectors, facts and thumbnails, without another command; a copy elsewhere keeps its own."""
    kept, removed = tmp_path / "kept", tmp_path / "removed"
    for directory, colours in ((kept, (1, 2)), (removed, (2, 3))):
        directory.mkdir()
        for number in colours:
            (directory / f"{number}.jpg").write_bytes(jpeg(scene(64 + number, 48)))
    running.wait_until()
    running.index(kept, removed)
    contents = running.contents()
    assert len(set(contents.values())) == 3
    with running.client() as client:
        for path in contents:
            client.call("thumbnail", {"path": os.fsdecode(path), "deadline_ms": 30_000})
        client.remove(str(removed))

    def stored() -> set[str]:
        return {row[0] for row in running.rows("SELECT content FROM contents")}

    rest = {contents[path] for path in contents if path.startswith(bytes(kept))}
    assert len(rest) == 2
    until(
        lambda: stored() == rest and set(running.vectors()) == rest,
        60,
        "vectors and facts are left",
    )
    until(
        lambda: sum(1 for file in running.home.thumbnails.rglob("*") if file.is_file()) == 2,
        60,
        "thumbnails are left",
    )
