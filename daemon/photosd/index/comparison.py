"""Decisions of a comparison of disk and catalog: new, changed, moved, restored, offline or deleted.

The reconciler decides when, and on which thread: `away`, `recognised` and `Emptied` access the
disk, so they run where waiting is allowed, and never inside a transaction of the catalog.

A folder that has lost all its photos was emptied, or replaced by another directory, by a sync tool,
a script or a mistake. The photos are kept until the user confirms (`photosd folders accept`) or a
known photo is back. Single photos, and subdirectories, count as deleted at once.
"""

from __future__ import annotations

import contextlib
import stat
import time
from collections.abc import Callable

from photosd.core.errors import quoted
from photosd.core.log import printable
from photosd.index.catalog import Catalog
from photosd.index.database import UNWRITABLE
from photosd.index.folders import Folder
from photosd.index.photo import AWAY, Photo
from photosd.watch.filesystem import NotAnswering
from photosd.watch.filesystem_calls import LIBRARY, LINK
from photosd.watch.filesystems import Filesystems
from photosd.watch.folder_state import FolderProbe, photo_is_away
from photosd.watch.inodes import Inodes
from photosd.watch.scanner import Entry
from photosd.watch.walk import VANISHED, unknown_below

SAMPLE = 50  # photos checked to tell a disk with a new number from another disk
EXISTING = ("pending", "failed", "indexed")

FEWEST = 3  # photos; a folder with fewer never counts as emptied
EMPTYING_SECONDS = 3600.0  # photos deleted this shortly before the last belong to the same event
EMPTY = "empty"  # prefix of the reason


