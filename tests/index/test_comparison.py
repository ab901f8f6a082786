"""What a comparison decides: whose numbers are believed, what is read, what is forgotten."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.messages import ContentIdentity
from photosd.decode.reading import identify
from photosd.watch.inodes import STABLE, Inodes
from photosd.watch.mounts import Mount, mount_of, mounts
from photosd.watch.scanner import Entry, entry_of
from tests.index.shelf import Shelf

UNTRUSTED = [
    "vfat",
    "msdos",
    "exfat",
    "fuseblk",
    "fuse.mergerfs",
    "fuse",
    "9p",
    "cifs",
    "smb3",
    "overlay",
    "virtiofs",
    "newfs",
]
TRUSTED = ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "apfs", "hfs", "f2fs", "tmpfs"]


def burst(shelf: Shelf, number: int = 3) -> list[Path]:
    """Photos of one size and one time, as a camera writes them onto a card."""
    return [shelf.write(f"DSC{n}.ARW", b"%d" % n * 1000) for n in range(number)]


def right(shelf: Shelf, files: list[Path]) -> bool:
    """Whether the catalog has for each file the content that it has."""
    return all(shelf.content(f.name) == identify(bytes(f)).content_id for f in files)


def test_which_inode_numbers_are_trusted(tmp_path: Path) -> None:
    """Those of file systems that keep them; of a link's target by its device; not of others."""
    entry = Entry(bytes(tmp_path / "a.jpg"), 1, 1, 1, 1, 1)
    link = entry._replace(device=2)
    for kinds, believed in ((UNTRUSTED, False), (TRUSTED, True)):
        for kind in kinds:
            table = {b"/": Mount(b"/", kind, "")}
            assert Inodes(lambda: table).stable(entry) is believed, kind  # noqa: B023
            assert not Inodes(lambda: table).stable(link)  # noqa: B023
            disks = {b"/m": Mount(b"/m", kind, "", "0:2")}
            assert Inodes(lambda: disks).stable(link) is believed, kind  # noqa: B023


def test_the_system_is_asked(tmp_path: Path) -> None:
    """The kinds of the file systems mounted here are known."""
    (tmp_path / "a.jpg").touch()
    entry = entry_of(bytes(tmp_path / "a.jpg"))
    assert entry is not None
    kind = mount_of(entry.path, mounts()).filesystem
    assert Inodes().stable(entry) is (kind in STABLE)


