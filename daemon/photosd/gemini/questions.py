"""Requests for queries: answered from the cache, or by Gemini in a thread during the search."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import numpy as np

from photosd.core import typed
from photosd.core.clock import Deadline
from photosd.core.config import CloudSettings
from photosd.core.errors import CloudUnavailable, PhotosdError
from photosd.gemini import rewriter
from photosd.gemini.answer_cache import AnswerCache
from photosd.gemini.breaker import Attempt, Breaker
from photosd.gemini.consent import Purpose
from photosd.gemini.gate import Charge, Gate
from photosd.gemini.pending_question import GeminiFindings, PendingQuestion, answered
from photosd.gemini.vector_table import GeminiTable
from photosd.gemini.worker_messages import Vectors
from photosd.index.vectors import VectorStore

AT_ONCE = 4  # calls under way; each has a time limit
LATE_SECONDS = 8.0  # an answer too late for its query is cached for the next one
TOKENS_OUT = 256
# Outstanding results are nearer to a query than photos usually are.
SAMPLE = 512  # photos in the sample
FEW = 24  # fewer do not show what is usual
DEVIATIONS = 2.5
FIRST = 3  # of the results, shown in any case
NOT_ITS_FAULT = ("budget", "busy", "nothing_sent")


class Questions:
    """Any thread may use it. Cached answers are not requested again."""

    def __init__(self, gate: Gate, remote: GeminiTable, answers: AnswerCache) -> None:
        self._gate, self._remote, self._answers = gate, remote, answers
        self.breaker = Breaker()
        self._background = _Baseline()
        self._threads: ThreadPoolExecutor | None = None
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()

    def ask(self, mode: str, purpose: Purpose, text: str, count: int) -> PendingQuestion:
        """Start a request about a query (normalised); ``mode`` is permitted for this purpose.

        Returns at once.
        """
        settings, text = self._gate.settings, text[: rewriter.QUERY_CHARACTERS]
        try:
            if (found := self._remembered(mode, text, count, settings)) is not None:
                return answered(mode, found)
            attempt, ready = self.breaker.attempt(), self._gate.ready
            work = self._rewrite if mode == "hybrid" else self._embed
            future = self._begin(
                lambda: self._bound(attempt, lambda: work(purpose, text, count, settings))
            )
        except PhotosdError as error:
            return answered(mode, error)
        wait = 0.0 if attempt.probe else settings.deadline_seconds
        timed = attempt if ready else None  # a starting worker is not a failure of Gemini
        return PendingQuestion(mode, future, Deadline.after(wait), timed, settings.deadline_seconds)

    def warm_up(self) -> None:
        """Start the worker, and open the table, before a query needs them."""
        self._executor().submit(self._gate.worker)
        self._executor().submit(self._remote.open, self._gate.settings)

    def close(self) -> None:
        """Start nothing more."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
        self._answers.close()

    # -- from the cache ---------------------------------------------------------------------------

    def _remembered(
        self, mode: str, text: str, count: int, settings: CloudSettings
    ) -> GeminiFindings | None:
        if mode == "hybrid":
            kept = self._answers.get(_rewritten(settings), text)
            return (
                None if kept is None else GeminiFindings(prompts=typed.from_json(kept, list[str]))
            )
        store = self._remote.ready(settings)
        if store is None or not len(store):
            raise CloudUnavailable(
                "no photo was sent to Gemini yet",
                remedy="photosd add --cloud DIR; photosd cloud status",
                reason="nothing_sent",
            )
        kept = self._answers.get(_embedded(settings), text)
        if kept is None or len(kept) != 4 * settings.dimensions:
            return None
        return self._found(store, np.frombuffer(kept, np.float32), count)

    def _found(self, store: VectorStore, vector: Vectors, count: int) -> GeminiFindings:
        nearest = store.nearest(vector, count)
        return GeminiFindings(
            nearest=nearest, outstanding=self._background.outstanding(store, vector, nearest)
        )

    # -- by request -------------------------------------------------------------------------------

    def _rewrite(
        self, purpose: Purpose, text: str, _count: int, settings: CloudSettings
    ) -> GeminiFindings:
        rate_in, rate_out = settings.usd_per_million_in / 1e6, settings.usd_per_million_out / 1e6
        size = len(text.encode("utf-8", "replace"))

        most = (len(rewriter.INSTRUCTION) / 3 + size) * rate_in + TOKENS_OUT * rate_out
        generation = self._answers.generation
        written = self._gate.send(
            Charge("rewrite", purpose, "hybrid", settings.text_model, 1, size, most),
            lambda worker: worker.write(
                settings.text_model, rewriter.INSTRUCTION, text, rewriter.SCHEMA, LATE_SECONDS
            ),
            lambda written: written.usd(settings),
        )
        prompts = rewriter.captions(written.text)
        self._answers.put(_rewritten(settings), text, msgspec.json.encode(prompts), generation)
        return GeminiFindings(prompts=prompts)

    def _embed(
        self, purpose: Purpose, text: str, count: int, settings: CloudSettings
    ) -> GeminiFindings:
        size = len(text.encode("utf-8", "replace"))
        price = (size + 16) * settings.usd_per_million_embedded / 1e6
        generation = self._answers.generation
        vector: Vectors = self._gate.send(
            Charge("embed_query", purpose, "gemini", settings.embedding_model, 1, size, price),
            lambda worker: worker.embed_query(
                settings.embedding_model, text, settings.dimensions, LATE_SECONDS
            ),
        )
        self._answers.put(_embedded(settings), text, vector.tobytes(), generation)
        if (store := self._remote.ready(settings)) is None:
            raise CloudUnavailable("Gemini's data was deleted meanwhile", reason="nothing_sent")
        return self._found(store, vector, count)

    def _bound(self, attempt: Attempt, work: Callable[[], GeminiFindings]) -> GeminiFindings:
        """Run the work; the breaker gets its outcome."""
        begun, limit = time.monotonic(), self._gate.settings.deadline_seconds
        try:
            found = work()
        except CloudUnavailable as error:
            if error.reason not in NOT_ITS_FAULT:
                attempt.failed(error)
            raise
        if time.monotonic() - begun <= limit or attempt.probe:
            attempt.succeeded()
        return found

    def _begin(self, work: Callable[[], GeminiFindings]) -> Future[GeminiFindings]:
        if not self._places.acquire(blocking=False):
            raise CloudUnavailable("too many requests to Gemini are under way", reason="busy")
        try:
            future = self._executor().submit(work)
        except RuntimeError:  # closing
            self._places.release()
            raise CloudUnavailable("photosd is stopping", reason="busy") from None
        future.add_done_callback(lambda _: self._places.release())
        return future

    def _executor(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(AT_ONCE, "cloud")
            return self._threads


def _rewritten(settings: CloudSettings) -> str:
    return f"rewrite/{rewriter.VERSION}/{settings.text_model}"


def _embedded(settings: CloudSettings) -> str:
    return f"embed/{settings.embedding_model}/{settings.dimensions}"


class _Baseline:
    """What is usual: a sample of a table's vectors, renewed when the table has grown by half."""

    def __init__(self) -> None:
        self._vectors: Vectors | None = None
        self._taken_at = 0

    def outstanding(
        self, store: VectorStore, question: Vectors, nearest: Sequence[tuple[str, float]]
    ) -> int:
        """How many of the first of ``nearest`` are nearer than photos usually are.

        Gemini gives no scale for its cosines; with few photos there is no estimate.
        """
        vectors = self._sample(store)
        if vectors is None or len(vectors) < FEW:
            return min(FIRST, len(nearest))
        cosines = vectors @ question
        # Median and quartile range, since the matching photos are in the sample as well.
        middle = float(np.median(cosines))
        deviation = 1.4826 * float(np.median(np.abs(cosines - middle)))
        least = middle + DEVIATIONS * max(deviation, 1e-6)
        return sum(1 for _ in itertools.takewhile(lambda one: one[1] >= least, nearest))

    def _sample(self, store: VectorStore) -> Vectors | None:
        rows = len(store)
        if self._vectors is None or not self._taken_at / 1.5 <= rows <= 1.5 * self._taken_at:
            contents = sorted(store.contents())  # content ids are hashes after a size
            step = max(1, len(contents) // SAMPLE)
            found = store.vectors_of(contents[::step][:SAMPLE])
            self._vectors = np.concatenate(list(found.values())) if found else None
            self._taken_at = rows
        return self._vectors
