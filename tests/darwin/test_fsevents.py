"""FSEvents: what its flags mean to the watcher (rows 7 and 12 of the faults found on a Mac).

The flags are played into watchdog's callback; the stream's own events come from inotify.
"""

from __future__ import annotations

import importlib
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from photosd.watch.hints import HintBatch
from photosd.watch.ignore import IgnoreRules
from photosd.watch.source import Listener, Receive, Source
from tests.watch import test_watcher as changes
from tests.watch.listening import Follower, write


@pytest.fixture
def native() -> ModuleType:
    """The stand-in for watchdog's C module."""
    try:
        module = importlib.import_module("_watchdog_fsevents")
    except ImportError:
        module = pytest.importorskip("tests.darwin.shim._watchdog_fsevents")
        sys.modules["_watchdog_fsevents"] = module
    if not hasattr(module, "STREAMS"):
        pytest.skip("the flags of the real FSEvents cannot be chosen")
    return module


def source(receive: Receive, listener: Listener) -> Source:
    """As on a Mac."""
    from photosd.watch.fsevents import FSEventsSource  # needs the stand-in

    return FSEventsSource(receive, listener)


@pytest.fixture
def follower(native: ModuleType, tmp_path: Path) -> Iterator[Follower]:
    """A watcher on FSEvents."""
    following = Follower(tmp_path, make_source=source)
    yield following
    following.stop()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "photos"
    directory.mkdir()
    return directory


def play(native: ModuleType, root: Path, *events: tuple[object, int]) -> None:
    """Deliver these paths with these flags on the stream of ``root``."""
    stream = next(one for one in native.STREAMS if one.paths == [str(root)])
    paths, flags = [str(path) for path, _ in events], [mask for _, mask in events]
    stream.callback(paths, [0] * len(paths), flags, list(range(len(paths))))


@pytest.mark.parametrize(
    "change",
    [changes.create_deep, changes.replace, changes.delete_tree, changes.rename,
     changes.rename_directory, changes.move_in, changes.move_out, changes.unzip],
    ids=lambda change: change.__name__,
)  # fmt: skip
def test_following_the_hints_shows_the_disk(
    follower: Follower, root: Path, change: Callable[[Path], None]
) -> None:
    """The emitter keeps every change, without looking at the disk itself."""
    for name in ("old.jpg", "dir/1.jpg", "dir/deep/2.jpg"):
        write(root / name)
    follower.add(root)
    before = dict(follower.photos)
    change(root)
    follower.until(lambda: follower.photos != before and follower.photos.keys() == follower.truth())


@pytest.mark.parametrize("flags", ["MUST_SCAN", "USER_DROPPED", "KERNEL_DROPPED"])
def test_dropped_events_make_it_compare_the_directory(
    native: ModuleType, follower: Follower, root: Path, flags: str
) -> None:
    """Row 12: watchdog ignores these flags, so what was dropped was never found."""
    write(root / "a" / "1.jpg")
    follower.add(root)
    follower.log.clear()
    mask = getattr(native, flags) | native.IS_DIR
    play(native, root, (root / "a", mask))
    follower.until(lambda: follower.hinted(root / "a", "subtree"))
    for whole in (root, root.parent, "/"):
        follower.log.clear()
        play(native, root, (whole, mask))
        follower.until(lambda: follower.hinted(root, "overflow"))
    assert follower.watcher.rebuilds == 0


def test_a_directory_without_flags_is_compared(
    native: ModuleType, follower: Follower, root: Path
) -> None:
    """Something in it has changed, and nothing tells what; of the root that was not noticed."""
    write(root / "a" / "1.jpg")
    follower.add(root)
    for place, kind in ((root / "a", "subtree"), (root, "overflow")):
        follower.log.clear()
        play(native, root, (place, 0))
        follower.until(lambda at=place, of=kind: follower.hinted(at, of))  # type: ignore[misc]


def test_a_root_that_is_renamed_is_watched_again(
    native: ModuleType, follower: Follower, root: Path
) -> None:
    """Row 12: watchdog ends its thread then, and everything was compared."""
    follower.add(root)
    streams = [one for one in native.STREAMS if one.paths == [str(root)]]
    play(native, root, (root, native.ROOT_CHANGED))
    follower.until(lambda: follower.hinted(root, "overflow"))
    follower.until(
        lambda: any(one.paths == [str(root)] and one not in streams for one in native.STREAMS)
    )
    root.rename(root.with_name("away"))
    play(native, root, (root, native.ROOT_CHANGED))
    follower.until(lambda: follower.state(root) == "away")
    write(root / "1.jpg")
    follower.until(lambda: follower.state(root) == "watching")
    follower.until(lambda: follower.photos.keys() == follower.truth() != set())
    assert follower.watcher.rebuilds == 0


def test_mounts_are_looked_at(native: ModuleType, follower: Follower, root: Path) -> None:
    """A disk that is attached or ejected inside of a folder."""
    inside = root / "disk"
    write(inside / "1.jpg")
    follower.add(root)
    for flag in (native.MOUNT, native.UNMOUNT):
        follower.log.clear()
        play(native, root, (inside, flag))
        follower.until(lambda: follower.hinted(inside, "subtree"))


