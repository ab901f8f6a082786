"""Walks a watched folder for scans and watches: skips what is ignored and raises nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Container, Iterable, Iterator

from photosd.core.filestat import has_flags, is_dataless
from photosd.core.formats import is_library_name
from photosd.core.macos import REMEDY, refused
from photosd.core.progress import tick
from photosd.core.shortage import ERRNOS
from photosd.watch.ignore import DOT, IGNORE_FILE, IgnoreRules, Level

OnDirectory = Callable[[bytes, Level], None]
OnError = Callable[[bytes, int], None]
OnLibrary = Callable[[bytes], None]

IGNORE_FILE_TROUBLES = {
    errno.EILSEQ: "it is not text in UTF-8",
    errno.EINVAL: "it, or --exclude, has a pattern that cannot be understood",
    errno.EFBIG: "it is too large",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENOENT: "it is a link that leads nowhere",
    errno.EXDEV: "it is a link to a network share",
}
IN_THE_CLOUD = "it is in iCloud and not on this machine"
VANISHED = frozenset((errno.ENOENT, errno.ENOTDIR))
AWAY = frozenset(  # a disk or a share fails, or was disconnected
    (errno.EHOSTDOWN, errno.EIO, errno.ENOTCONN, errno.ENXIO, errno.ESTALE, errno.ETIMEDOUT)
)
TRANSIENT = AWAY | ERRNOS.keys()  # errors that may end without an event


def walk(
    ignore: IgnoreRules,
    top: bytes,
    *,
    on_directory: OnDirectory | None = None,
    on_error: OnError | None = None,
    on_library: OnLibrary | None = None,
    prune: Container[bytes] = (),
) -> Iterator[tuple[bytes, Level, list[os.DirEntry[bytes]]]]:
    """Every directory from ``top`` down that is not ignored, with its entries that are not.

    Yields (path, rules inside it, entries). The entries are all but real directories; links to
    directories are among them and never followed, so there are no circles. ``on_directory(path,
    rules before its own ignore file)`` is called before a directory is listed, so that a watch
    placed there misses nothing; an exception from it ends the walk. ``on_error(path, errno)``
    is called for directories that cannot be listed and for ignore files that cannot be read or
    understood; the walk does not enter their directories. The same goes for directories whose list
    is only in iCloud. It skips vanished directories without a call, and directories in ``prune``.
    ``on_library(path)`` is called for each photo library that is skipped.
    """
    report = on_error or _ignore_error
    try:
        level = ignore.inside(top)
    except OSError as error:
        report(error.filename or top, error.errno or errno.EIO)
        return
    stack = [(top, level)] if level is not None else []
    while stack:
        directory, level = stack.pop()
        if on_directory is not None:
            on_directory(directory, level)
        own_level, entries = _enter(directory, level, report)
        if own_level is None:
            continue
        others: list[os.DirEntry[bytes]] = []
        for entry, is_directory in _shown(entries, own_level, report, on_library, prune):
            if is_directory:
                stack.append((entry.path, own_level.below(entry.name)))
            else:
                others.append(entry)
        yield directory, own_level, others


def _shown(
    entries: Iterable[os.DirEntry[bytes]],
    level: Level,
    report: OnError,
    on_library: OnLibrary | None,
    prune: Container[bytes],
) -> Iterator[tuple[os.DirEntry[bytes], bool]]:
    """Entries that are not ignored, nor in ``prune``, and whether each is a directory.

    No directory in ``prune`` is asked anything: a share that is mounted there may hang.
    """
    flagged = has_flags()
    for entry in entries:
        tick()
        try:
            is_directory = entry.is_dir(follow_symlinks=False)
            if is_directory and entry.path in prune:
                continue
            found = entry.stat(follow_symlinks=False) if flagged and is_directory else None
        except OSError as error:  # it may be a directory with photos
            if not level.hides(entry.name, is_directory=True):
                report(entry.path, error.errno or errno.EIO)
            continue
        if level.hides(entry.name, is_directory):
            if on_library is not None and is_directory and is_library_name(entry.name):
                on_library(entry.path)
        elif found is not None and is_dataless(found):
            report(entry.path, errno.EDEADLK)
        elif found is None or level.shows(found):
            yield entry, is_directory


def _enter(
    directory: bytes, level: Level, report: OnError
) -> tuple[Level | None, list[os.DirEntry[bytes]]]:
    """The rules inside a directory and its entries; no rules if the walk must not enter it."""
    entries, error = _list(directory)
    if error:
        if error not in VANISHED:
            report(directory, error)
        return None, []
    own_level = level.with_own_rules({entry.name for entry in entries if entry.name[0] == DOT})
    if own_level is not None and own_level.unknown:
        report(own_level.prefix + IGNORE_FILE, own_level.unknown)
        return None, []
    return own_level, entries


def _list(directory: bytes) -> tuple[list[os.DirEntry[bytes]], int]:
    """The entries and 0, or the error number that ended the listing."""
    entries: list[os.DirEntry[bytes]] = []
    try:
        with os.scandir(directory) as listing:
            tick()
            for entry in listing:
                entries.append(entry)
                tick()
            tick()
            return entries, 0
    except OSError as error:
        return [], error.errno or errno.EIO


def unknown_below(path: bytes) -> bytes:
    """The prefix of all paths that are unknown after `walk` reported ``path``."""
    path = path.rstrip(b"/")
    directory, _, name = path.rpartition(b"/")
    return (directory if name == IGNORE_FILE else path) + b"/"


def why_unknown(path: bytes, number: int) -> str:
    """In words, why `walk` reported ``path``."""
    if number == errno.EDEADLK:
        return IN_THE_CLOUD
    if path.rpartition(b"/")[2] != IGNORE_FILE:
        return os.strerror(number)
    why = IGNORE_FILE_TROUBLES.get(number) or os.strerror(number)
    return f"{why}; nothing new in its folder is indexed until that is fixed"


def remedy_for(path: bytes, number: int) -> str:
    """The remedy for a path reported by `walk`."""
    if refused(number):
        return REMEDY
    if number == errno.EDEADLK:
        return "download it in Finder (Download Now), or exclude it in .photosdignore"
    if number in AWAY:
        return "connect the disk or share that it is on or leads to; then it is tried again"
    if shortage := ERRNOS.get(number):
        return (
            f"photosd has too few resources ({shortage}): close other programs; it is tried again"
        )
    if number == errno.EXDEV:
        return "put a copy of the file in place of the link"
    if number == errno.ENAMETOOLONG:
        return "shorten its path; of a link, the path that it leads to"
    if path.rpartition(b"/")[2] == IGNORE_FILE:
        return "correct that file (UTF-8, .gitignore syntax), or delete it"
    return "make it readable (chmod u+rx), or exclude it in .photosdignore"


def _ignore_error(_path: bytes, _errno: int) -> None:
    """Ignore an error: the default of ``on_error``."""
