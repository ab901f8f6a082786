"""Which inode numbers are stable: not every file system keeps them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

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
FRESH_SECONDS = 1.0  # how long the table of mounts is cached


class Inodes:
    """Reads the table of mounts, never a disk. Safe from any thread."""

    def __init__(self, table: Callable[[], Mapping[bytes, Mount]] = mounts) -> None:
        self._read = table
        self._known: tuple[float, Mapping[bytes, Mount]] | None = None

    def stable(self, entry: Entry) -> bool:
        """Whether this file keeps its number as long as it exists."""
        table = self._table()
        if entry.place in (None, entry.device):
            return mount_of(entry.path, table).filesystem in STABLE
        # A link leads to another device, which the system may name (Linux).
        device = f"{os.major(entry.device)}:{os.minor(entry.device)}"
        return any(one.device == device and one.filesystem in STABLE for one in table.values())

    def _table(self) -> Mapping[bytes, Mount]:
        known, now = self._known, time.monotonic()
        if known is None or now - known[0] > FRESH_SECONDS:
            try:
                self._known = known = (now, self._read())
            except OSError:  # out of descriptors; without a table no number is stable
                return {} if known is None else known[1]
        return known[1]
