"""Scans: what photo files lie below a folder right now."""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH116

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from photosd.decode.formats import is_photo_name
from photosd.watch.ignore import IgnoreRules
from photosd.watch.walk import VANISHED, OnDirectory, OnError, walk

# What the catalog can hold; some file systems have wider inodes and stranger times.
INTEGER_LIMIT = (1 << 63) - 1
NO_PHOTO = VANISHED | {errno.ELOOP}


class Entry(NamedTuple):
    """One photo file as ``stat`` sees it; a link is the file it leads to, under its own path."""

    path: bytes
    size: int
    mtime_ns: int
    inode: int
    device: int


def scan(
    root: bytes,
    subtree: bytes | None,
    ignore: IgnoreRules,
    *,
    on_directory: OnDirectory | None = None,
    on_error: OnError | None = None,
) -> Iterator[Entry]:
    """Photo files at or below ``subtree`` (None: ``root``) that are not ignored, in no order.

    Regular files only; a link to a file counts under its own path, a link to a directory is not
    followed. What vanishes meanwhile is left out. ``on_error(directory, errno)`` hears of every
    directory that could not be read to the end, and of a root that is not there: nothing may be
    concluded from the absence of what lies below those.
    """
    report = on_error or _ignore_error
    if reason := _missing(root):
        report(root, reason)
        return
    top = root if subtree is None else subtree
    if top != root and is_photo_name(top):
        # A directory called like a photo, or a photo where that directory was.
        try:
            if (entry := entry_of(top, ignore)) is not None:
                yield entry
        except OSError as error:
            report(top.rpartition(b"/")[0], error.errno or errno.EIO)
            return
    for directory, _, files in walk(ignore, top, on_directory=on_directory, on_error=report):
        errors: list[int] = []
        yield from _photos(files, errors)
        if errors:
            report(directory, errors[0])


def _photos(files: list[os.DirEntry[bytes]], errors: list[int]) -> Iterator[Entry]:
    """The photos among the entries of one directory; why others could not be looked at."""
    for file in files:
        if not is_photo_name(file.name):
            continue
        try:
            found = file.stat()
        except OSError as error:
            if error.errno not in NO_PHOTO:
                errors.append(error.errno or errno.EIO)
            continue
        if stat.S_ISREG(found.st_mode):
            yield _entry(file.path, found)


def entry_of(path: bytes, ignore: IgnoreRules | None = None) -> Entry | None:
    """The photo file at ``path``; None when there is none, or none by name.

    With ``ignore``, None too where a scan would not find it: ignored, or reached through a link
    to a directory. Raises OSError when it cannot be known (no permission, input/output error).
    """
    if not is_photo_name(path.rpartition(b"/")[2]) or (ignore is not None and ignore.ignored(path)):
        return None
    try:
        found = os.stat(path)
    except OSError as error:
        if error.errno in NO_PHOTO:
            return None
        raise
    return _entry(path, found) if stat.S_ISREG(found.st_mode) else None


def _entry(path: bytes, found: os.stat_result) -> Entry:
    return Entry(
        path,
        found.st_size,
        max(-INTEGER_LIMIT, min(INTEGER_LIMIT, found.st_mtime_ns)),
        found.st_ino & INTEGER_LIMIT,
        found.st_dev & INTEGER_LIMIT,
    )


def _missing(root: bytes) -> int:
    """0 when the root is a directory, else the error number that says why not."""
    try:
        return 0 if stat.S_ISDIR(os.stat(root).st_mode) else errno.ENOTDIR
    except OSError as error:
        return error.errno or errno.EIO


def _ignore_error(_directory: bytes, _errno: int) -> None:
    """For those who do not want to know."""
