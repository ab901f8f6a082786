"""What is written is on the disk: fsync(2) of macOS leaves it in the disk's cache."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path

import pytest

from photosd.core.atomic_write import replace_file
from photosd.index.database import Database
from photosd.places.building import build
from tests.places.world import write_world

F_FULLFSYNC = 51


@pytest.mark.parametrize("known", [True, False], ids=["APFS", "a share"])
def test_files_and_their_names_pass_the_cache_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """A file system that does not know the call gets the usual one."""
    asked: list[Path] = []
    fsync, synced = os.fsync, list[int]()

    def pretended(descriptor: int, command: int) -> int:
        assert command == F_FULLFSYNC
        asked.append(Path(f"/proc/self/fd/{descriptor}").resolve())
        if not known:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        return 0

    def counted(descriptor: int) -> None:
        synced.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(fcntl, "F_FULLFSYNC", F_FULLFSYNC, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", pretended)
    monkeypatch.setattr(os, "fsync", counted)
    replace_file(tmp_path / "settings", b"content")
    assert (tmp_path / "settings").read_bytes() == b"content"
    assert len(asked) == 2 and asked[1] == tmp_path
    assert len(synced) == (0 if known else 2)


def test_so_does_the_table_of_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it gets its name."""
    asked: list[int] = []
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", F_FULLFSYNC, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda descriptor, command: asked.append(command))
    build(tmp_path / "places.sqlite3", write_world(tmp_path))
    assert asked == [F_FULLFSYNC]


def test_so_does_the_catalog(tmp_path: Path) -> None:
    """At each checkpoint, on which its integrity depends."""
    with (
        contextlib.closing(Database(tmp_path / "catalog.sqlite3")) as database,
        database.write() as connection,
    ):
        assert connection.execute("PRAGMA checkpoint_fullfsync").fetchone()[0] == 1