def test_merged_and_old_events_lose_nothing(
    native: ModuleType, follower: Follower, root: Path
) -> None:
    """FSEvents merges the changes of a file, and repeats what was before: the disk decides."""
    kept, gone = write(root / "kept.jpg"), root / "gone.jpg"
    follower.add(root)
    follower.log.clear()
    everything = (
        native.CREATED | native.REMOVED | native.RENAMED | native.MODIFIED | native.META
        | native.FINDER | native.OWNER | native.XATTR | native.IS_FILE
    )  # fmt: skip
    play(native, root, (kept, everything), (gone, everything), (root, native.HISTORY_DONE))
    play(native, root, (kept, native.REMOVED | native.IS_FILE))
    follower.until(lambda: follower.hinted(kept, "path") and follower.hinted(gone, "path"))
    follower.settle()
    assert follower.photos.keys() == follower.truth() == {bytes(kept)}
    assert {hint.kind for hint in follower.log} == {"path"}


def test_reading_or_marking_a_directory_causes_no_hint(
    native: ModuleType, follower: Follower, root: Path
) -> None:
    """Finder writes attributes of directories all the time; a scan for each would never end."""
    directory = write(root / "a" / "1.jpg").parent
    follower.add(root)
    follower.settle()
    play(native, root, (directory, native.XATTR | native.FINDER | native.IS_DIR))
    assert follower.settle() == []


class Heard:
    """A listener that only collects."""

    def __init__(self) -> None:
        self.batch = HintBatch()
        self.looked = 0

    def heard(self, name: bytes) -> None: ...
    def lost(self) -> None: ...
    def unmounted(self, directory: bytes) -> None: ...
    def too_many(self, root: bytes, error: Exception) -> None: ...
    def check_soon(self) -> None:
        self.looked += 1


@pytest.mark.parametrize(
    ("root", "reported"),
    [
        ("/Users/me/Pictures", "/Users/me/pictures/a.jpg"),
        ("/Users/me/pictures", "/Users/me/Pictures/a.jpg"),
        ("/Users/me/Été", unicodedata.normalize("NFD", "/Users/me/Été/a.jpg")),
        (unicodedata.normalize("NFD", "/Users/me/Été"), "/Users/me/Été/a.jpg"),
        ("/Users/me/Pictures", "/System/Volumes/Data/Users/me/Pictures/a.jpg"),
        ("/tmp/photos", "/private/tmp/photos/a.jpg"),
    ],
)
def test_a_root_reported_by_another_spelling(native: ModuleType, root: str, reported: str) -> None:
    """Row 7: every event missed the root, and each one made it compare the whole folder."""
    heard = Heard()
    folder = os.fsencode(root)
    watcher: Any = source(lambda _work: None, heard)
    flags = native.MODIFIED | native.IS_FILE
    watcher.digest(os.fsencode(reported), flags, IgnoreRules(folder))
    assert heard.batch.take() == [("path", folder + b"/a.jpg")]


def test_a_name_reported_in_another_form_is_hinted_in_both(native: ModuleType) -> None:
    """Row 7: the name of a deleted file cannot be asked of the disk any more."""
    heard = Heard()
    watcher: Any = source(lambda _work: None, heard)
    composed, decomposed = (
        unicodedata.normalize(form, "/p/Été/é.jpg").encode() for form in ("NFC", "NFD")
    )
    watcher.digest(decomposed, native.REMOVED | native.IS_FILE, IgnoreRules(b"/p"))
    assert {hint.path for hint in heard.batch.take()} == {composed, decomposed}


@pytest.mark.parametrize("error", [SystemError("cannot start"), RuntimeError("cannot create")])
def test_a_stream_that_cannot_start_does_not_stop_the_watcher(
    native: ModuleType, tmp_path: Path, root: Path, error: Exception
) -> None:
    """FSEvents may refuse; the folder is scanned then, and others are watched."""
    refused = tmp_path / "refused"
    refused.mkdir()
    real = native.Stream.run

    def run(self: object, *arguments: object) -> object:
        if self.paths == [str(refused)]:  # type: ignore[attr-defined]
            raise error
        return real(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native.Stream, "run", run)
        follower = Follower(tmp_path, make_source=source)
        try:
            follower.add(refused)
            follower.add(root)
            write(root / "1.jpg")
            follower.until(lambda: follower.photos.keys() == follower.truth() != set())
            assert (follower.state(refused), follower.state(root)) == ("away", "watching")
            assert follower.watcher.rebuilds == 0
        finally:
            follower.stop()


def test_ignored_and_read_files_cause_no_hint(follower: Follower, root: Path) -> None:
    """Rules hold for events by path too; a changed ignore file is a hint about its directory."""
    write(root / "skip" / "0.jpg")
    photo = write(root / "1.jpg")
    follower.add(root, ["skip/"])
    photo.read_bytes()
    for name in ("skip/1.jpg", ".h/2.jpg", "3.txt"):
        write(root / name)
    assert follower.settle() == []
    write(root / ".photosdignore", b"*\n")
    follower.until(lambda: not follower.photos, 30)


def test_a_removed_folder_is_not_watched_any_more(follower: Follower, root: Path) -> None:
    follower.add(root)
    follower.watcher.remove(os.fsencode(root))
    follower.settle()
    write(root / "3.jpg")
    assert follower.settle() == []
