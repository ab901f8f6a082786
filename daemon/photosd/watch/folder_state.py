"""The state of a watched folder: present, offline, forbidden, or scan-only."""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH116

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from photosd.core.errors import quoted
from photosd.core.filestat import normalised
from photosd.core.log import printable
from photosd.core.macos import REMEDY, protected_directories, refused
from photosd.watch.filesystem import NotAnswering, can_hang
from photosd.watch.filesystem_calls import look as look_here
from photosd.watch.filesystems import Filesystems
from photosd.watch.mounts import Mount, mount_of, mounts

State = Literal["ok", "offline", "no_permission", "scan_only"]
NOT_ANSWERING = "not answering"
NOT_A_FOLDER = "is not a folder"
ASKING = "; macOS may be asking whether Python may read it"
REMEDY_ASKING = f"answer the dialog of macOS, or {REMEDY}"


class FolderIdentity(NamedTuple):
    """How a folder is recognised; an empty ``mount_point`` or ``volume`` is unknown."""

    device: int
    inode: int
    mount_point: bytes = b""
    volume: str = ""


@dataclass(frozen=True)
class FolderProbe:
    """The result of a probe; if the folder is missing, device and inode are 0.

    ``filesystem`` is the kind of file system, ``mount_point`` where it is mounted.
    """

    state: State
    reason: str | None
    device: int
    inode: int
    filesystem: str
    mount_point: bytes
    remedy: str | None
    volume: str = ""

    @property
    def identity(self) -> FolderIdentity:
        """The identity to pass to the next probe as ``known``; record it while the state is ok."""
        return FolderIdentity(self.device, self.inode, self.mount_point, self.volume)


def probe_folder(
    path: bytes,
    known: FolderIdentity | tuple[int, int] | None = None,
    *,
    table: Mapping[bytes, Mount] | None = None,
    look: Callable[[bytes], tuple[int, int]] | None = None,
    volume: Callable[[bytes], str] = lambda _path: "",
) -> FolderProbe:
    """The state of the folder at the absolute ``path``; never raises, bounded in time.

    ``known`` is the result of an earlier probe. A folder on another file system than that is
    offline, not empty: its disk was unmounted, or something is mounted over it. ``look`` returns
    its device and inode, as `filesystem_calls.look` does, and ``volume`` its volume's UUID.
    """
    try:
        table = mounts() if table is None else table
    except OSError as error:
        why = f"the table of mounts cannot be read: {error.strerror}"
        return away(Mount(b"/", "", ""), why, "no action needed: it is tried again")
    mount = mount_of(path, table)
    try:
        may_wait = can_hang(mount) or mount.protected
        found = _look(path, look or (_look_once_by_worker if may_wait else _look_at_once))
    except NotAnswering:
        return not_answering(path, mount)
    identity = FolderIdentity(*known) if known is not None else FolderIdentity(0, 0)
    if isinstance(found, str):
        now = _at_another_place(path, identity, mount, table, volume)
        return now or away(mount, found, reconnect(printable(path)))
    if isinstance(found, PermissionError):
        return FolderProbe(
            "no_permission",
            f"photosd has no permission to read {printable(path)}",
            0,
            0,
            mount.filesystem,
            mount.point,
            REMEDY if refused(found.errno) else f"make it readable: chmod u+rx {quoted(path)}",
        )
    found = found._replace(volume=volume(path))
    if known is not None and (reason := _moved(path, found, identity, mount)):
        return _at_another_place(path, identity, mount, table, volume) or away(
            mount,
            reason,
            "connect the disk again; if the photos were moved here permanently: "
            f"photosd remove {quoted(path)}; photosd add {quoted(path)}",
        )
    state: State = "scan_only" if mount.remote else "ok"
    reason = f"{mount.filesystem} does not report changes; it is scanned instead"
    return FolderProbe(
        state,
        reason if mount.remote else None,
        found.device,
        found.inode,
        mount.filesystem,
        mount.point,
        None,
        found.volume,
    )


def _device_of(path: bytes) -> int:
    return normalised(os.stat(path)).device


