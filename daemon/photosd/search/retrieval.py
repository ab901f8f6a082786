"""Finds the photos that match a query: collects all evidence, then orders it (`fusion`).

Kinds of evidence: a photo's look, its name, its tags, what Gemini found. The weight does not
depend on the kind, so a new kind is one more list.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
from msgspec import structs

from photosd.index.contents import Holding
from photosd.index.filters import Columns, Filter, traits
from photosd.index.passing import Passing
from photosd.index.shared_resources import SharedResources
from photosd.index.vectors import VectorStore
from photosd.search.conditions import with_values
from photosd.search.embedding import Aspect, Hinted
from photosd.search.fusion import Evidence, Fused, Ranked, Weight, fuse
from photosd.search.judging import Judge, Look, Match, of_name
from photosd.search.names import Degree, Keep, Named, Names, PathTest, named, taken_in_years
from photosd.search.paging import FoundPhoto
from photosd.search.parsing import Question
from photosd.search.query_cache import QueryEmbedding

FIRST_GOOD, FURTHER = 400, 4  # nearest that are rated at first; how many times more at each step
OVERSAMPLE = 8  # nearest contents in addition to the requested ones, as some may have no path
MAX_NAMED = 5000  # photos requested from Gemini if a filter may exclude many
DEEPER = 200  # ranks searched if there are other lists: a photo may be far down by its look
LOOKED_AT = 500  # photos of one name that are ordered by look
HINTED = 20  # nearest photos with a tag that the query names
FILTERED_FIRST, FILTERED_AT_ONCE = 60, 250  # contents that are filtered; most pass
# At most FEW_PASSING contents pass the filter, and more than FEW_NAMED match by name: look up the
# names of the former.
FEW_PASSING, FEW_NAMED = 1000, 500
NOTHING = Holding("", {}, (), None)
UNKNOWN = Look()


class GeminiRanking(msgspec.Struct, frozen=True):
    """A ranking by another model: contents and cosines, best first, not comparable with ours.

    ``outstanding``: how many of the first ones stand out among that model's scores.
    """

    nearest: Sequence[tuple[str, float]] = ()
    outstanding: int = 0


NO_GEMINI = GeminiRanking()


class Retrieval:
    """Searches vectors and names. Any thread may use it."""

    def __init__(self, store: VectorStore, shared: SharedResources) -> None:
        self._store, self._shared = store, shared

    def find(
        self,
        question: Question,
        aspects: Sequence[Aspect],
        judge: Judge,
        count: int,
        remote: GeminiRanking = NO_GEMINI,
        hinted: Sequence[Hinted] = (),
    ) -> list[FoundPhoto]:
        """The ``count`` best contents that pass the filter and have a path, best first.

        Scores are those of our model; if it was not used, the other's.
        """
        names = self._names(question, aspects)
        asked = [one for one in aspects if one.embedding is not None]
        several = bool(names or hinted) or len(asked) + bool(remote.nearest) > 1
        wanted = max(count, DEEPER) if several else count
        seen: dict[str, Look] = {}
        looks = [self._by_looks(question, one, judge, wanted, seen) for one in asked]
        # Above this number the nearest suffice.
        self._look(asked, judge, names.every_if_few(LOOKED_AT), seen)
        by_gemini = self._by_gemini(question, remote)
        by_name = self._by_name(question, names, seen, count)
        by_hint = [self._by_hint(question, one, judge, count) for one in hinted]
        best = fuse([by_name, *looks, *by_hint, by_gemini])[:count]
        self._look(asked, judge, [one.content for one in best], seen)
        if not asked:
            seen |= {content: Look(score) for content, score in remote.nearest}
        outstanding = {one.content for one in by_gemini if one.weight >= Weight.GOOD}
        outstanding.update(one.content for ranked in by_hint for one in ranked)
        name_of = names.of([one.content for one in best])
        return [
            _found(
                one,
                name_of.get(one.content),
                judge.match(
                    seen.get(one.content, UNKNOWN),
                    name_of.get(one.content),
                    outstanding=one.content in outstanding,
                ),
            )
            for one in best
        ]

    def good(
        self,
        question: Question,
        aspects: Sequence[Aspect],
        judge: Judge,
        remote: GeminiRanking = NO_GEMINI,
        hinted: Sequence[Hinted] = (),
    ) -> list[str]:
        """All contents that `find` rates fair or strong, in no order. The filter is not applied to
        contents that match by words.
        """
        found = dict.fromkeys(self._names(question, aspects).every())
        for aspect in aspects:
            found |= dict.fromkeys(self._good_looks(question, aspect, judge))
        for one in hinted:
            found |= dict.fromkeys(self._good_looks(_narrowed(question, one), one.aspect, judge))
        found |= dict.fromkeys(
            one.content for one in self._by_gemini(question, remote) if one.weight >= Weight.GOOD
        )
        return [content for content in found if content not in question.excluded]

    def _good_looks(self, question: Question, aspect: Aspect, judge: Judge) -> list[str]:
        """The contents with a good look. Takes more of the nearest until the farther half of them
        has no good look.
        """
        seen: dict[str, Look] = {}
        count = FIRST_GOOD
        while aspect.embedding is not None:
            nearest = [c for c, _ in self.nearest(question, aspect.embedding, count)]
            self._look([aspect], judge, nearest, seen)
            good = [
                place
                for place, content in enumerate(nearest)
                if content in seen and judge.of_look(seen[content]) != "weak"
            ]
            if len(nearest) < count or not good or good[-1] < count // 2:
                return [nearest[place] for place in good]
            count *= FURTHER
        return []

    def described(
        self,
        question: Question,
        aspects: Sequence[Aspect],
        judge: Judge,
        contents: Sequence[str],
        remote: GeminiRanking = NO_GEMINI,
        hinted: Sequence[Hinted] = (),
    ) -> list[FoundPhoto]:
        """These contents, in their order, rated as `find` rates them."""
        names = self._names(question, aspects).of(contents)
        looks: list[tuple[str, dict[str, Look]]] = []
        seen: dict[str, Look] = {}
        for aspect in aspects:
            own: dict[str, Look] = {}
            self._look([aspect], judge, contents, own)
            looks.append((aspect.source, own))
            for content, look in own.items():
                _keep_nearest(seen, content, look)
        others = [("gemini", {content for content, _ in remote.nearest[: remote.outstanding]})]
        others += [
            (_kind(one), set(self._good_looks(_narrowed(question, one), one.aspect, judge)))
            for one in hinted
        ]
        found = []
        for content in contents:
            name, more = names.get(content), [kind for kind, having in others if content in having]
            match = judge.match(seen.get(content, UNKNOWN), name, outstanding=bool(more))
            kinds = [
                source
                for source, own in looks
                if content in own and judge.of_look(own[content]) != "weak"
            ]
            found.append(_found_photo(content, match.score, match.strength, [*kinds, *more], name))
        return found

    def judge(
        self, question: Question, embedding: QueryEmbedding, judge: Judge, contents: Sequence[str]
    ) -> dict[str, Match]:
        """The strength of each content for a query; those without a vector are left out."""
        aspect, seen = Aspect(question.words, embedding), dict[str, Look]()
        self._look([aspect], judge, contents, seen)
        names = self._names(question, [aspect]).of(list(seen))
        return {content: judge.match(look, names.get(content)) for content, look in seen.items()}

    # -- looks --------------------------------------------------------------------------------

    def _by_looks(
        self,
        question: Question,
        aspect: Aspect,
        judge: Judge,
        count: int,
        seen: dict[str, Look],
    ) -> Ranked:
        """The nearest to one aspect; ``seen`` keeps the best look of each content."""
        if aspect.embedding is None:
            return []
        nearest = self.nearest(question, aspect.embedding, count)
        found: dict[str, Look] = {}
        self._look([aspect], judge, [content for content, _ in nearest], found)
        for content, look in found.items():
            _keep_nearest(seen, content, look)
        looks = [
            Evidence(aspect.source, content, _weight(judge.of_look(found[content])))
            for content, _ in nearest
            if content in found  # else its vector was removed meanwhile
        ]
        if len(question.terms) > 1:  # some photos are near to any sum: good ones first
            looks.sort(key=lambda one: -one.weight)
        return looks

    def _by_hint(self, question: Question, hinted: Hinted, judge: Judge, count: int) -> Ranked:
        """Photos that have the hinted tag, person or place and look like the other words, nearest
        first. A tag counts as a match of every word; a name may also mean a thing, so it counts
        less.
        """
        aspect = hinted.aspect
        if aspect.embedding is None:
            return []
        narrowed, count = _narrowed(question, hinted), max(count, HINTED)
        nearest = [one for one, _ in self.nearest(narrowed, aspect.embedding, count)]
        looks: dict[str, Look] = {}
        self._look([aspect], judge, nearest, looks)
        good = [one for one in nearest if judge.of_look(looks.get(one, UNKNOWN)) != "weak"]
        weight = Weight.ALL_WORDS if hinted.hint.kind == "tag" else Weight.GOOD
        return [Evidence(_kind(hinted), one, weight) for one in good]

    def _look(
        self,
        aspects: Sequence[Aspect],
        judge: Judge,
        contents: Iterable[str],
        seen: dict[str, Look],
    ) -> None:
        """Add the look of contents not seen yet, each for its nearest aspect."""
        missing = [content for content in contents if content not in seen]
        tiles = self._store.vectors_of(missing) if missing and aspects else {}
        for aspect in aspects:
            if aspect.embedding is None:
                continue
            found = judge.looks(aspect.words, aspect.embedding, list(tiles.values()))
            for content, look in zip(tiles, found, strict=True):
                _keep_nearest(seen, content, look)

    def nearest(
        self, question: Question, embedding: QueryEmbedding, count: int
    ) -> list[tuple[str, float]]:
        """The nearest contents that have a path; requests more until there are enough."""
        where = question.where
        take = count + OVERSAMPLE
        while True:
            nearest = self._store.nearest(embedding.vector, take, where)
            with_path = self._with_path([content for content, _ in nearest], _path_test(question))
            found = [
                one for one in nearest if one[0] in with_path and one[0] not in question.excluded
            ]
            if len(found) >= count or len(nearest) < take:
                return found[:count]
            take *= 4

    def _with_path(self, contents: Sequence[str], accepts: PathTest | None) -> set[str]:
        """The contents with an accepted path; tables may lag behind the catalog."""
        if accepts is None:
            return self._shared.contents.alive(contents)
        paths = self._shared.catalog.paths_of(contents)
        return {content for content, places in paths.items() if any(accepts(p) for p, _ in places)}

    def _by_gemini(self, question: Question, remote: GeminiRanking) -> Ranked:
        """Contents found by Gemini that pass the filter and have a path."""
        contents = [content for content, _ in remote.nearest]
        alive = self._with_path(contents, None) if contents else set()
        with_path = [content for content in contents if content in alive]
        outstanding = set(contents[: remote.outstanding])
        return [
            Evidence("gemini", one, Weight.GOOD if one in outstanding else Weight.WEAK)
            for one in self.passing(question, with_path)
        ]

    # -- names --------------------------------------------------------------------------------

    def _names(self, question: Question, aspects: Sequence[Aspect]) -> Names:
        """Name matches for all aspects."""
        return Names(self._shared.database, [one.words for one in aspects], _path_test(question))

    def _by_name(
        self, question: Question, names: Names, seen: Mapping[str, Look], count: int
    ) -> Ranked:
        """The best that pass: by name, then by look, then the latest."""
        scores = {content: look.score for content, look in seen.items()}
        table = None if question.where is None else self._store.passing(question.where)
        best: Iterator[Named]
        if table is not None and names.rows > FEW_NAMED and len(table) <= FEW_PASSING:
            some = table.contents()
            best = (
                one for one in names.among(some, scores) if one.content not in question.excluded
            )
        else:
            best = names.best(scores, self._keep(question, table))
        contents = [one.content for one in itertools.islice(best, count)]
        found = names.of(contents)
        return [
            Evidence("name", content, _weight_of(found[content]), found[content].share)
            for content in contents
        ]

    def by_name(self, question: Question, count: int) -> list[FoundPhoto]:
        """Fallback without a vector: words in paths, and years."""
        names = named(self._shared.database, question.words, _path_test(question))
        shares = {content: name.share for content, name in names.items()}  # the best first
        for content, share in taken_in_years(self._shared.database, question.words):
            shares[content] = min(1.0, shares.get(content, 0.0) + share)
        weights = {content: _weight_of(names.get(content)) for content in shares}
        order = sorted(shares, key=lambda one: (weights[one], shares[one]), reverse=True)
        return [
            _named_only(content, shares[content], names.get(content))
            for content in itertools.islice(self.passing(question, order), count)
        ]

    def by_date(
        self, question: Question, contents: Sequence[str], *, oldest: bool = False
    ) -> list[str]:
        """Those of these contents that pass the filter, the latest first, or the ``oldest``."""
        where = question.where or Filter()
        return self._store.latest(len(contents), where, contents, oldest=oldest)

    def latest(
        self, question: Question, count: int, *, oldest: bool = False, strength: str = "strong"
    ) -> list[FoundPhoto]:
        """Photos that pass the filter, the latest first, or the ``oldest``: for questions without
        other words, or, if these cannot be matched, with another ``strength``.
        """
        where, kinds = question.where or Filter(), _kinds(question)
        take = count + OVERSAMPLE
        while True:
            latest = self._store.latest(take, where, oldest=oldest)
            with_path = self._with_path(latest, _path_test(question))
            found = [one for one in latest if one in with_path and one not in question.excluded]
            if len(found) >= count or len(latest) < take:
                return [FoundPhoto(one, 1.0, strength, kinds) for one in found[:count]]
            take *= 4

    # -- filters ------------------------------------------------------------------------------

    def passing(self, question: Question, contents: Iterable[str]) -> Iterator[str]:
        """The contents that pass the query's filter, in the same order."""
        table = None if question.where is None else self._store.passing(question.where)
        keep = self._keep(question, table)
        if keep is None:
            yield from contents
            return
        every, at_once = iter(contents), FILTERED_FIRST
        while part := list(itertools.islice(every, at_once)):
            at_once = FILTERED_AT_ONCE
            kept = keep(part)
            yield from (one for one in part if one in kept)

    def _keep(self, question: Question, table: Passing | None) -> Keep | None:
        """A function that returns which contents pass the query's filter; None: all. The tables
        decide; the catalog decides for contents without a row in them.
        """
        where, excluded = question.where, question.excluded
        if where is None or table is None:
            return (lambda contents: set(contents) - excluded) if excluded else None

        def keep(contents: Sequence[str]) -> set[str]:
            passes, known = table.verdicts(contents)
            found = {contents[place] for place in np.flatnonzero(passes).tolist()}
            missing = [contents[place] for place in np.flatnonzero(~known).tolist()]
            if missing and where.among is not None:
                missing = [content for content in missing if content in where.among]
            return (found | self._passing_in_catalog(where, missing)) - excluded

        return keep

    def _passing_in_catalog(self, where: Filter, contents: Sequence[str]) -> set[str]:
        if not contents:
            return set()
        held = self._shared.contents.holding(contents)
        rows = [
            traits(one.facts, one.paths, one.modified, one.place)
            for one in (held.get(content, NOTHING) for content in contents)
        ]
        return {contents[row] for row in Columns(rows).passing(where)}


