"""Embeds queries: each term, words or a picture, becomes a unit vector; the sum is normalised.

Pictures of the library have a vector; other pictures are read and encoded. Any file the user can
read is accepted; decoders handle untrusted files.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import stat
import time
from typing import TypeVar

import msgspec
import numpy as np

from photosd.core.clock import Deadline
from photosd.core.errors import (
    BadRequest,
    DeadlineExceeded,
    EncoderUnavailable,
    NotFound,
    UnreadablePhoto,
)
from photosd.core.log import printable
from photosd.decode.decode_errors import NO_PHOTO, DecodeFailed, TooSlow
from photosd.decode.pool import Shape
from photosd.encoder.supervisor import EncoderDied, Supervisor
from photosd.index.matrix import Vectors
from photosd.index.shared_resources import SharedResources
from photosd.index.vectors import VectorStore
from photosd.search.likeness import middle_of
from photosd.search.parsing import Question, QuestionTerm
from photosd.search.query_cache import QueryCache, QueryEmbedding, normalise
from photosd.search.reading import NameHint
from photosd.watch.filesystem import NotAnswering
from photosd.watch.filesystems import Filesystems

T = TypeVar("T")
RESERVE_SECONDS = 0.25  # reserved after encoding, to fall back and reply within the deadline
BACKGROUND_SECONDS = 20.0  # for background work: queries have priority
CANCELLED = 1e-3  # below this length a sum has no direction


class Aspect(msgspec.Struct, frozen=True):
    """Words, which may match names, and their embedding by our model (None: unknown)."""

    words: str
    embedding: QueryEmbedding | None
    source: str = "clip"


class Hinted(msgspec.Struct, frozen=True):
    """A tag, person or place that the query names, and the embedding of the other words."""

    hint: NameHint
    aspect: Aspect


class ExamplePictures:
    """Vectors of picture files by one model. Any thread may use it."""

    def __init__(
        self, shared: SharedResources, store: VectorStore, encoder: Supervisor, shape: Shape
    ) -> None:
        self._shared, self._store, self._encoder, self._shape = shared, store, encoder, shape

    def vector(self, path: bytes, content: str | None, deadline: Deadline) -> tuple[Vectors, bool]:
        """The unit vector (d,) float32 of a picture, and whether it was known.

        ``content``: its content id if the library has it. Raises NotFound, BadRequest,
        UnreadablePhoto, DeadlineExceeded or the encoder's errors.
        """
        if content is not None and (known := self._stored(content)) is not None:
            return known, True
        _require_file(path, self._shared.folders.filesystems)
        future = self._shared.pool.decode(path, self._shape, urgent=True, deadline=deadline)
        try:
            decoded = _wait(future, deadline)
        except TooSlow as error:
            raise _late("read") from error
        except DecodeFailed as error:
            remedy = "name a picture file" if error.remedy == NO_PHOTO else error.remedy
            raise UnreadablePhoto(f"{printable(path)}: {error.reason}", remedy=remedy) from error
        if (known := self._stored(decoded.content_id)) is not None:  # a copy from elsewhere
            return known, True
        try:
            tiles = _wait(self._encoder.encode_images(decoded.pixels, deadline=deadline), deadline)
        except EncoderDied as error:
            raise EncoderUnavailable(
                f"the encoder crashed on {printable(path)}: {error.reason}",
                remedy="try another picture",
                retry_after_ms=3000,
            ) from error
        return middle_of(tiles), False

    def _stored(self, content: str) -> Vectors | None:
        tiles = self._store.vectors_of([content]).get(content)
        return None if tiles is None else middle_of(tiles)


def _require_file(path: bytes, filesystems: Filesystems) -> None:
    try:
        mode = filesystems.ask(filesystems.resolve(path), "state")[0]
    except FileNotFoundError as error:
        raise NotFound(
            f"no such file: {printable(path)}", remedy="check the name of the picture"
        ) from error
    except NotAnswering as error:
        raise UnreadablePhoto(
            f"{printable(path)}: its disk or share does not answer",
            remedy="wait until it answers again, or copy the picture to a local disk",
        ) from error
    except OSError as error:
        raise UnreadablePhoto(
            f"{printable(path)}: {error.strerror}", remedy="check the permissions of the file"
        ) from error
    if not stat.S_ISREG(mode):
        raise BadRequest(f"{printable(path)} is not a file", remedy="name a picture file")


def _wait(future: concurrent.futures.Future[T], deadline: Deadline) -> T:
    try:
        return future.result(timeout=deadline.remaining)
    except concurrent.futures.TimeoutError as error:
        with contextlib.suppress(Exception):
            future.cancel()
        raise _late("encoded") from error


def _late(what: str) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"the picture could not be {what} in time", remedy="try again", retry_after_ms=1000
    )


class QueryEmbedder:
    """Embeddings of queries by one model. Any thread may use it."""

    def __init__(
        self, encoder: Supervisor, remembered: QueryCache, pictures: ExamplePictures
    ) -> None:
        self._encoder, self._remembered, self._pictures = encoder, remembered, pictures

    def of(self, question: Question, deadline: Deadline) -> tuple[QueryEmbedding, bool]:
        """The embedding, and whether all of it was cached; encodes the words of its hints, too.

        Raises BadRequest if the terms cancel out, and errors of encoding.
        """
        inner = Deadline(max(time.monotonic(), deadline.at - RESERVE_SECONDS))
        texts = [term.text for term in question.terms if term.text]
        texts += [normalise(hint.rest) for hint in question.hints]
        embeddings, known = self.of_texts(texts, inner) if texts else ({}, True)
        parts: list[tuple[QuestionTerm, QueryEmbedding]] = []
        for term in question.terms:
            if term.path is None:
                parts.append((term, embeddings[term.text]))
                continue
            vector, stored = self._pictures.vector(term.path, term.content, inner)
            known = known and stored
            parts.append((term, QueryEmbedding(vector, 1.0, [])))
        return _sum(parts), known

    def hinted(self, question: Question) -> list[Hinted]:
        """Its hints, as far as the embeddings of their words are cached."""
        found = [(hint, normalise(hint.rest)) for hint in question.hints]
        known = [(hint, text, self._remembered.get(text)) for hint, text in found]
        return [
            Hinted(hint, Aspect(text, embedding))
            for hint, text, embedding in known
            if embedding is not None
        ]

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
