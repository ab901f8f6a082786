"""A folder that holds none of its photos any more is offline, not emptied of what is known."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from photosd.core.errors import FolderError
from photosd.index import comparison
from photosd.index.comparer import Comparer
from photosd.index.folders import Folder
from tests.index.shelf import Shelf

PHOTOS = 12


class Compared(Shelf):
    """A shelf that the daemon's own comparer compares."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.comparer = Comparer(
            self.catalog,
            self.folders,
            self.folders.filesystems,
            self.comparison,
            lambda: None,
            lambda: False,
        )

    def compare(self) -> None:
        for folder in self.folders.all():
            self.comparer.tree(folder, folder.path)

    def hint(self, *names: str) -> None:
        self.comparer.paths([bytes(self.root / name) for name in names])

    @property
    def now(self) -> Folder:
        """The folder as it is known now."""
        return next(folder for folder in self.folders.all() if folder.path == bytes(self.root))

    def is_empty(self) -> bool:
        """Whether it is `offline (empty)`, and says what to do."""
        folder = self.now
        offline = folder.state == "offline" and (folder.reason or "").startswith("empty")
        assert not offline or "photosd folders accept" in (folder.remedy or "")
        return offline


@pytest.fixture
def shelf(tmp_path: Path) -> Compared:
    made = Compared(tmp_path)
    for number in range(PHOTOS):
        made.write(f"{number % 3}/{number}.jpg", bytes([number]) * (number + 1))
    made.settle()
    assert len(made.states()) == PHOTOS
    return made


def move_away(shelf: Compared) -> Path:
    """The folder under another name, and nothing in its place yet."""
    elsewhere = shelf.root.with_name("elsewhere")
    shelf.root.rename(elsewhere)
    return elsewhere


def replaced_by_nothing(shelf: Compared) -> None:
    move_away(shelf)
    shelf.root.mkdir()


def emptied_at_once(shelf: Compared) -> None:
    for one in shelf.root.iterdir():
        shutil.rmtree(one)


def another_in_its_place(shelf: Compared) -> None:
    move_away(shelf)
    for number in range(5):
        shelf.write(f"other {number}.jpg", b"other" * (number + 1))


def another_with_the_same_names(shelf: Compared) -> None:
    """As two cards of one camera have them."""
    move_away(shelf)
    for number in range(PHOTOS):
        shelf.write(f"{number % 3}/{number}.jpg", b"of another card" * (number + 1), at=1.5e9)


WAYS = (replaced_by_nothing, emptied_at_once, another_in_its_place, another_with_the_same_names)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_forgotten_and_it_is_said(
    shelf: Compared, way: Callable[[Compared], None]
) -> None:
    """However often the folder is compared, and whatever unknown files appear in it."""
    way(shelf)
    for _ in range(3):
        shelf.settle()
        assert shelf.is_empty() and set(shelf.states().values()) == {"indexed"}
        assert len(shelf.states()) == PHOTOS
    shelf.write("new.jpg", b"new")
    shelf.hint("new.jpg", "0/0.jpg")
    shelf.settle()
    assert shelf.is_empty() and len(shelf.states()) == PHOTOS


@pytest.mark.parametrize("way", WAYS)
def test_it_is_itself_again_when_its_photos_are_there(
    shelf: Compared, way: Callable[[Compared], None], tmp_path: Path
) -> None:
    """The folder is online at once after a hint; no photo is encoded again."""
    copy = tmp_path / "copy"
    shutil.copytree(shelf.root, copy)  # with size and time
    way(shelf)
    shelf.settle()
    assert shelf.is_empty()
    shutil.rmtree(shelf.root)
    shutil.copytree(copy, shelf.root)
    shelf.hint("1/1.jpg")
    assert shelf.now.state == "ok"
    shelf.settle()
    assert len(shelf.states()) == PHOTOS
    assert len(shelf.encoded) == PHOTOS


@pytest.mark.parametrize("way", WAYS)
def test_accepting_the_folder_deletes_its_photos(
    shelf: Compared, way: Callable[[Compared], None]
) -> None:
    with pytest.raises(FolderError, match="not offline"):
        shelf.folders.accept(bytes(shelf.root))
    way(shelf)
    shelf.settle()
    assert shelf.folders.accept(bytes(shelf.root)) == PHOTOS
    shelf.settle()
    assert shelf.now.state == "ok"
    there = {str(file.relative_to(shelf.root)) for file in shelf.root.rglob("*.jpg")}
    assert set(shelf.states()) == there
    with pytest.raises(FolderError, match="not a watched"):
        shelf.folders.accept(b"/elsewhere")


