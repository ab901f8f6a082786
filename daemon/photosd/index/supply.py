"""Which photo is read next: what is due, but of a folder that is slow one at a time.

Each photo of a slow share holds a decoder for long. Were all of them given those, photos of other
folders would wait; and each call to the share would wait behind more of others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from photosd.index.leases import Leases, Stage
from photosd.index.photo import Photo
from photosd.index.worklist import Work

FETCH = 256


class Supply:
    """What was fetched of a work list and is not in hand yet. For one thread."""

    def __init__(self, work: Work, leases: Leases, slow: Callable[[], Collection[int]]) -> None:
        """``slow``: the folders that are slow now."""
        self._work, self._leases, self._slow = work, leases, slow
        self._fetched: deque[Photo] = deque()

    def next(self) -> Photo | None:
        """A photo that is not in hand; None: there is none now."""
        crowded = self._crowded()
        photo = self._first(crowded)
        if photo is None:
            self._fetched.extend(self._work.due(FETCH + len(self._leases), crowded))
            photo = self._first(crowded)
        if photo is not None and photo.deaths and self._leases:
            # Its last appeal, heard when nothing else is in hand.
            self._work.release([photo.path])
            self.give_back()
            return None
        return photo

    def give_back(self) -> None:
        """On the work list they still are."""
        self._work.release([photo.path for photo in self._fetched])
        self._fetched.clear()

    def _crowded(self) -> set[int]:
        """Slow folders of which a decoder has a photo."""
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
