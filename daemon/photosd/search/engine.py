"""The engine: answers a query within its deadline, by the best available method.

A query is parsed (`parsing`), embedded (`embedding`), photos are retrieved (`retrieval`) and judged
(`judging`), and paged (`paging`). If there is no vector, words are matched with file names; if none
match, an error gives the reason and when to retry (docs/adr/0006: every query is answered).
"""

from __future__ import annotations

import contextlib
import functools
import sys
import time
from collections.abc import Collection, Sequence

import structlog
from msgspec import structs

from photosd import __version__
from photosd.core import wording
from photosd.core.clock import Deadline
from photosd.core.config import SearchSettings
from photosd.core.errors import BadRequest, NotFound, PhotosdError, UnreadablePhoto
from photosd.decode.pool import Shape
from photosd.encoder.supervisor import Supervisor
from photosd.gemini.pending_question import SendPermission
from photosd.index.shared_resources import SharedResources
from photosd.index.vectors import VectorStore
from photosd.index.vocabulary import Vocabulary
from photosd.models.spec import ModelSpec
from photosd.protocol.replies import FacetsResult, QueryResult, ReadPart, Timings
from photosd.protocol.requests import FacetsParams, QueryParams
from photosd.search.calibration import Calibration
from photosd.search.conditions import Conditions
from photosd.search.embedding import RESERVE_SECONDS, Aspect, ExamplePictures, QueryEmbedder
from photosd.search.facets import Facets
from photosd.search.gemini_search import GeminiSearch
from photosd.search.judging import Judge, Match
from photosd.search.keyboard_layouts import (
    cut_warning,
    foreign_script_warning,
    label_warning,
    other_layouts,
    scripts_of,
    spelling_warning,
)
from photosd.search.names import (
    MAX_WORDS,
    STOP_WORDS,
    captioned,
    undescribed,
    words_left_out,
)
from photosd.search.paging import Cursor, FoundPhoto, Hits, Ranking, Rankings, coverage, lay_out
from photosd.search.pairs import Pairs
from photosd.search.parsing import Parser, Question, QuestionTerm
from photosd.search.place_names import PlaceNames, awaited_warning
from photosd.search.query_cache import QueryCache, QueryEmbedding, normalise
from photosd.search.retrieval import NO_GEMINI, GeminiRanking, Retrieval

log = structlog.get_logger()

WARM_UP_TEXT = "a query before the first one"
WARM_UP_QUERIES = 5
MIN_KNOWN = 0.5  # of the words: a text that was typed in the wrong layout has fewer that are known


