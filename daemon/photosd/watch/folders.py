"""The state of a watched folder: there, away, forbidden, or only to be scanned."""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH116

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from photosd.core.filestat import normalised
from photosd.core.log import printable
from photosd.watch.mounts import Mount, mount_of, mounts

State = Literal["ok", "offline", "no_permission", "scan_only"]

# A server that does not answer holds `stat` for minutes; nobody waits for it longer than this.
ANSWER_SECONDS = 3.0


class Identity(NamedTuple):
    """How a folder is known again; an empty ``mount_point`` was never recorded."""

    device: int
    inode: int
    mount_point: bytes = b""


@dataclass(frozen=True)
class FolderProbe:
    """What was found; where the folder is not there, device and inode are 0.

    ``filesystem`` is the kind of file system, ``mount_point`` where that is attached.
    """

    state: State
    reason: str | None
    device: int
    inode: int
    filesystem: str
    mount_point: bytes
    remedy: str | None

    @property
    def identity(self) -> Identity:
        """What to hand to the next probe as ``known``; record it while the state is ok."""
        return Identity(self.device, self.inode, self.mount_point)


def probe_folder(
    path: bytes,
    known: Identity | tuple[int, int] | None = None,
    *,
    table: Mapping[bytes, Mount] | None = None,
) -> FolderProbe:
    """The state of the folder at the absolute ``path``; never raises, never waits over 3 s.

    ``known`` is what an earlier probe found. A folder on another file system than that is
    offline, not empty: its disk was unmounted, or something is mounted over it.
    """
    mount = mount_of(path, mounts() if table is None else table)
    found = _look(path) if not mount.remote else _look_in_time(path)
    if isinstance(found, str):
        return _away(mount, found, "connect the disk or share, or: photosd remove FOLDER")
    if isinstance(found, PermissionError):
        return FolderProbe(
            "no_permission",
            f"photosd may not read {printable(path)}",
            0,
            0,
            mount.filesystem,
            mount.point,
            "give your user the right to read and enter it: chmod u+rx FOLDER; on a Mac allow "
            "photosd in System Settings, Privacy & Security, Files and Folders",
        )
    if known is not None and (reason := _moved(path, found, Identity(*known), mount)):
        return _away(
            mount,
            reason,
            "connect the disk again; if the photos were moved here for good: "
            "photosd remove FOLDER, photosd add FOLDER",
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
    )


def photo_is_away(path: bytes, device: int, *, root: bytes, root_device: int) -> bool:
    """Whether an absent photo lies on a disk that is mounted below ``root`` when it is there.

    ``device`` is where the photo was last seen and ``root_device`` where its folder was at that
    time. True: keep the photo, its disk is away. False: it was deleted.
    """
    if device == root_device:
        return False
    directory = path.rpartition(b"/")[0]
    while len(directory) > len(root):
        try:
            here = normalised(os.stat(directory)).device
        except OSError:
            directory = directory.rpartition(b"/")[0]
            continue
        return here == _device_of(root)
    return True


def _moved(path: bytes, found: Identity, known: Identity, mount: Mount) -> str | None:
    """Why the folder found is not the one known, if so."""
    if known.mount_point:
        if mount.point == known.mount_point:
            return None
        return (
            f"{printable(known.mount_point)} is not mounted"
            if len(mount.point) < len(known.mount_point)
            else f"another file system is mounted over {printable(mount.point)}"
        )
    # The same inode under a new device number: the disk came back after a restart.
    if found.device == known.device or found.inode == known.inode:
        return None
    return f"{printable(path)} is on another disk than before"


def _look(path: bytes) -> Identity | PermissionError | str:
    """The folder's identity, or why not, in words."""
    try:
        found = os.stat(path)
        if not stat.S_ISDIR(found.st_mode):
            return f"{printable(path)} is not a folder"
        with os.scandir(path) as listing:  # the right to list shows only when it is used
            next(listing, None)
        os.stat(path + b"/.")  # and the right to enter
    except PermissionError as error:
        return error
    except FileNotFoundError:
        return f"{printable(path)} is not there"
    except OSError as error:
        return f"{printable(path)} cannot be read: {error.strerror}"
    numbers = normalised(found)
    return Identity(numbers.device, numbers.inode)


def _look_in_time(path: bytes) -> Identity | PermissionError | str:
    """`_look`, given up after a while: the thread stays behind until the server answers."""
    answers: list[Identity | PermissionError | str] = []
    thread = threading.Thread(target=lambda: answers.append(_look(path)), daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    return answers[0] if answers else f"{printable(path)} does not answer"


def _away(mount: Mount, reason: str, remedy: str) -> FolderProbe:
    return FolderProbe("offline", reason, 0, 0, mount.filesystem, mount.point, remedy)


def _device_of(path: bytes) -> int:
    try:
        return normalised(os.stat(path)).device
    except OSError:
        return -1
