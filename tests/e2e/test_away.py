"""Disks that are away, and changes while the daemon is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunningDaemon
from tests.e2e.test_damage import eventually, found, listed, on_disk, paint, status


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "disk" / "photos"
    folder.mkdir(parents=True)
    for number in range(12):
        paint(folder / f"{number}.png", number)
    return folder


@pytest.fixture
def daemon(quick_daemon: RunningDaemon) -> RunningDaemon:
    return quick_daemon


@pytest.fixture
def full(daemon: RunningDaemon, folder: Path) -> RunningDaemon:
    """A daemon that has indexed the folder."""
    daemon.wait_until("ready")
    daemon.index(folder)
    return daemon


def encoded(daemon: RunningDaemon) -> int:
    return int(status(daemon)["encoder"]["images_encoded"])


def test_changes_while_it_was_stopped_are_seen_at_the_start(
    full: RunningDaemon, folder: Path
) -> None:
    """W10: new, changed, renamed, moved and deleted photos; only the new pixels are encoded."""
    full.stop()
    paint(folder / "new.png", 100)
    paint(folder / "0.png", 101)
    (folder / "1.png").rename(folder / "renamed.png")
    (folder / "deep").mkdir()
    (folder / "2.png").rename(folder / "deep" / "moved.png")
    (folder / "3.png").unlink()
    full.restart()
    full.wait_until("ready")
    full.index()
    expected = on_disk(folder) | {str(folder / "deep" / "moved.png")}
    assert listed(full) == found(full).keys() == expected
    assert encoded(full) == 2


def test_a_disk_that_is_away_keeps_its_photos(full: RunningDaemon, folder: Path) -> None:
    """W6: they are found and marked; when it is back nothing is encoded again."""
    before = encoded(full)
    away = folder.parent.with_name("away")
    folder.parent.rename(away)
    eventually(lambda: status(full)["folders"][0]["state"] == "offline")
    answer: Any = full.query("a colourful pattern", 100)
    assert len(answer["hits"]) == 12
    assert all(hit["offline"] for hit in answer["hits"])
    assert answer["coverage"]["offline_folders"] == [str(folder)]
    full.kill()
    full.restart()  # a start without the disk forgets nothing either
    full.wait_until("ready")
    assert len(found(full)) == 12
    paint(away / "photos" / "meanwhile.png", 200)
    away.rename(folder.parent)
    eventually(lambda: listed(full) == on_disk(folder) == found(full).keys())
    assert status(full)["folders"][0]["state"] == "ok"
    assert encoded(full) == 1, before
