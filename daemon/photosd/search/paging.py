"""Pages of a ranking: the next page neither repeats nor skips a photo; contents become hits."""

from __future__ import annotations

import secrets
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec import structs

from photosd.core.errors import BadRequest
from photosd.core.log import printable
from photosd.index.catalog import Catalog, known_photos
from photosd.index.filters import Filter
from photosd.index.folders import Folders
from photosd.index.moments import Moment, moment_of
from photosd.index.placing import REPORTED
from photosd.index.shared_resources import SharedResources
from photosd.protocol.paths import path_b64, path_fields, path_text
from photosd.protocol.replies import Coverage, Hit, PlaceReport
from photosd.search.parsing import Question
from photosd.search.query_cache import QueryEmbedding

Place = tuple[bytes, int]  # a path and the number of its folder

AHEAD = 50  # ranks searched for a page, at least: good matches may not be the nearest
KEPT = 128  # rankings kept for next pages; the oldest are dropped


class FoundPhoto(msgspec.Struct, frozen=True, gc=False):
    """One content of a ranking: its cosine, its strength, and its kinds of evidence.

    ``path``: the copy whose name matched, if any. ``every_word``: whether its metadata and names
    have every word of the query.
    """

    content: str
    score: float
    strength: str
    sources: list[str]
    path: bytes | None = None
    every_word: bool = False


class Hits:
    """Looks up the protocol's fields of contents. Any thread may use it."""

    def __init__(self, shared: SharedResources) -> None:
        self._shared = shared

    def of(self, found: Sequence[FoundPhoto], question: Question) -> list[list[Hit]]:
        """The hits of each content: one, or one per path; none if it has no path.

        Only paths that the filter accepts. The copy shown is the one whose name matched; else an
        available one, the first by name. The caller sets the ranks.
        """
        names = [one.content for one in found]
        paths, facts = self._shared.catalog.paths_of(names), self._shared.contents.facts_of(names)
        where = self._shared.contents.places_of(names)
        absent = {folder.id for folder in self._shared.folders.all() if not folder.present}
        accepts, hits = (question.where or Filter()).holds_path(), []
        shown: list[tuple[Hit, bytes]] = []
        for one in found:
            places = sorted(
                paths.get(one.content, ()),
                key=lambda place: (place[0] != one.path, place[1] in absent),
            )
            places = [place for place in places if accepts(place[0])]
            copies = 1 if question.every_copy else len(places)
            chosen = places if question.every_copy else places[:1]
            every = [path for path, _ in paths.get(one.content, ())]
            moment = moment_of(facts.get(one.content, {}), every, None)
            hits.append([_hit(one, p, copies, moment, offline=p[1] in absent) for p in chosen])
            known = facts.get(one.content, {})
            size = {name: known[name] for name in ("width", "height") if known.get(name)}
            for hit in hits[-1]:
                hit |= cast("Hit", size)
                if (place := where.get(one.content)) is not None:
                    hit["place"] = place_report(place)
            shown += zip(hits[-1], (path for path, _ in chosen), strict=True)
        pairs = self._shared.catalog.partners_of(path for _, path in shown)
        for hit, path in shown:
            if pair := pairs.get(path):
                hit["pair"] = list(map(path_fields, pair))
        return hits


def place_report(place: Mapping[str, Any]) -> PlaceReport:
    """A place (`Contents.places_of`) in the protocol's form."""
    found: Any = {name: place[name] for name in REPORTED if place.get(name) is not None}
    report: PlaceReport = found
    return report


def coverage(catalog: Catalog, folders: Folders) -> Coverage:
    """How much of the library is searchable."""
    counts = catalog.totals()
    return Coverage(
        photos=known_photos(counts),
        indexed=counts.get("indexed", 0),
        pending=counts.get("pending", 0),
        failed=counts.get("failed", 0),
        offline_folders=[printable(folder.path) for folder in folders.all() if not folder.present],
    )


def _hit(
    one: FoundPhoto, place: Place, copies: int, moment: Moment | None, *, offline: bool
) -> Hit:
    hit: Hit = {
        "rank": 0,
        "content_id": one.content,
        "path": path_text(place[0]),
        "score": round(one.score, 4),
        "strength": one.strength,
        "sources": one.sources,
        "taken_at": None,
        "offline": offline,
    }
    if (encoded := path_b64(place[0])) is not None:
        hit["path_b64"] = encoded
    if copies > 1:
        hit["copies"] = copies
    if moment is not None:
        hit |= cast("Hit", moment.facts())
    return hit


