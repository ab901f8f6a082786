"""Chooses the next photo to read: a due one; from a slow folder one at a time.

A photo on a slow share occupies a decoder for long. With one at a time, the other decoders read
photos of other folders, and fewer callers wait for the share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from photosd.index.leases import Leases, Stage
from photosd.index.photo import Photo
from photosd.index.worklist import Work

FETCH = 256


class Supply:
    """Photos fetched from a work list and not yet in progress. Not thread-safe."""

    def __init__(self, work: Work, leases: Leases, slow: Callable[[], Collection[int]]) -> None:
        """``slow`` returns the ids of the folders that are slow now."""
        self._work, self._leases, self._slow = work, leases, slow
        self._fetched: deque[Photo] = deque()

    def next(self) -> Photo | None:
        """A photo that is not in progress, or None."""
        crowded = self._crowded()
        photo = self._first(crowded)
        if photo is None:
            self._fetched.extend(self._work.due(FETCH + len(self._leases), crowded))
            photo = self._first(crowded)
        if photo is not None and photo.deaths and self._leases:
            # Its last try, when nothing else is in progress.
            self._work.release([photo.path])
            self.give_back()
            return None
        return photo

    def give_back(self) -> None:
        """Release all photos fetched; they are still on the work list."""
        self._work.release([photo.path for photo in self._fetched])
        self._fetched.clear()

    def _crowded(self) -> set[int]:
        """Slow folders with a photo at a decoder."""
        reading = {lease.photo.folder for lease in self._leases.of(Stage.DECODING)}
        return reading.intersection(self._slow()) if reading else reading

    def _first(self, crowded: Collection[int]) -> Photo | None:
        while self._fetched:
            photo = self._fetched.popleft()
            if photo.folder in crowded:
                self._work.release([photo.path])
            elif photo.path not in self._leases:
                return photo
        return None
