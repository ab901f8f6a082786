"""What photosd writes itself is never an input, whatever folder above it is watched."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from photosd.core.errors import FolderError
from photosd.core.paths import Home
from photosd.index.folders import Folders
from photosd.watch.scanner import entry_of
from tests.index.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A watched folder that holds photosd's own places, by way of a link."""
    root = tmp_path / "photos"
    (root / "real").mkdir(parents=True)
    (root / "Library").symlink_to("real")
    monkeypatch.setenv("PHOTOSD_HOME", str(root / "Library" / "photosd"))
    return Shelf(tmp_path, own=Home.from_environment().own)


def own_files() -> list[Path]:
    """A picture in every place that photosd writes to."""
    home = Home.from_environment()
    places = [home.thumbnails / "ab", home.sheets, home.cloud, home.index, home.models, home.config]
    files = [place / "0123-ab.320.jpg" for place in places]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"thumbnail")
    return files


def test_own_files_are_not_indexed(shelf: Shelf) -> None:
    """Neither by a comparison nor by a hint; those that were indexed earlier are forgotten."""
    mine = shelf.write("real/mine.jpg")
    files = own_files()
    shelf.settle()
    assert shelf.states() == {"real/mine.jpg": "indexed"}
    rules = shelf.folders.all()[0].rules
    for file in files:
        path = bytes(file.resolve())
        assert entry_of(path, rules) is None
        shelf.hint(str(file.resolve().relative_to(shelf.root)))
        shelf.catalog.put(1, entry_of(path) or pytest.fail("a picture"), due=0)
    assert entry_of(bytes(mine), rules) is not None
    shelf.settle()
    assert shelf.states() == {"real/mine.jpg": "indexed"}


def test_places_that_were_moved_behind_a_link_are_not_indexed(shelf: Shelf) -> None:
    """To a larger disk, which holds photos as well."""
    mine = shelf.write("real/mine.jpg")
    home = Home.from_environment()
    home.state.mkdir(parents=True)
    for place in (home.thumbnails, home.sheets, home.cloud, home.index):
        moved = shelf.root / "moved" / place.name
        moved.mkdir(parents=True)
        place.symlink_to(moved)
        (moved / "0123-ab.320.jpg").write_bytes(b"thumbnail")
    shelf.folders = Folders(shelf.database, home.config / "folders.json", own=home.own)
    shelf.settle()
    assert mine.exists() and shelf.states() == {"real/mine.jpg": "indexed"}


def test_an_album_is_not_indexed(shelf: Shelf) -> None:
    """Its links lead to photos that are indexed under their own names."""
    photo = shelf.write("a.jpg")
    album = shelf.root / "album"
    album.mkdir()
    (album / "a.jpg").symlink_to(photo)
    with shelf.database.write() as db:
        db.execute(
            "INSERT INTO standing(text, kind, filter, argv, directory, created_at)"
            " VALUES('sea', 'link', '{}', '[]', ?, 0)",
            (bytes(album),),
        )
    shelf.settle()
    assert shelf.states() == {"a.jpg": "indexed"}


def test_a_place_of_its_own_cannot_be_added(shelf: Shelf) -> None:
    """Otherwise thumbnails would be indexed as photos."""
    own_files()
    home = Home.from_environment()
    for place in (home.state, home.thumbnails, home.models):
        with pytest.raises(FolderError, match="photosd's own files"):
            shelf.folders.add(bytes(place))


@pytest.mark.skipif(sys.platform != "linux", reason="only inotify watches each directory")
def test_own_files_raise_no_hints(shelf: Shelf, tmp_path: Path) -> None:
    """Their directories are not even watched."""
    from photosd.watch.inotify import InotifySource  # exists on Linux only

    own_files()
    source = InotifySource(lambda news: None, None)  # type: ignore[arg-type]
    source.open(bytes(tmp_path))
    source.watch(shelf.folders.all()[0].rules, frozenset())
    watched = source.directories()
    source.close()
    own = Home.from_environment().own
    assert len(watched) > 1
    assert not [path for path in watched if path.startswith(own)]
