"""The table of mounted file systems: the mount of a path, and changes of the table."""

from __future__ import annotations

import os
import re
import select
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import psutil

from photosd.core.macos import protected_directories

# Events of other machines never arrive for these, whatever the local kernel reports. autofs: the
# first access mounts a share there, and waits for its server.
NETWORK = frozenset(
    (
        "9p",
        "afpfs",
        "afs",
        "autofs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs3",
        "nfs4",
        "ocfs2",
        "orangefs",
        "prl_fs",
        "pvfs2",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
        "webdav",
    )
)
# FUSE file systems on a local disk, where the kernel sees every change.
LOCAL_FUSE = frozenset(("fuseblk", "fuse.bindfs", "fuse.encfs", "fuse.gocryptfs", "fuse.ntfs-3g"))
MAX_LINKS = 40  # in one path; the kernel's limit
MOUNTINFO = Path("/proc/self/mountinfo")
FSEVENTS = frozenset(("apfs", "hfs"))  # file systems of which macOS reports each change


@dataclass(frozen=True)
class Mount:
    """A mounted file system: mount point, kind, source.

    ``device`` is equal for all mount points of one file system; empty if unknown. ``protected``: a
    directory that counts as one of its own, because macOS may let calls wait for the user.
    """

    point: bytes
    filesystem: str
    source: str
    device: str = ""
    protected: bool = False

    @property
    def remote(self) -> bool:
        """Whether other machines may change it without our kernel's knowledge."""
        kind = self.filesystem
        return kind in NETWORK or (
            kind.startswith(("fuse", "macfuse", "osxfuse")) and kind not in LOCAL_FUSE
        )

    @property
    def may_miss_events(self) -> bool:
        """Whether some changes may not be reported, as of exFAT and NTFS on a Mac."""
        return sys.platform == "darwin" and self.filesystem not in FSEVENTS


def mounts() -> dict[bytes, Mount]:
    """Every mount by its mount point, the topmost if several are stacked.

    Read from the kernel's table: no file system is accessed, so none can block. Raises OSError if
    it cannot be read, as without free descriptors: without it every path would seem to be on a
    local disk.
    """
    if sys.platform == "linux":
        table = {mount.point: mount for mount in map(_mount, _lines()) if mount is not None}
    else:
        table = {
            (point := os.fsencode(part.mountpoint)): Mount(point, part.fstype, part.device)
            for part in psutil.disk_partitions(all=True)
        }
    for place in map(os.fsencode, protected_directories()):
        if not (mount := mount_of(place, table)).remote and not os.path.islink(place):  # noqa: PTH114
            table[place] = replace(mount, point=place, device="", protected=True)
    return table


def _lines() -> list[bytes]:
    with MOUNTINFO.open("rb") as file:
        return file.read().split(b"\n")


def _mount(line: bytes) -> Mount | None:
    """One line of /proc/self/mountinfo; see proc_pid_mountinfo(5)."""
    fields = line.split(b" ")
    try:
        rest = fields.index(b"-", 6)
        kind, source = fields[rest + 1].decode(), os.fsdecode(_plain(fields[rest + 2]))
        return Mount(_plain(fields[4]), kind, source, fields[2].decode())
    except (ValueError, IndexError):
        return None


def _plain(field: bytes) -> bytes:
    """A field with the octal escapes for spaces, newlines and backslashes decoded."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), field)


def mount_of(path: bytes, table: Mapping[bytes, Mount]) -> Mount:
    """The mount of the absolute ``path``, which need not exist."""
    point = path
    while point not in table:
        shorter = point.rpartition(b"/")[0] or b"/"
        if shorter == point:
            return Mount(b"/", "", "")
        point = shorter
    return table[point]


def leads_to_share(path: bytes, table: Mapping[bytes, Mount]) -> bool:
    """Whether links lead from ``path`` to a share that it is not on. No other share than that is
    accessed, nor one that the way to ``path`` leads through.
    """
    own, here, rest, links = set[Mount](), b"/", path.split(b"/")[::-1], 0
    while rest and links <= MAX_LINKS:  # more: it cannot be opened
        name = rest.pop()
        if name == b"..":
            here = here.rpartition(b"/")[0] or b"/"
        if name in (b"", b".", b".."):
            continue
        here, above = here.rstrip(b"/") + b"/" + name, here
        mount = mount_of(here, table)
        if not links:
            own.add(mount)
        elif mount.remote and mount not in own:
            return True
        try:
            target = os.readlink(here)  # noqa: PTH115 (bytes)
        except OSError:
            continue
        links += 1
        here = b"/" if target.startswith(b"/") else above
        rest += target.split(b"/")[::-1]
    return False


class MountWatch:
    """Reports, without blocking, which mount points appeared or vanished since the last call."""

    def __init__(self) -> None:
        self._poll: select.poll | None = None
        self._file: BinaryIO | None = None
        if sys.platform == "linux":
            self._file = MOUNTINFO.open("rb")
            self._poll = select.poll()
            self._poll.register(self._file, select.POLLERR | select.POLLPRI)
        self.unread: OSError | None = None  # why a change that was reported is not known yet
        self.table = mounts()  # after the file was opened: later changes are reported

    def changes(self) -> frozenset[bytes] | None:
        """Mount points that changed; None if nothing at all has happened.

        A file system unmounted and remounted since the last call looks unchanged. While the table
        cannot be read the last one stays, and the next call tries again.
        """
        if self._poll is not None and not self._poll.poll(0) and self.unread is None:
            return None
        try:
            before, self.table = self.table, mounts()
        except OSError as error:
            self.unread = error
            return None
        self.unread = None
        return frozenset(
            point
            for point in before.keys() | self.table.keys()
            if before.get(point) != self.table.get(point)
        )

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
