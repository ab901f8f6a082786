"""Which inode numbers are stable: not every file system keeps them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from photosd.watch.mounts import Mount, mount_of, mounts
from photosd.watch.scanner import Entry

# File systems that store a file's number with the file. All others may assign new numbers at each
# mount, or after forgetting a file: FAT and exFAT, FUSE, 9p, SMB, overlays and mergerfs.
STABLE = frozenset(
    (
        "apfs",
        "bcachefs",
        "btrfs",
        "ext2",
        "ext3",
        "ext4",
        "f2fs",
        "hfs",
        "hfsplus",
        "jfs",
        "nilfs2",
        "ramfs",
        "reiserfs",
        "tmpfs",
        "ufs",
        "xfs",
        "zfs",
    )
)
MOUNTINFO = Path("/proc/self/mountinfo")
FRESH_SECONDS = 1.0  # how long the table of mounts is cached


class Inodes:
    """Reads the table of mounts, never a disk. Safe from any thread."""

    def __init__(
        self,
        table: Callable[[], Mapping[bytes, Mount]] = mounts,
        kinds: Callable[[], Mapping[int, str]] | None = None,
    ) -> None:
        """``kinds``: the kind of file system of each device number."""
        self._table, self._kinds = table, kinds or _kinds_of_devices
        self._known: tuple[float, Mapping[bytes, Mount], Mapping[int, str]] | None = None

    def stable(self, entry: Entry) -> bool:
        """Whether this file keeps its number as long as it exists."""
        _, table, kinds = self._mounted()
        if entry.place in (None, entry.device):
            return mount_of(entry.path, table).filesystem in STABLE
        return kinds.get(entry.device) in STABLE  # a link leads to another device

    def _mounted(self) -> tuple[float, Mapping[bytes, Mount], Mapping[int, str]]:
        known, now = self._known, time.monotonic()
        if known is None or now - known[0] > FRESH_SECONDS:
            self._known = known = (now, self._table(), self._kinds())
        return known


def _kinds_of_devices() -> Mapping[int, str]:
    """By device number, if the system reports it (Linux; see proc(5))."""
    kinds: dict[int, str] = {}
    with contextlib.suppress(OSError):
        for line in MOUNTINFO.read_bytes().split(b"\n"):  # names may contain any other character
            mount, _, filesystem = line.partition(b" - ")
            with contextlib.suppress(ValueError, IndexError):  # not a line of a mount
                major, _, minor = mount.split(b" ")[2].partition(b":")
                device = os.makedev(int(major), int(minor))
                kinds[device] = filesystem.split(b" ")[0].decode()
    return kinds
