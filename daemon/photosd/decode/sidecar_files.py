"""Reads the files beside a photo that describe it."""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH116

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from typing import Literal

from photosd.core.filestat import is_dataless
from photosd.core.progress import tick

MAX_BYTES = 16 << 20  # of editors that keep masks in it
CHUNK = 256 << 10
ABSENT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG))
FORBIDDEN = frozenset((errno.EACCES, errno.EPERM))
Unread = Literal["sidecar", "large sidecar"]  # kinds in `decode.messages.Facts.unreadable`


def read_all(paths: Iterable[bytes]) -> list[tuple[bytes, bytes | Unread]]:
    """Those that exist and their bytes, or why there are none: too large, or no permission.

    Special files and empty ones are left out. Raises OSError if the disk does not deliver one now,
    as one in iCloud (EDEADLK), or if photosd may read none: that must not count as empty.
    """
    found: list[tuple[bytes, bytes | Unread]] = []
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
            found.append((path, "sidecar"))
    if forbidden is not None and all(data == "sidecar" for _, data in found):
        raise forbidden
    return found


def _read(name: bytes) -> bytes | Unread:
    """All bytes of a regular file, if these are not too many; empty for other files."""
    found = os.stat(name)  # opening may affect some devices
    tick()
    if not stat.S_ISREG(found.st_mode):
        return b""
    if is_dataless(found):
        raise OSError(errno.EDEADLK, "only in iCloud")
    if found.st_size > MAX_BYTES:
        return "large sidecar"
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    data = b""
    try:
        tick()
        while len(data) <= MAX_BYTES and (part := os.read(descriptor, CHUNK)):
            data += part
            tick()
    finally:
        os.close(descriptor)
    return data if len(data) <= MAX_BYTES else "large sidecar"