class Engine:
    """Searches one model's vectors. Any thread may use it.

    It does not call the cloud: permission to send comes with each query.
    """

    def __init__(
        self,
        spec: ModelSpec,
        encoder: Supervisor,
        store: VectorStore,
        shared: SharedResources,
    ) -> None:
        self.spec, self._shared = spec, shared
        self._scripts = scripts_of(spec.languages)
        self._remembered = QueryCache(
            shared.database, spec.text_fingerprint, shared.remembers, spec.fingerprint
        )
        self._vocabulary = vocabulary = Vocabulary(shared.database)
        self._places = places = PlaceNames(vocabulary, shared.gazetteer)
        captions = functools.partial(captioned, shared.database)
        self._parser = Parser(shared.catalog, shared.folders, vocabulary, places, captions)
        self._facets = Facets(store, vocabulary)
        pictures = ExamplePictures(shared, store, encoder, Shape.of(spec.preprocess))
        self._embedder = QueryEmbedder(encoder, self._remembered, pictures)
        self._gemini = GeminiSearch(self._embedder, self._scripts)
        self._retrieval = Retrieval(store, shared)
        self._pairs = Pairs(shared.catalog, self._retrieval.passing)
        self._conditions = Conditions(shared.database, places, self._any_passes)
        self._calibration = Calibration(spec, store, shared.contents, self._embedder)
        self._rankings, self._hits = Rankings(), Hits(shared)

    def query(self, params: QueryParams, permission: SendPermission | None = None) -> QueryResult:
        """The best photos, and how good they are.

        The words may be sent with ``permission``, as consent and mode allow; without it nothing is
        sent, whatever the mode. Raises PhotosdError if nothing can answer in time.
        """
        started, deadline = time.perf_counter(), Deadline.after(params.deadline_ms / 1000)
        warnings: list[str] = []
        if params.cursor is None:
            question, cursor = self._parser.parse(params), Cursor()
            question, warnings = self._conditions.apply(question, params)
            ranking = self._ranked(question, permission, deadline, warnings)
            encoded = time.perf_counter() - ranking.seconds  # without the time of its searches
            ranking = self._sorted(self._reconsidered(ranking, deadline, warnings))
        else:
            ranking, cursor = self._rankings.find(params.cursor)
            encoded = time.perf_counter()
        question = ranking.question
        limit = params.limit or question.limit
        found = ranking.page(cursor.place, limit)
        hits, after = lay_out(self._hits.of(found, question), cursor, limit)
        if not found and cursor.place == 0 and question.where is not None:
            warnings.append("no photo passes these filters")
            warnings += self._parser.unknown_camera(question.where)
        if after is not None:
            after = self._rankings.keep(ranking, after)
        done = time.perf_counter()
        log.debug("query", text=ranking.question.words, answered_by=ranking.answered_by)
        return QueryResult(
            version=1,
            query=question.asked,
            mode_used=ranking.modes.used,
            fallback_reason=ranking.modes.fallback_reason,
            model=self.spec.name,
            answered_by=ranking.answered_by,
            convincing=ranking.convincing,
            understood=round(ranking.embedding.understood, 3) if ranking.embedding else 1.0,
            unknown=ranking.unknown,
            hits=hits,
            coverage=coverage(self._shared.catalog, self._shared.folders),
            timings_ms=Timings(
                encode=round(1000 * (encoded - started), 2),
                search=round(1000 * (done - encoded), 2),
                total=round(1000 * (time.perf_counter() - started), 2),
            ),
            warnings=warnings,
            cursor=str(after) if after is not None else None,
            mode_requested=ranking.modes.requested,
            daemon_version=__version__,
            read_as=_read_as_parts(question),
        )

    def facets(self, params: FacetsParams) -> FacetsResult:
        """Counts of photos by year, place and so on; sends nothing. Raises as `query` does."""
        warnings: list[str] = []
        query, convincing, contents = "", True, None
        if params.text.strip():
            deadline = Deadline.after(params.deadline_ms / 1000)
            asked = QueryParams(params.text, where=params.where, deadline_ms=params.deadline_ms)
            question, warnings = self._conditions.apply(self._parser.parse(asked), asked)
            ranking = self._ranked(question, None, deadline, warnings)
            ranking = self._reconsidered(ranking, deadline, warnings)
            if ranking.question.terms:  # else all that pass
                contents = ranking.good()
            query, convincing, where = question.asked, ranking.convincing, ranking.question.where
        else:
            where = self._parser.where(params.where)
        photos, facets = self._facets.of(params.kinds, params.limit, params.begins, where, contents)
        return FacetsResult(
            query=query,
            photos=photos,
            convincing=convincing,
            facets=facets,
            warnings=warnings,
        )

    def match(
        self, question: Question, contents: Sequence[str], deadline: Deadline
    ) -> dict[str, Match]:
        """The strength of each of these contents for a query; those without a vector are left out.

        Only the folders of the filter are applied, and only to names: the caller checks where a
        photo is. Another keyboard layout is tried as in a query: if the library has no match for
        the text as typed. Raises the errors of encoding the query.
        """
        question = self._conditions.without_request(question)
        verdicts = self._verdicts(question, contents, deadline)
        if _any_convincing(verdicts):
            return verdicts
        embedding, _ = self._embedder.of(question, deadline)
        readings = self._other_texts(question, embedding)
        others = [self._verdicts(_read_as(question, one), contents, deadline) for one in readings]
        if not any(map(_any_convincing, others)) or self._embedded(question, deadline).convincing:
            return verdicts
        other = self._other_reading(question, embedding, deadline)
        return verdicts if other is None else others[readings.index(other[0])]

    def _verdicts(
        self, question: Question, contents: Sequence[str], deadline: Deadline
    ) -> dict[str, Match]:
        embedding, _ = self._embedder.of(question, deadline)
        return self._retrieval.judge(question, embedding, self._judge(question), contents)

    def forget_queries(self, *, cloud_only: bool = False) -> None:
        """Delete all cached queries, or all of Gemini's captions; raises StorageError."""
        self._remembered.forget(cloud_only=cloud_only)

    def close(self, deadline: Deadline | None = None) -> None:
        """Save pending cached queries."""
        self._calibration.close(deadline)
        self._remembered.close(deadline)

    def warm_up(self, seconds: float) -> bool:
        """Run a test query, so that the first real one finds all pages in memory.

        Waits for the encoder, at most ``seconds``; returns False if it is not ready, which real
        queries will report.
        """
        question = Question((QuestionTerm(1.0, WARM_UP_TEXT),))
        with contextlib.suppress(PhotosdError):
            self._conditions.warm_up()
            for _ in range(WARM_UP_QUERIES):
                self._remembered.get(WARM_UP_TEXT)
                found = self._embedder.encode([WARM_UP_TEXT], Deadline.after(seconds))
                aspects = [Aspect(question.words, found[WARM_UP_TEXT])]
                judge = self._judge(question)
                page = self._retrieval.find(question, aspects, judge, SearchSettings().limit)
                self._hits.of(page, question)
                coverage(self._shared.catalog, self._shared.folders)
            self._calibration.begin()
            return True
        return False

    def follow(self) -> None:
        """Recalibrate in the background after a change of the library."""
        self._calibration.follow_in_background()

    # -- embedding and retrieving -----------------------------------------------------------------

    def _ranked(
        self,
        question: Question,
        permission: SendPermission | None,
        deadline: Deadline,
        warnings: list[str],
    ) -> Ranking:
        """Starts the request to Gemini, if enabled, then searches locally meanwhile."""
        if not question.terms:  # all its words became conditions
            oldest = question.sort == "date"
            find = functools.partial(self._retrieval.latest, question, oldest=oldest)
            return Ranking(question, None, "text_match", self._pairs.joined(question, find))
        asked = self._gemini.ask(question, permission)
        own: Ranking | PhotosdError
        try:
            own = self._embedded(question, deadline)
        except (BadRequest, NotFound, UnreadablePhoto):
            raise
        except PhotosdError as error:
            own = error
        embedding = own.embedding if isinstance(own, Ranking) else None
        found = self._gemini.results(asked, Aspect(question.words, embedding), deadline)
        if found.aspects:
            known = "cached_embedding" if found.known else "vector"
            ranking = self._ranking(question, found.aspects, known, found.remote)
        elif isinstance(own, Ranking):
            ranking = own
        else:
            ranking = self._by_name(question, own, warnings)
        ranking.modes = found.modes
        return ranking

    def _embedded(self, question: Question, deadline: Deadline) -> Ranking:
        """Our model's results, with the first page; raises the errors of encoding."""
        embedding, known = self._embedder.of(question, deadline)
        answered_by = "cached_embedding" if known else "vector"
        ranking = self._ranking(question, [Aspect(question.words, embedding)], answered_by)
        ranking.page(0, question.limit)
        return ranking

    def _by_name(self, question: Question, trouble: PhotosdError, warnings: list[str]) -> Ranking:
        """Photos matched by name, else by what was read in the question; raises the original error
        if there are none.
        """
        find = functools.partial(self._retrieval.by_name, question)
        if find(1):
            warnings.append(f"{trouble.title}: matched words in file names instead")
        elif question.reading is not None:
            find = functools.partial(self._retrieval.latest, question, strength="weak")
            warnings.append(f"{trouble.title}: matched only dates, places and people")
        else:
            raise trouble
        shown = self._pairs.joined(question, find)
        return Ranking(question, None, "text_match", shown, lambda: _good(find(sys.maxsize)))

    def _ranking(
        self,
        question: Question,
        aspects: Sequence[Aspect],
        answered_by: str,
        remote: GeminiRanking = NO_GEMINI,
    ) -> Ranking:
        judge = self._judge(question)
        hinted = self._embedder.hinted(question)
        find = functools.partial(
            self._retrieval.find, question, aspects, judge, remote=remote, hinted=hinted
        )
        embeddings = [one.embedding for one in aspects if one.embedding is not None]
        best = max(embeddings, key=lambda one: one.understood, default=None)
        answered_by = "gemini" if best is None else answered_by
        good = functools.partial(self._retrieval.good, question, aspects, judge, remote, hinted)
        describe = functools.partial(
            self._retrieval.described, question, aspects, judge, remote=remote, hinted=hinted
        )
        shown = self._pairs.joined(question, find)
        return Ranking(question, best, answered_by, shown, good, describe)

    def _sorted(self, ranking: Ranking) -> Ranking:
        """The ranking with its good matches by date, if requested and if there are any."""
        question = ranking.question
        if question.sort == "match" or not question.terms or not ranking.convincing:
            return ranking
        oldest = question.sort == "date"
        order = self._retrieval.by_date(question, ranking.good(), oldest=oldest)

        def find(count: int) -> list[FoundPhoto]:
            return ranking.describe(order[:count])

        shown = self._pairs.joined(question, find)
        found = Ranking(question, ranking.embedding, ranking.answered_by, shown)
        found.modes, found.unknown, found.seconds = ranking.modes, ranking.unknown, ranking.seconds
        found.page(0, question.limit)
        return found

    def _judge(self, question: Question) -> Judge:
        return Judge(self._calibration.of(question))

    def _any_passes(self, question: Question) -> bool:
        return bool(self._retrieval.latest(question, 1))

    # -- other readings --------------------------------------------------------------------------

    def _reconsidered(self, ranking: Ranking, deadline: Deadline, warnings: list[str]) -> Ranking:
        """The ranking, or that of another reading if it has no good match; adds warnings."""
        question, embedding = ranking.question, ranking.embedding
        found = ranking.page(0, question.limit)
        if question.only_conditions and not ranking.convincing:
            # The words of dropped conditions match nothing: use only the other conditions.
            modes, question = ranking.modes, structs.replace(question, terms=())
            ranking = self._ranked(question, None, deadline, warnings)
            ranking.modes = modes
            ranking.page(0, question.limit)
            return ranking
        warnings += cut_warning(embedding)
        if words_left_out(question.words):
            warnings.append(f"only the first {MAX_WORDS} words were looked up in file names")
        if not ranking.convincing and question.plain is not None:
            other = self._other_reading(question, embedding, deadline) if embedding else None
            if other is not None:
                modes = ranking.modes
                reading, ranking = other
                ranking.modes = modes
                found = ranking.page(0, question.limit)
                warnings.append(f"read as {reading!r}: the same keys in another keyboard layout")
            elif self._scripts is not None and ranking.modes.used == "local":
                languages = self.spec.languages
                warnings += foreign_script_warning(question.plain, self.spec.name, languages)
                if embedding and self.spec.tokenizer.words:
                    unknown, _ = self._unexplained(_not_read(embedding.unknown, question))
                    warnings += spelling_warning(unknown)
        ranking.unknown, awaited = self._unexplained(_unknown(ranking, found))
        warnings += awaited_warning(awaited)
        if not ranking.convincing:
            told = {warning.partition(":")[0] for warning in warnings}
            untold = [word for word in ranking.unknown if word not in told]
            warnings += label_warning(untold, self._vocabulary)
        return ranking

    def _unexplained(self, unknown: Sequence[str]) -> tuple[list[str], list[str]]:
        """Those of the unknown words that the library does not have, either; and those that may be
        places, which are not looked up yet.
        """
        unknown = undescribed(self._shared.database, unknown)
        awaited = self._places.awaited(unknown)
        return [word for word in unknown if word not in awaited], awaited

    def _other_reading(
        self, question: Question, embedding: QueryEmbedding, deadline: Deadline
    ) -> tuple[str, Ranking] | None:
        """Results for the text as typed in another keyboard layout, if convincing."""
        answers = []
        for reading in self._other_texts(question, embedding):
            if deadline.remaining < 2 * RESERVE_SECONDS:
                break
            with contextlib.suppress(PhotosdError):
                ranking = self._embedded(_read_as(question, reading), deadline)
                found = ranking.page(0, question.limit)
                # Without a list of known words, only the results can tell whether the text is
                # meaningful.
                strong = any(one.strength == "strong" for one in found)
                distinctive = strong or bool(self.spec.tokenizer.words)
                if distinctive and ranking.convincing:
                    answers.append((found[0].score, reading, ranking))
        best = max(answers, key=lambda one: one[0], default=None)
        return None if best is None else best[1:]

    def _other_texts(self, question: Question, embedding: QueryEmbedding) -> list[str]:
        """The words as typed in other keyboard layouts; none if the model knows most of them."""
        if self.spec.tokenizer.words and embedding.understood >= MIN_KNOWN:
            return []
        return other_layouts(question.words, self._scripts)


