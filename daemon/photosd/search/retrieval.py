"""Which photos answer a question: the nearest ones and those named so, fused by rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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


class Seen(NamedTuple):
    """How near a photo is to a question: its cosine, and by how much more than to others."""

    score: float
    beyond: float


class Retrieval:
    """Searches the vectors and the names. Any thread may ask."""

    def __init__(self, store: VectorStore, ground: Ground) -> None:
        self._store, self._ground = store, ground

    def find(self, question: Question, meaning: Meaning, judge: Judge, count: int) -> list[Found]:
        """The ``count`` best contents that pass the filter and have a path, best first."""
        names = self.passing(question, named(self._ground.database, question.words))
        nearest = self.nearest(question, meaning, max(count, DEEPER) if names else count)
        if judge.scale.centre is None:  # vectors on a disk are not fetched for nothing
            seen = {content: Seen(score, score) for content, score in nearest}
        else:
            seen = self._seen(meaning, judge, [content for content, _score in nearest])
        fused = _fused(nearest, names, judge, seen)[:count]
        near = {content for content, _score in nearest[:count]}  # others have only their name
        seen |= self._seen(meaning, judge, [o.content for o in fused if o.content not in seen])
        shares = {one.content: one.share for one in names}
        return [
            Found(
                one.content,
                seen[one.content].score,
                judge.strength(seen[one.content].beyond, shares.get(one.content, 0.0)),
                one.sources if one.content in near else ["name"],
            )
            for one in fused
            if one.content in seen  # its vector was removed meanwhile
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

    def _seen(self, meaning: Meaning, judge: Judge, contents: list[str]) -> dict[str, Seen]:
        """How near these contents are; the best tile counts."""
        found = self._store.vectors_of(contents) if contents else {}
        return {
            content: Seen(float(np.max(tiles @ meaning.vector)), judge.beyond(meaning, tiles))
            for content, tiles in found.items()
        }


def lies_there(where: Filter | None, places: Sequence[tuple[bytes, int]]) -> bool:
    """Whether one of a content's paths lies where it should; tables may be a moment behind."""
    return any(where is None or where.holds_path(path) for path, _folder in places)


def _fused(
    nearest: Sequence[tuple[str, float]], names: list[Named], judge: Judge, seen: dict[str, Seen]
) -> list[Fused]:
    """Those that look so or are named so, by rank; then the rest by their looks.

    A word or two of a name must not put a photo before those that look as asked. So only looks
    that mean something have a rank, where there are any, and a name that has half of the words
    counts a quarter.
    """
    every = [content for content, _score in nearest if content in seen]
    looks = [content for content in every if judge.strength(seen[content].beyond) != "weak"]
    named = [one.content for one in names]
    weights = [one.share**2 for one in names]
    first = fuse([RankedList("clip", looks or every), RankedList("name", named, weights=weights)])
    known = {one.content for one in first}
    return first + [Fused(content, ["clip"]) for content in every if content not in known]
