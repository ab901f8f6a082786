"""Quarantine: when a photo that was in a dying worker's hands is not tried again.

A worker may also be killed by others: by the kernel's memory killer, by an administrator. So a
death in company only makes suspects, who are tried alone; and who died alone is tried once more
when all other work is done. What a worker was killed over, or what it answered with an error or
with nonsense, is tried again by itself, later.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence

import structlog

from photosd.decode.failures import DecodeFailed
from photosd.index.photo import Photo
from photosd.index.worklist import Work, WorkFailure

log = structlog.get_logger()

DEATHS = 2  # alone in the worker's hands; the second time with nothing else going on at all


def verdict(reason: str, stack: str, deaths: int) -> WorkFailure | None:
    """The failure to record after ``deaths`` deaths, or None: it deserves another try, alone.

    A quarantined photo is not tried again until the file or photosd changes, or
    ``photosd failures --retry``.
    """
    if deaths < DEATHS:
        return None
    return WorkFailure(
        f"quarantined: a worker died {deaths} times over this photo alone ({reason})",
        "photosd failures --retry   (if something else was at fault)",
        retry_at=None,
        stack=stack or None,
        code="quarantined",
    )


def examined(reason: str, times: int, waits: Sequence[float]) -> WorkFailure | None:
    """The failure after the encoder has failed ``times`` over this photo and managed another one
    each time; None: another try."""
    if times < DEATHS:
        return None
    return WorkFailure(
        f"the encoder fails over this photo, and over no other ({reason})",
        "photosd logs",
        retry_at=time.time() + waits[-1],
        code="encoder",
    )


def spared(reason: str, times: int, waits: Sequence[float]) -> WorkFailure | None:
    """The failure after memory or the like ran out ``times`` over this photo; None: another try.

    Less is done at once meanwhile, so what runs out again and again does so because of the photo.
    """
    if times <= len(waits):
        return None
    return WorkFailure(
        f"there was not enough memory or room for it, {times} times ({reason})",
        "close other programs; it is tried again by itself",
        retry_at=time.time() + waits[-1],
        code="shortage",
    )


class Quarantine:
    """Who is suspected, who was spared how often. For one thread.

    Each verdict is written to the work list first; what that raises leaves everything as it was.
    ``waits``: seconds until what may pass by itself is tried again, in turn.
    """

    def __init__(self, worklist: Work) -> None:
        self._worklist = worklist
        self._suspects = worklist.journaled()  # an encoder may have died of them
        self._spared: Counter[bytes] = Counter()  # how often something ran out over a photo
        self._odd: Counter[bytes] = Counter()  # how often a step failed over it, nobody knows why

    def suspects(self, photo: Photo) -> bool:
        """Whether a worker may die of it."""
        return photo.path in self._suspects or photo.deaths > 0

    def suspect(self, photos: Iterable[Photo]) -> None:
        """One of these may be what a worker died of."""
        self._suspects.update(photo.path for photo in photos)

    def acquit(self, path: bytes) -> None:
        """It is indexed."""
        self._suspects.discard(path)
        self._spared.pop(path, None)
        self._odd.pop(path, None)

    def died(self, photo: Photo, reason: str, stack: str) -> None:
        """A worker died over it, alone: one more try, or quarantine."""
        deaths = photo.deaths + 1
        self._judge(photo, verdict(reason, stack, deaths), deaths)

    def failed(self, photo: Photo, reason: str, waits: Sequence[float]) -> None:
        """The encoder fails over it and over no other: one more try, or much later."""
        times = photo.deaths + 1
        self._judge(photo, examined(reason, times, waits), times)

    def unreadable(self, photo: Photo, error: DecodeFailed, waits: Sequence[float]) -> None:
        """It cannot be decoded: until it changes, or for a while."""
        wait = waits[min(photo.attempts, len(waits) - 1)]
        retry_at = time.time() + wait if error.transient else None
        self._worklist.failed(
            photo, WorkFailure(error.reason, error.remedy, retry_at, code=error.code)
        )

    def refused(self, photo: Photo, reason: str, waits: Sequence[float]) -> None:
        """What is known of it cannot be written."""
        reason = f"what is known of it cannot be written: {reason}"[:500]
        self._worklist.failed(photo, WorkFailure(reason, "photosd logs", time.time() + waits[-1]))

    def ran_out(self, photo: Photo, reason: str, waits: Sequence[float]) -> None:
        """Something has run out over it: later, when there may be more, but not for ever."""
        times = self._spared[photo.path] + 1
        if (failure := spared(reason, times, waits)) is None:
            self._worklist.postpone(photo, time.time() + waits[times - 1])
            self._spared[photo.path] = times
        else:
            self._worklist.failed(photo, failure)
            del self._spared[photo.path]

    def odd(self, photos: Sequence[Photo], error: Exception, waits: Sequence[float]) -> None:
        """Nobody knows why a step failed: try it later, each alone, and not for ever."""
        self.suspect(photos)
        if len(photos) > 1:
            return
        for photo in photos:
            times = self._odd[photo.path] = self._odd[photo.path] + 1
            until = time.time() + waits[min(times, len(waits)) - 1]
            if times <= len(waits):
                self._worklist.postpone(photo, until)
                continue
            reason = f"unexpected: {type(error).__name__}: {error}"[:300]
            self._worklist.failed(
                photo, WorkFailure(reason, "photosd logs", until, code="internal")
            )

    def _judge(self, photo: Photo, failure: WorkFailure | None, deaths: int) -> None:
        if failure is None:
            self._worklist.postpone(photo, time.time(), deaths=deaths)
            return
        log.error(
            "photo_quarantined", path=photo.path, reason=failure.reason, remedy=failure.remedy
        )
        self._worklist.failed(photo, failure, deaths=deaths)
