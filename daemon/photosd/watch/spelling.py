"""Whether a path is written as the disk writes it: some file systems find IMG.JPG as img.jpg too.

Without asking, a photo whose name changed by case alone would be found under both names.
"""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH208

from __future__ import annotations

import os
import time

# Many paths of one directory are asked about at once; a list so young was made after the change
# that led to the question.
FRESH_SECONDS = 0.2


class Spelling:
    """Remembers the names of the directory that was read last; safe from any thread."""

    def __init__(self) -> None:
        self._read: tuple[bytes, float, frozenset[bytes]] = (b"", 0.0, frozenset())

    def right(self, root: bytes, path: bytes) -> bool:
        """Whether the names from ``root`` on to ``path`` are those in their directories.

        ``root`` is taken as it is. Raises OSError when a directory cannot be read.
        """
        directory = root.rstrip(b"/")
        for name in path[len(directory) + 1 :].split(b"/"):
            if name and _found_in_other_case(directory, name) and name not in self._in(directory):
                return False
            directory += b"/" + name
        return True

    def _in(self, directory: bytes) -> frozenset[bytes]:
        known, read_at, names = self._read
        if known != directory or time.monotonic() - read_at > FRESH_SECONDS:
            read_at, names = time.monotonic(), frozenset(os.listdir(directory or b"/"))
            self._read = directory, read_at, names
        return names


def _found_in_other_case(directory: bytes, name: bytes) -> bool:
    """Whether the same file is found with small and capital letters exchanged."""
    other = name.swapcase()
    if other == name:
        return False
    try:
        found, again = os.lstat(directory + b"/" + name), os.lstat(directory + b"/" + other)
    except OSError:
        return False
    return (found.st_ino, found.st_dev) == (again.st_ino, again.st_dev)
