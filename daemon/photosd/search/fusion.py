"""Reciprocal rank fusion: several rankings of contents become one, whatever their scores mean."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

K = 60  # how little the first places count for more than the next; the value everybody uses


class RankedList(msgspec.Struct, frozen=True):
    """Contents, best first, and where they come from (``clip``, ``name``).

    ``weights``: how much each is worth beside the others of its list; all the same without.
    """

    source: str
    contents: Sequence[str]
    weight: float = 1.0
    weights: Sequence[float] = ()


class Fused(msgspec.Struct, frozen=True):
    """One content of the fused ranking, and the lists it is in."""

    content: str
    sources: list[str]


def fuse(lists: Sequence[RankedList]) -> list[Fused]:
    """Every content of these lists, best first; what ties stays in the order of the first list."""
    worth: dict[str, float] = {}
    sources: dict[str, list[str]] = {}
    for ranked in lists:
        for place, content in enumerate(ranked.contents):
            share = ranked.weights[place] if ranked.weights else 1.0
            worth[content] = worth.get(content, 0.0) + ranked.weight * share / (K + 1 + place)
            sources.setdefault(content, []).append(ranked.source)
    ordered = sorted(worth, key=worth.__getitem__, reverse=True)
    return [Fused(content, sources[content]) for content in ordered]
