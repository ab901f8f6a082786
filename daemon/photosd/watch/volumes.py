"""The identifier of a disk's volume: another disk may have its name, mount point and inode."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import uuid
from pathlib import Path

BY_UUID = Path("/dev/disk/by-uuid")  # links to the devices (Linux)
ATTR_VOL_INFO, ATTR_VOL_UUID = 0x80000000, 0x00040000  # sys/attr.h


class _AttributeList(ctypes.Structure):
    """``struct attrlist`` (getattrlist(2))."""

    _fields_ = [
        ("count", ctypes.c_ushort),
        ("reserved", ctypes.c_uint16),
        ("common", ctypes.c_uint32),
        ("volume", ctypes.c_uint32),
        ("directory", ctypes.c_uint32),
        ("file", ctypes.c_uint32),
        ("fork", ctypes.c_uint32),
    ]


class _FileSystem(ctypes.Structure):
    """``struct statfs`` (statfs(2)), of 64-bit inode numbers; ``point``: where it is mounted."""

    _fields_ = [
        ("numbers", ctypes.c_uint64 * 9),
        ("kind", ctypes.c_char * 16),
        ("point", ctypes.c_char * 1024),
        ("source", ctypes.c_char * 1024),
        ("reserved", ctypes.c_uint32 * 8),
    ]


class _VolumeUuid(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("uuid", ctypes.c_ubyte * 16)]


def volume_of(path: bytes) -> str:
    """The UUID of the volume that ``path`` is on; empty if it has none, or it is unknown.

    Raises OSError if there is no such path.
    """
    device = os.stat(path).st_dev  # noqa: PTH116 (bytes)
    if sys.platform == "darwin":
        return _uuid_of(path)
    with contextlib.suppress(OSError):
        for link in BY_UUID.iterdir():
            with contextlib.suppress(OSError):
                if link.stat().st_rdev == device:
                    return link.name
    return ""


def _uuid_of(path: bytes) -> str:
    """The UUID as macOS reports it, which it does only of the root of a file system."""
    library = ctypes.CDLL(None, use_errno=True)
    mounted = _FileSystem()
    library.statfs.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    if library.statfs(path, ctypes.pointer(mounted)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    wanted = _AttributeList(count=5, volume=ATTR_VOL_INFO | ATTR_VOL_UUID)
    answer = _VolumeUuid()
    call = library.getattrlist
    call.argtypes = [
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_uint32,
    ]
    room = ctypes.sizeof(answer)
    failed = call(mounted.point, ctypes.pointer(wanted), ctypes.pointer(answer), room, 0)
    found = uuid.UUID(bytes=bytes(answer.uuid))
    return "" if failed or answer.length < room or not found.int else str(found)
