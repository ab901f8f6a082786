"""The pipeline: work list -> decoders -> encoder -> vectors -> catalog.

One thread owns all state; futures of the worker processes return as events on a queue. Every photo
in progress has a lease (`leases`): after a failed step it stays at its stage, or returns to the
work list. For a full disk or low memory the pipeline waits (`waiting`), and no photo counts as
failed.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import queue
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec
import numpy as np
import structlog

from photosd.core.background import StoppableThread
from photosd.core.clock import Pause, Rate
from photosd.core.errors import Busy, PhotosdError
from photosd.decode.decode_errors import (
    DecodeFailed,
    DecoderDied,
    DecoderUnavailable,
    FileGone,
    Nonsense,
    NotDelivered,
    Stopped,
)
from photosd.decode.pool import ContentIdentity, Decoded, Pool, Shape
from photosd.encoder.supervisor import EncoderDied, EncodingFailed, Supervisor
from photosd.index.committer import Committer, Finished
from photosd.index.contents import Contents
from photosd.index.leases import ELSEWHERE, LEADING, WAITING, Lease, Leases, Stage, Supply
from photosd.index.retries import (
    Backoff,
    Quarantine,
    check_pixels,
    checked_vectors,
    ran_out,
    reason_of,
)
from photosd.index.table import Embedding
from photosd.index.vectors import IndexVanished, VectorStore
from photosd.index.worklist import Work
from photosd.watch.scanner import Entry

log = structlog.get_logger()

BATCH_TILES = 16  # images sent to the encoder at once; it splits them to fit its time limit
BATCHES_IN_ENCODER = 2  # one running and one waiting, so that it is never idle
STORAGE_RETRY_SECONDS = 5.0
SHORTAGE_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds, before retrying after a shortage
ENCODER_PAUSES = (0.25, 0.25, 0.5, 1.0, 2.0)
RECHECK_SECONDS = 5.0  # compare first; this is for when that finds no difference
TICK_SECONDS = 1.0
FULLER_SECONDS = 1.0  # decoded photos do not wait longer for a full batch: some disks are slow
WARM_SECONDS = 10.0  # before a photo is due (a new file must first be unchanged for a while)
IDLE_SECONDS = 60.0  # fallback if a wake was missed
TRANSIENT_RETRIES = (5.0, 30.0, 300.0, 3600.0)  # seconds, for causes that may pass

Handler = Callable[[list[Lease], Future[Any]], None]


class Pipeline(StoppableThread):
    """Processes due photos of the work list."""

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
        look_at: Callable[[bytes], None],
        on_vanished: Callable[[], None],
        on_idle: Callable[[], None] = lambda: None,
        slow: Callable[[], Collection[int]] = tuple,
        paused: Pause | None = None,
    ) -> None:
        """``slow``: the folders that are slow to read now. ``paused``: from the start."""
        super().__init__("pipeline")
        self._worklist, self._pool, self._encoder, self._shape = worklist, pool, encoder, shape
        self._look_at, self._on_vanished, self._on_idle = look_at, on_vanished, on_idle
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._leases = Leases()
        self._supply = Supply(worklist, self._leases, slow)
        self._quarantine = Quarantine(worklist)
        self._committer = Committer(store, contents, worklist, fingerprint)
        self._backoff, self._encoder_backoff = Backoff(), Backoff()
        self._most_tiles = BATCH_TILES  # fewer while memory is low
        self._ramp = 1  # after idling the first photos are not held back
        self._numbers = itertools.count(1)
        self.paused = paused or Pause()
        self.rate = Rate()
        self.waiting_for: str | None = None

    # -- from other threads -------------------------------------------------------------------

    def wake(self) -> None:
        """There may be work."""
        self._events.put(lambda: None)

    def pause(self, until: float) -> None:
        """Take no new photos until then (Unix seconds); photos in progress are finished."""
        self.paused = Pause.to(until)
        self.wake()

    def idle(self) -> bool:
        """Whether nothing is in progress."""
        return not self._leases

    # -- the loop -----------------------------------------------------------------------------

    def run(self) -> None:
        """Until stopped: handle results, supply every stage, commit."""
        self.wake()
        steps = (self._wait, self._supply_decoders, self._supply_encoder, self._commit_if_due)
        while not self.stopping.is_set():
            for step in steps:
                self._attempt((), step)
        self._attempt((), self._commit)
        self._supply.give_back()
        self._worklist.release([lease.photo.path for lease in self._leases.of(*Stage)])

    def _wait(self) -> None:
        """Handle all events; wait for one, at most a tick."""
        try:
            handle = self._events.get(timeout=self._wait_seconds())
            while True:
                handle()
                handle = self._events.get_nowait()
        except queue.Empty:
            return

    def _wait_seconds(self) -> float:
        if waiting := self._backoff.seconds:
            return min(waiting, TICK_SECONDS)
        if len(self._committer):
            return self._committer.wait_seconds()
        if self._leases or self._halted():
            return min(self._encoder_backoff.seconds or TICK_SECONDS, TICK_SECONDS)
        due = self._worklist.next_due()
        if due is None:
            self._backoff.reset(self._backoff.reason)  # nothing is left that could wait for it
            return IDLE_SECONDS
        if (seconds := max(0.01, due - time.time())) < WARM_SECONDS:
            self._pool.warm()
        return min(seconds, IDLE_SECONDS)

    def _halted(self) -> str | None:
        """Why indexing is stopped, if it is."""
        if self.paused.remaining:
            return "resume"
        if self._backoff.seconds:
            return self._backoff.reason
        return "encoder" if self._encoder_backoff.seconds else None

    # -- failures --------------------------------------------------------------------------------

    def _attempt(self, leases: Sequence[Lease], step: Callable[[], None]) -> None:
        """Run a step for these photos. If it fails, those that wait for a worker return to the work
        list, since no result will come; the others stay at their stage and are retried.
        """
        try:
            step()
        except Exception as error:
            reason = reason_of(error)
            for lease in leases:
                if lease.stage in ELSEWHERE or (reason is None and lease.stage in WAITING):
                    self._give_back(lease)
            if reason is not None:
                self._pause_for(error, reason)
                return
            if isinstance(error, Busy):
                self._backoff.begin("decoder", (TICK_SECONDS,))
                return
            self._note_unexplained(leases, error)

    def _give_back(self, lease: Lease) -> None:
        """Return to the work list; it may be taken again."""
        for one in self._leases.with_sharers(lease):
            self._end(one)

    def _end(self, lease: Lease) -> None:
        if self._leases.holds(lease):
            self._leases.end(lease)
            self._worklist.release([lease.photo.path])
            self.wake()  # its row may be due again already

    def _pause_for(self, error: Exception, reason: str) -> None:
        """A shortage, or writing fails: keep everything and retry later."""
        pauses = (STORAGE_RETRY_SECONDS,) if reason == "disk" else SHORTAGE_PAUSES
        self._backoff.begin(reason, pauses)
        self.waiting_for = reason
        if isinstance(error, IndexVanished):
            try:
                self._on_vanished()
                self._backoff.retry_now()
            except Exception as again:
                error = again
        remedy = error.remedy if isinstance(error, PhotosdError) else "photosd logs"
        log.error("indexing_waits", waits_for=reason, cause=str(error), remedy=remedy)

    def _note_unexplained(self, leases: Sequence[Lease], error: Exception) -> None:
        """Unknown cause: the photos, or everything, are retried later."""
        log.exception("pipeline_failed", photos=len(leases))
        if not leases:
            self._backoff.begin("retry", (TICK_SECONDS,))
            return
        with contextlib.suppress(Exception):  # then they are due at once
            self._quarantine.unexplained(
                [lease.photo for lease in leases], error, TRANSIENT_RETRIES
            )

    # -- decoding -----------------------------------------------------------------------------

    def _supply_decoders(self) -> None:
        self.waiting_for = self._halted() or self._backoff.reason
        look_ahead = 3 * self._pool.workers + 2  # at decoders or waiting: enough to keep them busy
        while not self._halted() and self._leases.count(Stage.DECODING) < look_ahead:
            if self._leases.count(Stage.READY, Stage.ALONE) >= 2 * BATCH_TILES:
                return
            if (photo := self._supply.next()) is None:
                if not self._leases:
                    self._ramp = 1
                    self._end_shortage()
                return
            lease = self._leases.take(photo)
            self._attempt([lease], functools.partial(self._read, lease))

    def _end_shortage(self) -> None:
        """Nothing is due that could wait for it."""
        if self._backoff.reason not in (None, "disk", "retry"):  # these end with a write
            self._backoff.reset(self._backoff.reason)
            self.waiting_for = None

    def _read(self, lease: Lease) -> None:
        path = lease.photo.path
        if self._worklist.perhaps_known(lease.photo):
            self._expect(self._pool.identify(path), [lease], self._identified)
        else:
            self._expect(self._pool.decode(path, self._shape), [lease], self._decoded)
        self._backoff.reset("decoder")

    def _expect(self, future: Future[Any], leases: list[Lease], handle: Handler) -> None:
        """Call ``handle`` on this thread when the worker has answered."""

        def arrived(done: Future[Any]) -> None:
            self._events.put(lambda: self._attempt(leases, lambda: handle(leases, done)))

        future.add_done_callback(arrived)

    def _identified(self, leases: list[Lease], future: Future[ContentIdentity]) -> None:
        (lease,) = leases
        if (found := self._arrived(lease, future)) is None:
            return
        if self._committer.knows(found.content_id):
            self._finish(lease, found, None)
        else:
            self._expect(self._pool.decode(lease.photo.path, self._shape), leases, self._decoded)

    def _decoded(self, leases: list[Lease], future: Future[Decoded]) -> None:
        (lease,) = leases
        if (decoded := self._arrived(lease, future)) is None:
            return
        check_pixels(decoded.pixels)
        if self._leases.of_content(decoded.content_id, *LEADING):
            stage = Stage.SHARING
        elif self._committer.knows(decoded.content_id):
            self._finish(lease, decoded, None)
            return
        else:
            stage = self._queue_of(lease)
        lease.decoded = decoded
        self._leases.move(lease, stage)

    def _arrived(self, lease: Lease, future: Future[Any]) -> Any:
        """The result, or None after recording the failure and ending the lease."""
        try:
            found = future.result()
        except FileGone:
            self._recheck(lease)
        except DecodeFailed as error:
            self._note_failure(lease, error)
        else:
            if (found.size, found.mtime_ns) == (lease.photo.size, lease.photo.mtime_ns):
                return found
            self._recheck(lease)
        self._end(lease)
        return None

    def _recheck(self, lease: Lease) -> None:
        """The file differs from the catalog: wait until it has been compared."""
        self._worklist.postpone(lease.photo, time.time() + RECHECK_SECONDS)
        self._look_at(lease.photo.path)

    def _note_failure(self, lease: Lease, error: DecodeFailed) -> None:
        photo = lease.photo
        if isinstance(error, NotDelivered):
            self._worklist.away(photo)
        elif isinstance(error, DecoderUnavailable | Stopped):  # not caused by the photo
            self._worklist.postpone(photo, time.time() + STORAGE_RETRY_SECONDS)
        elif ran_out(error):
            self._quarantine.ran_out(photo, error.reason, TRANSIENT_RETRIES)
        elif isinstance(error, Nonsense):
            self._quarantine.unexplained([photo], error, TRANSIENT_RETRIES)
        elif isinstance(error, DecoderDied):
            self._quarantine.died(photo, error.reason, error.stack)
        else:
            self._quarantine.unreadable(photo, error, TRANSIENT_RETRIES)

    # -- encoding -----------------------------------------------------------------------------

    def _supply_encoder(self) -> None:
        if self._backoff.seconds or self._encoder_backoff.seconds:
            return
        while self._leases.batches() < BATCHES_IN_ENCODER and self._leases.count(Stage.READY):
            busy = self._leases.count(Stage.DECODING) or self._leases.batches()
            waited = self._leases.waited(Stage.READY) > FULLER_SECONDS
            if self._leases.tiles() < min(self._ramp, self._most_tiles) and busy and not waited:
                break  # a fuller batch is on its way
            if not self._send(self._leases.next_batch(self._most_tiles)):
                return
            self._ramp = min(2 * self._ramp, BATCH_TILES)
        if self._leases.batches() or self._leases.count(Stage.READY):
            return
        if to_test := self._leases.of(Stage.TO_TEST):
            self._attempt((), lambda: self._test_encoder(to_test[0]))
        elif alone := self._leases.of(Stage.ALONE):
            self._send(alone[:1], may_crash=True)

    def _send(self, batch: list[Lease], *, may_crash: bool = False) -> bool:
        """Whether the encoder has them now."""
        self._attempt(batch, lambda: self._encode(batch, may_crash=may_crash))
        return batch[0].stage is Stage.ENCODING

    def _encode(self, batch: list[Lease], *, may_crash: bool) -> None:
        """Send a batch to the encoder, after journaling its paths."""
        self._worklist.journal([lease.photo.path for lease in batch])
        self._backoff.reset("disk")
        pixels = np.concatenate([lease.pixels.pixels for lease in batch])
        future = self._encoder.encode_images(pixels, may_crash=may_crash)
        number = next(self._numbers)
        for lease in batch:
            lease.batch = number
            self._leases.move(lease, Stage.ENCODING)
        self._expect(future, batch, self._encoded)

    def _encoded(self, batch: list[Lease], future: Future[Any]) -> None:
        try:
            vectors = checked_vectors(future.result(), sum(len(one.pixels.pixels) for one in batch))
        except EncoderDied as error:
            self._on_encoder_exit(batch, error)
        except EncodingFailed as error:
            self._send_less(batch, error.reason, error.shortage, "error")
        except Exception as error:  # not accepted: warming, restarting or broken
            if reason_of(error) is not None:
                raise
            self._requeue(batch)
            self._encoder_backoff.begin("encoder", (TICK_SECONDS / 4,))
            log.debug("encoder_refused", cause=str(error))
        else:
            self._backoff.reset("memory", "descriptors", "processes")
            self._encoder_backoff.reset("encoder")
            self._most_tiles = min(2 * self._most_tiles, BATCH_TILES)
            self._finish_batch(batch, vectors)

    def _finish_batch(self, batch: list[Lease], vectors: Any) -> None:
        start = 0
        for lease in batch:
            decoded = lease.pixels
            end = start + len(decoded.pixels)
            sharers = self._leases.with_sharers(lease)
            embedding = Embedding(
                decoded.content_id,
                vectors[start:end],
                msgspec.to_builtins(decoded.facts),
                tuple(sharer.photo.path for sharer in sharers),
                min(sharer.photo.mtime_ns for sharer in sharers) / 1e9,
                source=decoded.source,
            )
            for number, sharer in enumerate(sharers):
                self._finish(sharer, sharer.pixels, None if number else embedding)
            start = end

    def _requeue(self, batch: list[Lease]) -> None:
        """Back to their previous stage, in the same order."""
        for lease in reversed(batch):
            self._leases.move(lease, self._queue_of(lease), first=True)

    def _queue_of(self, lease: Lease) -> Stage:
        return Stage.ALONE if self._quarantine.is_tried_alone(lease.photo) else Stage.READY

    def _on_encoder_exit(self, batch: list[Lease], error: EncoderDied) -> None:
        """The encoder crashed with these: several are tried one by one; for one it counts."""
        if error.cause == "crash" and len(batch) == 1:
            for lease in self._leases.with_sharers(batch[0]):
                self._quarantine.died(lease.photo, error.reason, error.stack)
                self._end(lease)
        elif error.cause in ("crash", "device"):  # on an accelerator it does not count
            self._separate(batch)
        else:
            shortage = "memory" if error.cause == "killed" else None
            self._send_less(batch, error.reason, shortage, error.cause)

    def _send_less(self, batch: list[Lease], reason: str, shortage: str | None, kind: str) -> None:
        """It failed without crashing: send less at once; for a single photo find the cause."""
        if shortage is not None and len(batch) > 1:
            self._most_tiles = max(1, min(self._most_tiles, len(batch)) // 2)
            self._requeue(batch)
        elif shortage is not None:
            self._pause_for(EncodingFailed(reason), shortage)
            if kind == "killed":
                for lease in self._leases.with_sharers(batch[0]):
                    self._quarantine.ran_out(lease.photo, reason, TRANSIENT_RETRIES)
                    self._end(lease)
            else:
                self._requeue(batch)
        elif len(batch) > 1:
            self._separate(batch)
        else:
            batch[0].reason, batch[0].kind = reason, kind
            self._leases.move(batch[0], Stage.TO_TEST)

    def _separate(self, batch: list[Lease]) -> None:
        self._quarantine.try_alone(lease.photo for lease in batch)
        for lease in batch:
            self._leases.move(lease, Stage.ALONE)

    def _test_encoder(self, lease: Lease) -> None:
        """Send the encoder a plain picture: if that works, the photo is the cause."""
        size = self._shape.size
        future = self._encoder.encode_images(np.full((1, size, size, 3), 128, np.uint8))
        lease.batch = next(self._numbers)
        self._leases.move(lease, Stage.TESTING)
        self._expect(future, [lease], self._on_encoder_test)

    def _on_encoder_test(self, leases: list[Lease], future: Future[Any]) -> None:
        (lease,) = leases
        try:
            checked_vectors(future.result(), 1)
        except Exception as error:
            fails = isinstance(error, EncoderDied | EncodingFailed)
            self._leases.move(lease, Stage.ALONE if fails else Stage.TO_TEST)
            self._encoder_backoff.begin("encoder", ENCODER_PAUSES)
            log.debug("encoder_test_failed", cause=str(error))
            return
        for one in self._leases.with_sharers(lease):
            self._quarantine.failed(one.photo, lease.reason, TRANSIENT_RETRIES)
            self._end(one)

    # -- committing ---------------------------------------------------------------------------

    def _finish(self, lease: Lease, read: ContentIdentity | Decoded, new: Embedding | None) -> None:
        """A photo is done: with a new embedding, or sharing an existing one."""
        # The file as it was when read; the catalog must still have this state.
        entry = Entry(lease.photo.path, read.size, read.mtime_ns, read.inode, read.device)
        self._committer.add(Finished(entry, read.content_id, new))
        self._leases.move(lease, Stage.FINISHED)
        self.rate.count()

    def _commit_if_due(self) -> None:
        if self._backoff.seconds:
            return
        if not self._leases:
            self._committer.tidy()
            self._on_idle()
            self._backoff.reset("disk", "retry")
        nothing_else = 0 < len(self._leases) == len(self._committer)
        if nothing_else or self._committer.due():
            self._commit()

    def _commit(self) -> None:
        committed = self._committer.commit()
        finished = {lease.photo.path: lease for lease in self._leases.of(Stage.FINISHED)}
        for one in committed.done:
            self._quarantine.clear(one.entry.path)
            self._end(finished[one.entry.path])
        for one in committed.lost:
            self._end(finished[one.entry.path])
        for one, why in committed.refused:
            lease = finished[one.entry.path]
            refuse = self._quarantine.refused
            self._attempt((), functools.partial(refuse, lease.photo, why, TRANSIENT_RETRIES))
            self._end(lease)
        if committed.trouble is not None:
            raise committed.trouble
        if committed.done:
            self._backoff.reset("disk", "retry")
