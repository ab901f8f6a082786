"""Which photos answer a question: the nearest ones and those named so, fused by rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photosd.index.columns import Columns
from photosd.index.contents import Holding
from photosd.index.filters import Filter, traits
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
MOST_NAMED = 5000  # photos looked at by name alone, where a filter may let few pass
DEEPER = 200  # places looked at where there are names, too: a photo may be far down by its looks

NOTHING = Holding("", {}, (), None)


class Retrieval:
    """Searches the vectors and the names. Any thread may ask."""

    def __init__(self, store: VectorStore, ground: Ground) -> None:
        self._store, self._ground = store, ground

    def find(self, question: Question, meaning: Meaning, judge: Judge, count: int) -> list[Found]:
        """The ``count`` best contents that pass the filter and have a path, best first."""
        names = self.passing(question, named(self._ground.database, question.words))
        nearest = self.nearest(question, meaning, max(count, DEEPER) if names else count)
        scores = dict(nearest)
        fused = _fused(nearest, names, judge)[:count]
        near = set(list(scores)[:count])  # who comes only after these is not here for its looks
        scores.update(self._missing_scores(meaning, fused, scores))
        shares = {one.content: one.share for one in names}
        return [
            Found(
                one.content,
                scores[one.content],
                judge.strength(scores[one.content], shares.get(one.content, 0.0)),
                one.sources if one.content in near else ["name"],
            )
            for one in fused
            if one.content in scores  # its vector was removed meanwhile
        ]

    def nearest(self, question: Question, meaning: Meaning, count: int) -> list[tuple[str, float]]:
        """The nearest contents that have a path; more are asked for until there are enough."""
        where = question.where
        take = count + OVERSAMPLE
        while True:
            nearest = self._store.nearest(meaning.vector, take, where)
            shown = self._ground.catalog.paths_of([content for content, _ in nearest])
            found = [
                (content, score)
                for content, score in nearest
                if lies_there(where, shown.get(content, ())) and content not in question.but
            ]
            if len(found) >= count or len(nearest) < take:
                return found[:count]
            take *= 4

    def by_name(self, question: Question, count: int) -> list[Found]:
        """What remains when no vector can be had: words in paths, and years."""
        most = count if question.where is None else MOST_NAMED
        found = match_words(self._ground.database, question.words, most)
        passing = self.passing(question, [Named(content, share) for content, share in found])
        return [
            Found(one.content, one.share, "fair" if one.share == 1 else "weak", ["name"])
            for one in passing[:count]
        ]

    def passing(self, question: Question, names: list[Named]) -> list[Named]:
        """Those that pass the question's filter, as the catalog knows them."""
        names = [one for one in names if one.content not in question.but]
        if question.where is None or not names:
            return names
        held = self._ground.contents.holding([one.content for one in names])
        rows = [
            traits(one.facts, one.paths, one.modified)
            for one in (held.get(name.content, NOTHING) for name in names)
        ]
        return [names[row] for row in Columns(rows).passing(question.where)]

    def _missing_scores(
        self, meaning: Meaning, fused: list[Fused], known: dict[str, float]
    ) -> dict[str, float]:
        """The cosine of contents that are here by their name alone; the best tile counts."""
        missing = [one.content for one in fused if one.content not in known]
        found = self._store.vectors_of(missing) if missing else {}
        return {content: float(np.max(tiles @ meaning.vector)) for content, tiles in found.items()}


def lies_there(where: Filter | None, places: Sequence[tuple[bytes, int]]) -> bool:
    """Whether one of a content's paths lies where it should; tables may be a moment behind."""
    return any(where is None or where.holds_path(path) for path, _folder in places)


def _fused(nearest: Sequence[tuple[str, float]], names: list[Named], judge: Judge) -> list[Fused]:
    """Those that look so or are named so, by rank; then the rest by their looks.

    A word or two of a name must not put a photo before those that look as asked. So only looks
    that mean something have a rank, where there are any, and a name that has half of the words
    counts a quarter.
    """
    looks = [content for content, score in nearest if judge.strength(score) != "weak"]
    every = [content for content, _score in nearest]
    named = [one.content for one in names]
    weights = [one.share**2 for one in names]
    first = fuse([RankedList("clip", looks or every), RankedList("name", named, weights=weights)])
    known = {one.content for one in first}
    return first + [Fused(content, ["clip"]) for content in every if content not in known]
