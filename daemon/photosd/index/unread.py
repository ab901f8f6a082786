"""Unreadable places whose cause may pass, and when to retry them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

NEVER = float("inf")


class Unread:
    """Places in trees; each is retried after a pause that doubles with each failure.

    Any thread may use it.
    """

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest, self._longest = shortest, longest
        self._places: dict[bytes, tuple[float, float]] = {}  # place -> (due at, pause)
        self._lock = threading.Lock()

    def note(self, tree: bytes, places: Iterable[bytes]) -> bool:
        """``tree`` was read except for these places; returns whether any will be retried."""
        now, inside = time.monotonic(), tree.rstrip(b"/") + b"/"
        with self._lock:
            before = self._places
            self._places = {
                place: at
                for place, at in before.items()
                if place != tree and not place.startswith(inside)
            }
            for place in places:
                pause = min(2 * before.get(place, (0.0, self._shortest / 2))[1], self._longest)
                self._places[place] = now + pause, pause
            return bool(self._places)

    def next_due(self) -> float:
        """When the next one is due, by the monotonic clock."""
        with self._lock:
            return min((due for due, _ in self._places.values()), default=NEVER)

    def take_due(self) -> list[bytes]:
        """Those due now; each is returned once until it is noted again."""
        now = time.monotonic()
        with self._lock:
            due = [place for place, (at, _) in self._places.items() if at <= now]
            self._places.update((place, (NEVER, self._places[place][1])) for place in due)
            return due
