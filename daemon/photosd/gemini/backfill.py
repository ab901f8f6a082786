"""The back-fill: sends small copies of marked photos in batches, and stores their vectors."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from photosd.core.background import BackgroundLoop
from photosd.core.clock import Pause
from photosd.core.config import CloudSettings
from photosd.core.errors import CloudNotPermitted, CloudUnavailable, PhotosdError
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.pool import Thumbnail
from photosd.gemini.checkup import GREY
from photosd.gemini.gate import Gate
from photosd.gemini.marked_photos import MarkedPhoto, MarkedPhotos
from photosd.gemini.vector_table import GeminiTable
from photosd.gemini.worker_messages import Vectors

log = structlog.get_logger()

BOX = (512, 512)  # maximum pixels of a copy
BATCH, BATCH_BYTES = 16, 2 << 20  # photos and bytes of one request (base64 adds a third)
CALL_SECONDS = 60.0
DECODE_SECONDS = 120.0
IDLE_SECONDS = 60.0
IDLE_TIMES = 200  # or this many times the duration of a check of all marked photos
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0
BUDGET_PAUSE = 300.0
TOO_LONG = 3600.0  # at most, even if a server requests more


class Shrinker(Protocol):
    """The part of the decoders' interface that the back-fill needs."""

    def thumbnail(
        self, path: bytes, box: tuple[int, int], *, background: bool = False
    ) -> concurrent.futures.Future[Thumbnail]: ...


class Copy(msgspec.Struct, frozen=True):
    """A photo as it will be sent: content id and JPEG without metadata."""

    content: str
    jpeg: bytes


class Backfill(BackgroundLoop):
    """Idle unless the mode is gemini, with consent."""

    def __init__(
        self,
        gate: Gate,
        marked: MarkedPhotos,
        remote: GeminiTable,
        shrinker: Shrinker,
        mode: Callable[[], str],
    ) -> None:
        super().__init__("cloud-backfill")
        self._gate, self._marked, self._remote = gate, marked, remote
        self._shrinker, self._mode = shrinker, mode
        self._pause = FIRST_PAUSE
        self._next_send = 0.0
        self._not_before = 0.0  # monotonic; as requested by a failure
        self._paused = Pause()
        self.trouble: PhotosdError | None = None
        self.busy = False

    def pause(self, paused: Pause) -> None:
        """Send no photos until it ends."""
        self._paused = paused
        self.wake()

    def work(self) -> float:
        """One batch; returns seconds until the next try."""
        wait = self._once()
        self.busy = wait <= 0
        return wait

    def _once(self) -> float:
        """One batch; returns seconds until the next try."""
        try:
            if self._mode() != "gemini" or not self._gate.permits("gemini", "photos"):
                self.trouble = None
                return IDLE_SECONDS
            rest = max(self._paused.remaining, self._not_before - time.monotonic())
            if rest > 0:
                return min(rest, IDLE_SECONDS)
            begun = time.monotonic()
            done = self._batch(self._gate.settings)
        except CloudUnavailable as error:
            return self._failed(error, _pause_asked(error))
        except PhotosdError as error:  # no key, no disk
            return self._failed(error, 0.0)
        except Exception as error:
            log.exception("cloud_backfill_failed")
            return self._failed(PhotosdError(type(error).__name__), 0.0)
        self.trouble = None
        if done is None:
            self._remote.tidy()
            return max(IDLE_SECONDS, IDLE_TIMES * (time.monotonic() - begun))
        if done == 0:  # none of them could be read now
            return self._longer_pause()
        self._pause = FIRST_PAUSE
        return 0.0

    def retry(self) -> None:
        """Failed requests may work now: retry at once."""
        self._not_before, self._pause = 0.0, FIRST_PAUSE
        self.wake()

    def _failed(self, error: PhotosdError, asked: float) -> float:
        self.trouble = error
        pause = max(asked, self._longer_pause())
        self._not_before = time.monotonic() + pause
        log.info("cloud_backfill_waits", seconds=round(pause), cause=str(error))
        return pause

    def _longer_pause(self) -> float:
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return pause

    # -- one batch ----------------------------------------------------------------------------

    def _batch(self, settings: CloudSettings) -> int | None:
        """Number of processed photos; None if there was nothing to send."""
        generation = self._remote.generation
        done = self._remote.contents(settings)
        chosen = self._marked.due(BATCH, done, settings.embedding_model)
        if not chosen:
            return None
        copies = self._shrink(chosen, settings.embedding_model)
        for batch in _batches(copies):
            self._send(batch, settings, generation)
        return len(copies)

    def _shrink(self, chosen: list[MarkedPhoto], model: str) -> list[Copy]:
        """Small copies of those whose file is unchanged in the catalog."""
        futures = [self._shrinker.thumbnail(photo.path, BOX, background=True) for photo in chosen]
        copies = []
        for photo, future in zip(chosen, futures, strict=True):
            try:
                small = future.result(DECODE_SECONDS)
            except (DecodeFailed, concurrent.futures.TimeoutError) as error:
                if isinstance(error, DecodeFailed) and not error.transient:
                    self._marked.refuse(photo.content, model, error.reason)
                continue
            if small.content_id == photo.content:  # else it was just replaced
                copies.append(Copy(photo.content, small.data))
        return copies

    def _send(self, copies: list[Copy], settings: CloudSettings, generation: int) -> None:
        try:
            vectors = self._embed(copies, settings)
        except CloudUnavailable as error:
            if error.reason != "refused":
                raise
            if len(copies) == 1:
                self._embed_known_good(settings)  # or the photo is not the cause
                self._marked.refuse(copies[0].content, settings.embedding_model, str(error))
                return
            for copy in copies:  # Gemini refuses one of them
                self._send([copy], settings, generation)
            return
        if vectors is not None:
            contents, rows = vectors
            self._remote.commit(settings, contents, rows, generation)

    def _embed(
        self, copies: list[Copy], settings: CloudSettings
    ) -> tuple[list[str], Vectors] | None:
        """Wait for a slot, check again whether these may be sent, and send them."""
        self._wait_for_turn()
        still = self._marked.still([copy.content for copy in copies])
        copies = [copy for copy in copies if copy.content in still]
        if not copies or self.stopping.is_set():
            return None
        if self._mode() != "gemini":
            raise CloudNotPermitted("the mode was changed", remedy="photosd cloud status")
        self._next_send = time.monotonic() + len(copies) * 60 / settings.images_per_minute
        vectors = self._gate.embed_photos([copy.jpeg for copy in copies], CALL_SECONDS)
        return [copy.content for copy in copies], vectors

    def _embed_known_good(self, settings: CloudSettings) -> None:
        """Raises CloudUnavailable if Gemini refuses even a valid picture."""
        self._next_send += 60 / settings.images_per_minute
        self._gate.embed_photos([GREY], CALL_SECONDS, kind="check")

    def _wait_for_turn(self) -> None:
        self.stopping.wait(max(0.0, self._next_send - time.monotonic()))


def _batches(copies: list[Copy]) -> list[list[Copy]]:
    """In order, each small enough for one request."""
    parcels: list[list[Copy]] = []
    size = BATCH_BYTES
    for copy in copies:
        size += len(copy.jpeg)
        if size > BATCH_BYTES:
            parcels.append([])
            size = len(copy.jpeg)
        parcels[-1].append(copy)
    return parcels


def _pause_asked(error: CloudUnavailable) -> float:
    """Seconds to wait, as requested by the failure."""
    if error.reason == "budget":
        return BUDGET_PAUSE
    return min((error.retry_after_ms or 0) / 1000, TOO_LONG)
