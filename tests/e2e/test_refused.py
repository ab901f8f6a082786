"""What is said when a question about a file or folder cannot be answered: why, and what helps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from tests.decode.pictures import jpeg, scene
from tests.e2e.test_damage import eventually
from tests.household.daemon import StandInDaemon


@pytest.fixture
def running(home: Home) -> Iterator[StandInDaemon]:
    daemon = StandInDaemon(home)
    yield daemon
    daemon.stop()


def test_every_remedy_fits_what_is_wrong(running: StandInDaemon, tmp_path: Path) -> None:
    """Absent, outside, a directory, empty, away: each has a remedy of its own, with its path."""
    photos, empty = tmp_path / "photos", tmp_path / "empty"
    photos.mkdir()
    empty.mkdir()
    (photos / "a.jpg").write_bytes(jpeg(scene(64, 48)))
    (tmp_path / "b.jpg").write_bytes(jpeg(scene(48, 64)))
    running.wait_until()
    running.index(photos)
    running.index(empty)
    with running.client() as client:

        def refused(op: str, path: Path) -> str:
            with pytest.raises(PhotosdError) as caught:
                client.call(op, {"path": str(path)})
            return f"{caught.value} | {caught.value.remedy}"

        def folder() -> dict[str, Any]:
            found: dict[str, Any] = client.call("status", {})["folders"][1]
            return found

        assert "no such file | check the name" in refused("show", photos / "c.jpg")
        assert "no such file | check the name" in refused("show", tmp_path / "c.jpg")
        outside = refused("show", tmp_path / "b.jpg")
        assert f"it is not in a watched folder | photosd add '{tmp_path}'" in outside
        (tmp_path / "notes.txt").write_text("x")  # adding its folder would not help
        assert "its suffix is not one of photos" in refused("show", tmp_path / "notes.txt")
        assert "is not a folder | name the folder" in refused("add", photos / "a.jpg")
        assert "is not there | No such folder" in refused("add", tmp_path / "nothing")
        assert "it is a folder | name a photo" in refused("show", photos)
        (photos / "notes.txt").write_text("x")
        assert "its suffix is not one of photos | rename it" in refused(
            "show", photos / "notes.txt"
        )
        (photos / "a.PDF").write_text("%PDF-1.7")
        assert "it is a document (PDF); photosd" in refused("show", photos / "a.PDF")
        (photos / ".photosdignore").write_text("d.jpg\n")
        (photos / "d.jpg").write_bytes(jpeg(scene(40, 30)))
        ignored = refused("show", photos / "d.jpg")
        assert f"{photos}/.photosdignore excludes {photos}/d.jpg | change that file" in ignored
        with pytest.raises(PhotosdError) as caught:
            client.call("query", {"text": "x", "where": {"below": [str(empty)]}})
        assert "photosd add" not in caught.value.remedy
        assert "photosd index --wait" in caught.value.remedy

        away = photos.rename(tmp_path / "away")
        eventually(lambda: folder()["state"] == "offline")
        assert folder()["remedy"].endswith(f"photosd remove '{photos}'")
        assert refused("accept", photos).endswith(f"photosd remove '{photos}'")
        shown = client.call("show", {"path": str(photos / "a.jpg")})
        assert (shown["state"], shown["remedy"]) == ("indexed", folder()["remedy"])

        away.rename(photos)
        list(client.stream("rescan", {"wait": True}))
        assert (folder()["state"], folder()["reason"]) == ("ok", None)


def test_a_deleted_photo_is_said_to_be_deleted(running: StandInDaemon, tmp_path: Path) -> None:
    """Not that it cannot be read; an ignored one names its rule."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in (0, 1):
        (photos / f"{number}.jpg").write_bytes(jpeg(scene(64 + number, 48)))
    running.wait_until()
    running.index(photos)
    (photos / "0.jpg").unlink()
    (photos / ".photosdignore").write_text("1.jpg\n")
    with running.client() as client:
        list(client.stream("rescan", {"wait": True}))
        deleted, ignored = (client.call("show", {"path": f"{photos}/{n}.jpg"}) for n in (0, 1))
    assert (deleted["state"], deleted["reason"]) == ("gone", "it was moved or deleted")
    assert "photosd purge" in deleted["remedy"]
    assert ignored["reason"] == f"{photos}/.photosdignore excludes {photos}/1.jpg"
