"""Scans: regular photo files only, never in circles, never raising, never silent about gaps."""

# Names are bytes here, which pathlib does not know.
# ruff: noqa: PTH116, PTH118, PTH119, PTH123, PTH208

from __future__ import annotations

import errno
import os
import re
import time
import unicodedata
from pathlib import Path

import pytest

from photosd.watch.ignore import IgnoreRules
from photosd.watch.scanner import entry_of, scan
from photosd.watch.walk import remedy_for, walk
from tests.watch.listening import write


def found(root: Path, subtree: Path | None = None) -> set[str]:
    """Paths relative to the root."""
    start = os.fsencode(root)
    top = None if subtree is None else os.fsencode(subtree)
    return {
        os.fsdecode(entry.path[len(start) + 1 :]) for entry in scan(start, top, IgnoreRules(start))
    }


def test_an_entry_is_what_stat_says(root: Path) -> None:
    """Size, time, inode and device are those of the file; one path and a scan agree."""
    photo = write(root / "a" / "1.jpg", b"12345")
    os.utime(photo, ns=(1, 1_234_567_890_123_456_789))
    status = photo.stat()
    start = os.fsencode(root)
    entry = entry_of(os.fsencode(photo))
    assert entry is not None
    when = 1_234_567_890_123_456_789
    assert entry[:5] == (os.fsencode(photo), 5, when, status.st_ino, status.st_dev)
    assert entry.place == status.st_dev
    assert list(scan(start, None, IgnoreRules(start))) == [entry]


def test_only_regular_files_with_a_photos_name(root: Path) -> None:
    """Directories, FIFOs, sockets, dangling links and texts are not photos."""
    write(root / "real.JPG")
    write(root / "text.txt")
    write(root / "directory.jpg" / "inside.png")
    os.mkfifo(root / "fifo.jpg")
    (root / "dangling.jpg").symlink_to("nowhere")
    (root / "loop.jpg").symlink_to("loop.jpg")
    (root / "device.jpg").symlink_to("/dev/zero")
    assert found(root) == {"real.JPG", "directory.jpg/inside.png"}
    for name in ["text.txt", "directory.jpg", "fifo.jpg", "dangling.jpg", "loop.jpg",
                 "device.jpg", "absent.jpg", "real.JPG/below.jpg"]:  # fmt: skip
        assert entry_of(os.fsencode(root / name)) is None, name


def test_links_to_files_count_and_links_to_directories_do_not(root: Path, tmp_path: Path) -> None:
    """A circle of links ends; a linked file is found under the link's own path."""
    write(root / "a" / "1.jpg")
    elsewhere = write(tmp_path / "elsewhere" / "2.jpg")
    (root / "a" / "circle").symlink_to(root)
    (root / "linked").symlink_to(elsewhere.parent)
    (root / "link.jpg").symlink_to(elsewhere)
    assert found(root) == {"a/1.jpg", "link.jpg"}
    rules = IgnoreRules(os.fsencode(root))
    through = os.fsencode(root / "linked" / "2.jpg")
    assert entry_of(through) is not None
    assert entry_of(through, rules) is None, "reached through a link to a directory"
    assert found(root, root / "linked") == set()


def test_odd_names(root: Path) -> None:
    """Bytes that are no text, newlines, and the two forms of an accent are different names."""
    start = os.fsencode(root)
    nfc, nfd = (unicodedata.normalize(form, "é.jpg").encode() for form in ("NFC", "NFD"))
    names = {nfc, nfd, b"bad\xff.jpg", b"new\nline.jpg", b"'\"\\.jpg", b"-.jpg", b" .jpg"}
    for name in names:
        with open(os.path.join(start, name), "wb"):
            pass
    on_disk = set(os.listdir(start))
    entries = {entry.path for entry in scan(start, None, IgnoreRules(start))}
    assert entries == {start + b"/" + name for name in on_disk}
    assert nfc in on_disk or nfd in on_disk


def test_a_subtree_is_scanned_alone(root: Path) -> None:
    """Only files at or below it are found; an absent or ignored one holds nothing."""
    for name in ["a/1.jpg", "a/b/2.jpg", "ab/3.jpg", ".h/4.jpg"]:
        write(root / name)
    assert found(root, root / "a") == {"a/1.jpg", "a/b/2.jpg"}
    assert found(root, root / "absent") == set()
    assert found(root, root / ".h") == set()
    assert found(root, root / "a" / "1.jpg") == {"a/1.jpg"}


def test_a_missing_root_is_reported_and_a_missing_subtree_is_not(root: Path) -> None:
    """Nothing may be concluded from an absent root; an absent subtree was deleted."""
    errors: list[tuple[bytes, int]] = []
    start = os.fsencode(root)

    def collect(directory: bytes, error: int) -> None:
        errors.append((directory, error))

    assert list(scan(start, start + b"/gone", IgnoreRules(start), on_error=collect)) == []
    assert errors == []
    root.rmdir()
    assert list(scan(start, start + b"/gone", IgnoreRules(start), on_error=collect)) == []
    write(root)
    assert list(scan(start, None, IgnoreRules(start), on_error=collect)) == []
    assert errors == [(start, errno.ENOENT), (start, errno.ENOTDIR)]


