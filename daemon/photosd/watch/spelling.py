"""Whether a path has the spelling on disk: some file systems also find IMG.JPG as img.jpg.

Without this check, a photo renamed only in case would be found under both names.
"""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH208

from __future__ import annotations

import os
import time

# Many paths of one directory are checked together; a list this recent was made after the change in
# question.
FRESH_SECONDS = 0.2


class Spelling:
    """Caches the names of the last directory; safe from any thread."""

    def __init__(self) -> None:
        self._read: tuple[bytes, float, frozenset[bytes]] = (b"", 0.0, frozenset())

    def right(self, root: bytes, path: bytes) -> bool:
        """Whether the names from ``root`` to ``path`` are spelled as in their directories.

        ``root`` is not checked. Raises OSError if a directory cannot be read.
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
    """Whether the same file is found with upper and lower case exchanged."""
    other = name.swapcase()
    if other == name:
        return False
    try:
        found, again = os.lstat(directory + b"/" + name), os.lstat(directory + b"/" + other)
    except OSError:
        return False
    return (found.st_ino, found.st_dev) == (again.st_ino, again.st_dev)
