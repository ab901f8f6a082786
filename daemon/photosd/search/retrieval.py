"""Which photos answer a question: the nearest ones and those named so, fused by rank."""

from __future__ import annotations

import numpy as np

from photosd.index.ground import Ground
from photosd.index.vectors import VectorStore
from photosd.search.fusion import Fused, RankedList, fuse
from photosd.search.hits import Found
from photosd.search.names import Named, named
from photosd.search.question import Question
from photosd.search.remembered import Meaning
from photosd.search.strength import Judge
from photosd.search.words import match_words

OVERSAMPLE = 8  # nearest contents beyond those wanted, for those that have no path any more
DEEPER = 200  # places looked at where there are names, too: a photo may be far down by its looks


class Retrieval:
    """Searches the vectors and the names. Any thread may ask."""

    def __init__(self, store: VectorStore, ground: Ground, judge: Judge) -> None:
        self._store, self._ground, self._judge = store, ground, judge

    def find(self, question: Question, meaning: Meaning, count: int) -> list[Found]:
        """The ``count`` best contents that have a path, best first."""
        names = named(self._ground.database, question.words)
        nearest = self.nearest(meaning, max(count, DEEPER) if names else count)
        scores = dict(nearest)
        fused = fuse([RankedList("clip", list(scores)), _by_name(names)])[:count]
        near = set(list(scores)[:count])  # who comes only after these is not here for its looks
        scores.update(self._missing_scores(meaning, fused, scores))
        shares = {one.content: one.share for one in names}
        return [
            Found(
                one.content,
                scores[one.content],
                self._judge.strength(scores[one.content], shares.get(one.content, 0.0)),
                one.sources if one.content in near else ["name"],
            )
            for one in fused
            if one.content in scores  # its vector was removed meanwhile
        ]

    def nearest(self, meaning: Meaning, count: int) -> list[tuple[str, float]]:
        """The nearest contents that have a path; more are asked for until there are enough."""
        take = count + OVERSAMPLE
        while True:
            nearest = self._store.nearest(meaning.vector, take)
            shown = self._ground.catalog.paths_of([content for content, _ in nearest])
            found = [(content, score) for content, score in nearest if content in shown]
            if len(found) >= count or len(nearest) < take:
                return found[:count]
            take *= 4

    def by_name(self, question: Question, count: int) -> list[Found]:
        """What remains when no vector can be had: words in paths, and years."""
        found = match_words(self._ground.database, question.words, count)
        return [
            Found(content, share, "fair" if share == 1 else "weak", ["name"])
            for content, share in found
        ]

    def _missing_scores(
        self, meaning: Meaning, fused: list[Fused], known: dict[str, float]
    ) -> dict[str, float]:
        """The cosine of contents that are here by their name alone; the best tile counts."""
        missing = [one.content for one in fused if one.content not in known]
        found = self._store.vectors_of(missing) if missing else {}
        return {content: float(np.max(tiles @ meaning.vector)) for content, tiles in found.items()}


def _by_name(names: list[Named]) -> RankedList:
    return RankedList("name", [one.content for one in names], weights=[one.share for one in names])