def photo_is_away(
    path: bytes,
    device: int,
    *,
    root: bytes,
    root_device: int,
    device_of: Callable[[bytes], int] = _device_of,
) -> bool:
    """Whether an absent photo is on a disk that is normally mounted below ``root``.

    ``device`` is where the photo was last seen and ``root_device`` where its folder was at that
    time. True: keep the photo, its disk is offline. False: it was deleted. ``device_of`` may raise
    OSError.
    """
    if device == root_device:
        return False
    directory = path.rpartition(b"/")[0]
    while len(directory) > len(root):
        try:
            here = device_of(directory)
        except NotAnswering:
            return True
        except OSError:
            directory = directory.rpartition(b"/")[0]
            continue
        try:
            return here == device_of(root)
        except OSError:  # unknown
            return True
    return True


def _moved(path: bytes, found: FolderIdentity, known: FolderIdentity, mount: Mount) -> str | None:
    """Why the folder is not the known one, if so."""
    if known.mount_point:
        if mount.point == known.mount_point:
            if "" in (found.volume, known.volume) or found.volume == known.volume:
                return None
            return f"another disk is mounted at {printable(mount.point)}"
        if _is_protected(known.mount_point):
            return f"{printable(known.mount_point)} is another folder than before"
        return (
            f"{printable(known.mount_point)} is not mounted"
            if len(mount.point) < len(known.mount_point)
            else f"another file system is mounted over {printable(mount.point)}"
        )
    # The same inode with a new device number: the disk was remounted after a restart.
    if found.device == known.device or found.inode == known.inode:
        return None
    return f"{printable(path)} is on another disk than before"


def _at_another_place(
    path: bytes,
    known: FolderIdentity,
    mount: Mount,
    table: Mapping[bytes, Mount],
    volume: Callable[[bytes], str],
) -> FolderProbe | None:
    """The folder if its disk is mounted elsewhere now, as at ``/Volumes/Disk 1``."""
    if not (known.volume and known.mount_point) or mount.point == known.mount_point:
        return None
    if _is_protected(known.mount_point):
        return None
    for other in table.values():
        there = other.point.rstrip(b"/") + path[len(known.mount_point) :]
        if other.source.startswith("/dev/") and volume(there) == known.volume:
            return away(
                mount,
                f"its disk is now mounted at {printable(other.point)}",
                f"photosd add {quoted(there)}; photosd index --wait; photosd remove {quoted(path)}",
            )
    return None


def _is_protected(point: bytes) -> bool:
    """Whether it is a place of its own but no mount point: a link may be there now."""
    return os.fsdecode(point) in protected_directories()


def reconnect(folder: str) -> str:
    """The remedy for an offline folder."""
    return f"connect its disk or share, or: photosd remove {quoted(folder)}"


def away(mount: Mount, reason: str, remedy: str) -> FolderProbe:
    """A folder that cannot be judged now."""
    return FolderProbe("offline", reason, 0, 0, mount.filesystem, mount.point, remedy)


def not_answering(path: bytes, mount: Mount) -> FolderProbe:
    """A folder on a file system that does not respond."""
    reason = f"{NOT_ANSWERING}: {printable(mount.point)} ({mount.filesystem})"
    if mount.protected:
        reason += ASKING
    return away(mount, reason, silence_remedy(path, mount))


def silence_remedy(path: bytes, mount: Mount) -> str:
    """The remedy for a silent file system."""
    return REMEDY_ASKING if mount.protected else reconnect(printable(path))


def why_silent(mount: Mount) -> str:
    """Why nothing on a file system can be read now."""
    return "it does not answer" + (ASKING if mount.protected else "")


def _look(
    path: bytes, look: Callable[[bytes], tuple[int, int]]
) -> FolderIdentity | PermissionError | str:
    """The folder's identity, or an error message; raises NotAnswering."""
    try:
        return FolderIdentity(*look(path))
    except PermissionError as error:
        return error
    except NotAnswering:
        raise
    except FileNotFoundError:
        return f"{printable(path)} is not there"
    except NotADirectoryError:
        return f"{printable(path)} {NOT_A_FOLDER}"
    except OSError as error:
        return f"{printable(path)} cannot be read: {error.strerror}"


def _look_at_once(path: bytes) -> tuple[int, int]:
    device, inode = next(look_here(path))
    return device, inode


def _look_once_by_worker(path: bytes) -> tuple[int, int]:
    """`Filesystems.look` for callers without `Filesystems`."""
    with Filesystems() as filesystems:
        device, inode = filesystems.ask(path, "look")
        return device, inode
