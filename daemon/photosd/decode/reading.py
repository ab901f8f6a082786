"""Reads a file's bytes once, with its content id, never blocking on special files."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

import xxhash

from photosd.core.filestat import is_dataless, normalised
from photosd.core.macos import REMEDY, refused
from photosd.core.progress import tick
from photosd.decode.decode_errors import DecodeFailed, FileGone
from photosd.decode.limits import FILE_SHARE, MIB, DecodeLimits
from photosd.decode.messages import ContentIdentity

CHUNK = MIB // 4  # per read; a fast share has 3 s for it


def read(path: bytes, limits: DecodeLimits) -> tuple[bytes, ContentIdentity]:
    """All bytes of a regular file and its identity; raises DecodeFailed, also if too large.

    The bytes are copied, not mapped: a mapped file that shrinks would kill the process.
    """
    with _opened(path) as (descriptor, before):
        if before.st_size > limits.file_bytes:
            raise DecodeFailed(
                "too_large",
                f"too large: {before.st_size / MIB:,.0f} MiB,"
                f" the limit on this machine is {limits.file_bytes // MIB:,} MiB",
                limits.remedy(memory=FILE_SHARE * before.st_size),
            )
        data = _contents(descriptor, before.st_size + 1)
        identity = _identity(descriptor, before, len(data), xxhash.xxh3_128_hexdigest(data))
    return data, identity


def ends(path: bytes, first: int, last: int) -> tuple[bytes, bytes, ContentIdentity]:
    """The first and the last bytes of a regular file, and its identity without the digest; raises
    DecodeFailed.
    """
    with _opened(path) as (descriptor, before):
        data = _contents(descriptor, first)
        end = os.pread(descriptor, last, max(0, before.st_size - last))
        return data, end, _identity(descriptor, before, before.st_size, "")


def identify(path: bytes) -> ContentIdentity:
    """The identity of a regular file of any size; raises DecodeFailed."""
    with _opened(path) as (descriptor, before):
        digest, size, buffer = xxhash.xxh3_128(), 0, bytearray(CHUNK)
        view = memoryview(buffer)
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
            while size <= before.st_size and (count := file.readinto(buffer)):
                digest.update(view[:count])
                size += count
                tick()
        return _identity(descriptor, before, size, digest.hexdigest())


def _contents(descriptor: int, most: int) -> bytes:
    """Up to ``most`` bytes, read in pieces: each shows that the disk still delivers."""
    data = io.BytesIO()
    while (left := most - data.tell()) > 0 and (chunk := os.read(descriptor, min(left, CHUNK))):
        data.write(chunk)
        tick()
    return data.getvalue()


@contextmanager
def _opened(path: bytes) -> Iterator[tuple[int, os.stat_result]]:
    """An open descriptor of a regular file and its state; OSErrors become DecodeFailed."""
    try:
        refuse(os.stat(path))  # noqa: PTH116 (bytes); some devices mind being opened
        tick()
        # If a FIFO replaces it in between, open must not wait for a writer.
        descriptor = _open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            tick()
            state = os.fstat(descriptor)
            refuse(state)
            yield descriptor, state
        finally:
            os.close(descriptor)
    except OSError as error:
        raise failure_of(error) from error


def _open(path: bytes, flags: int) -> int:
    """Open without changing the access time if permitted."""
    if quiet := getattr(os, "O_NOATIME", 0):
        try:
            return os.open(path, flags | quiet)
        except PermissionError:  # another user's file
            pass
    return os.open(path, flags)


def refuse(state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise DecodeFailed(
            "not_a_file",
            f"it is a {_kind(state.st_mode)}, not a file",
            "rename it so that it does not look like a photo",
        )
    if is_dataless(state):
        raise _in_the_cloud()


def _in_the_cloud() -> DecodeFailed:
    return DecodeFailed(
        "in_the_cloud",
        "the photo is in iCloud and not on this machine",
        "download it in Finder",
        transient=True,
    )


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "folder",
        stat.S_IFIFO: "pipe",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "device",
        stat.S_IFBLK: "device",
    }
    return kinds.get(stat.S_IFMT(mode), "special file")


def _identity(descriptor: int, before: os.stat_result, size: int, digest: str) -> ContentIdentity:
    after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or (
        size != after.st_size
    ):
        raise DecodeFailed(
            "changing",
            "the file changed while it was read",
            "no action needed: it is read again",
            transient=True,
        )
    found = normalised(after)
    return ContentIdentity(
        content_id=f"{size:x}-{digest}",
        size=found.size,
        mtime_ns=found.mtime_ns,
        inode=found.inode,
        device=found.device,
    )


def failure_of(error: OSError) -> DecodeFailed:
    """The failure for an error of the file system."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR | errno.ENXIO | errno.ESTALE:
            return FileGone()
        case errno.EACCES | errno.EPERM:
            return DecodeFailed(
                "permission",
                "photosd has no permission to read the file",
                REMEDY
                if refused(error.errno)
                else "make it readable: chmod u+r FILE (and u+x on its folders)",
                transient=True,  # programs that copy or download files lock them for seconds
            )
        case errno.EDEADLK:  # see core.macos.never_download_from_icloud
            return _in_the_cloud()
        case errno.ELOOP:
            return DecodeFailed("link_loop", "the file is a circular link", "remove the link")
        case errno.ENAMETOOLONG:
            return DecodeFailed("name", "the path is too long for this system", "shorten the path")
    return DecodeFailed(
        "io",
        f"the disk did not deliver the file: {error.strerror or error}",
        "check the disk and its connection",
        transient=True,
    )
