"""What one comparison of disk and catalog decides: new, changed, moved, back, away or gone.

The reconciler says when, and on which thread: `away` and `recognised` ask the disk, so they run
where a disk may be waited for, and never inside a transaction of the catalog.
"""

from __future__ import annotations

import contextlib
import stat
import time
from collections.abc import Callable

from photosd.index.catalog import Catalog
from photosd.index.database import UNWRITABLE
from photosd.index.folders import Folder
from photosd.index.photo import Photo
from photosd.watch.devices import Devices, NotAnswering
from photosd.watch.folder_state import photo_is_away
from photosd.watch.inodes import Inodes
from photosd.watch.scanner import Entry
from photosd.watch.walk import unknown_below

SAMPLE = 50  # photos looked at to tell a disk that got a new number from another disk
LIVING = ("pending", "failed", "indexed")


class Comparison:
    """Decides about one entry at a time and writes what differs to the catalog."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        settle_seconds: Callable[[], float],
        is_embedded: Callable[[str], bool],
        inodes: Inodes | None = None,
    ) -> None:
        self._catalog, self._inodes = catalog, inodes or Inodes()
        self._settle_seconds, self._is_embedded = settle_seconds, is_embedded

    def compare(
        self, folder: Folder, entry: Entry, photo: Photo | None, *, hinted: bool = False
    ) -> None:
        """Bring the catalog's row of one existing file up to date.

        ``hinted``: something is said to have happened to this very path. A row that cannot be
        written is set aside with the reason, and holds up nobody else.
        """
        photo = photo or self._catalog.get(entry.path)  # it may be remembered as gone
        try:
            self._compare(folder, entry, photo, hinted)
            before = None if photo is None else photo.sidecar
            if before != (entry.sidecar or None) or (hinted and entry.sidecar):
                self._catalog.note_sidecar(entry)
        except UNWRITABLE as error:
            self._catalog.set_aside(folder.id, entry.path, error)

    def _compare(self, folder: Folder, entry: Entry, photo: Photo | None, hinted: bool) -> None:
        if photo is not None and photo.state in LIVING and photo.looks_like(entry):
            self._compare_alike(folder, entry, photo, hinted)
            return
        content = self._known_content(entry, photo)
        if content is not None:
            self._catalog.adopt(folder.id, entry, content)
            return
        # Here again with the same size and time: its hash will tell whether it is the same.
        doubtful = photo.content if photo is not None and photo.looks_like(entry) else None
        self._put(folder, entry, doubtful)

    def _compare_alike(self, folder: Folder, entry: Entry, photo: Photo, hinted: bool) -> None:
        """A file with the size and the time that it is catalogued with."""
        if photo.state == "failed" and photo.access != entry.access:
            self._put(folder, entry, photo.content)  # what could not be read may be readable now
        elif self._replaced(entry, photo, hinted):
            # Its hash will tell. Until then it has its former number, for those that swapped.
            self._put(folder, entry._replace(inode=photo.inode), photo.content)
        elif _numbers(photo) != _numbers(entry) or (
            photo.state == "pending" and photo.access != entry.access
        ):
            self._catalog.restat(entry)

    def _replaced(self, entry: Entry, photo: Photo, hinted: bool) -> bool:
        """Whether another file may have taken the place of one of the same size and time."""
        if self._inodes.stable(entry):
            return photo.inode != entry.inode and photo.device == entry.device
        if photo.state != "indexed":  # it will be read anyway
            return False
        # Numbers mean little here, and times may count in steps of two seconds. But who is told of
        # a change, or sees two photos of a burst with each other's number, looks.
        return hinted or (photo.inode != entry.inode and self._catalog.same_file(entry) is not None)

    def _known_content(self, entry: Entry, photo: Photo | None) -> str | None:
        """The content of a file that was moved, linked or came back, without reading it."""
        if not self._inodes.stable(entry):
            return None
        if photo is not None and photo.inode == entry.inode and photo.looks_like(entry):
            same: Photo | None = photo
        else:
            same = self._catalog.same_file(entry)
        if same is None or same.content is None or not self._is_embedded(same.content):
            return None
        return same.content

    def _put(self, folder: Folder, entry: Entry, doubtful: str | None) -> None:
        """On the work list, once it has rested; ``doubtful``: the content it may still have."""
        now, settle_seconds = time.time(), self._settle_seconds()
        quiet_for = now - entry.mtime_ns / 1e9
        settled = quiet_for >= settle_seconds or quiet_for < 0
        due = now + (0 if settled else settle_seconds - quiet_for)
        self._catalog.put(folder.id, entry, due=due, content=doubtful)

    def away(
        self, folder: Folder, photo: Photo, unreadable: tuple[bytes, ...], devices: Devices
    ) -> bool:
        """Whether an absent photo may only be out of sight."""
        if photo.path.startswith(tuple(unknown_below(path) for path in unreadable)):
            return True
        if photo.name_device != photo.device and (
            (known := _leads_away(photo, devices)) is not None
        ):
            return known
        return photo_is_away(
            photo.path,
            photo.name_device,
            root=folder.path,
            root_device=folder.device or photo.name_device,
            device_of=lambda path: int(devices.ask(path, "state")[1]),
        )

    def recognised(self, folder: Folder, devices: Devices) -> bool:
        """Whether what is there now holds photos we know: a disk with a new number or place."""
        for number, photo in enumerate(self._catalog.below(folder.path)):
            if number == SAMPLE:
                break
            with contextlib.suppress(OSError):
                entry = devices.entry(photo.path)
                if entry is not None and photo.looks_like(entry):
                    return True
        return False


def _numbers(one: Photo | Entry) -> tuple[int, int, int]:
    place = one.device if one.place is None else one.place
    return one.inode, one.device, place


def _leads_away(photo: Photo, devices: Devices) -> bool | None:
    """Of a photo seen through a link to another device: whether that device may be away.

    None when the link itself is not there.
    """
    try:
        if not stat.S_ISLNK(devices.ask(photo.path, "name")[0]):
            return False
    except NotAnswering:
        return True
    except OSError:
        return None
    try:
        directory = devices.resolve(photo.path).rpartition(b"/")[0] or b"/"
        return int(devices.ask(directory, "state")[1]) != photo.device
    except OSError:
        return True
