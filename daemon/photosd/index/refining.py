"""Replaces vectors of previews by those of the full pictures, while photosd is otherwise idle.

A thread decodes the full picture of each content whose vector comes from a preview, and replaces
the vector in place; until then the preview's answers queries. The catalog says what is left, so
an interruption loses at most the vectors of one batch. Full pictures that cannot be decoded keep
their preview.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

import structlog

from photosd.core.background import BackgroundLoop
from photosd.core.errors import EncoderUnavailable
from photosd.decode.decode_errors import DecodeFailed, DecoderDied
from photosd.decode.messages import Source
from photosd.decode.pool import Decoded, Pixels, Shape
from photosd.encoder.encoder_errors import EncoderDied, EncodingFailed
from photosd.index.contents import Contents
from photosd.index.database import Database, listed
from photosd.index.folders import PRESENT
from photosd.index.matrix import Vectors
from photosd.index.rereading import DueContent
from photosd.index.retries import check_pixels, checked_vectors
from photosd.index.table import Embedding

log = structlog.get_logger()

BATCH = 32  # contents of one commit
AT_ONCE = 2  # at decoders, so that others do not wait long
GATHER_SECONDS = 2.0  # after a change of the catalog
BUSY_SECONDS = 2.0  # between checks whether photos are still being indexed
ANSWER_SECONDS = 600.0  # workers have their own limits; this is for stopped ones
RETRY_SECONDS = 600.0  # until photos that could not be read are tried again
NOT_ENCODED = (EncoderUnavailable, EncoderDied, EncodingFailed, TimeoutError)


class PictureReader(Protocol):
    """The decoders' interface."""

    def decode(self, path: bytes, shape: Shape, *, full: bool) -> Future[Decoded]: ...


class ImageEncoder(Protocol):
    """The encoder's interface."""

    def encode_images(self, pixels: Pixels) -> Future[Vectors]: ...


class VectorTable(Protocol):
    """The table's interface."""

    def commit(self, embeddings: Sequence[Embedding]) -> None: ...


class ServedModel(NamedTuple):
    """The model that answers queries."""

    model: str  # its fingerprint
    shape: Shape
    encoder: ImageEncoder
    store: VectorTable


class Refining(BackgroundLoop):
    """Works while photosd is otherwise idle; ``left``: contents still to refine."""

    def __init__(
        self,
        database: Database,
        contents: Contents,
        pool: PictureReader,
        serving: Callable[[], ServedModel],
        on_labels: Callable[[], object],
        *,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """``on_labels`` is called after labels of vectors became due. ``busy``: whether photos are
        being indexed, or indexing is paused.
        """
        super().__init__("refining", gather=GATHER_SECONDS)
        self._database, self._contents, self._pool = database, contents, pool
        self._serving, self._on_labels, self._busy = serving, on_labels, busy
        self._after = ""  # the last content of this round
        self.left = 0
        database.changed.add(self.wake)

    def work(self) -> float:
        """One round."""
        while not self.stopping.is_set() and self.turn():
            pass
        return RETRY_SECONDS

    def turn(self) -> bool:
        """Refine some of them; False at the end of a round. Raises StorageError, Busy."""
        serving = self._serving()
        self.left = self._count(serving.model)
        while self.left and self._busy():
            if self.stopping.wait(BUSY_SECONDS):
                return False
            self.left = self._count(serving.model)  # more come while photos are indexed
        due = self._due(serving.model) if self.left else []
        if not due:
            self._after = ""
            return False
        found: list[tuple[str, Vectors]] = []
        kept: list[str] = []
        for place in range(0, len(due), AT_ONCE):
            if self.stopping.is_set() or (place and self._busy()):  # new photos come first
                break
            part = due[place : place + AT_ONCE]
            self._refine(serving, part, found, kept)
            self._after = part[-1].content
        self._write(serving, found, kept)
        return True

    def _count(self, model: str) -> int:
        with self._database.read() as db:
            row = db.execute(
                "SELECT count(*) FROM embedded WHERE model = ? AND source = 'preview'", (model,)
            ).fetchone()
        return int(row[0])

    def _due(self, model: str) -> list[DueContent]:
        """The next contents with a path in a folder that is not offline."""
        with self._database.read() as db:
            rows = db.execute(
                # The columns without min() are of the same row. CROSS: from due contents to
                # their photos, in order; otherwise each batch goes through all photos.
                "SELECT e.content, min(p.path), p.size, p.mtime_ns FROM embedded e"
                " CROSS JOIN photos p ON p.content = e.content AND p.state = 'indexed'"
                " CROSS JOIN folders f ON f.id = p.folder"
                " AND f.state IN (SELECT value FROM json_each(?))"
                " WHERE e.model = ? AND e.source = 'preview' AND e.content > ?"
                " GROUP BY e.content ORDER BY e.content LIMIT ?",
                (listed(PRESENT), model, self._after, BATCH),
            ).fetchall()
        return [DueContent(*row) for row in rows]

    def _refine(
        self,
        serving: ServedModel,
        due: Sequence[DueContent],
        found: list[tuple[str, Vectors]],
        kept: list[str],
    ) -> None:
        """Decode and encode these; ``kept`` gets those whose full picture cannot be decoded."""
        asked = [(one, self._pool.decode(one.path, serving.shape, full=True)) for one in due]
        until = time.monotonic() + ANSWER_SECONDS
        for one, future in asked:
            try:
                read = self.result(future, until)
                check_pixels(read.pixels)
                if (read.size, read.mtime_ns, read.content_id) == (
                    one.size,
                    one.mtime_ns,
                    one.content,
                ):
                    answer = self.result(serving.encoder.encode_images(read.pixels), until)
                    found.append((one.content, checked_vectors(answer, len(read.pixels))))
            except DecodeFailed as error:
                if _is_final(error):
                    kept.append(one.content)
            except NOT_ENCODED:
                pass  # in the next round

    def _write(
        self, serving: ServedModel, found: Sequence[tuple[str, Vectors]], kept: Sequence[str]
    ) -> None:
        held = self._contents.holding([content for content, _ in found])
        new = [
            Embedding(content, vectors, of.facts, of.paths, of.modified, of.place)
            for content, vectors in found
            if (of := held.get(content)) is not None
        ]
        if new:
            serving.store.commit(new)
        sources: list[tuple[str, Source]] = [(one.content, "full") for one in new]
        sources += [(content, "only preview") for content in kept]
        with self._database.write(quiet=True) as db:
            for content, source in sources:
                db.execute(
                    "UPDATE embedded SET source = ? WHERE model = ? AND content = ?",
                    (source, serving.model, content),
                )
            for one in new:  # labels may have changed since `holding`
                db.execute(
                    "INSERT INTO unfiled VALUES(?, ?) ON CONFLICT DO NOTHING",
                    (serving.model, one.content),
                )
            self._contents.labels_written(
                serving.model,
                {one.content: one.paths for one in new},
                {one.content: (one.facts, one.place) for one in new},
            )
        if new:
            log.info("previews_replaced", photos=len(new), left=self.left - len(new))
            self._on_labels()


def _is_final(error: DecodeFailed) -> bool:
    """Whether another attempt would fail as well."""
    return not (error.by_others if isinstance(error, DecoderDied) else error.transient)
