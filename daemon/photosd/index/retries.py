"""Decides after a failure: wait with everything, retry the photo, or quarantine it.

A worker may also be killed from outside, by the OOM killer or an administrator. So after a crash
with several photos each is tried alone; a photo that crashed a worker alone is retried once more
when all other work is done. Photos on which a worker failed without crashing are retried later.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import structlog

from photosd.core.errors import StorageError
from photosd.core.shortage import shortage_in, shortage_of
from photosd.decode.decode_errors import DecodeFailed, DecoderDied
from photosd.encoder.encoder_errors import EncoderDied
from photosd.index.photo import Photo
from photosd.index.worklist import Work, WorkFailure

log = structlog.get_logger()

DEATHS = 2  # of workers, by one photo alone; the second time with nothing else in progress


def ran_out(error: DecodeFailed) -> bool:
    """Whether the error is a shortage, not necessarily caused by the photo.

    This includes a decoder killed from outside, as by the OOM killer.
    """
    if isinstance(error, DecoderDied):
        return error.by_others
    return error.transient and (error.code == "memory" or shortage_in(error.reason) is not None)


def check_pixels(pixels: Any) -> None:
    """Raises ValueError unless these are squares of RGB, (n, S, S, 3) uint8."""
    squares = pixels.ndim == 4 and len(pixels) and pixels.shape[1:] == (pixels.shape[1],) * 2 + (3,)
    if pixels.dtype != np.uint8 or not squares:
        raise ValueError(f"pixels of {pixels.dtype} {pixels.shape}, not of uint8 (n, S, S, 3)")


def checked_vectors(vectors: Any, count: int) -> Any:
    """Vectors of this many images, (count, d); raises EncoderDied if they are not."""
    sound = (
        getattr(vectors, "ndim", 0) == 2 and len(vectors) == count and np.isfinite(vectors).all()
    )
    if not sound:
        raise EncoderDied("its answer was invalid", "", "nonsense")
    return vectors


class Backoff:
    """One reason at a time; its pauses grow until `reset` is called."""

    def __init__(self) -> None:
        self.reason: str | None = None  # stays during the retry
        self._until = 0.0
        self._times = 0

    def begin(self, reason: str, pauses: Sequence[float]) -> None:
        """Wait for ``reason``; the pauses (seconds) are used in turn, the last one repeats."""
        if reason != self.reason:
            self._times = 0
        if not self.seconds:  # several steps may fail for the same reason
            self._until = time.monotonic() + pauses[min(self._times, len(pauses) - 1)]
            self._times += 1
        self.reason = reason

    def reset(self, *reasons: str | None) -> None:
        """The resource works again."""
        if self.reason in reasons:
            self.reason, self._times, self._until = None, 0, 0.0

    def retry_now(self) -> None:
        """Retry at once."""
        self._until = 0.0

    @property
    def seconds(self) -> float:
        """Remaining seconds; 0: retry now."""
        return max(0.0, self._until - time.monotonic())


def reason_of(error: Exception) -> str | None:
    """The reason to wait after this error; None: it is a bug, or caused by a photo."""
    if (shortage := shortage_of(error)) is not None:
        return shortage
    return "disk" if isinstance(error, StorageError | sqlite3.DatabaseError | OSError) else None


def crash_failure(reason: str, stack: str, deaths: int) -> WorkFailure | None:
    """The failure to record after ``deaths`` crashes, or None: retry it alone.

    A quarantined photo is not retried until the file or photosd changes, or ``photosd failures
    --retry``.
    """
    if deaths < DEATHS:
        return None
    return WorkFailure(
        f"quarantined: a worker crashed {deaths} times on this photo alone ({reason})",
        "photosd failures --retry   (if the cause was something else)",
        retry_at=None,
        stack=stack or None,
        code="quarantined",
    )


class Quarantine:
    """Photos that are tried alone, and retries per photo. For one thread.

    Each failure is first written to the work list; an error there leaves everything unchanged.
    ``waits`` of its methods: seconds before each retry.
    """

    def __init__(self, worklist: Work) -> None:
        self._worklist = worklist
        self._tried_alone = worklist.journaled()  # may have crashed an encoder
        self._shortages: Counter[bytes] = Counter()  # shortages per photo
        self._unexplained: Counter[bytes] = Counter()  # unexplained failures per photo

    def is_tried_alone(self, photo: Photo) -> bool:
        """Whether it may crash a worker, and must not be in a batch with others."""
        return photo.path in self._tried_alone or photo.deaths > 0

    def try_alone(self, photos: Iterable[Photo]) -> None:
        """One of these may have crashed a worker: try each alone."""
        self._tried_alone.update(photo.path for photo in photos)

    def clear(self, path: bytes) -> None:
        """It is indexed."""
        self._tried_alone.discard(path)
        self._shortages.pop(path, None)
        self._unexplained.pop(path, None)

    def died(self, photo: Photo, reason: str, stack: str) -> None:
        """A worker crashed on it alone: one more retry, or quarantine."""
        deaths = photo.deaths + 1
        self._record(photo, crash_failure(reason, stack, deaths), deaths)

    def failed(self, photo: Photo, reason: str, waits: Sequence[float]) -> None:
        """The encoder fails on it, and worked on another photo: one more retry, or much later."""
        times = photo.deaths + 1
        failure = WorkFailure(
            f"the encoder fails on this photo, and on no other ({reason})",
            "photosd logs",
            retry_at=time.time() + waits[-1],
            code="encoder",
        )
        self._record(photo, failure if times >= DEATHS else None, times)

    def unreadable(self, photo: Photo, error: DecodeFailed, waits: Sequence[float]) -> None:
        """It cannot be decoded: until it changes, or for a while."""
        wait = waits[min(photo.attempts, len(waits) - 1)]
        retry_at = time.time() + wait if error.transient else None
        self._worklist.failed(
            photo, WorkFailure(error.reason, error.remedy, retry_at, code=error.code)
        )

    def refused(self, photo: Photo, reason: str, waits: Sequence[float]) -> None:
        """Its data cannot be written."""
        reason = f"its data cannot be written: {reason}"[:500]
        self._worklist.failed(photo, WorkFailure(reason, "photosd logs", time.time() + waits[-1]))

    def ran_out(self, photo: Photo, reason: str, waits: Sequence[float]) -> None:
        """A shortage on this photo: retry later, a limited number of times.

        The load is reduced meanwhile, so a repeated shortage is caused by the photo.
        """
        times = self._shortages[photo.path] + 1
        if times <= len(waits):
            self._worklist.postpone(photo, time.time() + waits[times - 1])
            self._shortages[photo.path] = times
            return
        failure = WorkFailure(
            f"not enough memory or disk space for it, {times} times ({reason})",
            "close other programs; it is retried automatically",
            retry_at=time.time() + waits[-1],
            code="shortage",
        )
        self._worklist.failed(photo, failure)
        del self._shortages[photo.path]

    def unexplained(
        self, photos: Sequence[Photo], error: Exception, waits: Sequence[float]
    ) -> None:
        """An unexplained failure: retry later, alone, a limited number of times."""
        self.try_alone(photos)
        if len(photos) > 1:
            return
        for photo in photos:
            times = self._unexplained[photo.path] = self._unexplained[photo.path] + 1
            until = time.time() + waits[min(times, len(waits)) - 1]
            if times <= len(waits):
                self._worklist.postpone(photo, until)
                continue
            reason = f"unexpected: {type(error).__name__}: {error}"[:300]
            self._worklist.failed(
                photo, WorkFailure(reason, "photosd logs", until, code="internal")
            )

    def _record(self, photo: Photo, failure: WorkFailure | None, deaths: int) -> None:
        if failure is None:
            self._worklist.postpone(photo, time.time(), deaths=deaths)
            return
        log.error(
            "photo_quarantined", path=photo.path, reason=failure.reason, remedy=failure.remedy
        )
        self._worklist.failed(photo, failure, deaths=deaths)
