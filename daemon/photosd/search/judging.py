"""Judges evidence: strong, fair or weak. Used for queries and alerts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import msgspec
import numpy as np

from photosd.index.matrix import Vectors
from photosd.search.names import Degree, Named, distinctive_words
from photosd.search.query_cache import QueryEmbedding

UNSEEN = -2.0  # the score if no model was used, or it understood nothing
SHARPNESS = 1.5  # in spreads of a photo's scores with unrelated things
MIN_SPREAD = 0.01
SAME = 0.6  # equal meaning, on a scale from 0 (two unrelated texts) to 1 (the same text)
TINY = 1e-30


class Look(msgspec.Struct, frozen=True, gc=False):
    """How near a photo is to a query. ``score``: the cosine. ``beyond``: how much nearer than to
    other queries.
    """

    score: float = 0.0
    beyond: float = UNSEEN


class Match(msgspec.Struct, frozen=True, gc=False):
    """How well one content matches a query."""

    score: float
    strength: str

    @property
    def convincing(self) -> bool:
        """Whether it is a good match."""
        return self.strength != "weak"


class Background(msgspec.Struct, frozen=True):
    """Other possible queries: (n, d).

    A photo of a lion is near to "a tiger", but nearer to "a lion". The score is how much nearer a
    photo is to the query than to the nearest of the things. With a higher ``sharpness`` fewer
    things count. Things with a cosine of ``same`` or more to the query are left out.
    """

    things: Vectors
    sharpness: float
    same: float = math.inf

    @classmethod
    def of(cls, things: Vectors, photos: Vectors) -> Self:
        """With the sharpness for these photos (m, d) and these things."""
        apart = max(float((things @ photos.T).std(axis=0).mean()), MIN_SPREAD)
        usual = float(np.median((things @ things.T)[np.triu_indices(len(things), 1)]))
        return cls(things, SHARPNESS / apart, usual + SAME * (1 - usual))

    def beyond(self, vectors: Vectors, tiles: Vectors) -> Vectors:
        """By how much more tiles (m, d) are like queries (k, d) than like the rest: (k, m)."""
        near = self.things @ tiles.T
        most = near.max(axis=0)
        near -= most
        near *= self.sharpness
        others = (vectors @ self.things.T < self.same).astype(np.float32)
        others /= np.maximum(others.sum(axis=1, keepdims=True), 1)
        usual = np.log(np.maximum(others @ np.exp(near), TINY)) / self.sharpness
        found: Vectors = vectors @ tiles.T - most - usual
        return found


class Scale(msgspec.Struct, frozen=True):
    """Thresholds of scores above the background; None: of cosines.

    The rest are cosines, independent of the library: ``same`` is strong and ``close`` fair at
    least, and below ``apart`` everything is weak.
    """

    background: Background | None
    fair: float
    strong: float
    same: float = math.inf
    close: float = math.inf
    apart: float = -math.inf

    def beyond(self, vectors: Vectors, tiles: Vectors) -> Vectors:
        """How near tiles (m, d) are to queries (k, d), as measured by this scale: (k, m)."""
        if self.background is None:
            found: Vectors = vectors @ tiles.T
            return found
        return self.background.beyond(vectors, tiles)


class Judge(msgspec.Struct, frozen=True):
    """Judges photos by a scale (see calibration.py). The strength of a photo depends only on its
    own evidence.
    """

    scale: Scale

    def looks(self, words: str, embedding: QueryEmbedding, tiles: Sequence[Vectors]) -> list[Look]:
        """How near photos, each (tiles, d), are to the embedding of ``words``; the best tile
        counts.

        Unknown words match no look.
        """
        if not tiles:
            return []
        starts = np.cumsum([0, *map(len, tiles[:-1])])
        every = np.concatenate(tiles)
        scores = np.maximum.reduceat(every @ embedding.vector, starts)
        beyond = np.full(len(tiles), UNSEEN)
        if understood(words, embedding):
            each = self.scale.beyond(embedding.vector[None], every)[0]
            beyond = np.maximum.reduceat(each, starts)
        return [Look(s, b) for s, b in zip(scores.tolist(), beyond.tolist(), strict=True)]

    def of_look(self, look: Look) -> str:
        """The strength of a look."""
        scale = self.scale
        if look.beyond == UNSEEN or look.score < scale.apart:
            return "weak"
        if look.beyond >= scale.strong or look.score >= scale.same:
            return "strong"
        return "fair" if look.beyond >= scale.fair or look.score >= scale.close else "weak"

    def match(self, look: Look, name: Named | None = None, *, outstanding: bool = False) -> Match:
        """The strength of one photo: that of its best evidence.

        ``outstanding``: it stands out for Gemini, or it has the tag, person or place that the
        query names and looks like its other words.
        """
        found = {self.of_look(look), of_name(name), "fair" if outstanding else "weak"}
        return Match(look.score, next(one for one in ("strong", "fair", "weak") if one in found))


def of_name(name: Named | None) -> str:
    """The strength of a name match: strong for the whole name, weak for few words."""
    if name is None or name.degree == Degree.SOME:
        return "weak"
    return "strong" if name.degree >= Degree.WHOLE else "fair"


def understood(words: str, embedding: QueryEmbedding) -> bool:
    """Whether the model knows any word of the query; "a" and "the" do not count."""
    unknown = {word for text in embedding.unknown for word in distinctive_words(text)}
    distinctive = distinctive_words(words)
    known = not distinctive or any(word not in unknown for word in distinctive)
    return embedding.understood > 0 and known
