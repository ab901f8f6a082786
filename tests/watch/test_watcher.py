"""The watcher: every change is hinted, soon, once; what is ignored or only read is not."""

# Names are bytes here, which pathlib does not know.
# ruff: noqa: PTH102, PTH118, PTH123, PTH208

from __future__ import annotations

import dataclasses
import mmap
import os
import queue
import shutil
import sys
import threading
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from photosd.watch.hints import Hint
from photosd.watch.ignore import IgnoreRules
from photosd.watch.watch_limits import WatchLimits
from tests.watch.listening import QUICK, Follower, write

SMALL = dataclasses.replace(QUICK, pending=200)


def test_a_folder_is_watched_before_it_is_to_be_scanned(follower: Follower, root: Path) -> None:
    """What was there is found by the scan that the first hint asks for."""
    write(root / "a" / "1.jpg")
    follower.add(root)
    assert follower.hinted(root, "overflow")
    assert follower.state(root) == "watching"
    assert follower.photos.keys() == follower.truth() != set()


def create(root: Path) -> None:
    """A photo, in one go."""
    write(root / "new.jpg")


def create_deep(root: Path) -> None:
    """A photo in directories that are new."""
    write(root / "a" / "b" / "c" / "d" / "new.jpg")


def replace(root: Path) -> None:
    """An editor's way: a new file takes the old one's name."""
    write(root / "tmp~", b"longer than before")
    (root / "tmp~").replace(root / "old.jpg")


def truncate(root: Path) -> None:
    """No opening, no closing."""
    os.truncate(root / "old.jpg", 1)


def backdate(root: Path) -> None:
    """Only the time changes, as at the end of ``cp -p``."""
    os.utime(root / "old.jpg", (1, 1))


def overwrite_mapped(root: Path) -> None:
    """Through memory: the kernel tells only that it was opened and closed."""
    with open(root / "old.jpg", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:] = bytes(len(memory))


def delete(root: Path) -> None:
    """One file."""
    (root / "old.jpg").unlink()


def delete_tree(root: Path) -> None:
    """A directory with all it holds."""
    shutil.rmtree(root / "dir")


def rename(root: Path) -> None:
    """One file."""
    (root / "old.jpg").rename(root / "dir" / "renamed.jpg")


def rename_directory(root: Path) -> None:
    """And a file written into it at once."""
    (root / "dir").rename(root / "renamed")
    write(root / "renamed" / "deep" / "new.jpg")


def rename_case(root: Path) -> None:
    """Only the case of the name changes."""
    (root / "old.jpg").rename(root / "OLD.JPG")


def move_in(root: Path) -> None:
    """A tree from outside."""
    write(root.parent / "outside" / "sub" / "1.jpg")
    (root.parent / "outside").rename(root / "came")
    write(root / "came" / "sub" / "2.jpg")


def move_out(root: Path) -> None:
    """Move a tree out of the folder, where it still changes."""
    (root / "dir").rename(root.parent / "left")
    write(root.parent / "left" / "3.jpg")


def hard_link(root: Path) -> None:
    """A second name."""
    (root / "dir" / "second.jpg").hardlink_to(root / "old.jpg")


def soft_links(root: Path) -> None:
    """One to a file, one to a directory, one in a circle."""
    (root / "link.jpg").symlink_to(root / "dir" / "deep" / "2.jpg")
    (root / "dir" / "circle").symlink_to(root)


def two_accents(root: Path) -> None:
    """The two ways to write é are two files where the file system keeps them apart."""
    for form in ("NFC", "NFD"):
        write(root / unicodedata.normalize(form, "été.jpg"))


def odd_bytes(root: Path) -> None:
    """No text, a newline, quotes."""
    for name in (b"\xff.jpg", b"new\nline.jpg", b"\"'\\.jpg"):
        with open(os.path.join(os.fsencode(root), name), "wb"):
            pass
    os.mkdir(os.path.join(os.fsencode(root), b"d\xff\n"))
    with open(os.path.join(os.fsencode(root), b"d\xff\n", b"in.jpg"), "wb"):
        pass


def unzip(root: Path) -> None:
    """Directories and files in a hurry."""
    archive = root.parent / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(300):
            packed.writestr(f"album/{number % 17}/{number % 5}/{number}.jpg", b"x")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(root)


def fill_then_rename(root: Path) -> None:
    """Made under one name, shown under another, many times at once."""
    for number in range(100):
        hidden = root / f".tmp{number}"
        write(hidden / "f.jpg")
        hidden.rename(root / f"final{number}")


