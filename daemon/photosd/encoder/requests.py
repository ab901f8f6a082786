"""Requests to the encoder: two queues, sent requests, overdue requests."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from photosd.core.child import MEANINGFUL
from photosd.core.clock import Deadline
from photosd.core.frames import Blob, Header
from photosd.encoder.encoder_limits import Average

Kind = Literal["text", "image"]
DEPTH = {"text": 8, "image": 2}  # sent at once; others wait here, where they can be withdrawn
# How often the time limit of a lane is extended by half while other programs hold the cores. Few
# for texts: a user waits, and an endless loop on a busy machine looks the same.
MAX_EXCUSES = {"text": 6, "image": 40}
# Seconds between background requests: a query waits for one at most, and rarely. During indexing
# they use a few hundredths of the cores.
BACKGROUND_PAUSE, BUSY_BACKGROUND_PAUSE = 0.02, 0.5
MAX_SENDS = 3  # of one whose encoders died of their accelerator; the third is on the CPU
_numbers = itertools.count(1)


@dataclass(eq=False)
class EncodeRequest:
    """One request; ``finish`` turns the reply about ``items`` into the future's result.

    ``background``: sent only when the encoder is idle.
    """

    header: Header
    blobs: tuple[Blob, ...]
    items: int
    deadline: Deadline | None
    finish: Callable[[Header, list[bytearray], int], Any]
    may_crash: bool = False
    background: bool = False
    probe: bool = False
    future: Future[Any] = field(default_factory=Future)
    number: int = field(default_factory=lambda: next(_numbers))
    sends: int = 0

    def begin(self) -> bool:
        """Whether it may be answered: its client has not left."""
        return self.sends > 0 or self.future.set_running_or_notify_cancel()

    @property
    def rank(self) -> int:
        """Priority in the queue: user requests, others, background."""
        return 2 if self.background else int(self.deadline is None)

    def refuse(self, error: Exception) -> None:
        """Fail it; no effect if its client has left."""
        if self.begin():
            self.future.set_exception(error)


class LaneQueue:
    """One lane on the daemon's side. Submitting is safe from any thread, the rest is not."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.average = Average()
        self._lock = threading.Lock()
        self._waiting: deque[EncodeRequest] = deque()
        self._sent: dict[int, EncodeRequest] = {}
        self._moving_since = 0.0
        self._excuses = 0
        self._coreless: float | None = None  # seconds without a core, at half of the time limit
        self._background_at = 0.0  # when the last one was sent or answered

    def submit(self, request: EncodeRequest) -> None:
        """Queue a request: after those of equal priority, before lower ones."""
        with self._lock:
            place = len(self._waiting)
            while place and self._waiting[place - 1].rank > request.rank:
                place -= 1
            self._waiting.insert(place, request)

    @property
    def busy(self) -> bool:
        """Whether the encoder is processing requests of this lane."""
        return bool(self._sent)

    @property
    def may_crash(self) -> bool:
        """Whether it is processing a request that may crash it."""
        return any(request.may_crash for request in self._sent.values())

    def background_due(self, *, busy: bool) -> float:
        """When the next background request may be sent; ``busy``: the other lane has work."""
        with self._lock:
            if self._sent or not self._waiting or not self._waiting[0].background:
                return float("inf")
        return self._background_at + (BUSY_BACKGROUND_PAUSE if busy else BACKGROUND_PAUSE)

    def sendable(self, *, busy: bool = False, urgent: bool = False) -> Iterator[EncodeRequest]:
        """Requests that may be sent now; each counts as sent when taken. ``urgent``: only those for
        which a user waits.
        """
        while len(self._sent) < DEPTH[self.kind]:
            background = time.monotonic() >= self.background_due(busy=busy)
            with self._lock:
                if not self._waiting or (self._waiting[0].background and not background):
                    return
                if urgent and self._waiting[0].rank > 0:
                    return
                request = self._waiting.popleft()
            if not request.begin():
                continue  # the client left
            request.sends += 1
            if not self._sent:
                self._restart_clock()
            self._sent[request.number] = request
            yield request

    def sent(self, number: int) -> EncodeRequest | None:
        """The sent request of this number."""
        return self._sent.get(number)

    def arrived(self, number: int, seconds: float) -> None:
        """That request was answered, after ``seconds`` of work."""
        if self._sent.pop(number).background:
            self._background_at = time.monotonic()
        self._restart_clock()
        self.average.add(seconds)

    def expect(self, seconds: float, factor: float) -> None:
        """Before the first answer: allow twice the time, in which a huge model answers but a hung
        one does not; ``factor`` multiplies the average.
        """
        if not self.average.value:
            self.average.add(2 * seconds / factor)

    def look_at(self, limit: float) -> float:
        """When to call `hangs`: at half of the limit, to take a measurement, and at its end."""
        if not self._sent:
            return float("inf")
        return self._moving_since + (limit / 2 if self._coreless is None else limit)

    def hangs(self, coreless: float, limit: float) -> bool:
        """Whether it hangs instead of waiting for a core; called at the times of `look_at`.

        ``coreless``: total seconds its process was ready to run without a core. A lane that had
        none for a part of the last half of ``limit`` gets another half.
        """
        before, self._coreless = self._coreless, coreless
        if before is None:
            return False
        waited = coreless - before
        if waited < MEANINGFUL * limit or self._excuses == MAX_EXCUSES[self.kind]:
            return True
        self._excuses += 1
        self._moving_since = time.monotonic() - limit / 2
        return False

    def _restart_clock(self) -> None:
        self._moving_since, self._coreless, self._excuses = time.monotonic(), None, 0

    def expired(self) -> list[EncodeRequest]:
        """Waiting requests whose deadline has passed; they are withdrawn."""
        with self._lock:
            late = [r for r in self._waiting if r.deadline is not None and r.deadline.passed]
            for request in late:
                self._waiting.remove(request)
        return late

    def earliest_deadline(self) -> float:
        """When the next waiting request expires."""
        with self._lock:
            return min((r.deadline.at for r in self._waiting if r.deadline), default=float("inf"))

    def take_sent(self) -> list[EncodeRequest]:
        """Requests that were sent when the encoder ended."""
        lost, self._sent = list(self._sent.values()), {}
        return lost

    def send_again(self, request: EncodeRequest) -> bool:
        """Whether another encoder may answer it in time: then it waits, before all others."""
        if request.sends == MAX_SENDS or request.deadline is None or request.deadline.passed:
            return False
        with self._lock:
            self._waiting.appendleft(request)
        return True

    def take_waiting(self, *, with_deadline: bool = True) -> list[EncodeRequest]:
        """Requests that wait to be sent: all, or those without a deadline."""
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            if not with_deadline:
                self._waiting.extend(one for one in waiting if one.deadline is not None)
        return [one for one in waiting if with_deadline or one.deadline is None]
