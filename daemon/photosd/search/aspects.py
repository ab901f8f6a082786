"""Aspects: the ways in which one question is put, and how what they find becomes one ranking."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from photosd.search.fusion import Fused, RankedList, fuse
from photosd.search.names import Named
from photosd.search.remembered import Meaning


class Aspect(msgspec.Struct, frozen=True):
    """Words, by which photos may be named, and what they mean to our model (None: nothing)."""

    words: str
    meaning: Meaning | None
    source: str = "clip"


class Remote(msgspec.Struct, frozen=True):
    """A ranking of another model's: contents and cosines, best first, never beside our cosines.

    ``outstanding``: how many of the first ones stand out from what that model says of any photo.
    """

    nearest: Sequence[tuple[str, float]] = ()
    outstanding: int = 0


NO_REMOTE = Remote()


class View(msgspec.Struct, frozen=True):
    """What one aspect finds: contents by their looks, best first, and contents by their names.

    ``telling``: those that look as asked, for all that can be told.
    """

    source: str
    looks: Sequence[str] = ()
    telling: Sequence[str] = ()
    names: Sequence[Named] = ()

    def ranked(self, *, telling: bool) -> list[RankedList]:
        """The lists to be fused; of the looks all, or those that tell something."""
        looks = self.telling if telling else self.looks
        names = [one.content for one in self.names]
        return [
            RankedList(self.source, looks),
            RankedList("name", names, weights=[one.share**2 for one in self.names]),
        ]


def fused(views: Sequence[View]) -> list[Fused]:
    """Those that look so or are named so, by rank; then the rest by their looks.

    A word or two of a name must not put a photo before those that look as asked. So only looks
    that mean something have a rank, where there are any, and a name that has half of the words
    counts a quarter.
    """
    telling = any(view.telling for view in views)
    first = fuse([ranked for view in views for ranked in view.ranked(telling=telling)])
    known = {one.content for one in first}
    rest = fuse([RankedList(view.source, view.looks) for view in views])
    return first + [one for one in rest if one.content not in known]


class Sources:
    """Which lists brought a content: looks in whose first ``count`` places it is, and names."""

    def __init__(self, views: Sequence[View], count: int) -> None:
        self._near = [(view.source, set(view.looks[:count])) for view in views]

    def of(self, one: Fused) -> list[str]:
        """Each list once."""
        near = [source for source, contents in self._near if one.content in contents]
        named = ["name"] if "name" in one.sources else []
        return list(dict.fromkeys(near + named)) or ["name"]


def best_understood(aspects: Sequence[Aspect]) -> Aspect | None:
    """What stands for all of them where it is told how much was understood."""
    measured = [one for one in aspects if one.meaning is not None]
    return max(measured, key=_understood, default=None)


def _understood(aspect: Aspect) -> float:
    return aspect.meaning.understood if aspect.meaning is not None else 0.0