Find = Callable[[int], list[FoundPhoto]]  # the best now, up to a count
Good = Callable[[], list[str]]  # the contents of all good matches
Describe = Callable[[Sequence[str]], list[FoundPhoto]]  # these contents, rated, in their order


class Modes(msgspec.Struct, frozen=True):
    """The requested mode, the mode that answered, and the reason if they differ."""

    requested: str = "local"
    used: str = "local"
    fallback_reason: str | None = None


class Ranking:
    """The answer to one query as far as computed; more is computed on demand.

    Photos that arrive between two pages appear below the shown ones, or, if they rank above them,
    first on the next page. ``convincing``: whether any of the first ones is a good match.
    """

    def __init__(
        self,
        question: Question,
        embedding: QueryEmbedding | None,
        answered_by: str,
        find: Find,
        good: Good = list,
        describe: Describe | None = None,
    ) -> None:
        self.question, self.embedding, self.answered_by = question, embedding, answered_by
        self.modes, self.good = Modes(), good
        self.describe = describe or self._described
        self._find, self._lock = find, threading.Lock()
        self._shown: list[FoundPhoto] = []
        self.convincing = False
        self.seconds = 0.0  # spent on finding photos
        self.unknown: list[str] = []  # words that the model does not know

    def page(self, start: int, limit: int) -> list[FoundPhoto]:
        """Ranks ``start`` to ``start + limit``, the same on every call."""
        with self._lock:
            end = start + limit
            if len(self._shown) < end:
                known = {one.content for one in self._shown}
                started = time.perf_counter()
                found = self._find(max(end, AHEAD))
                self.seconds += time.perf_counter() - started
                fresh = [one for one in found if one.content not in known]
                self._shown += fresh[: end - len(self._shown)]
                if not known:
                    self._judge(found)
            return self._shown[start:end]

    def _described(self, contents: Sequence[str]) -> list[FoundPhoto]:
        """These contents as `find` gives them."""
        every = {one.content: one for one in self._find(sys.maxsize)}
        return [every[content] for content in contents if content in every]

    def _judge(self, found: Sequence[FoundPhoto]) -> None:
        """Whether the answer is convincing; good matches are never left to a later page."""
        good = [one for one in found if one.strength != "weak"]
        self.convincing = bool(good)
        if good and all(one.strength == "weak" for one in self._shown):
            self._shown[-1] = good[0]


class Cursor(msgspec.Struct, frozen=True):
    """Where a page begins: a rank, and its copies that were shown already."""

    ranking: str = ""
    place: int = 0
    copies: int = 0
    rank: int = 1

    def __str__(self) -> str:
        return f"{self.ranking}.{self.place}.{self.copies}.{self.rank}"


def lay_out(
    hits: Sequence[Sequence[Hit]], cursor: Cursor, limit: int
) -> tuple[list[Hit], Cursor | None]:
    """The page of at most ``limit`` hits that begins at ``cursor``, and the next cursor.

    ``hits``: those of each content from the cursor on; no next page if they end here.
    """
    page: list[Hit] = []
    for number, same in enumerate(hits):
        skipped = cursor.copies if number == 0 else 0
        for copy, hit in enumerate(same[skipped:], start=skipped):
            if len(page) == limit:
                place = cursor.place + number
                return page, Cursor(cursor.ranking, place, copy, cursor.rank + limit)
            hit["rank"] = cursor.rank + len(page)
            page.append(hit)
    if len(hits) < limit:
        return page, None
    return page, Cursor(cursor.ranking, cursor.place + len(hits), 0, cursor.rank + len(page))


class Rankings:
    """The rankings that clients can continue."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Ranking] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, ranking: Ranking, cursor: Cursor) -> Cursor:
        """Keep it for a while; returns an unguessable name for its cursor."""
        name = cursor.ranking or secrets.token_urlsafe(9)
        with self._lock:
            self._kept[name] = ranking
            self._kept.move_to_end(name)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return structs.replace(cursor, ranking=name)

    def find(self, text: str) -> tuple[Ranking, Cursor]:
        """The ranking of a client's cursor; raises BadRequest if it was dropped."""
        name, *numbers = text.split(".")
        with self._lock:
            ranking = self._kept.get(name)
            if ranking is not None:
                self._kept.move_to_end(name)
        if ranking is None or len(numbers) != 3 or not all(n.isdecimal() for n in numbers):
            raise BadRequest("that cursor has expired", remedy="query again without a cursor")
        place, copies, rank = (int(number[:9]) for number in numbers)
        return ranking, Cursor(name, place, copies, rank)
