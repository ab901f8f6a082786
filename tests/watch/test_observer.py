"""The source for platforms without inotify, run on the observer that watchdog has here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photosd.watch.observer import ObserverSource
from tests.watch import test_watcher as changes
from tests.watch.listening import Follower, write

# watchdog prints its whole table for each directory it watches a second time.
pytestmark = pytest.mark.filterwarnings("ignore:Callback with id")


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Follower]:
    """A watcher on watchdog's observer."""
    following = Follower(tmp_path, make_source=ObserverSource)
    yield following
    following.stop()


@pytest.mark.parametrize(
    "change",
    [changes.create_deep, changes.replace, changes.delete_tree, changes.rename,
     changes.rename_directory, changes.move_in, changes.move_out, changes.odd_bytes,
     changes.unzip],
    ids=lambda change: change.__name__,
)  # fmt: skip
def test_following_the_hints_shows_the_disk(
    follower: Follower, root: Path, change: Callable[[Path], None]
) -> None:
    """The same promise as on Linux, if a little later."""
    write(root / "old.jpg")
    write(root / "dir" / "1.jpg")
    write(root / "dir" / "deep" / "2.jpg")
    follower.add(root)
    before = dict(follower.photos)
    change(root)
    follower.until(
        lambda: follower.photos != before and follower.photos.keys() == follower.truth(), 5
    )


def test_ignored_and_read_files_are_no_news(follower: Follower, root: Path) -> None:
    """Rules hold for events by path too; a changed ignore file is a hint about its directory."""
    write(root / "skip" / "0.jpg")
    photo = write(root / "1.jpg")
    follower.add(root, ["skip/"])
    photo.read_bytes()
    for name in ("skip/1.jpg", ".h/2.jpg", "3.txt"):
        write(root / name)
    assert follower.settle() == []
    write(root / ".photosdignore", b"*\n")
    follower.until(lambda: not follower.photos, 5)


def test_a_root_that_goes_and_comes(follower: Follower, root: Path) -> None:
    """Away, then watched again: never a dead emitter that is silently reused."""
    follower.add(root)
    root.rmdir()
    follower.until(lambda: follower.state(root) == "away", 10)
    write(root / "1.jpg")
    follower.until(lambda: follower.state(root) == "watching", 10)
    follower.settle()
    write(root / "a" / "2.jpg")
    follower.until(lambda: follower.photos.keys() == follower.truth() != set(), 10)
    follower.watcher.remove(os.fsencode(root))
    follower.settle()
    write(root / "3.jpg")
    assert follower.settle() == []
