"""Disks that are attached and ejected: known by their UUID, scanned where events may be missing,
and never kept from being ejected.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import os
import stat
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from photosd.core.paths import Home
from photosd.watch import folder_state, mounts, volumes, walk
from photosd.watch.folder_state import FolderIdentity, probe_folder
from photosd.watch.ignore import IgnoreRules
from photosd.watch.mounts import Mount
from tests.decode.pictures import jpeg, scene
from tests.household.daemon import StandInDaemon
from tests.index.test_sidecars import Rated
from tests.watch.listening import Follower, write

ONE, OTHER = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


def test_another_disk_at_the_same_place_is_not_the_folder(tmp_path: Path) -> None:
    """The root of each volume has the inode 2, and two disks may be called Untitled."""
    path = bytes(tmp_path)
    table = {path: Mount(path, "apfs", "/dev/disk4s1")}
    here = probe_folder(path, table=table, volume=lambda _: ONE)
    assert here.identity.volume == ONE
    other = probe_folder(path, here.identity, table=table, volume=lambda _: OTHER)
    assert other.state == "offline"
    assert "another disk is mounted" in (other.reason or "")
    for known, found in ((ONE, ONE), ("", OTHER), (ONE, "")):  # unknown: as before
        identity = FolderIdentity(here.device, here.inode, path, known)
        again = probe_folder(path, identity, table=table, volume=lambda _, it=found: it)  # type: ignore[misc]
        assert again.state == "ok"


def test_a_disk_that_comes_back_under_another_name(tmp_path: Path) -> None:
    """macOS mounts it at "Disk 1" while a directory or another disk has the name "Disk"."""
    disk, again = tmp_path / "Disk", tmp_path / "Disk 1"
    (disk / "photos").mkdir(parents=True)
    path, root = bytes(disk / "photos"), Mount(b"/", "apfs", "/dev/disk1s1")

    def mounted(point: Path) -> dict[bytes, Mount]:
        return {b"/": root, bytes(point): Mount(bytes(point), "apfs", "/dev/disk4s1")}

    def volume(place: bytes) -> str:
        there = Path(os.fsdecode(place)).exists()
        return (ONE if place.startswith(mounted_at) else OTHER) if there else ""

    mounted_at = bytes(disk)
    here = probe_folder(path, table=mounted(disk), volume=volume)
    assert (here.state, here.volume) == ("ok", ONE)
    (again / "photos").mkdir(parents=True)
    mounted_at = bytes(again)
    for left in (True, False):
        if not left:
            (disk / "photos").rmdir()
        probe = probe_folder(path, here.identity, table=mounted(again), volume=volume)
        assert probe.state == "offline"
        assert probe.reason == f"its disk is now mounted at {again}"
        assert (probe.remedy or "").startswith(f"photosd add '{again}/photos'")
    (again / "photos").rmdir()
    (disk / "photos").mkdir()
    probe = probe_folder(path, here.identity, table=mounted(again), volume=volume)
    assert probe.reason == f"{disk} is not mounted"  # another volume of the same disk, perhaps
    away = probe_folder(path, here.identity, table={b"/": root}, volume=lambda _: OTHER)
    assert (away.state, away.reason) == ("offline", f"{disk} is not mounted")


def test_a_protected_folder_that_became_a_link_is_on_no_other_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The remedy was to add the whole disk: that has the volume of the home directory, too."""
    pictures, data = tmp_path / "Pictures", b"/System/Volumes/Data"
    pictures.mkdir()
    monkeypatch.setattr(folder_state, "protected_directories", lambda: [str(pictures)])
    place = bytes(pictures)
    whole = Mount(data, "apfs", "/dev/disk3s5")
    table = {b"/": Mount(b"/", "apfs", "/dev/disk3s1s1"), data: whole}
    before = {**table, place: dataclasses.replace(whole, point=place, protected=True)}
    here = probe_folder(place, table=before, volume=lambda _: ONE)
    pictures.rename(tmp_path / "Moved")
    pictures.symlink_to(tmp_path / "Moved")
    found = {data: ONE, place: OTHER}
    probe = probe_folder(place, here.identity, table=table, volume=lambda at: found.get(at, ""))
    assert (probe.state, probe.reason) == ("offline", f"{pictures} is another folder than before")
    assert (probe.remedy or "").endswith(f"photosd remove '{pictures}'; photosd add '{pictures}'")


