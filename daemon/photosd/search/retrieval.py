"""Which photos answer a question: the nearest ones and those named so, fused by rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from photosd.index.columns import Columns
from photosd.index.contents import Holding
from photosd.index.filters import Filter, traits
from photosd.index.ground import Ground
from photosd.index.matrix import Vectors
from photosd.index.vectors import VectorStore
from photosd.search.aspects import NO_REMOTE, Aspect, Remote, Sources, View, fused
from photosd.search.hits import Found
from photosd.search.names import Named, named
from photosd.search.question import Question
from photosd.search.remembered import Meaning
from photosd.search.strength import Judge
from photosd.search.words import match_words

OVERSAMPLE = 8  # nearest contents beyond those wanted, for those that have no path any more
MOST_NAMED = 5000  # photos looked at by name alone, where a filter may let few pass
DEEPER = 200  # places looked at where there are other lists: a photo may be far down by its looks
UNSEEN = -2.0  # how near is what our model was not asked about

NOTHING = Holding("", {}, (), None)


class Seen(NamedTuple):
    """How near a photo is to a question: its cosine, and by how much more than to others."""

    score: float
    beyond: float


NOT_SEEN = Seen(0.0, UNSEEN)


class Retrieval:
    """Searches the vectors and the names. Any thread may ask."""

    def __init__(self, store: VectorStore, ground: Ground) -> None:
        self._store, self._ground = store, ground

    def find(
        self,
        question: Question,
        aspects: Sequence[Aspect],
        judge: Judge,
        count: int,
        remote: Remote = NO_REMOTE,
    ) -> list[Found]:
        """The ``count`` best contents that pass the filter and have a path, best first.

        Their scores are our model's; where it was not asked, the other's.
        """
        meanings = [one.meaning for one in aspects if one.meaning is not None]
        deep = len(meanings) + bool(remote.nearest) > 1
        seen: dict[str, Seen] = {}
        views = [self._look(question, one, judge, count, seen, deep=deep) for one in aspects]
        views.append(elsewhere := self._view(question, remote))
        best, sources = fused(views)[:count], Sources(views, count)
        if meanings:
            missing = [one.content for one in best if one.content not in seen]
            seen |= self._seen(meanings, judge, missing)
        else:
            seen = {content: Seen(score, UNSEEN) for content, score in remote.nearest}
        shares = {one.content: one.share for view in reversed(views) for one in view.names}
        return [
            Found(
                one.content,
                seen.get(one.content, NOT_SEEN).score,
                judge.strength(
                    seen.get(one.content, NOT_SEEN).beyond,
                    shares.get(one.content, 0.0),
                    outstanding=one.content in elsewhere.telling,
                ),
                sources.of(one),
            )
            for one in best
            if one.content in seen or not meanings  # its vector was removed meanwhile
        ]

    def _look(
        self,
        question: Question,
        aspect: Aspect,
        judge: Judge,
        count: int,
        seen: dict[str, Seen],
        *,
        deep: bool,
    ) -> View:
        """What one aspect finds; ``seen`` keeps how near each is to the aspect it is nearest to."""
        names = self.passing(question, named(self._ground.database, aspect.words))
        if aspect.meaning is None:
            return View(aspect.source, names=names)
        wanted = max(count, DEEPER) if names or deep else count
        nearest = self.nearest(question, aspect.meaning, wanted)
        if judge.scale.centre is None:  # vectors on a disk are not fetched for nothing
            found = {content: Seen(score, score) for content, score in nearest}
        else:
            found = self._seen([aspect.meaning], judge, [content for content, _ in nearest])
        every = [content for content, _ in nearest if content in found]
        telling = [one for one in every if judge.strength(found[one].beyond) != "weak"]
        for content, one in found.items():
            seen[content] = max(one, seen.get(content, one), key=_beyond)
        return View(aspect.source, every, telling, names)

    def _view(self, question: Question, remote: Remote) -> View:
        """Those of another model's contents that pass the filter and have a path."""
        contents = [content for content, _ in remote.nearest]
        paths = self._ground.catalog.paths_of(contents) if contents else {}
        there = [Named(content, 0) for content in contents if content in paths]
        looks = [one.content for one in self.passing(question, there)]
        outstanding = set(contents[: remote.outstanding])
        return View("gemini", looks, [content for content in looks if content in outstanding])

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

    def _seen(
        self, meanings: Sequence[Meaning], judge: Judge, contents: list[str]
    ) -> dict[str, Seen]:
        """How near these contents are to the nearest meaning; the best tile counts."""
        found = self._store.vectors_of(contents) if contents else {}
        return {
            content: max((_near(meaning, judge, tiles) for meaning in meanings), key=_beyond)
            for content, tiles in found.items()
        }


def _near(meaning: Meaning, judge: Judge, tiles: Vectors) -> Seen:
    return Seen(float(np.max(tiles @ meaning.vector)), judge.beyond(meaning, tiles))


def _beyond(seen: Seen) -> float:
    return seen.beyond


def lies_there(where: Filter | None, places: Sequence[tuple[bytes, int]]) -> bool:
    """Whether one of a content's paths lies where it should; tables may be a moment behind."""
    return any(where is None or where.holds_path(path) for path, _folder in places)
