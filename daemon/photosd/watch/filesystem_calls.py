"""Calls to a file system that may hang, by name, so that another process can make them.

Each is a generator of plain values (they travel as msgpack) and raises OSError. See `filesystems`.
"""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH103, PTH108, PTH115, PTH116, PTH211

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from photosd.core.filestat import normalised
from photosd.core.formats import is_photo_name
from photosd.core.ignored_names import HIDDEN
from photosd.core.progress import tick
from photosd.watch.ignore import IgnoreRules, Reason
from photosd.watch.scanner import NO_PHOTO, entry_of_stat, scan, sidecar_of
from photosd.watch.spelling import DirectorySpelling
from photosd.watch.volumes import volume_of

Item = Any  # what msgpack can carry
ENTRY, LINK, UNREADABLE, LIBRARY = 0, 1, 2, 3  # first of each item of `tree` and `one`
CHUNK = 256 << 10
SPELLING = DirectorySpelling()


def look(path: bytes) -> Iterator[Item]:
    """(device, inode) of a directory that may be listed and entered."""
    # With the dot, a file, or a directory without x permission, fails.
    found = os.stat(path + b"/.")
    tick()
    with os.scandir(path) as listing:  # only reading shows whether r permission is missing
        tick()
        next(listing, None)
    numbers = normalised(found)
    yield numbers.device, numbers.inode


def volume(path: bytes) -> Iterator[Item]:
    """The UUID of the volume that ``path`` is on; empty if unknown."""
    yield volume_of(path)


def ping(path: bytes) -> Iterator[Item]:
    """Yields nothing. Makes one request, the smallest that no cache of the kernel answers."""
    os.statvfs(path)
    yield from ()


def link(path: bytes) -> Iterator[Item]:
    """Where a symbolic link leads; EINVAL when it is none."""
    yield os.readlink(path)


def name(path: bytes) -> Iterator[Item]:
    """The mode and the device of ``path`` itself, even if it is a link."""
    found = os.lstat(path)
    yield found.st_mode, normalised(found).device


def exists(path: bytes) -> Iterator[Item]:
    """Whether ``path`` exists, even as a link that leads nowhere."""
    yield os.path.lexists(path)


def spelled(path: bytes) -> Iterator[Item]:
    """``path`` as its file system spells it; needs a directory above it that may be read."""
    yield SPELLING.whole(path)


def file(path: bytes) -> Iterator[Item]:
    """The fields of the `Entry` of a regular file; nothing when there is none."""
    try:
        found = os.stat(path)
    except OSError as error:
        if error.errno in NO_PHOTO:
            return
        raise
    if stat.S_ISREG(found.st_mode):
        yield tuple(entry_of_stat(path, found, found))


def state(path: bytes) -> Iterator[Item]:
    """The mode (st_mode), the device and the inode of what is at ``path``."""
    found = os.stat(path)
    numbers = normalised(found)
    yield found.st_mode, numbers.device, numbers.inode


def one(
    root: bytes,
    excludes: Sequence[str],
    own: Sequence[bytes],
    off: Sequence[str],
    path: bytes,
    hinted: Sequence[bytes] = (),
) -> Iterator[Item]:
    """The photo file at ``path`` as a scan of ``root`` would find it, or a link of that name.

    Its path is spelled as on disk, which is not always ``path``. ``hinted``: names of files beside
    it that have changed and may describe it.
    """
    rules = _rules(root, excludes, own, off)
    if not is_photo_name(path.rpartition(b"/")[2]) or rules.ignored(path):
        return
    tick()
    try:
        found = os.lstat(path)
    except OSError as error:
        if error.errno in NO_PHOTO:
            return
        raise
    spelled = SPELLING.right(root, path)
    if spelled is None or not rules.shows(found):
        return
    path = spelled
    if stat.S_ISLNK(found.st_mode):
        yield LINK, path, sidecar_of(path, rules, hinted)
    elif stat.S_ISREG(found.st_mode):
        entry = entry_of_stat(path, found, found)
        yield (ENTRY, *entry._replace(sidecar=sidecar_of(path, rules, hinted)))


def tree(
    root: bytes,
    excludes: Sequence[str],
    own: Sequence[bytes],
    off: Sequence[str],
    top: bytes,
    prune: Sequence[bytes],
) -> Iterator[Item]:
    """All photo files at or below ``top``: entries, links, directories that cannot be read, and
    photo libraries, which are skipped.

    Their paths are spelled as on disk.
    """
    reports: list[Item] = []
    spelled = SPELLING.right(root, top)
    if spelled is None:
        return
    found = scan(
        root,
        spelled,
        _rules(root, excludes, own, off),
        on_error=lambda path, number: reports.append((UNREADABLE, path, number)),
        on_link=lambda *link: reports.append((LINK, *link)),
        on_library=lambda path: reports.append((LIBRARY, path)),
        prune=frozenset(prune),
    )
    for entry in found:
        yield (ENTRY, *entry)
        if reports:
            yield from reports
            reports.clear()
    yield from reports


def ignored(
    root: bytes,
    excludes: Sequence[str],
    own: Sequence[bytes],
    off: Sequence[str],
    path: bytes,
) -> Iterator[Item]:
    """The fields of the `Reason` why ``path`` is ignored; nothing when it is not."""
    found = os.lstat(path)
    rules = _rules(root, excludes, own, off)
    if reason := rules.reason(path, stat.S_ISDIR(found.st_mode)):
        yield tuple(reason)
    elif not rules.shows(found):
        yield tuple(Reason(HIDDEN, path))


def _rules(
    root: bytes, excludes: Sequence[str], own: Sequence[bytes], off: Sequence[str]
) -> IgnoreRules:
    return IgnoreRules(root, excludes, other_roots=own, off=off, strict=False)


def read(path: bytes) -> Iterator[Item]:
    """The size of a file, which is read to its end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        size = 0
        while chunk := os.read(descriptor, CHUNK):
            size += len(chunk)
            tick()
    finally:
        os.close(descriptor)
    yield size


def targets(paths: Sequence[bytes]) -> Iterator[Item]:
    """The target of each link; None for other files, and for missing ones."""
    for path in paths:
        try:
            yield os.readlink(path)
        except OSError:
            yield None


def add_link(path: bytes, target: bytes) -> Iterator[Item]:
    """Yields nothing. Creates a link."""
    os.symlink(target, path)
    yield from ()


def remove_link(path: bytes, target: bytes) -> Iterator[Item]:
    """Yields nothing. Removes a link if it still has this target."""
    if next(targets([path])) == target:
        os.unlink(path)
    yield from ()


def make_directory(path: bytes) -> Iterator[Item]:
    """Whether links may be created in the directory ``path``, which is created if missing."""
    os.makedirs(path, mode=0o700, exist_ok=True)
    yield os.access(path, os.W_OK | os.X_OK)


CHANGES = frozenset(("add_link", "remove_link", "make_directory"))  # never repeated later
CALLS: Mapping[str, Callable[..., Iterator[Item]]] = {
    call.__name__: call
    for call in (
        look,
        volume,
        ping,
        link,
        name,
        exists,
        spelled,
        file,
        state,
        one,
        tree,
        ignored,
        read,
        targets,
        add_link,
        remove_link,
        make_directory,
    )
}


def errno_of(error: Exception) -> int:
    """The errno that ends an answer, for any exception: a worker answers each call and survives."""
    if isinstance(error, OSError):
        return error.errno or errno.EIO
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    return errno.EINVAL if isinstance(error, ValueError) else errno.EIO
