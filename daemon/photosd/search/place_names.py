"""Finds places by name, in every language and spelling.

The vocabulary has a few names of each place of the library; the table of places has all other
names, and coordinates.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence

from photosd.core import wording
from photosd.core.errors import NotFound, PlacesUnavailable
from photosd.index.vocabulary import Value, Vocabulary
from photosd.places.gazetteer import Gazetteer
from photosd.places.table import Place

KINDS = ("place", "country")
SHORTEST = 4  # letters of another spelling in a question; shorter ones are words, too


class PlaceNames:
    """Looks names up. Any thread may use it."""

    def __init__(self, vocabulary: Vocabulary, gazetteer: Gazetteer | None) -> None:
        self._vocabulary, self._gazetteer = vocabulary, gazetteer

    def in_library(self, name: str) -> tuple[str, ...]:
        """Spellings, in the library, of the places or countries with this name.

        Raises NotFound with suggestions if it has none, PlacesUnavailable while the table is
        missing.
        """
        if known := self._known(name):
            return known
        remedy = self._suggestion(name)
        if self._gazetteer is not None:
            with self._gazetteer.reading() as table:  # else photos may have no places yet
                if table.find(name):
                    remedy = f"for photos around it: --near {name!r}"
        raise NotFound(f"no photo was taken in {name!r}", remedy=remedy)

    def parts_in_library(self, name: str) -> tuple[str, ...]:
        """A spelling of each part of ``Paris, Texas``; empty if that is the name of one place.

        Raises as `in_library`.
        """
        parts = _parts(name)
        if len(parts) < 2 or self._known(name):
            return ()
        return tuple(self.in_library(part)[0] for part in parts)

    def _known(self, name: str) -> tuple[str, ...]:
        """Spellings in the library; none if it has no such place."""
        found = [self._vocabulary.get(kind, name) for kind in KINDS]
        if known := tuple(value.shown for value in found if value is not None):
            return known
        return tuple(place.name for place in self._places(name) if self._has(place))

    def centre(self, name: str) -> tuple[float, float]:
        """Latitude and longitude of the place with this name (``Paris``; ``Paris, Texas``): one of
        the library, or the largest.

        Raises NotFound, or PlacesUnavailable while the table is missing.
        """
        if self._gazetteer is None:
            raise PlacesUnavailable("there is no table of places", remedy="photosd restart")
        with self._gazetteer.reading() as table:
            found = table.find(name)
            if not found and len(parts := _parts(name)) > 1:
                first = table.find(parts[0])
                found = [one for one in first if all(table.is_in(one, at) for at in parts[1:])]
        if not found:
            raise NotFound(f"no place is called {name!r}", remedy=self._suggestion(name))
        place = next(filter(self._has, found), found[0])
        return place.latitude, place.longitude

    def find(self, keys: Collection[str]) -> Mapping[str, Sequence[Value]]:
        """As `Vocabulary.find`; places of the library also by all their other names."""
        found = dict(self._vocabulary.find(keys))
        others = [key for key in keys if key not in found and len(key) >= SHORTEST]
        if not others or self._gazetteer is None or not self._gazetteer.ready:
            return found
        with contextlib.suppress(PlacesUnavailable), self._gazetteer.reading() as table:
            named = table.main_names(others)
            main = {name for places in named.values() for place in places for name in place}
            known = self._vocabulary.find({wording.key(name) for name in main})
            for key, places in named.items():
                for name, country in places:
                    values = _of_kind("place", known.get(wording.key(name), ()))
                    if values and _of_kind("country", known.get(wording.key(country), ())):
                        found.setdefault(key, values)
        return found

    def awaited(self, words: Sequence[str]) -> list[str]:
        """Those of these words that may be places of photos which are not looked up yet: all while
        the table is being made, then those that it has.
        """
        if self._gazetteer is None or not words:
            return []
        if self._gazetteer.being_made:
            return list(words)
        return [word for word in words if self._places(word)] if self._vocabulary.grows() else []

    def beginning(self, kind: str, text: str, limit: int) -> Sequence[Value]:
        """As `Vocabulary.beginning`."""
        return self._vocabulary.beginning(kind, text, limit)

    def _places(self, name: str) -> list[Place]:
        """Places of this name; none while there is no table."""
        if self._gazetteer is not None and self._gazetteer.ready:
            with contextlib.suppress(PlacesUnavailable), self._gazetteer.reading() as table:
                return table.find(name)
        return []

    def _has(self, place: Place) -> bool:
        """Whether the library has a place of this name in its country, if that is known."""
        if self._vocabulary.get("place", place.name) is None:
            return False
        country = None
        if self._gazetteer is not None:
            with contextlib.suppress(PlacesUnavailable), self._gazetteer.reading() as table:
                country = table.area(place.country)
        return country is None or self._vocabulary.get("country", country.english) is not None

    def _suggestion(self, name: str) -> str:
        near = [one for kind in KINDS for one in self._vocabulary.near(kind, name)]
        shown = " or ".join(map(repr, dict.fromkeys(near[:3])))
        return f"did you mean {shown}?" if shown else "check the spelling"


def _parts(name: str) -> list[str]:
    """What is between the commas."""
    return [part for one in name.split(",") if (part := one.strip())]


def _of_kind(kind: str, values: Sequence[Value]) -> list[Value]:
    return [value for value in values if value.kind == kind]


def awaited_warning(words: Sequence[str]) -> list[str]:
    """Warning for words that may be places, while the places of photos are being looked up."""
    if not words:
        return []
    listed = f"{', '.join(words)} may be {'a place' if len(words) == 1 else 'places'}"
    return [f"{listed}: names of places are still being prepared, try again in a minute"]
