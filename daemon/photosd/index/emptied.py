"""Folders that hold none of their photos any more: emptied, or another directory in their place.

A sync tool, a script or a slip does that as well as a wish does, so it is not believed before
somebody says so (`photosd folders accept`) or a known photo is there again. Single photos, and
directories in a folder, are believed to be deleted at once.
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

FEWEST = 3  # photos; a folder that held fewer may be emptied by deleting "some"
EMPTYING_SECONDS = 3600.0  # what went so shortly before the last one went with it
EMPTY = "empty"  # how the reason begins


class Emptied:
    """Asks the disk, so it is for the threads that may wait for one."""

    def __init__(self, catalog: Catalog, comparison: Comparison, devices: Devices) -> None:
        self._catalog, self._comparison, self._devices = catalog, comparison, devices

    def refuse(self, folder: Folder, probe: FolderProbe) -> str | None:
        """Why the directory that is there is not taken for the folder, if so.

        It is another directory than before, or the folder was emptied before; it is the folder
        again when a photo that was in it is there, with its size and time.
        """
        replaced = folder.inode is not None and probe.inode != folder.inode
        if not (replaced or is_emptied(folder)):
            return None
        if self._catalog.lost(folder.id) == 0 or self._holds_known(folder, alike=True):
            return None
        if is_emptied(folder):
            return folder.reason
        photos = self._catalog.lost(folder.id)
        return _says(f"another directory is in the place of {printable(folder.path)}", photos)

    def emptied(self, folder: Folder) -> str | None:
        """Why the folder's photos are not believed to be deleted, though none is there, if so.

        Photos that went shortly before are known again: they went with the others.
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
        """Whether a photo that is known is there; ``alike``: with the size and time it had."""
        for photo in self._catalog.below(folder.path):
            with contextlib.suppress(OSError):
                entry = self._devices.entry(photo.path)
                if entry is not None and (photo.looks_like(entry) or not alike):
                    return True
        return False

    def _holds_any(self, folder: Folder) -> bool:
        """Whether there is any photo, or anything that cannot be read."""
        prune = self._devices.mounts_below(folder.path)
        arguments = (*folder.recipe, folder.path, prune)
        found = self._devices.call(folder.path, "tree", *arguments, long=True)
        return next(iter(found), None) is not None


def is_emptied(folder: Folder) -> bool:
    """Whether the folder is offline because it holds none of its photos."""
    return folder.state == "offline" and (folder.reason or "").startswith(EMPTY)


def _says(what: str, photos: int) -> str:
    held = "the photo" if photos == 1 else f"the {photos:,} photos"
    return (
        f"{EMPTY}: {what}; {held} that it held {'is' if photos == 1 else 'are'} kept in the index"
    )


def remedy(folder: Folder) -> str:
    """What to do about it."""
    return (
        "put the photos back; if they were deleted or moved for good: "
        f"photosd folders accept '{printable(folder.path)}'"
    )
