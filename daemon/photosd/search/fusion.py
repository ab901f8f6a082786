"""Orders an answer: merges lists of evidence, by weight and then by rank."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from photosd.search.evidence import Evidence, Ranked, Weight

K = 60  # the usual constant: limits the weight of the first ranks


class Fused(msgspec.Struct, frozen=True):
    """One content of the answer, and all its evidence."""

    content: str
    evidence: tuple[Evidence, ...]


def ordered(lists: Sequence[Ranked]) -> list[Fused]:
    """Every content of these lists, each in the place that its best evidence gives it.

    1. Files that have the name that was asked for.
    2. Files whose own name has every word of two or more.
    3. What looks as asked, and what has every word in its path, take turns: fused by rank.
    4. The rest, fused by rank.

    Within 1 and 2 the list's own order stays. In 3 a list goes as far as its last telling place,
    so that looks keep their order; names that have half of the words lift what they name among
    them, and nothing else. What ties stays in the order of ``lists``.
    """
    evidence: dict[str, list[Evidence]] = {}
    for one in (one for ranked in lists for one in ranked):
        evidence.setdefault(one.content, []).append(one)
    named = [one for ranked in lists for one in ranked if one.weight >= Weight.NAMED]
    named.sort(key=lambda one: -one.weight)  # stable; of one content the heaviest is first
    clear = [one.content for one in named]
    order = dict.fromkeys([*clear, *_fused(_telling(lists)), *_fused(lists)])
    return [Fused(content, tuple(evidence[content])) for content in order]


def _telling(lists: Sequence[Ranked]) -> list[Ranked]:
    """Each list up to its last telling rank; a content with a hint is raised there."""
    lifted = _worth([[one for one in ranked if one.share < 1] for ranked in lists])
    found: list[Ranked] = []
    for ranked in lists:
        telling = [place for place, one in enumerate(ranked) if one.weight >= Weight.TELLING]
        zone = ranked[: telling[-1] + 1 if telling else 0]
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