def test_a_directory_that_cannot_be_read_is_reported(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Input/output errors while listing or looking become reports; the rest is still found."""
    for name in ["good/1.jpg", "bad/2.jpg", "half/3.jpg", "half/4.jpg"]:
        write(root / name)
    listing = os.scandir

    class Sick:
        """A directory entry whose file cannot be looked at."""

        def __init__(self, entry: os.DirEntry[bytes]) -> None:
            self.name, self.path, self.is_dir = entry.name, entry.path, entry.is_dir

        def stat(self) -> os.stat_result:
            raise OSError(errno.EIO, "broken")

    class Listing:
        """A listing with one sick entry."""

        def __init__(self, path: bytes) -> None:
            with listing(path) as real:
                self._entries = [Sick(e) if e.name == b"3.jpg" else e for e in real]

        def __enter__(self) -> list[object]:
            return list(self._entries)

        def __exit__(self, *_: object) -> None:
            pass

    def sick_scandir(path: bytes) -> Listing:
        if path.endswith(b"/bad"):
            raise OSError(errno.EIO, "broken")
        return Listing(path)

    monkeypatch.setattr("os.scandir", sick_scandir)
    errors: set[tuple[bytes, int]] = set()
    start = os.fsencode(root)
    entries = scan(
        start, None, IgnoreRules(start), on_error=lambda path, error: errors.add((path, error))
    )
    assert {os.path.basename(entry.path) for entry in entries} == {b"1.jpg", b"4.jpg"}
    assert errors == {(start + b"/bad", errno.EIO), (start + b"/half", errno.EIO)}


def test_each_directory_is_announced_before_it_is_listed(root: Path) -> None:
    """A file that appears just then is found: what a watch placed there would miss."""
    write(root / "a" / "1.jpg")

    def announce(directory: bytes, _rules: object) -> None:
        write(Path(os.fsdecode(directory)) / "late.jpg")

    start = os.fsencode(root)
    found = walk(IgnoreRules(start), start, on_directory=announce)
    assert {os.path.relpath(entry.path, start) for _, _, files in found for entry in files} == {
        b"late.jpg",
        b"a/late.jpg",
        b"a/1.jpg",
    }


def test_numbers_that_the_catalog_can_hold(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """Wide inodes and times beyond 64 bits are clamped, or SQLite would refuse the row."""
    photo = os.fsencode(write(root / "1.jpg"))
    limit = 1 << 63
    real = os.stat(photo)

    class Wide:
        """What some file systems answer."""

        st_mode, st_size = real.st_mode, 1
        st_mtime_ns, st_ino, st_dev = 10**30, (1 << 64) - 1, (1 << 64) - 2
        st_ctime_ns, st_uid, st_gid = 10**30, 1 << 32, 1 << 32

    monkeypatch.setattr("os.lstat", lambda _path: Wide())
    entry = entry_of(photo)
    assert entry is not None
    assert all(-limit <= number < limit for number in entry[1:7] if isinstance(number, int))


def test_a_hundred_thousand_files_take_about_a_second(root: Path) -> None:
    """Measured 0.46 s; a tenth of the files, the best of three, with room for a busy machine."""
    for number in range(100):
        directory = root / str(number)
        directory.mkdir()
        for photo in range(100):
            os.close(os.open(directory / f"{photo}.jpg", os.O_CREAT))
    start = os.fsencode(root)
    seconds = []
    for _ in range(3):
        began = time.process_time()
        assert sum(1 for _ in scan(start, None, IgnoreRules(start))) == 10_000
        seconds.append(time.process_time() - began)
    assert min(seconds) < 0.2


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_what_may_be_a_directory_and_cannot_be_looked_at_is_reported(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Some file systems do not say what an entry is. Nothing was concluded from it but that all
    photos in it are gone."""
    for name in ("odd/1.jpg", ".hidden/2.jpg", "3.jpg"):
        write(root / name)
    listing = os.scandir

    class Sick:
        """An entry of which nothing is known but its name."""

        def __init__(self, entry: os.DirEntry[bytes]) -> None:
            self.name, self.path = entry.name, entry.path

        def is_dir(self, *, follow_symlinks: bool) -> bool:
            raise OSError(number, "broken")

    class Listing:
        """A listing of a file system that does not say what is a directory."""

        def __init__(self, path: bytes) -> None:
            with listing(path) as real:
                self._entries = [e if e.name == b"3.jpg" else Sick(e) for e in real]

        def __enter__(self) -> list[object]:
            return list(self._entries)

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("os.scandir", Listing)
    errors: set[tuple[bytes, int]] = set()
    start = os.fsencode(root)
    entries = scan(
        start, None, IgnoreRules(start), on_error=lambda path, error: errors.add((path, error))
    )
    assert [os.path.basename(entry.path) for entry in entries] == [b"3.jpg"]
    assert errors == {(start + b"/odd", number)}


def test_a_link_scanned_on_its_own_is_not_followed(tmp_path: Path) -> None:
    """It may lead to a share that hangs; a comparison repeats the part that it could not read."""
    (tmp_path / "target.png").write_bytes(b"a photo")
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "link.png").symlink_to("../target.png")
    root, link, links = os.fsencode(folder), os.fsencode(folder / "link.png"), list[bytes]()
    found = scan(root, link, IgnoreRules(root), on_link=lambda path, _sidecar: links.append(path))
    assert (list(found), links) == ([], [link])


@pytest.mark.parametrize("path", [b"/p/link.png", b"/p/.photosdignore"])
@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ETIMEDOUT, "connect the disk or share"),
        (errno.EIO, "connect the disk or share"),
        (errno.ENOTCONN, "connect the disk or share"),
        (errno.EMFILE, r"\(descriptors\): close other programs"),
    ],
)
def test_permissions_are_no_remedy_for_a_share_that_is_away(
    path: bytes, number: int, remedy: str
) -> None:
    assert re.search(remedy, remedy_for(path, number))
    assert "chmod" in remedy_for(b"/p/link.png", errno.EACCES)
