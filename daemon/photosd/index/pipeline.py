"""The pipeline: work list -> decoders -> encoder -> vectors -> catalog, always full, never lost.

One thread owns all of its state; futures of the worker processes come back as events on a queue.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import structlog

from photosd.core.clock import Deadline
from photosd.core.errors import StorageError
from photosd.decode.failures import (
    DecodeFailed,
    DecoderDied,
    DecoderUnavailable,
    FileGone,
    Stopped,
)
from photosd.decode.pool import Decoded, Identity, Pool, Shape
from photosd.encoder.supervisor import EncoderDied, Supervisor
from photosd.index.committer import Committer, Finished
from photosd.index.contents import Contents
from photosd.index.photo import Photo
from photosd.index.quarantine import verdict
from photosd.index.rate import Rate
from photosd.index.table import Embedding
from photosd.index.vectors import IndexVanished, VectorStore
from photosd.index.worklist import Failure, Work
from photosd.watch.scanner import Entry

log = structlog.get_logger()

BATCH_TILES = 16  # images sent to the encoder at once; it splits them to its own time budget
BATCHES_IN_ENCODER = 2  # one at work, one waiting, so that it never idles between two
FETCH = 256
STORAGE_RETRY_SECONDS = 5.0
DOUBT_SECONDS = 5.0  # comparing it comes first; this is for when that finds no difference
TICK_SECONDS = 1.0
IDLE_SECONDS = 60.0  # nobody should forget to wake the pipeline; if somebody does, it looks
TRANSIENT_RETRIES = (
    5.0,
    30.0,
    300.0,
    3600.0,
)  # seconds until what may pass by itself is tried again


@dataclass(frozen=True)
class Ready:
    """A decoded photo on its way through the encoder."""

    photo: Photo
    decoded: Decoded


class Pipeline(threading.Thread):
    """Takes what is due from the work list until nothing is."""

    def __init__(
        self,
        worklist: Work,
        contents: Contents,
        store: VectorStore,
        pool: Pool,
        encoder: Supervisor,
        shape: Shape,
        fingerprint: str,
        *,
        look_ahead: int,
        look_at: Callable[[bytes], None],
        on_vanished: Callable[[], None],
    ) -> None:
        super().__init__(name="pipeline", daemon=True)
        self._worklist, self._pool, self._encoder = worklist, pool, encoder
        self._shape = shape
        self._look_at, self._on_vanished = look_at, on_vanished
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.look_ahead = look_ahead
        self._fetched: deque[Photo] = deque()
        self._in_hand: set[bytes] = set()  # paths somewhere between fetch and commit
        self._decoding = 0
        self._ready: deque[Ready] = deque()
        self._alone: deque[Ready] = deque()  # suspected of killing the encoder
        self._suspects = worklist.journaled()
        self._encoding: dict[str, list[Ready]] = {}  # content id -> photos that share it
        self._batches = 0
        self._committer = Committer(store, contents, worklist, fingerprint)
        self._storage_retry_at = 0.0
        self._encoder_retry_at = 0.0
        self._stopping = False
        self.paused_until = 0.0
        self.rate = Rate()
        self.waiting_for: str | None = None

    # -- from other threads -------------------------------------------------------------------

    def wake(self) -> None:
        """There may be work."""
        self._events.put(lambda: None)

    def pause(self, until: float) -> None:
        """Take up nothing new until then (Unix seconds); what is in hand is finished."""
        self.paused_until = until
        self.wake()

    def stop(self, deadline: Deadline | None = None) -> None:
        """End after the current event; what is not committed stays on the work list."""
        self._stopping = True
        self.wake()
        if self.is_alive():
            self.join((deadline or Deadline.to_stop()).remaining)

    def idle(self) -> bool:
        """Whether nothing is in hand."""
        return not self._in_hand

    # -- the loop -----------------------------------------------------------------------------

    def run(self) -> None:
        """Until stopped: handle what came back, keep every stage supplied, commit."""
        self.wake()
        while not self._stopping:
            try:
                self._wait()
                self._supply_decoders()
                self._supply_encoder()
                self._commit_if_due()
            except StorageError as error:
                self._hold_on(error)
            except Exception:  # a defect in one step must not end indexing for ever
                log.exception("pipeline_failed")
                time.sleep(TICK_SECONDS)
        with contextlib.suppress(StorageError):
            self._commit()

    def _wait(self) -> None:
        """Handle every event there is; wait for one, at most a tick."""
        try:
            handle = self._events.get(timeout=self._patience())
            while True:
                handle()
                handle = self._events.get_nowait()
        except queue.Empty:
            return

    def _patience(self) -> float:
        if len(self._committer):
            return self._committer.patience()
        if self._in_hand or self.waiting_for:
            return TICK_SECONDS
        due = self._worklist.next_due()
        return IDLE_SECONDS if due is None else min(max(0.01, due - time.time()), IDLE_SECONDS)

    def _hold_on(self, error: StorageError) -> None:
        """The disk refuses: keep what is finished and try again later."""
        self.waiting_for = "disk"
        self._storage_retry_at = time.monotonic() + STORAGE_RETRY_SECONDS
        if isinstance(error, IndexVanished):
            with contextlib.suppress(StorageError):
                self._on_vanished()
                self._storage_retry_at = 0.0
        log.error("storage_refused", title=error.title, cause=str(error), remedy=error.remedy)

    def _halted(self) -> str | None:
        """What indexing waits for, if anything."""
        if time.time() < self.paused_until:
            return "resume"
        if time.monotonic() < self._storage_retry_at:
            return "disk"
        if time.monotonic() < self._encoder_retry_at:
            return "encoder"
        return None

    # -- decoding -----------------------------------------------------------------------------

    def _supply_decoders(self) -> None:
        self.waiting_for = self._halted()
        while not self.waiting_for and self._decoding < self.look_ahead:
            if len(self._ready) + len(self._alone) >= 2 * BATCH_TILES:
                return
            photo = self._next()
            if photo is None:
                return
            self._decoding += 1
            if self._worklist.perhaps_known(photo):
                self._call(self._pool.identify(photo.path), self._identified, photo)
            else:
                self._call(self._pool.decode(photo.path, self._shape), self._decoded, photo)

    def _next(self) -> Photo | None:
        if not self._fetched:
            rows = self._worklist.due(FETCH + len(self._in_hand))
            self._fetched.extend(photo for photo in rows if photo.path not in self._in_hand)
        if not self._fetched:
            return None
        photo = self._fetched.popleft()
        if photo.deaths:  # its last appeal, heard when there is nothing else in hand
            self._fetched.clear()
            if self._in_hand:
                return None
        if photo.path in self._in_hand:
            return None
        self._in_hand.add(photo.path)
        return photo

    def _identified(self, photo: Photo, future: Future[Identity]) -> None:
        if (found := self._arrived(photo, future)) is None:
            return
        if self._committer.knows(found.content_id):
            self._decoding -= 1
            self._finish(photo, found, None)
            return
        self._call(self._pool.decode(photo.path, self._shape), self._decoded, photo)

    def _decoded(self, photo: Photo, future: Future[Decoded]) -> None:
        if (decoded := self._arrived(photo, future)) is None:
            return
        self._decoding -= 1
        ready = Ready(photo, decoded)
        sharers = self._encoding.get(decoded.content_id)
        if sharers is not None:
            sharers.append(ready)
        elif self._committer.knows(decoded.content_id):
            self._finish(photo, decoded, None)
        else:
            self._encoding[decoded.content_id] = [ready]
            suspect = photo.path in self._suspects or photo.deaths > 0
            (self._alone if suspect else self._ready).append(ready)

    def _arrived(self, photo: Photo, future: Future[Any]) -> Any:
        """The result, or None after noting why there is none and releasing the photo."""
        try:
            found = future.result()
        except FileGone:
            self._doubt(photo)
        except DecodeFailed as error:
            self._note_failure(photo, error)
        else:
            if (found.size, found.mtime_ns) == (photo.size, photo.mtime_ns):
                return found
            self._doubt(photo)
        self._decoding -= 1
        self._release(photo.path)
        return None

    def _doubt(self, photo: Photo) -> None:
        """The file is not the one catalogued any more: leave it until it has been compared."""
        self._worklist.postpone(photo, time.time() + DOUBT_SECONDS)
        self._look_at(photo.path)

    def _note_failure(self, photo: Photo, error: DecodeFailed) -> None:
        if isinstance(error, DecoderDied):
            self._judge(photo, error.reason, error.stack)  # a decoder holds one photo at a time
            return
        if isinstance(error, DecoderUnavailable | Stopped):  # not the photo's fault
            self._worklist.postpone(photo, time.time() + STORAGE_RETRY_SECONDS)
            return
        retry_at = None
        if error.transient:
            wait = TRANSIENT_RETRIES[min(photo.attempts, len(TRANSIENT_RETRIES) - 1)]
            retry_at = time.time() + wait
        failure = Failure(error.reason, error.remedy, retry_at, code=error.code)
        self._worklist.failed(photo, failure)

    # -- encoding -----------------------------------------------------------------------------

    def _supply_encoder(self) -> None:
        if time.monotonic() < self._encoder_retry_at:
            return
        while self._batches < BATCHES_IN_ENCODER and self._ready:
            tiles = sum(len(ready.decoded.pixels) for ready in self._ready)
            if tiles < BATCH_TILES and (self._decoding or self._batches):
                return  # a fuller batch is on its way
            batch: list[Ready] = []
            while self._ready and sum(len(r.decoded.pixels) for r in batch) < BATCH_TILES:
                batch.append(self._ready.popleft())
            self._encode(batch)
        if self._alone and not self._ready and not self._batches:
            self._encode([self._alone.popleft()], suspect=True)

    def _encode(self, batch: list[Ready], *, suspect: bool = False) -> None:
        """Hand a batch to the encoder, its paths journaled first."""
        self._worklist.journal(ready.photo.path for ready in batch)
        self._batches += 1
        pixels = np.concatenate([ready.decoded.pixels for ready in batch])
        future = self._encoder.encode_images(pixels, suspect=suspect)
        future.add_done_callback(lambda done: self._events.put(lambda: self._encoded(batch, done)))

    def _encoded(self, batch: list[Ready], future: Future[Any]) -> None:
        self._batches -= 1
        try:
            vectors = future.result()
        except EncoderDied as error:
            self._mourn(batch, error)
            return
        except Exception as error:  # not accepted: warming, restarting or broken
            self._ready.extendleft(reversed(batch))
            self._encoder_retry_at = time.monotonic() + TICK_SECONDS / 4
            log.debug("encoder_refused", cause=str(error))
            return
        start = 0
        for ready in batch:
            end = start + len(ready.decoded.pixels)
            sharers = self._encoding.pop(ready.decoded.content_id)
            embedding = Embedding(
                ready.decoded.content_id,
                vectors[start:end],
                msgspec.to_builtins(ready.decoded.facts),
                tuple(sharer.photo.path for sharer in sharers),
                min(sharer.photo.mtime_ns for sharer in sharers) / 1e9,
            )
            for number, sharer in enumerate(sharers):
                self._finish(sharer.photo, sharer.decoded, None if number else embedding)
            start = end

    def _mourn(self, batch: list[Ready], error: EncoderDied) -> None:
        """The encoder died with these in hand: of many each is tried alone, one is judged."""
        if len(batch) > 1:
            self._suspects.update(ready.photo.path for ready in batch)
            self._alone.extend(batch)
            return
        for sharer in self._encoding.pop(batch[0].decoded.content_id):
            self._judge(sharer.photo, error.reason, error.stack)
            self._release(sharer.photo.path)

    def _judge(self, photo: Photo, reason: str, stack: str) -> None:
        """Count a death against a photo: one more try, or quarantine."""
        deaths = photo.deaths + 1
        failure = verdict(reason, stack, deaths)
        if failure is not None:
            log.error("photo_quarantined", path=photo.path, reason=reason, remedy=failure.remedy)
            self._worklist.failed(photo, failure, deaths=deaths)
        else:
            self._worklist.postpone(photo, time.time(), deaths=deaths)

    # -- committing ---------------------------------------------------------------------------

    def _finish(self, photo: Photo, read: Identity | Decoded, new: Embedding | None) -> None:
        """A photo is done: with a new embedding, or sharing one that exists."""
        # The file as it was when it was read, which is what the catalog must still hold.
        entry = Entry(photo.path, read.size, read.mtime_ns, read.inode, read.device)
        self._committer.add(Finished(entry, read.content_id, new))
        self.rate.count()

    def _commit_if_due(self) -> None:
        if time.monotonic() < self._storage_retry_at:
            return
        if not self._in_hand:
            self._committer.tidy()
        nothing_else = 0 < len(self._in_hand) == len(self._committer)
        if nothing_else or self._committer.due():
            self._commit()

    def _commit(self) -> None:
        for path in self._committer.commit():
            self._release(path)

    def _release(self, path: bytes) -> None:
        self._in_hand.discard(path)
        self._suspects.discard(path)
        self.wake()  # its row may have become due again meanwhile

    def _call(
        self, future: Future[Any], handle: Callable[[Photo, Future[Any]], None], photo: Photo
    ) -> None:
        """Have ``handle`` called on this thread when the worker answered."""
        future.add_done_callback(lambda done: self._events.put(lambda: handle(photo, done)))
