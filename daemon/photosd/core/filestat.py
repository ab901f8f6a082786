"""File status from `stat`, as photosd compares and stores it."""

from __future__ import annotations

import os
from typing import NamedTuple

# Limit of SQLite and of the frames between processes. Some file systems have unsigned 64-bit inode
# numbers, and times after the year 2262 do not fit in nanoseconds.
LARGEST = (1 << 63) - 1


class FileStat(NamedTuple):
    """Sizes in bytes, times in nanoseconds since 1970; every number fits in signed 64 bits.

    ``access`` changes with the permissions, the owner and the change time of the inode (ctime): an
    unreadable file may have become readable.
    """

    size: int
    mtime_ns: int
    inode: int
    device: int
    access: int


def normalised(found: os.stat_result) -> FileStat:
    """The compared numbers of ``found``; numbers out of range are mapped consistently.

    Times and sizes beyond the limit become the limit; inode and device numbers lose their top bit.
    """
    return FileStat(
        max(0, min(LARGEST, found.st_size)),
        max(-LARGEST, min(LARGEST, found.st_mtime_ns)),
        found.st_ino & LARGEST,
        found.st_dev & LARGEST,
        _access(found),
    )


def _access(found: os.stat_result) -> int:
    flags = getattr(found, "st_flags", 0)  # macOS: whether the content is stored in iCloud
    rights = found.st_mode ^ (found.st_uid << 16) ^ (found.st_gid << 32) ^ (flags << 20)
    return (found.st_ctime_ns ^ rights) & LARGEST
