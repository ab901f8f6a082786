"""Aspects: the wordings of one query, ours and Gemini's."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from photosd.search.remembered import QueryEmbedding


class Aspect(msgspec.Struct, frozen=True):
    """Words, which may match names, and their embedding by our model (None: unknown)."""

    words: str
    embedding: QueryEmbedding | None
    source: str = "clip"


class GeminiRanking(msgspec.Struct, frozen=True):
    """A ranking by another model: contents and cosines, best first, not comparable with ours.

    ``outstanding``: how many of the first ones stand out among that model's scores.
    """

    nearest: Sequence[tuple[str, float]] = ()
    outstanding: int = 0


NO_GEMINI = GeminiRanking()


def best_understood(aspects: Sequence[Aspect]) -> Aspect | None:
    """The aspect that represents all of them when reporting how much was understood."""
    measured = [one for one in aspects if one.embedding is not None]
    return max(measured, key=_understood, default=None)


def _understood(aspect: Aspect) -> float:
    return aspect.embedding.understood if aspect.embedding is not None else 0.0
