"""Embeds queries: each term a unit vector, weighted, summed, normalised."""

from __future__ import annotations

import concurrent.futures
import time

import numpy as np

from photosd.core.clock import Deadline
from photosd.core.errors import BadRequest, DeadlineExceeded
from photosd.encoder.supervisor import Supervisor
from photosd.search.example_pictures import ExamplePictures
from photosd.search.question import Question, QuestionTerm
from photosd.search.remembered import QueryEmbedding, RememberedQueries

RESERVE_SECONDS = 0.25  # reserved after encoding, to fall back and reply within the deadline
BACKGROUND_SECONDS = 20.0  # for background work: queries have priority
CANCELLED = 1e-3  # below this length a sum has no direction


class QueryEmbedder:
    """Embeddings of queries by one model. Any thread may use it."""

    def __init__(
        self, encoder: Supervisor, remembered: RememberedQueries, pictures: ExamplePictures
    ) -> None:
        self._encoder, self._remembered, self._pictures = encoder, remembered, pictures

    def of(self, question: Question, deadline: Deadline) -> tuple[QueryEmbedding, bool]:
        """The embedding, and whether all of it was cached.

        Raises BadRequest if the terms cancel out, and errors of encoding.
        """
        inner = Deadline(max(time.monotonic(), deadline.at - RESERVE_SECONDS))
        texts = [term.text for term in question.terms if term.text]
        embeddings, known = self.of_texts(texts, inner) if texts else ({}, True)
        parts: list[tuple[QuestionTerm, QueryEmbedding]] = []
        for term in question.terms:
            if term.path is None:
                parts.append((term, embeddings[term.text]))
                continue
            vector, stored = self._pictures.vector(term.path, inner)
            known = known and stored
            parts.append((term, QueryEmbedding(vector, 1.0, [])))
        return _sum(parts), known

    def of_texts(
        self, texts: list[str], deadline: Deadline | None, *, cloud: bool = False
    ) -> tuple[dict[str, QueryEmbedding], bool]:
        """Embeddings of normalised texts, and whether all were cached.

        No ``deadline``: background work, with lowest priority. ``cloud``: the texts are Gemini's.
        """
        generation = self._remembered.generation
        found = {text: self._remembered.get(text) for text in texts}
        wanted = [text for text, embedding in found.items() if embedding is None]
        fresh = self.encode(wanted, deadline) if wanted else {}
        for text, embedding in fresh.items():
            if embedding.words_used is None:  # others are rare, and each answer has to report it
                self._remembered.put(text, embedding, generation, cloud=cloud)
        return {text: embedding or fresh[text] for text, embedding in found.items()}, not wanted

    def encode(self, texts: list[str], deadline: Deadline | None) -> dict[str, QueryEmbedding]:
        """Embeddings of these texts; raises the encoder's errors, or DeadlineExceeded."""
        future = self._encoder.encode_texts(texts, deadline)
        left = BACKGROUND_SECONDS if deadline is None else deadline.remaining
        try:
            answer = future.result(timeout=left + RESERVE_SECONDS / 2)
        except concurrent.futures.TimeoutError as error:
            future.cancel()
            raise DeadlineExceeded(
                "the encoder did not answer in time", remedy="photosd status", retry_after_ms=1000
            ) from error
        return {
            text: QueryEmbedding(answer.vectors[n], answer.understood[n], answer.unknown[n], used)
            for n, (text, used) in enumerate(zip(texts, answer.words_used, strict=True))
        }


def _sum(parts: list[tuple[QuestionTerm, QueryEmbedding]]) -> QueryEmbedding:
    """The sum of embeddings; how much was understood is weighted in the same way."""
    if len(parts) == 1:
        return parts[0][1]
    total = np.zeros_like(parts[0][1].vector)
    for term, embedding in parts:
        total = total + np.float32(term.weight) * embedding.vector
    length = float(np.linalg.norm(total))
    if length < CANCELLED:
        raise BadRequest("the terms cancel each other out", remedy="leave one of them out")
    weights = [abs(term.weight) for term, _ in parts]
    understood = sum(w * m.understood for w, (_, m) in zip(weights, parts, strict=True))
    unknown = [word for _, embedding in parts for word in embedding.unknown]
    return QueryEmbedding(
        (total / length).astype(np.float32),
        understood / sum(weights),
        list(dict.fromkeys(unknown)),
        min((m.words_used for _, m in parts if m.words_used is not None), default=None),
    )