def test_photos_of_a_disk_are_kept_while_another_has_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They counted as deleted, and the other disk's photos were indexed in their place."""
    shelf = Rated(tmp_path)
    here = {"volume": ONE}
    monkeypatch.setattr(shelf.folders.filesystems, "volume", lambda _path: here["volume"])

    def compare() -> tuple[str, set[str]]:
        folder = shelf.folders.all()[0]
        shelf.reconciler.comparer.tree(folder, folder.path)
        shelf.work()
        return shelf.folders.all()[0].state, set(shelf.states())

    shelf.write("1.jpg", b"1")
    shelf.write("2.jpg", b"2")
    assert compare() == ("ok", {"1.jpg", "2.jpg"})
    for name in ("1.jpg", "2.jpg"):
        (shelf.root / name).unlink()
    shelf.write("other.jpg", b"other")
    here["volume"] = OTHER
    assert compare() == ("offline", {"1.jpg", "2.jpg"})
    (shelf.root / "other.jpg").unlink()
    shelf.write("1.jpg", b"1")
    shelf.write("2.jpg", b"2")
    assert compare() == ("ok", {"1.jpg", "2.jpg"})  # a copy of the disk is the disk
    assert shelf.folders.all()[0].volume == OTHER
    assert len(shelf.encoded) == 2


class LibSystem:
    """``CDLL(None)`` of a Mac on which one volume is mounted at ``point``."""

    def __init__(self, point: bytes, identifier: str) -> None:
        self._point, self._uuid = point, uuid.UUID(identifier)
        # Functions take attributes, as those of ctypes do.
        self.statfs = functools.partial(self._statfs)
        self.getattrlist = functools.partial(self._getattrlist)

    def _statfs(self, path: bytes, found: Any) -> int:
        assert path.startswith(self._point)
        raw = bytes(88) + self._point
        assert ctypes.sizeof(found.contents) == 2168
        ctypes.memmove(found, raw, len(raw))
        return 0

    def _getattrlist(self, path: bytes, wanted: Any, answer: Any, room: int, _options: int) -> int:
        asked = wanted.contents
        assert (asked.count, asked.common, asked.volume, room) == (5, 0, 0x80040000, 20)
        if path != self._point:
            return -1  # EINVAL: attributes of a volume, but not the root of one
        answer.contents.length = 20
        answer.contents.uuid[:] = self._uuid.bytes
        return 0


def test_the_uuid_that_macos_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only of the root of a file system, and the photos are usually in a folder on it."""
    folder = tmp_path / "2024" / "Photos"
    folder.mkdir(parents=True)
    monkeypatch.setattr(volumes, "sys", SimpleNamespace(platform="darwin"))
    for told, expected in ((ONE, ONE), (str(uuid.UUID(int=0)), "")):
        library = LibSystem(bytes(tmp_path), told)
        monkeypatch.setattr(ctypes, "CDLL", lambda _name, it=library, **_: it)
        assert volumes.volume_of(bytes(tmp_path)) == expected
        assert volumes.volume_of(bytes(folder)) == expected
    library.getattrlist = functools.partial(lambda *_: -1)
    assert volumes.volume_of(bytes(folder)) == ""


def test_the_uuid_that_linux_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """udev's links to the filesystems."""
    monkeypatch.setattr(volumes, "sys", SimpleNamespace(platform="linux"))
    monkeypatch.setattr(volumes, "BY_UUID", tmp_path / "by-uuid")
    assert volumes.volume_of(bytes(tmp_path)) == ""
    device = tmp_path / "disk"
    try:
        os.mknod(device, stat.S_IFBLK, tmp_path.stat().st_dev)
    except PermissionError:
        pytest.skip("making a device needs root")
    (tmp_path / "by-uuid").mkdir()
    (tmp_path / "by-uuid" / OTHER).symlink_to("/dev/null")
    (tmp_path / "by-uuid" / ONE).symlink_to(device)
    assert volumes.volume_of(bytes(tmp_path)) == ONE


