"""File status from `stat`, as photosd compares and stores it."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

# Limit of SQLite and of the frames between processes. Some file systems have unsigned 64-bit inode
# numbers, and times after the year 2262 do not fit in nanoseconds.
LARGEST = (1 << 63) - 1
# macOS, sys/stat.h
UF_HIDDEN = 0x8000  # not shown in Finder
SF_DATALESS = 0x40000000  # the content is in iCloud, and reading would download it


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
    rights = found.st_mode ^ (found.st_uid << 16) ^ (found.st_gid << 32) ^ (flags_of(found) << 20)
    return (found.st_ctime_ns ^ rights) & LARGEST


def has_flags() -> bool:
    """Whether this platform marks files as hidden or dataless."""
    return sys.platform == "darwin"


def is_hidden(found: os.stat_result) -> bool:
    """Whether Finder does not show it (macOS)."""
    return bool(flags_of(found) & UF_HIDDEN)


def is_dataless(found: os.stat_result) -> bool:
    """Whether its content, or for a directory its list of files, is only in iCloud (macOS)."""
    return bool(flags_of(found) & SF_DATALESS)


def flags_of(found: os.stat_result) -> int:
    """The flags of macOS (``st_flags``); 0 elsewhere."""
    return getattr(found, "st_flags", 0)
