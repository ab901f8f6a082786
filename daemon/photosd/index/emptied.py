"""Detects folders that have lost all their photos: emptied, or replaced by another directory.

A sync tool, a script or a mistake may be the cause, so the photos are kept until the user confirms
(`photosd folders accept`) or a known photo is back. Single photos, and subdirectories, count as
deleted at once.
"""

from __future__ import annotations

import contextlib
import time

from photosd.core.log import printable
from photosd.index.catalog import Catalog
from photosd.index.comparison import Comparison
from photosd.index.folders import Folder
from photosd.index.photo import Photo
from photosd.watch.devices import Devices
from photosd.watch.folder_state import FolderProbe

FEWEST = 3  # photos; a smaller folder may be emptied by deleting "some"
EMPTYING_SECONDS = 3600.0  # photos deleted this shortly before the last belong to the same event
EMPTY = "empty"  # prefix of the reason


class Emptied:
    """Accesses the disk, so only for threads that may wait for one."""

    def __init__(self, catalog: Catalog, comparison: Comparison, devices: Devices) -> None:
        self._catalog, self._comparison, self._devices = catalog, comparison, devices

    def refuse(self, folder: Folder, probe: FolderProbe) -> str | None:
        """Why the directory is not accepted as the folder, if so.

        It is another directory than before, or the folder was emptied before; it is accepted if one
        of its photos is there, with its size and time.
        """
        replaced = folder.inode is not None and probe.inode != folder.inode
        if not (replaced or is_emptied(folder)):
            return None
        if self._catalog.lost(folder.id) == 0 or self._holds_known(folder, alike=True):
            return None
        if is_emptied(folder):
            return folder.reason
        photos = self._catalog.lost(folder.id)
        return _says(f"another directory has replaced {printable(folder.path)}", photos)

    def emptied(self, folder: Folder) -> str | None:
        """Why the folder's photos do not count as deleted, although none is there, if so.

        Photos deleted shortly before are restored: they belong to the same event.
        """
        if self._holds_known(folder, alike=False) or self._holds_any(folder):
            return None
        since = time.time() - EMPTYING_SECONDS
        lost = self._catalog.lost(folder.id, since, lambda photo: not self._is_away(folder, photo))
        if lost < FEWEST:
            return None
        self._catalog.revive(folder.id, since)
        return _says(f"no photo is in {printable(folder.path)} any more", lost)

    def _is_away(self, folder: Folder, photo: Photo) -> bool:
        return self._comparison.away(folder, photo, (), self._devices)

    def _holds_known(self, folder: Folder, *, alike: bool) -> bool:
        """Whether a known photo is there; ``alike``: with the same size and time."""
        for photo in self._catalog.below(folder.path):
            with contextlib.suppress(OSError):
                entry = self._devices.entry(photo.path)
                if entry is not None and (photo.looks_like(entry) or not alike):
                    return True
        return False

    def _holds_any(self, folder: Folder) -> bool:
        """Whether there is any photo, or anything unreadable."""
        prune = self._devices.mounts_below(folder.path)
        arguments = (*folder.recipe, folder.path, prune)
        found = self._devices.call(folder.path, "tree", *arguments, long=True)
        return next(iter(found), None) is not None


def is_emptied(folder: Folder) -> bool:
    """Whether the folder is offline because its photos are missing."""
    return folder.state == "offline" and (folder.reason or "").startswith(EMPTY)


def _says(what: str, photos: int) -> str:
    held = "the photo" if photos == 1 else f"the {photos:,} photos"
    return (
        f"{EMPTY}: {what}; {held} that it held {'is' if photos == 1 else 'are'} kept in the index"
    )


def remedy(folder: Folder) -> str:
    """The remedy."""
    return (
        "put the photos back; if they were deleted or moved: "
        f"photosd folders accept '{printable(folder.path)}'"
    )
