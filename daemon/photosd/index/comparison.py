"""What one comparison of disk and catalog decides: new, changed, moved, back, away or gone.

The reconciler says when, and on which thread: `away` and `recognised` ask the disk, so they run
where a disk may be waited for, and never inside a transaction of the catalog.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from photosd.index.catalog import Catalog
from photosd.index.folders import Folder
from photosd.index.photo import Photo
from photosd.watch.folders import photo_is_away
from photosd.watch.scanner import Entry, entry_of

SAMPLE = 50  # photos looked at to tell a disk that got a new number from another disk


class Comparison:
    """Decides about one entry at a time and writes what differs to the catalog."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        settle_seconds: Callable[[], float],
        is_embedded: Callable[[str], bool],
    ) -> None:
        self._catalog = catalog
        self._settle_seconds, self._is_embedded = settle_seconds, is_embedded

    def compare(self, folder: Folder, entry: Entry, photo: Photo | None) -> None:
        """Bring the catalog's row of one existing file up to date."""
        if photo is None:
            photo = self._catalog.get(entry.path)  # it may be remembered as gone
        if photo is not None and photo.state != "gone":
            if photo.matches(entry):
                return
            if photo.looks_like(entry) and photo.device != entry.device:
                self._catalog.restat(entry)
                return
        content = self._known_content(entry, photo)
        if content is not None:
            self._catalog.adopt(folder.id, entry, content)
            return
        # Same size and time, other inode: replaced by itself or by a cheat; its hash will tell.
        doubtful = photo.content if photo is not None and photo.looks_like(entry) else None
        settle_seconds = self._settle_seconds()
        quiet_for = time.time() - entry.mtime_ns / 1e9
        settled = quiet_for >= settle_seconds or quiet_for < 0
        due = time.time() + (0 if settled else settle_seconds - quiet_for)
        self._catalog.put(folder.id, entry, due=due, content=doubtful)

    def _known_content(self, entry: Entry, photo: Photo | None) -> str | None:
        """The content of a file that was moved, linked or came back, without reading it."""
        if photo is not None and photo.state == "gone" and photo.looks_like(entry):
            same: Photo | None = photo
        else:
            same = self._catalog.same_file(entry)
        if same is None or same.content is None or not self._is_embedded(same.content):
            return None
        return same.content

    def away(self, folder: Folder, photo: Photo, unreadable: tuple[bytes, ...]) -> bool:
        """Whether an absent photo may only be out of sight."""
        return photo.path.startswith(unreadable) or photo_is_away(
            photo.path, photo.device, root=folder.path, root_device=folder.device or photo.device
        )

    def recognised(self, folder: Folder) -> bool:
        """Whether what is there now holds photos we know: a disk with a new number or place."""
        for number, photo in enumerate(self._catalog.below(folder.path)):
            if number == SAMPLE:
                break
            with contextlib.suppress(OSError):
                entry = entry_of(photo.path)
                if entry is not None and photo.looks_like(entry):
                    return True
        return False
