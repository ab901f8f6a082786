"""Aspects: the ways in which one question is put, by us and by Gemini."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from photosd.search.remembered import QueryEmbedding


class Aspect(msgspec.Struct, frozen=True):
    """Words, by which photos may be named, and what they mean to our model (None: nothing)."""

    words: str
    embedding: QueryEmbedding | None
    source: str = "clip"


class GeminiRanking(msgspec.Struct, frozen=True):
    """A ranking of another model's: contents and cosines, best first, never beside our cosines.

    ``outstanding``: how many of the first ones stand out from what that model says of any photo.
    """

    nearest: Sequence[tuple[str, float]] = ()
    outstanding: int = 0


NO_GEMINI = GeminiRanking()


def best_understood(aspects: Sequence[Aspect]) -> Aspect | None:
    """What stands for all of them where it is told how much was understood."""
    measured = [one for one in aspects if one.embedding is not None]
    return max(measured, key=_understood, default=None)


def _understood(aspect: Aspect) -> float:
    return aspect.embedding.understood if aspect.embedding is not None else 0.0
