"""Filters by folder stay true when directories are renamed, through the whole daemon."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import lancedb
import pytest

from photosd.index.labels import label
from tests.conftest import RunningDaemon

WAIT_SECONDS = 20.0  # seconds; how soon is tested elsewhere, that it happens is tested here


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """Some of the real photos, all in folder/old/in."""
    inner = tmp_path / "photos" / "old" / "in"
    inner.mkdir(parents=True)
    for file in sorted((photos / "library").glob("*.jpg"))[::8]:
        shutil.copy(file, inner)
    return tmp_path / "photos"


def below(daemon: RunningDaemon, directory: Path) -> int:
    """Rows that a filter by this directory lets pass, as the daemon's table says by now."""
    (table,) = (daemon.home.index).glob("vectors_*.lance")
    where = f"array_has(labels, {label('in', bytes(directory))})"
    return int(lancedb.connect(table.parent).open_table(table.stem).count_rows(where))


def encoded(daemon: RunningDaemon) -> int:
    with daemon.client() as client:
        return int(client.call("status", {})["encoder"]["images_encoded"])


def wait_for_move(daemon: RunningDaemon, old: Path, new: Path, rows: int) -> None:
    limit = time.monotonic() + WAIT_SECONDS
    while (counts := (below(daemon, old), below(daemon, new))) != (0, rows):
        assert time.monotonic() < limit, f"{counts} rows below the old and the new name"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_renamed_directory_is_filtered_by_its_new_name(
    daemon: RunningDaemon, folder: Path
) -> None:
    """This holds also after a rename while the daemon was stopped; no photo is encoded again."""
    daemon.wait_until("ready")
    daemon.index(folder)
    rows = below(daemon, folder)
    assert rows >= len(list((folder / "old" / "in").iterdir())) > 0
    assert below(daemon, folder / "old" / "in") == rows
    before = encoded(daemon)

    (folder / "old").rename(folder / "new")
    wait_for_move(daemon, folder / "old", folder / "new", rows)
    assert below(daemon, folder / "new" / "in") == rows
    assert encoded(daemon) == before

    daemon.kill()
    (folder / "new").rename(folder / "newest")
    daemon.restart()
    daemon.wait_until("ready")
    wait_for_move(daemon, folder / "new", folder / "newest", rows)
    assert below(daemon, folder / "newest" / "in") == below(daemon, folder) == rows
    assert encoded(daemon) == 0
