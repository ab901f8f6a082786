"""What `stat` says of a file, as every part of photosd compares and keeps it."""

from __future__ import annotations

import os
from typing import NamedTuple

# What SQLite and the frames between processes can hold. Some file systems have inode numbers of
# 64 bits without a sign, and times after the year 2262 do not fit in nanoseconds.
LARGEST = (1 << 63) - 1


class FileStat(NamedTuple):
    """Sizes in bytes, times in nanoseconds since 1970; every number fits in 64 bits with a sign.

    ``access`` is another number whenever the permissions, the owner or the time of the last
    change of the inode (ctime) are others: what could not be read may be readable now.
    """

    size: int
    mtime_ns: int
    inode: int
    device: int
    access: int


def normalised(found: os.stat_result) -> FileStat:
    """The numbers of ``found`` that are compared; what does not fit is mapped the same way always.

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
    flags = getattr(found, "st_flags", 0)  # macOS: whether the content is in the cloud
    rights = found.st_mode ^ (found.st_uid << 16) ^ (found.st_gid << 32) ^ (flags << 20)
    return (found.st_ctime_ns ^ rights) & LARGEST
