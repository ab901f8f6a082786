"""Spellings of a name: some file systems find IMG.JPG as img.jpg, too, and é as e with an accent.

Without these checks, a photo renamed only in case would be found under both names, and events that
spell a folder in another way would miss it.
"""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH208

from __future__ import annotations

import fcntl
import os
import time
import unicodedata
from typing import Literal

# Many paths of one directory are checked together; a list this recent was made after the change in
# question.
FRESH_SECONDS = 0.2
O_EVTONLY: int = getattr(os, "O_EVTONLY", 0)  # macOS: does not keep the disk from being ejected
PATH_BYTES = 1024  # PATH_MAX of macOS
# macOS: other names of directories that F_GETPATH and FSEvents may write or leave out.
ELSEWHERE = (b"/System/Volumes/Data", b"/private")


class DirectorySpelling:
    """Caches the names of the last directory; safe from any thread."""

    def __init__(self) -> None:
        self._read: tuple[bytes, float, frozenset[bytes]] = (b"", 0.0, frozenset())

    def right(self, root: bytes, path: bytes) -> bytes | None:
        """``path`` with the names below ``root`` spelled as in their directories.

        None if a directory has no such name. Names of missing files are not changed. Raises OSError
        if a directory cannot be read.
        """
        directory = root.rstrip(b"/")
        for name in filter(None, path[len(directory) + 1 :].split(b"/")):
            spelled = self._name(directory, name)
            if spelled is None:
                return None
            directory += b"/" + spelled
        return directory or b"/"

    def _name(self, directory: bytes, name: bytes) -> bytes | None:
        if not _found_otherwise(directory, name) or name in (names := self._in(directory)):
            return name
        wanted = folded(name)
        same = (other for other in names if folded(other) == wanted)
        return next((other for other in same if _same(directory, name, other)), None)

    def _in(self, directory: bytes) -> frozenset[bytes]:
        known, read_at, names = self._read
        if known != directory or time.monotonic() - read_at > FRESH_SECONDS:
            read_at, names = time.monotonic(), frozenset(os.listdir(directory or b"/"))
            self._read = directory, read_at, names
        return names

    def whole(self, path: bytes) -> bytes:
        """The absolute ``path`` as the file system spells it (macOS); raises OSError."""
        parent, _, name = path.rpartition(b"/")
        if not (names_paths() and name):
            return path
        parent = _path_of(parent or b"/")
        return self.right(parent, parent.rstrip(b"/") + b"/" + name) or path


def names_paths() -> int:
    """F_GETPATH, by which the system tells the path of a descriptor (macOS); 0: it does not."""
    return getattr(fcntl, "F_GETPATH", 0)


def _path_of(directory: bytes) -> bytes:
    """Without firmlinks and in the right case; raises OSError. A file may have several paths."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | O_EVTONLY)
    try:
        return fcntl.fcntl(descriptor, names_paths(), bytes(PATH_BYTES)).rstrip(b"\0")
    finally:
        os.close(descriptor)


def folded(name: bytes) -> str:
    """Equal for names that a file system may take for one."""
    text = unicodedata.normalize("NFD", os.fsdecode(name)).casefold()
    return unicodedata.normalize("NFC", text)


def respelled(root: bytes, path: bytes) -> bytes | None:
    """``path`` with ``root`` spelled as given; None if it is not ``root`` or below."""
    base = root.rstrip(b"/")
    if path == root or path.startswith(base + b"/"):
        return path
    depth, wanted = base.count(b"/"), folded(base)
    for prefix in (b"", *ELSEWHERE):
        if path.startswith(prefix):
            names = path[len(prefix) :].split(b"/")
            if folded(b"/".join(names[: depth + 1])) == wanted:
                return b"/".join([base, *names[depth + 1 :]])
    return None


def spellings(root: bytes, path: bytes) -> set[bytes]:
    """``path``, and below ``root`` with composed and with decomposed letters."""
    base, below = path[: len(root)], path[len(root) :]
    forms = (_normalised("NFC", below), _normalised("NFD", below))
    return {path} if below.isascii() else {path, *(base + form for form in forms)}


def _normalised(form: Literal["NFC", "NFD"], name: bytes) -> bytes:
    return os.fsencode(unicodedata.normalize(form, os.fsdecode(name)))


def _found_otherwise(directory: bytes, name: bytes) -> bool:
    """Whether the same file is found with upper and lower case exchanged, or other accents."""
    others = {os.fsencode(os.fsdecode(name).swapcase())}
    if not name.isascii():
        others |= {_normalised("NFC", name), _normalised("NFD", name)}
    return any(_same(directory, name, other) for other in others - {name})


def _same(directory: bytes, name: bytes, other: bytes) -> bool:
    try:
        found, again = os.lstat(directory + b"/" + name), os.lstat(directory + b"/" + other)
    except OSError:
        return False
    return (found.st_ino, found.st_dev) == (again.st_ino, again.st_dev)