def _good(found: Sequence[FoundPhoto]) -> list[str]:
    return [one.content for one in found if one.strength != "weak"]


def _any_convincing(verdicts: dict[str, Match]) -> bool:
    return any(verdict.convincing for verdict in verdicts.values())


def _read_as(question: Question, reading: str) -> Question:
    terms = (QuestionTerm(1.0, normalise(reading)),)
    return structs.replace(question, terms=terms, hints=())


def _read_as_parts(question: Question) -> list[ReadPart]:
    """What was read of a question, in the protocol's form."""
    return [
        ReadPart(kind=one.kind, start=one.start, end=one.end, text=one.text, value=one.value)
        for one in (question.reading.parts if question.reading is not None else ())
    ]


def _unknown(ranking: Ranking, found: Sequence[FoundPhoto]) -> list[str]:
    """The words that the model does not know, except those that matched names or metadata."""
    embedding = ranking.embedding
    if embedding is None or not embedding.unknown:
        return []
    good = [one for one in found if one.strength != "weak"]
    known = {word for one in good for word in wording.words(wording.read(one.path or b""))}
    if any(one.every_word for one in good):  # `fern` matches `ferns`
        known.update(wording.words(ranking.question.words))
    unknown = _not_read(embedding.unknown, ranking.question)
    named = " ".join([wording.read(one.path) for one in good if one.path is not None])
    return [word for word in unknown if not _among(word, known) and not _is_sign_in(word, named)]


def _not_read(unknown: Sequence[str], question: Question) -> list[str]:
    """Without the words of conditions that were left out, and without `my` and the like."""
    known = question.understood | STOP_WORDS
    return [word for word in unknown if not _among(word, known)]


def _among(word: str, known: Collection[str]) -> bool:
    """Whether it consists of these words (folded); an emoji has none."""
    words = wording.words(word)
    return bool(words) and all(one in known for one in words)


def _is_sign_in(word: str, names: str) -> bool:
    """Whether it is an emoji that these names of files have."""
    return not wording.words(word) and word in names