class Comparison:
    """Decides about one entry at a time and writes differences to the catalog."""

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
        """Update the catalog's row of one existing file.

        ``photo``: that row, deleted or not, if there is one. ``hinted``: an event named this path.
        A row that cannot be written is marked as failed with the reason, and does not block others.
        """
        try:
            self._compare(folder, entry, photo, hinted)
            before = None if photo is None else photo.sidecar
            if before != (entry.sidecar or None) or (hinted and entry.sidecar):
                self._catalog.note_sidecar(entry)
        except UNWRITABLE as error:
            self._catalog.mark_failed(folder.id, entry.path, error)

    def _compare(self, folder: Folder, entry: Entry, photo: Photo | None, hinted: bool) -> None:
        ours = photo is not None and photo.folder == folder.id
        if photo is not None and ours and photo.state in EXISTING and photo.looks_like(entry):
            self._compare_alike(folder, entry, photo, hinted)
            return
        content = self._known_content(entry, photo)
        if content is not None:
            self._catalog.adopt(folder.id, entry, content)
            return
        # Back with the same size and time: its hash decides whether it is the same.
        likely = photo.content if photo is not None and photo.looks_like(entry) else None
        self._put(folder, entry, likely)

    def _compare_alike(self, folder: Folder, entry: Entry, photo: Photo, hinted: bool) -> None:
        """A file with the same size and time as in the catalog."""
        if photo.state == "pending" and photo.code == AWAY:
            self._put(folder, entry, photo.content)  # its disk is back
        elif photo.state == "failed" and photo.access != entry.access:
            self._put(folder, entry, photo.content)  # an unreadable file may be readable now
        elif self._replaced(entry, photo, hinted):
            # Its hash will decide. Until then the row keeps the former inode number, in case two
            # files were swapped. A failed photo has no content that could be mixed up.
            if photo.state == "failed":
                self._put(folder, entry, None)
            else:
                self._put(folder, entry._replace(inode=photo.inode), photo.content)
        elif _numbers(photo) != _numbers(entry) or (
            photo.state == "pending" and photo.access != entry.access
        ):
            self._catalog.restat(entry)

    def _replaced(self, entry: Entry, photo: Photo, hinted: bool) -> bool:
        """Whether another file of the same size and time may have replaced it."""
        if self._inodes.stable(entry):
            # A remounted disk causes no event; after one, a link may lead to another disk.
            return photo.inode != entry.inode and (hinted or photo.device == entry.device)
        if photo.state != "indexed":  # it will be read anyway
            return False
        # Inode numbers are unreliable here, and times may have a resolution of two seconds. But
        # after an event, or if two photos of a burst have each other's number, check.
        return hinted or (photo.inode != entry.inode and self._catalog.same_file(entry) is not None)

    def _known_content(self, entry: Entry, photo: Photo | None) -> str | None:
        """The content of a file that was moved, linked or restored, without reading it."""
        if not self._inodes.stable(entry):
            return None
        if photo is not None and photo.inode == entry.inode and photo.looks_like(entry):
            same: Photo | None = photo
        else:
            same = self._catalog.same_file(entry)
        if same is None or same.content is None or not self._is_embedded(same.content):
            return None
        return same.content

    def _put(self, folder: Folder, entry: Entry, likely: str | None) -> None:
        """Add to the work list, once unchanged long enough; ``likely``: the content it may still
        have.
        """
        now, settle_seconds = time.time(), self._settle_seconds()
        quiet_for = now - entry.mtime_ns / 1e9
        settled = quiet_for >= settle_seconds or quiet_for < 0
        due = now + (0 if settled else settle_seconds - quiet_for)
        self._catalog.put(folder.id, entry, due=due, content=likely)

    def keeps_number(self, one: Entry | Photo) -> bool:
        """Whether an inode number identifies this file."""
        entry = Entry(one.path, one.size, one.mtime_ns, one.inode, one.device, one.place)
        return self._inodes.stable(entry)

    def away(
        self, folder: Folder, photo: Photo, unreadable: tuple[bytes, ...], filesystems: Filesystems
    ) -> bool:
        """Whether an absent photo may only be offline."""
        if photo.path.startswith(tuple(unknown_below(path) for path in unreadable)):
            return True
        if photo.name_device != photo.device and (
            (known := _leads_away(photo, filesystems)) is not None
        ):
            return known
        return photo_is_away(
            photo.path,
            photo.name_device,
            root=folder.path,
            root_device=folder.device or photo.name_device,
            device_of=lambda path: int(filesystems.ask(path, "state")[1]),
        )

    def recognised(self, folder: Folder, filesystems: Filesystems) -> bool:
        """Whether the directory contains known photos: a disk with a new number or mount point."""
        for number, photo in enumerate(self._catalog.below(folder.path)):
            if number == SAMPLE:
                break
            with contextlib.suppress(OSError):
                entry = filesystems.entry(photo.path)
                if entry is not None and photo.looks_like(entry):
                    return True
        return False


def _numbers(one: Photo | Entry) -> tuple[int, int, int]:
    place = one.device if one.place is None else one.place
    return one.inode, one.device, place


def _leads_away(photo: Photo, filesystems: Filesystems) -> bool | None:
    """For a photo seen through a link to another device: whether that device may be offline.

    None if the link itself is missing.
    """
    try:
        if not stat.S_ISLNK(filesystems.ask(photo.path, "name")[0]):
            return False
    except NotAnswering:
        return True
    except OSError:
        return None
    try:
        place = filesystems.resolve(photo.path)
    except OSError:
        return True
    while place != b"/":  # its directory may have been deleted, too
        place = place.rpartition(b"/")[0] or b"/"
        try:
            return int(filesystems.ask(place, "state")[1]) != photo.device
        except OSError as error:
            if error.errno not in VANISHED:
                return True
    return True