def swap(root: Path) -> None:
    """Two directories change places."""
    write(root / "b" / "x.jpg")
    (root / "dir").rename(root / "t")
    (root / "b").rename(root / "dir")
    (root / "t").rename(root / "b")
    write(root / "b" / "deep" / "later.jpg")


def file_for_directory(root: Path) -> None:
    """A photo takes the place of a directory, a directory that of a photo."""
    shutil.rmtree(root / "dir")
    write(root / "dir.jpg")
    (root / "old.jpg").unlink()
    write(root / "old.jpg" / "inside.png")


CHANGES: list[Callable[[Path], None]] = [
    create, create_deep, replace, truncate, backdate, overwrite_mapped, delete, delete_tree,
    rename, rename_directory, rename_case, move_in, move_out, hard_link, soft_links, two_accents,
    odd_bytes, unzip, fill_then_rename, swap, file_for_directory,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_following_the_hints_shows_the_disk(
    follower: Follower, root: Path, change: Callable[[Path], None]
) -> None:
    """After any change the hints lead to exactly what a scan of everything would find."""
    write(root / "old.jpg")
    write(root / "dir" / "1.jpg")
    write(root / "dir" / "deep" / "2.jpg")
    follower.add(root)
    before = dict(follower.photos)
    change(root)
    follower.settle()
    assert follower.photos.keys() == follower.truth()
    assert follower.photos != before or change is overwrite_mapped
    if change in (replace, truncate, backdate, overwrite_mapped):
        assert follower.hinted(root / "old.jpg", "path")
    # And it still hears, everywhere.
    for directory in [path for path in root.rglob("*") if path.is_dir() and not path.is_symlink()]:
        write(directory / "after.jpg")
    follower.settle()
    assert follower.photos.keys() == follower.truth()
    assert follower.watcher.rebuilds == 0
    if sys.platform == "linux":
        assert not follower.misplaced_watches()


def test_a_hint_comes_within_a_moment(follower: Follower, root: Path) -> None:
    """A written photo gives one, and a photo that leaves, without an event of its new place."""
    follower.add(root)
    photo = write(root / "1.jpg")
    follower.until(lambda: follower.hinted(photo))
    photo.rename(root.parent / "left.jpg")
    follower.until(lambda: not follower.photos)


def test_five_thousand_files_renamed_are_two_hints(follower: Follower, root: Path) -> None:
    """W7: a renamed directory is reported as two subtrees."""
    for directory in ("album", "album/sub"):
        (root / directory).mkdir()
        for number in range(2500):
            os.close(os.open(root / directory / f"{number}.jpg", os.O_CREAT))
    follower.add(root)
    (root / "album").rename(root / "trip")
    hints = follower.settle()
    assert len(hints) <= 2
    assert len(follower.photos) == 5000
    assert follower.photos.keys() == follower.truth()


def test_moving_between_two_folders(follower: Follower, tmp_path: Path) -> None:
    """W7: what leaves one folder for another is told in both."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        follower.add(tmp_path / name)
    write(tmp_path / "one" / "a" / "b" / "1.jpg")
    follower.settle()
    (tmp_path / "one" / "a").rename(tmp_path / "two" / "a")
    follower.settle()
    assert follower.photos.keys() == {os.fsencode(tmp_path / "two" / "a" / "b" / "1.jpg")}
    write(tmp_path / "two" / "a" / "b" / "2.jpg")
    follower.settle()
    assert follower.photos.keys() == follower.truth()


def test_reading_causes_no_hints(follower: Follower, root: Path) -> None:
    """W12: opening, reading and listing by any process is not a change."""
    photo = write(root / "a" / "1.jpg", b"x" * 100_000)
    follower.add(root)
    for _ in range(5):
        assert photo.read_bytes()
        follower.truth()
    assert follower.settle() == []


def test_what_is_ignored_is_neither_watched_nor_hinted(follower: Follower, root: Path) -> None:
    """It is pruned before a watch is added; files that are not photos cause no hint."""
    for name in (".hidden/a", "@eaDir/b", "skip/c", "kept/d"):
        (root / name).mkdir(parents=True)
    follower.add(root, ["skip/"])
    (health,) = follower.watcher.health()
    if sys.platform == "linux":
        assert health.watches == 3, "the folder, kept and kept/d"
    for name in (".hidden/1.jpg", "@eaDir/b/1.jpg", "skip/c/1.jpg", "kept/.1.jpg", "kept/1.txt",
                 "kept/.nested/new/1.jpg"):  # fmt: skip
        write(root / name)
    assert follower.settle() == []


def test_changed_rules_take_effect(follower: Follower, root: Path) -> None:
    """An ignore file or a mark that comes or goes changes what is watched and what is found."""
    for name in ("raw/1.jpg", "raw/deep/2.jpg", "kept/3.jpg"):
        write(root / name)
    follower.add(root)
    assert len(follower.photos) == 3
    write(root / ".photosdignore", b"raw/\n")
    follower.settle()
    assert follower.photos.keys() == {os.fsencode(root / "kept" / "3.jpg")}
    assert follower.watcher.health()[0].watches <= 4
    write(root / "raw" / "4.jpg")
    assert follower.settle() == []
    (root / ".photosdignore").unlink()
    write(root / "kept" / ".nomedia")
    follower.settle()
    assert follower.photos.keys() == follower.truth()
    assert len(follower.photos) == 3
    (root / "kept" / ".nomedia").unlink()
    write(root / "raw" / "deep" / "5.jpg")
    follower.settle()
    assert len(follower.photos) == 5
    follower.add(root, ["raw/"])
    assert follower.photos.keys() == {os.fsencode(root / "kept" / "3.jpg")}


def test_a_removed_folder_is_silent(follower: Follower, root: Path) -> None:
    """After removal no hints, no watches, no health."""
    follower.add(root)
    follower.watcher.remove(os.fsencode(root))
    follower.settle()
    write(root / "1.jpg")
    assert follower.settle() == []
    assert follower.watcher.health() == []


def test_rules_for_another_folder_are_a_mistake(follower: Follower, root: Path) -> None:
    """The rules carry their root; a relative path is refused."""
    with pytest.raises(ValueError, match="are not rules for"):
        follower.watcher.add(os.fsencode(root), IgnoreRules(b"/elsewhere"))
    with pytest.raises(ValueError, match="are not rules for"):
        follower.watcher.add(b"photos", IgnoreRules(b"photos"))


def test_a_slow_writer_causes_hints_until_the_end(follower: Follower, root: Path) -> None:
    """W8: each part written gives a hint, so that the file is not taken for finished."""
    follower.add(root)
    with open(root / "slow.jpg", "wb") as file:
        for _ in range(5):
            file.write(b"x" * 1000)
            file.flush()
            if sys.platform == "linux":  # FSEvents tells when it is closed
                assert follower.hinted(root / "slow.jpg") or follower.settle()
            follower.settle()
            follower.log.clear()
    assert [hint.path for hint in follower.settle()] == [os.fsencode(root / "slow.jpg")]


def test_hints_that_are_not_taken_do_not_fill_the_memory(tmp_path: Path, root: Path) -> None:
    """Beyond the limit one hint stands for all of them."""
    follower = Follower(tmp_path, SMALL)
    try:
        follower.add(root)
        for number in range(1000):
            write(root / f"{number}.jpg")
            if number % 20 == 0:
                assert follower.watcher.barrier(20)
        assert follower.watcher.barrier(20)
        assert follower.watcher.hints.qsize() <= SMALL.pending
        follower.settle()
        assert Hint("overflow", b"") in follower.log
        assert follower.photos.keys() == follower.truth()
        if sys.platform == "linux":  # elsewhere older events may follow the barrier, in a burst
            assert follower.watcher.rebuilds == 0
    finally:
        follower.stop()


def cpu_seconds(but: set[int | None]) -> float:
    """What the threads of this process have taken, without these."""
    threads = psutil.Process().threads()
    return sum(one.user_time + one.system_time for one in threads if one.id not in but)


def test_an_idle_watcher_is_idle(tmp_path: Path, root: Path) -> None:
    """At its real pace it mostly waits, and touches nothing but the probe's place."""
    others = {thread.native_id for thread in threading.enumerate()}
    follower = Follower(tmp_path, WatchLimits(probe=0.5))
    try:
        for number in range(200):
            write(root / str(number) / "1.jpg")
        follower.add(root)
        states = {path: path.stat().st_atime_ns for path in root.rglob("*")}
        before = cpu_seconds(others)
        with pytest.raises(queue.Empty):
            follower.watcher.hints.get(timeout=2.0)
        assert cpu_seconds(others) - before < 0.2  # one that turns without a wait takes all of it
        assert {path: path.stat().st_atime_ns for path in root.rglob("*")} == states
        assert list((tmp_path / "probe").iterdir()) == []
    finally:
        follower.stop()


def test_stopping_is_quick_and_complete(tmp_path: Path, root: Path) -> None:
    """All threads and descriptors are released; stopping twice, or before the start, is allowed."""
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    follower = Follower(tmp_path)
    follower.add(root)
    follower.stop()
    follower.stop()
    assert not follower.watcher.barrier(0.1)
    if before:
        assert len(os.listdir("/proc/self/fd")) == before
