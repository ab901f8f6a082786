"""Scans: the photo files currently below a folder."""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH116

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator
from typing import NamedTuple

from photosd.core.filestat import is_hidden, normalised
from photosd.core.formats import is_photo_name
from photosd.core.progress import tick
from photosd.core.sidecar_names import SidecarNames, is_sidecar_name, likely_names
from photosd.watch.ignore import IgnoreRules, Level
from photosd.watch.sidecar_stamps import Listings, stamp
from photosd.watch.walk import VANISHED, OnError, OnLibrary, walk

NO_PHOTO = VANISHED | {errno.ELOOP}
LISTINGS = Listings()
OnLink = Callable[[bytes, str], None]


class Entry(NamedTuple):
    """One photo file as ``stat`` sees it; a link is its target, under its own path.

    The numbers are those of `core.filestat`. ``place`` is the device of the name, which for a link
    is not always that of the file; None: unknown. ``sidecar``: the stamp of the files that describe
    the photo (see `sidecar_stamps`); empty without one.
    """

    path: bytes
    size: int
    mtime_ns: int
    inode: int
    device: int
    place: int | None = None
    access: int = 0
    sidecar: str = ""


def scan(
    root: bytes,
    subtree: bytes | None,
    ignore: IgnoreRules,
    *,
    on_error: OnError | None = None,
    on_link: OnLink | None = None,
    on_library: OnLibrary | None = None,
    prune: Container[bytes] = (),
) -> Iterator[Entry]:
    """Photo files at or below ``subtree`` (None: ``root``) that are not ignored, in no order.

    Regular files only; a link to a file counts under its own path, a link to a directory is not
    followed. Files deleted meanwhile are left out. ``on_error(path, errno)`` is called for every
    directory and ignore file that could not be read completely, and for a missing root: absence
    below those proves nothing (see `walk.unknown_below`). ``on_link(path, sidecar)``, if given, is
    called with links named like photos, which are then not followed; ``on_library(path)`` with
    photo libraries, which are skipped. Directories in ``prune`` are not entered.
    """
    report = on_error or _ignore_error
    if reason := _missing(root):
        report(root, reason)
        return
    tick()
    top = root if subtree is None else subtree
    if top != root and is_photo_name(top):
        # A directory named like a photo, or a photo in place of that directory.
        try:
            if (entry := entry_of(top, ignore, on_link)) is not None:
                yield entry
        except OSError as error:
            report(top.rpartition(b"/")[0], error.errno or errno.EIO)
            return
    found = walk(
        ignore,
        top,
        on_error=report,
        on_library=on_library,
        prune=prune,
    )
    for directory, level, files in found:
        errors: list[int] = []
        yield from _photos(files, level, errors, on_link)
        if errors:
            report(directory, errors[0])


def _photos(
    files: list[os.DirEntry[bytes]], level: Level, errors: list[int], on_link: OnLink | None
) -> Iterator[Entry]:
    """The photos among the entries of one directory; errors of the others."""
    entries = {file.name: file for file in files}
    names = SidecarNames(entries) if any(map(is_sidecar_name, entries)) else None

    def beside(photo: bytes) -> str:
        """Its sidecar stamp."""
        found = () if names is None else names.of(photo)
        return stamp(found, lambda name: entries[name].stat(follow_symlinks=False))

    for file in files:
        if not is_photo_name(file.name):
            continue
        tick()
        if on_link is not None and file.is_symlink():
            on_link(file.path, beside(file.name))
            continue
        try:
            found = file.stat()
            name = file.stat(follow_symlinks=False) if file.is_symlink() else found
        except OSError as error:
            if error.errno not in NO_PHOTO:
                errors.append(error.errno or errno.EIO)
            continue
        tick()
        if stat.S_ISREG(found.st_mode) and level.shows(name):
            entry = entry_of_stat(file.path, found, name)
            yield entry if names is None else entry._replace(sidecar=beside(file.name))


def sidecar_of(photo: bytes, ignore: IgnoreRules | None, hinted: Iterable[bytes] = ()) -> str:
    """The sidecar stamp of one photo, read from disk; see `sidecar_stamps`.

    ``hinted``: names of files beside it that have changed.
    """
    directory = photo.rpartition(b"/")[0]

    def state(name: bytes) -> os.stat_result:
        path = directory + b"/" + name
        tick()
        if ignore and ignore.ignored(path):
            raise FileNotFoundError(path)
        return os.lstat(path)

    try:
        names = LISTINGS.names_of(photo, hinted)
    except OSError:  # it may be passed through, not read
        names = SidecarNames((*map(_name, likely_names(photo)), *hinted)).of(_name(photo))
    return stamp(names, state)


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


def entry_of(
    path: bytes, ignore: IgnoreRules | None = None, on_link: OnLink | None = None
) -> Entry | None:
    """The photo file at ``path``; None if there is none.

    With ``ignore``, None also if a scan would not find it: ignored, or reached through a link to a
    directory. ``on_link``: as for `scan`. Raises OSError if unknown (no permission, input/output
    error).
    """
    if not is_photo_name(path.rpartition(b"/")[2]) or (ignore is not None and ignore.ignored(path)):
        return None
    try:
        name = os.lstat(path)
        if on_link is not None and stat.S_ISLNK(name.st_mode):
            on_link(path, sidecar_of(path, ignore))
            return None
        found = os.stat(path) if stat.S_ISLNK(name.st_mode) else name
    except OSError as error:
        if error.errno in NO_PHOTO:
            return None
        raise
    shown = not is_hidden(name) if ignore is None else ignore.shows(name)
    if not shown or not stat.S_ISREG(found.st_mode):
        return None
    return entry_of_stat(path, found, name)._replace(sidecar=sidecar_of(path, ignore))


def entry_of_stat(path: bytes, found: os.stat_result, name: os.stat_result) -> Entry:
    """``found`` is the stat of the file, ``name`` that of the link to it, if any."""
    numbers = normalised(found)
    size, mtime_ns, inode, device, access = numbers
    place = device if name is found else normalised(name).device
    return Entry(path, size, mtime_ns, inode, device, place, access)


def _missing(root: bytes) -> int:
    """0 if the root is a directory, else the error number."""
    try:
        return 0 if stat.S_ISDIR(os.stat(root).st_mode) else errno.ENOTDIR
    except OSError as error:
        return error.errno or errno.EIO


def _ignore_error(_directory: bytes, _errno: int) -> None:
    """The default for callers that ignore errors."""
