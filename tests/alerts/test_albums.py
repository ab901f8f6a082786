"""Live albums: a directory of links that follows the photos, and touches nothing else."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from photosd.alerts.album import Albums
from photosd.alerts.alert_store import AlertOptions, AlertStore
from photosd.core.errors import BadRequest
from photosd.core.paths import Home
from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.protocol.client import Client
from photosd.watch.filesystems import Filesystems
from tests.alerts.scenes import eventually, write
from tests.conftest import RunningDaemon
from tests.watch.hangfs import shared

HOSTILE = b"$(touch pwned)\n\xff.jpg"


def links(album: Path) -> dict[bytes, bytes]:
    """Names in an album, and where they lead."""
    found = (file for file in album.iterdir() if file.is_symlink())
    return {os.fsencode(file.name): os.fsencode(file.readlink()) for file in found}


def test_an_album_follows_the_photos(client: Client, folder: Path, tmp_path: Path) -> None:
    """Old ones and new ones are in it; renamed ones are followed, removed ones leave."""
    album = tmp_path / "album"
    client.standing_add("sunset", "link", directory=os.fspath(album))
    eventually(lambda: album.is_dir() and set(links(album)) == {b"old.jpg"})
    hostile = os.fsencode(folder) + b"/" + HOSTILE
    write(hostile, "sunset")
    write(folder / "snow.jpg", "snow")
    eventually(lambda: len(links(album)) == 2)
    assert links(album) == {b"old.jpg": os.fsencode(folder / "old.jpg"), HOSTILE: hostile}
    (folder / "old.jpg").rename(folder / "renamed.jpg")
    eventually(lambda: links(album).get(b"renamed.jpg") == os.fsencode(folder / "renamed.jpg"))
    assert b"old.jpg" not in links(album)
    os.unlink(hostile)  # noqa: PTH108 (bytes)
    eventually(lambda: set(links(album)) == {b"renamed.jpg"})


def test_photos_of_one_name_have_room(client: Client, folder: Path, tmp_path: Path) -> None:
    """A link keeps its name when the user's own file of that name is in the album."""
    album = tmp_path / "album"
    album.mkdir()
    (album / "old.jpg").write_text("mine")
    (folder / "b").mkdir()
    write(folder / "b" / "old.jpg", "sunset")
    client.standing_add("sunset", "link", directory=os.fspath(album))
    eventually(lambda: set(links(album)) == {b"old-2.jpg", b"old-3.jpg"})
    number = client.standing()["standing"][0]["id"]
    client.standing_remove(number)
    eventually(lambda: not links(album))
    assert (album / "old.jpg").read_text() == "mine"


def test_a_link_that_was_removed_comes_back(client: Client, folder: Path, tmp_path: Path) -> None:
    """photosd restores removed links; it leaves a file in a link's place alone."""
    album = tmp_path / "album"
    client.standing_add("sunset", "link", directory=os.fspath(album))
    eventually(lambda: album.is_dir() and set(links(album)) == {b"old.jpg"})
    (album / "old.jpg").unlink()
    (album / "old.jpg").write_text("mine")
    write(folder / "new.jpg", "sunset")
    eventually(lambda: set(links(album)) == {b"new.jpg", b"old-2.jpg"})
    assert (album / "old.jpg").read_text() == "mine"


def test_what_cannot_be_an_album_is_refused(client: Client, folder: Path, tmp_path: Path) -> None:
    """Watched folders, where links would count as photos; other albums; files."""
    (tmp_path / "file").write_text("")
    client.standing_add("sunset", "link", directory=os.fspath(tmp_path / "album"))
    for directory in (folder / "album", tmp_path / "album", tmp_path / "file"):
        with pytest.raises(BadRequest):
            client.standing_add("snow", "link", directory=os.fspath(directory))


@pytest.mark.chaos
def test_an_album_survives_a_kill(
    warm: RunningDaemon, client: Client, folder: Path, tmp_path: Path
) -> None:
    """And learns what happened meanwhile."""
    album = tmp_path / "album"
    client.standing_add("sunset", "link", directory=os.fspath(album))
    eventually(lambda: album.is_dir() and len(links(album)) == 1)
    warm.kill()
    (folder / "old.jpg").unlink()
    write(folder / "new.jpg", "sunset")
    warm.restart()
    warm.wait_until("ready")
    client.close()
    eventually(lambda: set(links(album)) == {b"new.jpg"})


def test_an_album_on_a_share_that_hangs_delays_no_other(home: Home, tmp_path: Path) -> None:
    """It answers at first, and hangs when links are read."""
    local = tmp_path / "local"
    local.mkdir()
    with shared(tmp_path) as share, Filesystems() as filesystems:
        home.state.mkdir(parents=True)
        database = Database(home.catalog)
        store = AlertStore(database, tmp_path / "copy.json")
        for place, behind, links in ((share.point, share.source, 1), (local, local, 120)):
            options = AlertOptions("dog", "link", directory=os.fsencode(place))
            number = store.add(options)[0].id
            for link in range(links):
                (behind / f"{link}.jpg").symlink_to("/gone")
                with database.write() as db:
                    db.execute(
                        "INSERT INTO links(content, standing, wanted, link, target)"
                        " VALUES (?, ?, 0, ?, ?)",
                        (str(link), number, os.fsencode(place / f"{link}.jpg"), b"/gone"),
                    )
        (local / "7.jpg").unlink()
        (local / "7.jpg").write_text("mine")
        albums = Albums(database, Catalog(database), filesystems)
        share.hang("lookup")
        sync = threading.Thread(target=albums.sync, args=(store.all(),), daemon=True)
        sync.start()
        sync.join(60)
        assert not sync.is_alive()
        assert [file.name for file in local.iterdir()] == ["7.jpg"]
        assert len(albums.troubles) == 1
        database.close()