def test_a_folder_inside_a_watched_one_is_not_removed_alone(shelf: Compared) -> None:
    """The error names the watched one, and how to exclude a part of it."""
    with pytest.raises(FolderError, match="not a watched folder") as caught:
        shelf.folders.remove(bytes(shelf.root / "1"))
    assert f"inside one: {shelf.root}" in str(caught.value)
    assert f".photosdignore in {shelf.root}" in caught.value.remedy
    with pytest.raises(FolderError) as caught:
        shelf.folders.remove(b"/elsewhere")
    assert caught.value.remedy == "photosd folders"


def test_some_missing_photos_count_as_deleted_at_once(shelf: Compared) -> None:
    """Also whole directories, and all photos but one."""
    shutil.rmtree(shelf.root / "0")
    (shelf.root / "1/1.jpg").unlink()
    shelf.hint("1/1.jpg")
    assert "1/1.jpg" not in shelf.states()
    shelf.settle()
    assert len(shelf.states()) == PHOTOS - 5 and shelf.now.state == "ok"
    for name in list(shelf.states())[1:]:
        (shelf.root / name).unlink()
    shelf.settle()
    assert len(shelf.states()) == 1 and shelf.now.state == "ok"


def test_known_photos_that_others_replace_count_as_deleted(shelf: Compared) -> None:
    """The same directory, not empty: the user changed it."""
    emptied_at_once(shelf)
    shelf.write("new.jpg", b"new")
    shelf.settle()
    assert set(shelf.states()) == {"new.jpg"} and shelf.now.state == "ok"


@pytest.mark.parametrize("hinted", [True, False])
def test_one_photo_after_the_other_is_an_emptying_too(shelf: Compared, hinted: bool) -> None:
    """As `rm` and sync tools do it: those that went first are known again."""
    for name in sorted(shelf.states()):
        (shelf.root / name).unlink()
        if hinted:
            shelf.hint(name)
        else:
            shelf.compare()
    assert shelf.is_empty()
    assert len(shelf.states()) == PHOTOS and set(shelf.states().values()) == {"indexed"}


def test_what_went_long_ago_stays_gone(shelf: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    (shelf.root / "0/0.jpg").unlink()
    shelf.settle()
    later = time.time() + 2 * comparison.EMPTYING_SECONDS
    monkeypatch.setattr(time, "time", lambda: later)
    emptied_at_once(shelf)
    shelf.settle()
    assert shelf.is_empty() and len(shelf.states()) == PHOTOS - 1


def test_a_folder_of_few_photos_may_be_emptied(tmp_path: Path) -> None:
    shelf = Compared(tmp_path)
    files = [shelf.write(f"{n}.jpg", b"%d" % n) for n in range(comparison.FEWEST - 1)]
    shelf.settle()
    for file in files:
        file.unlink()
    shelf.settle()
    assert shelf.states() == {} and shelf.now.state == "ok"


def test_photos_that_moved_to_another_folder_are_not_lost(shelf: Compared, tmp_path: Path) -> None:
    """An inbox that is emptied into an archive, both watched, is an empty folder."""
    archive = tmp_path / "archive"
    archive.mkdir()
    shelf.folders.add(bytes(archive))
    for one in list(shelf.root.iterdir()):
        one.rename(archive / one.name)
    shelf.compare()
    shelf.compare()
    moved = [p.path for p in shelf.catalog.in_state("indexed")]
    assert len(moved) == PHOTOS and all(path.startswith(bytes(archive)) for path in moved)
    assert shelf.now.state == "ok"


def test_a_start_does_not_change_it(shelf: Compared, tmp_path: Path) -> None:
    """What was found before the daemon ended still holds, and what happens meanwhile is found."""
    replaced_by_nothing(shelf)
    shelf.settle()
    again = shelf.folders.all()[0]
    assert comparison.is_emptied(again)
    shelf.root.rmdir()
    shelf.settle()
    assert shelf.now.state == "offline" and len(shelf.states()) == PHOTOS
    shelf.root.mkdir()
    shelf.settle()
    assert shelf.is_empty() and len(shelf.states()) == PHOTOS
