"""Reads the files beside a photo that describe it."""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH116

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable

from photosd.core.filestat import is_dataless
from photosd.core.progress import tick

MAX_BYTES = 1 << 20
CHUNK = 256 << 10
ABSENT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG))
FORBIDDEN = frozenset((errno.EACCES, errno.EPERM))


def read_all(paths: Iterable[bytes]) -> list[tuple[bytes, bytes | None]]:
    """Those that exist and their bytes; None: too large, or photosd may not read it.

    Special files and empty ones are left out. Raises OSError if the disk does not deliver one now,
    as one in iCloud (EDEADLK), or if photosd may read none: that must not count as empty.
    """
    found: list[tuple[bytes, bytes | None]] = []
    forbidden: OSError | None = None
    for path in paths:
        try:
            data = _read(path)
            if data != b"":
                found.append((path, data))
        except OSError as error:
            if error.errno in ABSENT:
                continue
            if error.errno not in FORBIDDEN:
                raise
            forbidden = error
            found.append((path, None))
    if forbidden is not None and not any(data for _, data in found):
        raise forbidden
    return found


def _read(name: bytes) -> bytes | None:
    """All bytes of a regular file; None if there are too many; empty for other files."""
    found = os.stat(name)  # opening may affect some devices
    tick()
    if not stat.S_ISREG(found.st_mode):
        return b""
    if is_dataless(found):
        raise OSError(errno.EDEADLK, "only in iCloud")
    if found.st_size > MAX_BYTES:
        return None
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    data = b""
    try:
        tick()
        while len(data) <= MAX_BYTES and (part := os.read(descriptor, CHUNK)):
            data += part
            tick()
    finally:
        os.close(descriptor)
    return data if len(data) <= MAX_BYTES else None