class Emptied:
    """Detects emptied and replaced folders. Accesses the disk: only for threads that may wait."""

    def __init__(self, catalog: Catalog, comparison: Comparison, filesystems: Filesystems) -> None:
        self._catalog, self._comparison, self._filesystems = catalog, comparison, filesystems

    def refuse(self, folder: Folder, probe: FolderProbe) -> str | None:
        """Why the directory is not accepted as the folder; None: it is accepted.

        A directory that replaced another one, or a folder that was emptied, is accepted again once
        one of its known photos is there with the same size and time.
        """
        replaced = folder.inode is not None and probe.inode != folder.inode
        if not (replaced or is_emptied(folder)):
            return None
        if self._catalog.lost(folder.id) == 0 or self._holds_known(folder, alike=True):
            return None
        if is_emptied(folder):
            return folder.reason
        photos = self._catalog.lost(folder.id)
        return _emptied_reason(f"another directory has replaced {printable(folder.path)}", photos)

    def emptied(self, folder: Folder) -> str | None:
        """Why the missing photos of an empty folder do not count as deleted; None: they do.

        Photos deleted shortly before belong to the same event, and are restored.
        """
        if self._holds_known(folder, alike=False) or self._holds_any(folder):
            return None
        since = time.time() - EMPTYING_SECONDS
        moved = self._were_moved(folder, since)
        lost = self._catalog.lost(
            folder.id, since, lambda photo: not self._is_away(folder, photo), moved=moved
        )
        if lost < FEWEST:
            return None
        self._catalog.restore_deleted(folder.id, since, moved=moved)
        return _emptied_reason(f"no photo is in {printable(folder.path)} any more", lost)

    def _were_moved(self, folder: Folder, since: float) -> bool:
        """Whether photos lost since then may have been moved to other folders. If their paths there
        have no file either, these were links.
        """
        others = self._catalog.paths_elsewhere(folder.id, since, SAMPLE)
        return not others or any(map(self._is_there, others))

    def _is_there(self, path: bytes) -> bool:
        with contextlib.suppress(OSError):
            return self._filesystems.entry(path) is not None
        return False

    def _is_away(self, folder: Folder, photo: Photo) -> bool:
        return self._comparison.away(folder, photo, (), self._filesystems)

    def _holds_known(self, folder: Folder, *, alike: bool) -> bool:
        """Whether a known photo is there; ``alike``: with the same size and time."""
        known: dict[bytes, bytes] = {}
        for photo in self._catalog.below(folder.path):
            if photo.folder != folder.id:  # of a library in it that is watched separately
                continue
            with contextlib.suppress(OSError):
                entry = self._filesystems.entry(photo.path, known)
                if entry is not None and (photo.looks_like(entry) or not alike):
                    return True
        return False

    def _holds_any(self, folder: Folder) -> bool:
        """Whether there is any photo, or anything unreadable. Links to lost photos of the folder do
        not count.
        """
        prune = self._filesystems.mounts_below(folder.path)
        arguments = (*folder.scan_arguments, folder.path, prune)
        found = self._filesystems.call(folder.path, "tree", *arguments, long=True)
        return any(
            kind != LIBRARY and not (kind == LINK and self._led_into(folder, fields[0]))
            for kind, *fields in found
        )

    def _led_into(self, folder: Folder, link: bytes) -> bool:
        """Whether a link leads to nothing in the folder itself."""
        with contextlib.suppress(OSError):
            target = self._filesystems.resolve(link)
            return folder.contains(target) and self._filesystems.entry(link) is None
        return False


def has_changed(entry: Entry, before: Photo | None) -> bool:
    """Whether it is new, or differs from its row.

    The row of a pending or failed photo may have an older inode number, and that of a photo that
    the catalog cannot store an older size and time: those do not count, else the photo and its
    links would be compared again and again.
    """
    if before is None or before.state == "gone":
        return True
    if before.code == "catalog":
        return False
    return not before.looks_like(entry) or (
        before.state == "indexed" and before.inode != entry.inode
    )


def is_emptied(folder: Folder) -> bool:
    """Whether the folder is offline because its photos are missing."""
    return folder.state == "offline" and (folder.reason or "").startswith(EMPTY)


def _emptied_reason(what: str, photos: int) -> str:
    held = "the photo" if photos == 1 else f"the {photos:,} photos"
    return (
        f"{EMPTY}: {what}; {held} that it held {'is' if photos == 1 else 'are'} kept in the index"
    )


def remedy(folder: Folder) -> str:
    """The remedy for an emptied or replaced folder."""
    return (
        "put the photos back; if they were deleted or moved: "
        f"photosd folders accept {quoted(folder.path)}"
    )
