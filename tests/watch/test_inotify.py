"""The records of watches match the directories, and a closed source is silent."""

from __future__ import annotations

import errno
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("inotify is Linux's", allow_module_level=True)

from watchdog.observers.inotify_c import Mask, WatchDescriptor

from photosd.watch import inotify
from photosd.watch.hints import HintBatch
from photosd.watch.ignore import IgnoreRules
from photosd.watch.inotify import InotifySource
from photosd.watch.inotify_reader import InotifyReader
from photosd.watch.source import OutOfWatches
from tests.watch.listening import write


class Ear:
    """Notes what a source tells."""

    def __init__(self) -> None:
        self.batch = HintBatch()
        self.told: list[str] = []
        self.news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def heard(self, name: bytes) -> None:
        self.told.append(os.fsdecode(name))

    def lost(self) -> None:
        self.told.append("lost")

    def check_soon(self) -> None:
        self.told.append("look up")

    def unmounted(self, directory: bytes) -> None:
        self.told.append("unmounted")

    def too_many(self, root: bytes, error: OutOfWatches) -> None:
        self.told.append("too many")


@pytest.fixture
def ear() -> Ear:
    """A listener."""
    return Ear()


@pytest.fixture
def source(ear: Ear, tmp_path: Path) -> Iterator[InotifySource]:
    """An open source without folders."""
    (tmp_path / "probe").mkdir()
    opened = InotifySource(ear.news.put, ear)
    opened.open(os.fsencode(tmp_path / "probe"))
    yield opened
    opened.close()


def test_a_replaced_directory_is_noticed_by_its_watch(source: InotifySource, root: Path) -> None:
    """Numbers of devices and inodes return; the kernel's number of a watch does not lie."""
    (root / "disk").mkdir()
    source.watch(IgnoreRules(os.fsencode(root)), frozenset())
    paths = [os.fsencode(root), os.fsencode(root / "disk")]
    assert [source.was_replaced(path) for path in paths] == [False, False]
    (root / "disk").rename(root / "was")
    assert source.was_replaced(paths[1]), "nothing is there"
    (root / "disk").mkdir()
    before = source.watches(paths[0])
    assert source.was_replaced(paths[1]), "something else is there"
    assert source.complete(), "asking leaves no watch behind"
    assert source.watches(paths[0]) == before
    source.renew(*paths)
    assert not source.was_replaced(paths[1])


def test_a_folder_given_as_a_link_is_watched(
    source: InotifySource, ear: Ear, root: Path, tmp_path: Path
) -> None:
    """Links are not followed below a folder, but the folder itself may be one."""
    (tmp_path / "link").symlink_to(root)
    path = os.fsencode(tmp_path / "link")
    source.watch(IgnoreRules(path), frozenset())
    assert not source.was_replaced(path)
    write(root / "1.jpg")
    ear.news.get(timeout=60)()
    assert [hint.path for hint in ear.batch.take()] == [path + b"/1.jpg"]


def test_pruned_directories_are_not_entered(source: InotifySource, root: Path) -> None:
    """A share mounted inside a folder is neither walked nor watched."""
    (root / "share" / "deep").mkdir(parents=True)
    (root / "own").mkdir()
    source.watch(IgnoreRules(os.fsencode(root)), frozenset([os.fsencode(root / "share")]))
    assert source.watches(os.fsencode(root)) == 2


def test_events_of_a_closed_source_are_dropped(source: InotifySource, ear: Ear, root: Path) -> None:
    """An event that was under way at a restart must not change the new records."""
    source.watch(IgnoreRules(os.fsencode(root)), frozenset())
    write(root / "1.jpg")
    news = ear.news.get(timeout=60)
    source.close()
    news()
    assert not ear.batch
    assert ear.told == []


def test_two_folders_keep_their_own_watches(source: InotifySource, root: Path) -> None:
    """Removing the outer one leaves the inner one watched."""
    inner = os.fsencode(root / "inner")
    (root / "inner" / "a").mkdir(parents=True)
    outer = os.fsencode(root)
    source.watch(IgnoreRules(outer, other_roots=[inner]), frozenset())
    source.watch(IgnoreRules(inner), frozenset())
    assert (source.watches(outer), source.watches(inner)) == (1, 2)
    source.unwatch(outer)
    assert (source.watches(outer), source.watches(inner)) == (0, 2)
    assert source.complete()


def test_what_could_not_be_listed_is_watched_later(
    source: InotifySource, ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event tells when an input/output error has passed; the pauses grow while it lasts."""
    monkeypatch.setattr(inotify, "PAUSE", 0.0)
    root, below, deepest = (os.fsencode(tmp_path / name) for name in ("r", "r/a", "r/a/b"))
    Path(os.fsdecode(deepest)).mkdir(parents=True)
    scandir = os.scandir

    def sick(path: bytes) -> object:
        if path == below:
            raise OSError(errno.EIO, "Input/output error")
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", sick)
        source.watch(IgnoreRules(root), frozenset())
        source.look_again()
        assert source.watches(root) == 2
    ear.batch.take()
    source.look_again()
    assert source.watches(root) == 3
    assert below in {hint.path for hint in ear.batch.take()}
    monkeypatch.setattr(os, "scandir", sick)
    source.renew(root, below)
    source.unwatch(root)
    monkeypatch.undo()
    source.look_again()
    assert source.watches(root) == 0


def test_what_could_not_be_watched_is_watched_later(
    source: InotifySource, ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be listed, and new photos in it were found by scans only, without a word."""
    monkeypatch.setattr(inotify, "PAUSE", 0.0)
    root, below, deepest = (os.fsencode(tmp_path / name) for name in ("r", "r/a", "r/a/b"))
    Path(os.fsdecode(deepest)).mkdir(parents=True)
    watch = InotifyReader.watch

    def sick(reader: InotifyReader, path: bytes, mask: Mask) -> WatchDescriptor:
        if path == below:
            raise OSError(errno.EIO, "Input/output error")
        return watch(reader, path, mask)

    with monkeypatch.context() as patch:
        patch.setattr(InotifyReader, "watch", sick)
        source.watch(IgnoreRules(root), frozenset())
        source.look_again()
        assert source.directories() == {root, deepest}
    ear.batch.take()
    source.look_again()
    assert source.directories() == {root, below, deepest}
    assert below in {hint.path for hint in ear.batch.take()}


def test_a_reader_that_cannot_be_started_keeps_no_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system had no room for a thread: it is tried again, and instances are few."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def instances() -> int:
        own = Path("/proc/self/fd")
        links = [str(one.readlink()) for one in own.iterdir() if one.is_symlink()]
        return sum("inotify" in link for link in links)

    before = instances()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    source = InotifySource(lambda _: None, None)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError):
        source.open(os.fsencode(tmp_path))
    source.close()
    assert instances() == before
