"""Replaces a file completely or not at all, also when the power fails."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
from pathlib import Path

DRAFT = ".draft-"
WITHOUT_MODES = frozenset((errno.EPERM, errno.ENOTSUP, errno.ENOSYS))


def replace_file(target: Path, content: bytes, mode: int = 0o600) -> None:
    """Write the file, on the disk once this returns; raises OSError.

    Drafts are beside it, with names of photosd's own. Those that a killed process left are removed,
    so callers exclude each other.
    """
    prefix = f".{target.name}{DRAFT}"
    for left in target.parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            left.unlink()
    descriptor, name = tempfile.mkstemp(prefix=prefix, dir=target.parent)  # mode 0600
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            _set_mode(stream.fileno(), mode)
            sync(stream.fileno())
        draft.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    _keep_name(target.parent)


def sync(descriptor: int) -> None:
    """Have a file or directory on the disk; raises OSError.

    On macOS fsync(2) leaves it in the disk's cache, which loses it when the power fails.
    """
    if (full := getattr(fcntl, "F_FULLFSYNC", None)) is not None:
        with contextlib.suppress(OSError):  # not every file system knows it
            fcntl.fcntl(descriptor, full)
            return
    os.fsync(descriptor)


def _set_mode(descriptor: int, mode: int) -> None:
    """Set the mode if the file system has modes: FAT and some shares have none."""
    try:
        os.fchmod(descriptor, mode)
    except OSError as error:
        if error.errno not in WITHOUT_MODES:
            raise


def _keep_name(directory: Path) -> None:
    """Sync the directory if possible."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)