@pytest.mark.parametrize("kind", ["vfat", "fuse.mergerfs"])
def test_a_remount_with_new_numbers_reads_nothing(tmp_path: Path, kind: str) -> None:
    """Where inode numbers are invented, path, size and time say that nothing has happened."""
    shelf = Shelf(tmp_path, kind)
    files = [shelf.write(f"{n}.jpg", bytes([n]) * (n + 1)) for n in range(9)]
    files += burst(shelf)
    shelf.settle()
    shelf.read.clear()
    device = files[0].stat().st_dev
    for mount in range(1, 4):
        new = {bytes(f): (10_000 * mount + n, device + mount // 2) for n, f in enumerate(files)}
        shelf.renumbered = new
        shelf.settle()
        shelf.settle()
    assert shelf.read == []
    assert set(shelf.states().values()) == {"indexed"}


@pytest.mark.parametrize("kind", ["ext4", "vfat"])
def test_a_burst_with_swapped_numbers_is_read(tmp_path: Path, kind: str) -> None:
    """Each has the number that its neighbour had: names or numbers were swapped, contents tell."""
    shelf = Shelf(tmp_path, kind)
    files = burst(shelf)
    shelf.settle()
    assert right(shelf, files)
    numbers = [f.stat() for f in files]
    shelf.renumbered = {
        bytes(f): (numbers[n - 1].st_ino, numbers[n].st_dev) for n, f in enumerate(files)
    }
    shelf.settle()
    assert right(shelf, files)
    assert len(shelf.encoded) == 3


@pytest.mark.parametrize("kind", ["ext4", "vfat"])
@pytest.mark.parametrize("hinted", [True, False])
def test_a_burst_with_swapped_names_ends_right(tmp_path: Path, kind: str, hinted: bool) -> None:
    """Size and time are the same; nothing is encoded twice."""
    shelf = Shelf(tmp_path, kind)
    a, b, c = files = burst(shelf)
    shelf.settle()
    a.rename(shelf.root / "aside")
    b.rename(a)
    c.rename(b)
    (shelf.root / "aside").rename(c)
    if hinted:
        shelf.hint(a.name, b.name, c.name)
        shelf.work()
    else:
        shelf.settle()
    assert right(shelf, files)
    assert len(shelf.encoded) == 3


def test_numbers_without_meaning_do_not_make_two_photos_one(tmp_path: Path) -> None:
    """A new file may be given the number of one that was deleted."""
    shelf = Shelf(tmp_path, "exfat")
    first = shelf.write("a.jpg", b"a" * 100)
    shelf.settle()
    number = first.stat()
    first.unlink()
    second = shelf.write("b.jpg", b"b" * 100)
    shelf.renumbered = {bytes(second): (number.st_ino, number.st_dev)}
    shelf.settle()
    assert right(shelf, [second])
    assert shelf.states() == {"b.jpg": "indexed"}


def test_a_change_within_the_two_seconds_of_fat_is_found(tmp_path: Path) -> None:
    """Size and time are as before; that something happened is known from a hint alone."""
    shelf = Shelf(tmp_path, "vfat")
    file = shelf.write("a.jpg", b"a" * 100)
    shelf.settle()
    shelf.write("a.jpg", b"b" * 100)
    shelf.hint("a.jpg")
    shelf.work()
    assert right(shelf, [file])


@pytest.mark.parametrize("kind", ["ext4", "vfat"])
def test_a_renamed_directory_is_not_encoded_again(tmp_path: Path, kind: str) -> None:
    """With real numbers nothing is even read; without, contents tell."""
    shelf = Shelf(tmp_path, kind)
    for n in range(5):
        shelf.write(f"a/{n}.jpg", bytes([n]) * 50)
    shelf.settle()
    shelf.read.clear()
    (shelf.root / "a").rename(shelf.root / "b")
    shelf.settle()
    assert shelf.states() == {f"b/{n}.jpg": "indexed" for n in range(5)}
    assert len(shelf.encoded) == 5
    assert len(shelf.read) == (0 if kind == "ext4" else 5)


def test_what_comes_back_under_its_name_is_checked(tmp_path: Path) -> None:
    """Two photos of a burst are taken away and put back with each other's name."""
    shelf = Shelf(tmp_path)
    a, b, _ = files = burst(shelf)
    shelf.settle()
    kept = shelf.write("a.kept", b.read_bytes()), shelf.write("b.kept", a.read_bytes())
    a.unlink()
    b.unlink()
    shelf.settle()
    kept[0].rename(a)
    kept[1].rename(b)
    shelf.settle()
    assert right(shelf, files)
    assert len(shelf.encoded) == 3


@pytest.fixture
def other_disk() -> Iterator[Path]:
    """A directory on another device than the temporary one."""
    directory = Path(tempfile.mkdtemp(prefix="photosd-", dir="/dev/shm"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def linked(shelf: Shelf, other_disk: Path) -> tuple[Path, Path]:
    """A link in the folder to a photo on another disk, indexed."""
    target = other_disk / "target.jpg"
    target.write_bytes(b"data")
    link = shelf.root / "link.jpg"
    link.symlink_to(target)
    if target.stat().st_dev == shelf.root.stat().st_dev:
        pytest.skip("there is no second file system here")
    shelf.settle()
    assert shelf.states() == {"link.jpg": "indexed"}
    return link, target


def test_a_deleted_link_to_another_disk_is_forgotten(tmp_path: Path, other_disk: Path) -> None:
    """Its name was on this disk, and this disk is here."""
    shelf = Shelf(tmp_path)
    link, _ = linked(shelf, other_disk)
    link.unlink()
    shelf.hint("link.jpg")
    assert shelf.states() == {}


def test_a_link_whose_target_was_deleted_is_forgotten(tmp_path: Path, other_disk: Path) -> None:
    """The other disk is here too, and the photo is not on it."""
    shelf = Shelf(tmp_path)
    _, target = linked(shelf, other_disk)
    target.unlink()
    shelf.compare()
    assert shelf.states() == {}


def test_a_link_to_a_disk_that_is_away_is_kept(tmp_path: Path, other_disk: Path) -> None:
    """It leads nowhere until the disk is back."""
    shelf = Shelf(tmp_path)
    _, target = linked(shelf, other_disk)
    target.unlink()
    target.parent.rmdir()
    with shelf.database.write() as db:  # as if this directory were the mount point of a third disk
        db.execute("UPDATE photos SET device = device + place + 1")
    shelf.compare()
    assert shelf.states() == {"link.jpg": "indexed"}


def test_a_link_into_a_deleted_directory_is_forgotten(tmp_path: Path, other_disk: Path) -> None:
    """The other disk is here; its directory that held the photo is not."""
    shelf = Shelf(tmp_path)
    (other_disk / "2023" / "05").mkdir(parents=True)
    linked(shelf, other_disk / "2023" / "05")
    (other_disk / "2023").rename(other_disk / "renamed")
    shelf.compare()
    assert shelf.states() == {}


def test_a_link_to_a_photo_of_the_same_size_and_time_elsewhere(
    tmp_path: Path, other_disk: Path
) -> None:
    """It led to another disk, and leads to this one now: its hash decides."""
    shelf = Shelf(tmp_path)
    link, target = linked(shelf, other_disk)
    other = tmp_path / "other.jpg"
    other.write_bytes(b"atad")
    shutil.copystat(target, other)
    link.unlink()
    link.symlink_to(other)
    shelf.hint("link.jpg")
    shelf.work()
    assert right(shelf, [link])


def test_a_failed_photo_that_was_replaced_is_read_once(tmp_path: Path) -> None:
    """By another file of the same size and time, which fails too; not at each comparison."""
    shelf = Shelf(tmp_path)

    def fail(path: bytes) -> ContentIdentity:
        raise DecodeFailed("damaged", "it is damaged")

    file = shelf.write("a.jpg", b"broken")
    shelf.settle()
    shelf.decode = fail
    os.link(file, shelf.root / "kept")  # so that its number is not used again
    shelf.write("copy", b"other!").replace(file)
    shelf.settle()
    shelf.settle()
    shelf.read.clear()
    for _ in range(3):
        shelf.settle()
    assert shelf.states() == {"a.jpg": "failed"} and shelf.read == []


def test_a_link_of_an_older_catalog_is_forgotten_too(tmp_path: Path, other_disk: Path) -> None:
    """Rows without the device of the name get it at the next comparison."""
    shelf = Shelf(tmp_path)
    link, _ = linked(shelf, other_disk)
    with shelf.database.write() as db:
        db.execute("UPDATE photos SET place = NULL")
    shelf.compare()
    link.unlink()
    shelf.compare()
    assert shelf.states() == {}


def test_an_ignore_file_that_cannot_be_read_hides_and_keeps(tmp_path: Path) -> None:
    """New photos are not indexed, known ones are kept; with a readable file indexing continues."""
    shelf = Shelf(tmp_path)
    shelf.write("a/known.jpg")
    shelf.settle()
    ignore = shelf.root / "a" / ".photosdignore"
    ignore.mkdir()
    shelf.write("a/private/new.jpg", b"new")
    shelf.settle()
    shelf.hint("a/private/new.jpg")
    assert shelf.states() == {"a/known.jpg": "indexed"}
    ignore.rmdir()
    ignore.write_text("private/\n")
    shelf.write("a/other.jpg", b"other")
    shelf.settle()
    assert shelf.states() == {"a/known.jpg": "indexed", "a/other.jpg": "indexed"}
