"""The engine: answers a query within its deadline, by the best means that is left.

A fresh or remembered vector, else words in file names, else an error that says why and when to
try again (docs/explanation: never hangs).
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import time
from collections.abc import Callable
from typing import Any

import structlog

from photosd.core.clock import Deadline
from photosd.core.config import Search
from photosd.core.errors import BadRequest, DeadlineExceeded, PhotosdError
from photosd.encoder.supervisor import Supervisor
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.index.vectors import VectorStore
from photosd.ipc.messages import Coverage, Hit, QueryParams, QueryResult, Timings
from photosd.ipc.paths import path_fields
from photosd.models.spec import ModelSpec
from photosd.search.readings import foreign_script_warning, readings
from photosd.search.remembered import Meaning, RememberedQueries, normalise
from photosd.search.words import match_words

log = structlog.get_logger()

RESERVE_SECONDS = 0.25  # kept back from the encoder, to fall back and reply within the deadline
REHEARSAL = "a rehearsal of the first query"
REHEARSALS = 5
OVERSAMPLE = 8  # nearest contents beyond the limit, for those that have no path any more


class Engine:
    """Searches one model's vectors. Any thread may ask."""

    def __init__(
        self,
        spec: ModelSpec,
        encoder: Supervisor,
        store: VectorStore,
        database: Database,
        catalog: Catalog,
        contents: Contents,
        folders: Folders,
        coverage: Callable[[], Coverage],
    ) -> None:
        self._spec, self._encoder, self._store = spec, encoder, store
        self._database, self._catalog, self._contents = database, catalog, contents
        self._folders, self._coverage = folders, coverage
        self._remembered = RememberedQueries(database, spec.fingerprint)
        self._latin_only = set(spec.languages) == {"en"}

    def query(self, params: QueryParams) -> QueryResult:
        """The nearest photos; raises PhotosdError when nothing can answer in time."""
        text = normalise(params.text)
        if not text:
            raise BadRequest("the query is empty", remedy='photosd query "sunset"')
        return self._answer(params, text, Deadline.after(params.deadline_ms / 1000))

    def close(self) -> None:
        """Save what queries left to be saved."""
        self._remembered.close()

    def rehearse(self, seconds: float) -> bool:
        """Answer a query for nobody, so that the first real one finds every page warm.

        Waits for the encoder, at most ``seconds``; false when it did not come up, which is for
        real queries to report.
        """
        with contextlib.suppress(PhotosdError):
            for _ in range(REHEARSALS):
                self._remembered.get(REHEARSAL)
                meaning = self._encode(REHEARSAL, Deadline.after(seconds))
                self._hits(self._nearest(meaning, Search().limit), Search().limit, "vector")
                self._coverage()
            return True
        return False

    def _answer(self, params: QueryParams, text: str, deadline: Deadline) -> QueryResult:
        started, limit = time.perf_counter(), params.limit or Search().limit
        warnings: list[str] = []
        meaning, answered_by = self._remembered.get(text), "cached_embedding"
        if meaning is None:
            try:
                meaning, answered_by = self._encode(text, deadline), "vector"
                self._remembered.put(text, meaning)
            except PhotosdError as error:
                found = match_words(self._database, text, limit)
                if not found:
                    raise
                answered_by = "text_match"
                warnings.append(f"{error.title}: matched words in file names instead")
        encoded = time.perf_counter()
        if meaning is not None:
            found = self._nearest(meaning, limit)
        hits = self._hits(found, limit, answered_by)
        if meaning is None or not self._convincing(hits, meaning):
            other = self._other_reading(text, limit, deadline) if meaning else None
            if other is not None:
                reading, meaning, hits = other
                warnings.append(f"read as {reading!r}: the same keys in another keyboard layout")
            elif self._latin_only:
                warnings += foreign_script_warning(text, self._spec.name)
        log.debug("query", text=text, answered_by=answered_by, hits=len(hits))
        done = time.perf_counter()
        return QueryResult(
            version=1,
            query=params.text,
            mode_used="local",
            fallback_reason=None,
            model=self._spec.name,
            answered_by=answered_by,
            convincing=self._convincing(hits, meaning),
            understood=round(meaning.understood, 3) if meaning else 1.0,
            unknown=meaning.unknown if meaning else [],
            hits=hits,
            coverage=self._coverage(),
            timings_ms=Timings(
                encode=round(1000 * (encoded - started), 2),
                search=round(1000 * (done - encoded), 2),
                total=round(1000 * (time.perf_counter() - started), 2),
            ),
            warnings=warnings,
        )

    def _encode(self, text: str, deadline: Deadline) -> Meaning:
        inner = Deadline(max(time.monotonic(), deadline.at - RESERVE_SECONDS))
        future = self._encoder.encode_texts([text], inner)
        try:
            answer = future.result(timeout=inner.remaining + RESERVE_SECONDS / 2)
        except concurrent.futures.TimeoutError as error:
            future.cancel()
            raise DeadlineExceeded(
                "the encoder did not answer in time", remedy="photosd status", retry_after_ms=1000
            ) from error
        return Meaning(answer.vectors[0], answer.understood[0], answer.unknown[0])

    def _other_reading(
        self, text: str, limit: int, deadline: Deadline
    ) -> tuple[str, Meaning, list[Hit]] | None:
        """What is found when somebody forgot to switch the keyboard, if that convinces."""
        found = []
        for reading in readings(text, latin_only=self._latin_only):
            if deadline.remaining < 2 * RESERVE_SECONDS:
                break
            with contextlib.suppress(PhotosdError):
                meaning = self._remembered.get(reading) or self._encode(reading, deadline)
                self._remembered.put(reading, meaning)
                hits = self._hits(self._nearest(meaning, limit), limit, "vector")
                # Where no list of words tells sense from nonsense, the photos have to.
                strong = bool(hits) and hits[0].strength == "strong"
                if (strong or self._spec.tokenizer.words) and self._convincing(hits, meaning):
                    found.append((reading, meaning, hits))
        return max(found, key=lambda one: one[2][0].score, default=None)

    def _nearest(self, meaning: Meaning, limit: int) -> list[tuple[str, float]]:
        """The nearest contents that have a path; more are asked for until there are enough."""
        count = limit + OVERSAMPLE
        while True:
            nearest = self._store.nearest(meaning.vector, count)
            shown = self._catalog.paths_of([content for content, _ in nearest])
            found = [(content, score) for content, score in nearest if content in shown]
            if len(found) >= limit or len(nearest) < count:
                return found[:limit]
            count *= 4

    def _hits(self, found: list[tuple[str, float]], limit: int, answered_by: str) -> list[Hit]:
        """Photos of these contents, every path of each, best first."""
        contents = [content for content, _ in found]
        paths, facts = self._catalog.paths_of(contents), self._contents.facts_of(contents)
        absent = {folder.id for folder in self._folders.all() if not folder.present}
        hits: list[Hit] = []
        for content, score in found:
            for path, folder in paths.get(content, ()):
                hits.append(
                    Hit(
                        rank=len(hits) + 1,
                        **path_fields(path),
                        score=round(score, 4),
                        strength=self._strength(score, answered_by),
                        sources=["name"] if answered_by == "text_match" else ["clip"],
                        taken_at=_taken_at(facts.get(content)),
                        offline=folder in absent,
                    )
                )
        return hits[:limit]

    def _strength(self, score: float, answered_by: str) -> str:
        if answered_by == "text_match":
            return "fair" if score == 1 else "weak"
        if score >= self._spec.strength.strong:
            return "strong"
        return "fair" if score >= self._spec.strength.fair else "weak"

    def _convincing(self, hits: list[Hit], meaning: Meaning | None) -> bool:
        """Whether somebody looking for this would be content with the first hit."""
        if meaning is not None and meaning.understood == 0:
            return False
        return bool(hits) and hits[0].strength != "weak"


def _taken_at(facts: dict[str, Any] | None) -> float | None:
    return None if facts is None else facts.get("taken_at")