@pytest.mark.parametrize(
    ("kind", "state"),
    [("apfs", "watching"), ("hfs", "watching"), ("exfat", "scan_only"), ("msdos", "scan_only"),
     ("ntfs", "scan_only"), ("smbfs", "scan_only")],
)  # fmt: skip
def test_disks_that_may_not_report_changes_are_scanned_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, state: str
) -> None:
    """Events that macOS does report for them are used as well."""
    root = tmp_path / "photos"
    root.mkdir()
    monkeypatch.setattr(mounts, "sys", SimpleNamespace(platform="darwin"))
    table = [SimpleNamespace(mountpoint=str(root), fstype=kind, device="/dev/disk4s1")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: table)
    follower = Follower(tmp_path)
    try:
        follower.add(root)
        assert follower.state(root) == state
        health = follower.watcher.health()[0]
        assert health.scanned == (state == "scan_only")
        if kind != "smbfs":
            assert health.watches
            write(root / "1.jpg")
            follower.until(lambda: follower.photos.keys() == follower.truth() != set())
    finally:
        follower.stop()


class NotedEntry:
    """An entry of a directory that notes of which path the flags are asked."""

    def __init__(self, entry: os.DirEntry[bytes], asked: list[bytes]) -> None:
        self.name, self.path, self.is_dir = entry.name, entry.path, entry.is_dir
        self._entry, self._asked = entry, asked

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        self._asked.append(self.path)
        return self._entry.stat(follow_symlinks=follow_symlinks)


def test_a_share_in_a_folder_is_asked_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server may be away: asking for its flags would hold up the disk around it."""
    for name in ("album", "share"):
        (tmp_path / name).mkdir()
    asked: list[bytes] = []
    scandir = os.scandir

    @contextlib.contextmanager
    def noted(path: bytes) -> Iterator[list[NotedEntry]]:
        with scandir(path) as listing:
            yield [NotedEntry(entry, asked) for entry in listing]

    monkeypatch.setattr(os, "scandir", noted)
    monkeypatch.setattr(walk, "has_flags", lambda: True)
    root = bytes(tmp_path)
    found = walk.walk(IgnoreRules(root), root, prune={bytes(tmp_path / "share")})
    assert [path for path, _, _ in found] == [root, bytes(tmp_path / "album")]
    assert asked == [bytes(tmp_path / "album")]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A mount point; its files are those of the directory ``content`` beside it."""
    (tmp_path / "content").mkdir()
    point = tmp_path / "disk"
    point.mkdir()
    mount(point)
    yield point
    while os.path.ismount(point):
        subprocess.run(["umount", "-l", str(point)], check=True, timeout=30)


def mount(point: Path) -> None:
    command = ["mount", "--bind", str(point.with_name("content")), str(point)]
    if subprocess.run(command, capture_output=True, timeout=30, check=False).returncode:
        pytest.skip("mounting needs root")


def eject(point: Path) -> bool:
    """As Finder: refused while a program has a file or directory open."""
    done = subprocess.run(["umount", str(point)], capture_output=True, timeout=30, check=False)
    return done.returncode == 0


def test_an_indexed_disk_can_be_ejected_at_once(home: Home, disk: Path) -> None:
    """photosd holds nothing open on it, in no process; when it is back nothing is read again."""
    for number in range(5):
        (disk / f"{number}.jpg").write_bytes(jpeg(scene(64, 48 + number)))
    daemon = StandInDaemon(home)
    try:
        daemon.wait_until()
        daemon.index(disk)
        before = daemon.contents(), daemon.failed()
        assert len(before[0]) == 5
        assert eject(disk)

        def folder() -> str:
            with daemon.client() as client:
                return str(client.call("status", {})["folders"][0]["state"])

        for state in ("offline", "ok"):
            until = time.monotonic() + 20
            while folder() != state:
                assert time.monotonic() < until, state
                time.sleep(0.1)
            if state == "offline":
                mount(disk)
        assert (daemon.contents(), daemon.failed()) == before
        assert eject(disk)
    finally:
        daemon.stop()