def _narrowed(question: Question, hinted: Hinted) -> Question:
    """Only photos that have what the hint names."""
    where = with_values(question.where or Filter(), hinted.hint.kind, hinted.hint.keys)
    return structs.replace(question, where=where)


def _kind(hinted: Hinted) -> str:
    """The kind of evidence, as in the protocol."""
    return "place" if hinted.hint.kind == "country" else hinted.hint.kind


def _kinds(question: Question) -> list[str]:
    """The kinds of what was read, each once; ``filter`` if there are only filters."""
    parts = () if question.reading is None else question.reading.conditions
    return list(dict.fromkeys(part.kind for part in parts if not part.excluded)) or ["filter"]


def _found(one: Fused, name: Named | None, match: Match) -> FoundPhoto:
    """With the kinds of good evidence; if there is none, of all evidence."""
    looks = [evidence for evidence in one.evidence if evidence.kind != "name"]
    good = [evidence for evidence in one.evidence if evidence.weight >= Weight.GOOD]
    kinds = [evidence.kind for evidence in looks if evidence in good or not good]
    return _found_photo(one.content, match.score, match.strength, kinds, name)


def _found_photo(
    content: str, score: float, strength: str, kinds: Sequence[str], name: Named | None
) -> FoundPhoto:
    if name is None:
        return FoundPhoto(content, score, strength, list(dict.fromkeys(kinds)))
    sources = list(dict.fromkeys([*kinds, *name.kinds]))
    path = name.path if "name" in name.kinds else None  # else each copy matches
    return FoundPhoto(content, score, strength, sources, path, name.degree > Degree.SOME)


def _named_only(content: str, share: float, name: Named | None) -> FoundPhoto:
    strength = of_name(name)
    if strength == "weak" and share == 1:  # with the year that it was taken in
        strength = "fair"
    kinds = ["name"] if name is None else []  # the year that it was taken in
    return _found_photo(content, share, strength, kinds, name)


def _weight(strength: str) -> Weight:
    return Weight.WEAK if strength == "weak" else Weight.GOOD


def _weight_of(name: Named | None) -> Weight:
    if name is None or name.degree == Degree.SOME:
        return Weight.WEAK
    if name.degree >= Degree.WHOLE:
        return Weight.FILE_NAME
    return Weight.ALL_WORDS if name.degree >= Degree.OWN else Weight.GOOD


def _path_test(question: Question) -> PathTest | None:
    """Which paths may match; None: all."""
    return question.where.holds_path() if question.where and question.where.below else None


def _keep_nearest(seen: dict[str, Look], content: str, look: Look) -> None:
    """Keep the nearest look."""
    before = seen.setdefault(content, look)
    if before is not look and _nearness(before) < _nearness(look):
        seen[content] = look


def _nearness(look: Look) -> tuple[float, float]:
    return look.beyond, look.score
