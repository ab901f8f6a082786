"""Fuses ranked lists of evidence, one list per kind, into one order."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

K = 60  # the usual constant: limits the weight of the first ranks


class Weight(enum.IntEnum):
    """The weight of a piece of evidence, lowest first (docs/explanation/how-search-works.md)."""

    WEAK = 0  # a look that photos of other things also have; half of the words or more
    GOOD = 1  # it looks as described; its path has every word
    ALL_WORDS = 2  # every word, two or more, not only in names of folders
    FILE_NAME = 3  # its file name equals the query


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """One reason for one content. ``share``: of the query's words, if weak.

    ``kind``: as in the protocol: ``clip``, ``rewrite``, ``gemini``; ``name`` for words anywhere.
    """

    kind: str
    content: str
    weight: Weight
    share: float = 1.0


Ranked = Sequence[Evidence]  # of one kind, best first


class Fused(msgspec.Struct, frozen=True, gc=False):
    """One content of the answer, and all its evidence."""

    content: str
    evidence: tuple[Evidence, ...]


def fuse(lists: Sequence[Ranked]) -> list[Fused]:
    """Every content of these lists, once, in this order:

    1. Files whose name equals the query.
    2. Files named by every word of two or more.
    3. Good looks and good name matches, fused by their ranks in both lists.
    4. The rest, fused by rank.

    1 and 2 keep the order of their list. In 3 each list is used up to its last good place, so
    looks keep their order; a partial name match only raises a photo among those with a matching
    look. Ties keep the order of ``lists``. See docs/explanation/how-search-works.md.
    """
    evidence: dict[str, list[Evidence]] = {}
    for one in (one for ranked in lists for one in ranked):
        evidence.setdefault(one.content, []).append(one)
    named = [one for ranked in lists for one in ranked if one.weight >= Weight.ALL_WORDS]
    named.sort(key=lambda one: -one.weight)  # stable: the heaviest evidence of a content is first
    first = [one.content for one in named]
    order = dict.fromkeys([*first, *_fused(_good_zones(lists)), *_fused(lists)])
    return [Fused(content, tuple(evidence[content])) for content in order]


def _good_zones(lists: Sequence[Ranked]) -> list[Ranked]:
    """Each list up to its last good place; a content with a weak name match is raised there."""
    lifted = _worth([[one for one in ranked if one.share < 1] for ranked in lists])
    found: list[Ranked] = []
    for ranked in lists:
        good = [place for place, one in enumerate(ranked) if one.weight >= Weight.GOOD]
        zone = ranked[: good[-1] + 1 if good else 0]
        worth = {one.content: 1 / (K + 1 + place) for place, one in enumerate(zone)}
        found.append(sorted(zone, key=lambda one: -worth[one.content] - lifted.get(one.content, 0)))
    return found


def _fused(lists: Sequence[Ranked]) -> list[str]:
    """Reciprocal rank fusion: contents by rank, whatever the scores of a list mean."""
    worth = _worth(lists)
    return sorted(worth, key=worth.__getitem__, reverse=True)  # stable


def _worth(lists: Sequence[Ranked]) -> dict[str, float]:
    worth: dict[str, float] = {}
    for ranked in lists:
        for place, one in enumerate(ranked):
            worth[one.content] = worth.get(one.content, 0.0) + one.share**2 / (K + 1 + place)
    return worth
