"""The engine: answers a query within its deadline, by the best available method.

A cached or new vector, else words in file names, else an error with the reason and when to retry
(docs/adr/0006: every query is answered).
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Sequence

import structlog
from msgspec import structs

from photosd.core.clock import Deadline
from photosd.core.config import SearchSettings
from photosd.core.errors import BadRequest, NotFound, PhotosdError, UnreadablePhoto
from photosd.core.log import printable
from photosd.decode.pool import Shape
from photosd.encoder.supervisor import Supervisor
from photosd.gemini.asking import Outside
from photosd.index import wording
from photosd.index.shared_resources import SharedResources
from photosd.index.vectors import VectorStore
from photosd.models.spec import ModelSpec
from photosd.protocol.messages import QueryParams, QueryResult, Timings
from photosd.search.advice import Advisor
from photosd.search.aspects import NO_GEMINI, Aspect, GeminiRanking, best_understood
from photosd.search.calibration import Calibration
from photosd.search.example_pictures import ExamplePictures
from photosd.search.hits import FoundPhoto, Hits
from photosd.search.keyboard_layouts import (
    cut_warning,
    foreign_script_warning,
    other_layouts,
    spelling_warning,
)
from photosd.search.names import MOST_WORDS, words_left_out
from photosd.search.query_embedding import RESERVE_SECONDS, QueryEmbedder
from photosd.search.question import Question, QuestionTerm, question_of
from photosd.search.ranking import Cursor, Ranking, Rankings, lay_out
from photosd.search.remembered import QueryEmbedding, RememberedQueries, normalise
from photosd.search.retrieval import Retrieval
from photosd.search.strength import Judge, Match

log = structlog.get_logger()

REHEARSAL = "a rehearsal of the first query"
REHEARSALS = 5


class Engine:
    """Searches one model's vectors. Any thread may use it.

    It does not know the cloud: permission to send comes with the query (`query_with`).
    """

    def __init__(
        self,
        spec: ModelSpec,
        encoder: Supervisor,
        store: VectorStore,
        shared: SharedResources,
    ) -> None:
        self._spec, self._store, self._shared = spec, store, shared
        self._remembered = RememberedQueries(shared.database, spec.fingerprint, shared.remembers)
        self._pictures = ExamplePictures(shared, store, encoder, Shape.of(spec.preprocess))
        self._embedder = QueryEmbedder(encoder, self._remembered, self._pictures)
        self._calibration = Calibration(spec, store, shared.contents, self._embedder)
        self._retrieval = Retrieval(store, shared)
        self._hits = Hits(shared.catalog, shared.contents, shared.folders)
        self._rankings = Rankings()
        self._latin_only = set(spec.languages) == {"en"}
        self._advisor = Advisor(self._embedder, latin_only=self._latin_only)

    def query(self, params: QueryParams) -> QueryResult:
        """The nearest photos, by local means: nothing is sent, whatever the mode.

        Raises PhotosdError if nothing can answer in time.
        """
        return self._query(params, None)

    def query_with(self, params: QueryParams, outside: Outside) -> QueryResult:
        """As `query`; the words may be sent with ``outside``, as consent and mode allow."""
        return self._query(params, outside)

    def _query(self, params: QueryParams, outside: Outside | None) -> QueryResult:
        started, deadline = time.perf_counter(), Deadline.after(params.deadline_ms / 1000)
        warnings: list[str] = []
        if params.cursor is None:
            ranking = self._begin(self._question(params), outside, deadline, warnings)
            cursor = Cursor()
        else:
            ranking, cursor = self._rankings.find(params.cursor)
        encoded = time.perf_counter()
        limit = params.limit or ranking.question.limit
        found = ranking.page(cursor.place, limit)
        if params.cursor is None:
            warnings += cut_warning(ranking.embedding)
        if params.cursor is None and words_left_out(ranking.question.words):
            warnings.append(f"only the first {MOST_WORDS} words were looked up in file names")
        if params.cursor is None and not ranking.convincing:
            ranking, found = self._second_thoughts(ranking, found, limit, deadline, warnings)
        if params.cursor is None:
            ranking.unknown = _unknown(ranking.embedding, found)
        log.debug("query", text=ranking.question.words, answered_by=ranking.answered_by)
        return self._answer(params, ranking, cursor, found, (started, encoded), warnings)

    def match(
        self, question: Question, contents: Sequence[str], deadline: Deadline
    ) -> dict[str, Match]:
        """The rating of each of these contents for a query; those without a vector are left out.

        Only the folders of the filter are applied, and only to names: the caller checks where a
        photo is. Another keyboard layout is tried as in a query: if the library has no match for
        the text as typed. Raises the errors of encoding the query.
        """
        verdicts = self._verdicts(question, contents, deadline)
        if any(verdict.convincing for verdict in verdicts.values()):
            return verdicts
        telling = False
        for reading in other_layouts(question.words, latin_only=self._latin_only):
            again = self._verdicts(_read_as(question, reading), contents, deadline)
            telling = telling or any(verdict.convincing for verdict in again.values())
        if not telling:
            return verdicts
        embedding, _ = self._embedder.of(question, deadline)
        own = self._ranking(question, [Aspect(question.words, embedding)], "vector")
        own.page(0, question.limit)
        other = None if own.convincing else self._other_reading(question, question.limit, deadline)
        if other is None:
            return verdicts
        return self._verdicts(_read_as(question, other[0]), contents, deadline)

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

    def rehearse(self, seconds: float) -> bool:
        """Run a test query, so that the first real one finds all pages in memory.

        Waits for the encoder, at most ``seconds``; returns False if it is not ready, which real
        queries will report.
        """
        question = Question((QuestionTerm(1.0, REHEARSAL),))
        with contextlib.suppress(PhotosdError):
            for _ in range(REHEARSALS):
                self._remembered.get(REHEARSAL)
                embedding = self._embedder.encode([REHEARSAL], Deadline.after(seconds))[REHEARSAL]
                aspects = [Aspect(question.words, embedding)]
                judge = self._judge(question)
                found = self._retrieval.find(question, aspects, judge, SearchSettings().limit)
                self._hits.of(found)
                self._shared.coverage()
            self._calibration.begin()
            return True
        return False

    def follow(self) -> None:
        """Recalibrate in the background after a change of the library."""
        self._calibration.follow_aside()

    # -- one answer ---------------------------------------------------------------------------

    def _question(self, params: QueryParams) -> Question:
        question = question_of(params, self._shared.folders.real)
        if question.where is not None:
            self._refuse_strange_places(question.where.below)
        if params.others:
            pictures = [term.path for term in question.terms if term.path is not None]
            found = map(self._pictures.content_of, pictures)
            question = structs.replace(question, but=frozenset(filter(None, found)))
        return question

    def _refuse_strange_places(self, directories: Sequence[bytes]) -> None:
        for directory in directories:
            if not self._shared.catalog.has_below(directory):
                shown = printable(directory)
                watched = self._shared.folders.containing(directory) is not None
                more = "photosd index --wait" if watched else f"photosd add '{shown}'"
                raise NotFound(
                    f"there are no indexed photos in {shown}",
                    remedy=f"photosd folders; to index it: {more}",
                )

    def _judge(self, question: Question) -> Judge:
        return Judge(self._calibration.of(question))

    def _begin(
        self, question: Question, outside: Outside | None, deadline: Deadline, warnings: list[str]
    ) -> Ranking:
        """Start the request to Gemini, if enabled; our search runs meanwhile."""
        asked = self._advisor.ask(question, outside)
        own = self._own(question, deadline)
        embedding = own.embedding if isinstance(own, Ranking) else None
        advice = self._advisor.hear(asked, Aspect(question.words, embedding), deadline)
        if advice.aspects:
            known = "cached_embedding" if advice.known else "vector"
            ranking = self._ranking(question, advice.aspects, known, advice.remote)
        elif isinstance(own, Ranking):
            ranking = own
        else:
            ranking = self._by_name(question, own, warnings)
        ranking.modes = advice.modes
        return ranking

    def _own(self, question: Question, deadline: Deadline) -> Ranking | PhotosdError:
        """Our model's results, with the first page; or why it is unavailable."""
        try:
            embedding, known = self._embedder.of(question, deadline)
            answered_by = "cached_embedding" if known else "vector"
            ranking = self._ranking(question, [Aspect(question.words, embedding)], answered_by)
            ranking.page(0, question.limit)
        except (BadRequest, NotFound, UnreadablePhoto):
            raise
        except PhotosdError as error:
            return error
        return ranking

    def _by_name(self, question: Question, trouble: PhotosdError, warnings: list[str]) -> Ranking:
        """Photos matched by name; raises the original error if there are none."""
        find = functools.partial(self._retrieval.by_name, question)
        if not find(1):
            raise trouble
        warnings.append(f"{trouble.title}: matched words in file names instead")
        return Ranking(question, None, "text_match", find)

    def _ranking(
        self,
        question: Question,
        aspects: Sequence[Aspect],
        answered_by: str,
        remote: GeminiRanking = NO_GEMINI,
    ) -> Ranking:
        judge, best = self._judge(question), best_understood(aspects)
        find = functools.partial(self._retrieval.find, question, aspects, judge, remote=remote)
        if best is None:
            return Ranking(question, None, "gemini", find)
        return Ranking(question, best.embedding, answered_by, find)

    def _answer(
        self,
        params: QueryParams,
        ranking: Ranking,
        cursor: Cursor,
        found: list[FoundPhoto],
        times: tuple[float, float],
        warnings: list[str],
    ) -> QueryResult:
        embedding, (started, encoded) = ranking.embedding, times
        question, limit = ranking.question, params.limit or ranking.question.limit
        same = self._hits.of(found, every_copy=question.every_copy, where=question.where)
        hits, after = lay_out(same, cursor, limit)
        if not found and cursor.place == 0 and question.where is not None:
            warnings.append("no photo passes these filters")
        if after is not None:
            after = self._rankings.keep(ranking, after)
        done = time.perf_counter()
        return QueryResult(
            version=1,
            query=question.asked,
            mode_used=ranking.modes.used,
            fallback_reason=ranking.modes.fallback_reason,
            model=self._spec.name,
            answered_by=ranking.answered_by,
            convincing=ranking.convincing,
            understood=round(embedding.understood, 3) if embedding else 1.0,
            unknown=ranking.unknown,
            hits=hits,
            coverage=self._shared.coverage(),
            timings_ms=Timings(
                encode=round(1000 * (encoded - started), 2),
                search=round(1000 * (done - encoded), 2),
                total=round(1000 * (time.perf_counter() - started), 2),
            ),
            warnings=warnings,
            cursor=str(after) if after is not None else None,
            mode_requested=ranking.modes.requested,
        )

    # -- other readings --------------------------------------------------------------------------

    def _second_thoughts(
        self,
        ranking: Ranking,
        found: list[FoundPhoto],
        limit: int,
        deadline: Deadline,
        warnings: list[str],
    ) -> tuple[Ranking, list[FoundPhoto]]:
        """Another reading of a query without good matches, or a warning about the reason."""
        text = ranking.question.plain
        if text is None:
            return ranking, found
        other = (
            self._other_reading(ranking.question, limit, deadline) if ranking.embedding else None
        )
        if other is not None:
            modes = ranking.modes
            reading, ranking, found = other
            ranking.modes = modes
            warnings.append(f"read as {reading!r}: the same keys in another keyboard layout")
        elif self._latin_only and ranking.modes.used == "local":
            warnings += foreign_script_warning(text, self._spec.name)
            if ranking.embedding and self._spec.tokenizer.words:
                warnings += spelling_warning(ranking.embedding.unknown)
        return ranking, found

    def _other_reading(
        self, question: Question, limit: int, deadline: Deadline
    ) -> tuple[str, Ranking, list[FoundPhoto]] | None:
        """Results for the text as typed in another keyboard layout, if convincing."""
        answers = []
        for reading in other_layouts(question.words, latin_only=self._latin_only):
            if deadline.remaining < 2 * RESERVE_SECONDS:
                break
            with contextlib.suppress(PhotosdError):
                again = _read_as(question, reading)
                embedding, _ = self._embedder.of(again, deadline)
                ranking = self._ranking(again, [Aspect(again.words, embedding)], "vector")
                found = ranking.page(0, limit)
                # Without a list of known words, only the results can tell whether the text is
                # meaningful.
                strong = any(one.strength == "strong" for one in found)
                telling = strong or bool(self._spec.tokenizer.words)
                if telling and ranking.convincing:
                    answers.append((reading, ranking, found))
        return max(answers, key=lambda one: one[2][0].score, default=None)


def _read_as(question: Question, reading: str) -> Question:
    return structs.replace(question, terms=(QuestionTerm(1.0, normalise(reading)),))


def _unknown(embedding: QueryEmbedding | None, found: Sequence[FoundPhoto]) -> list[str]:
    """The words that the model does not know, except those that matched names."""
    if embedding is None or not embedding.unknown:
        return []
    names = [one.path for one in found if one.path is not None and one.strength != "weak"]
    known = {word for name in names for word in wording.words(wording.read(name))}
    return [word for word in embedding.unknown if not known.issuperset(wording.words(word))]
