"""A queue of files and its threads, each with its own decoder process."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, TypeVar

import structlog

from photosd.core.clock import Deadline
from photosd.core.errors import Busy
from photosd.core.log import printable
from photosd.decode.decode_errors import (
    DecodeFailed,
    DecoderUnavailable,
    Nonsense,
    NotDelivered,
    Stopped,
    TooSlow,
)
from photosd.decode.decoder import Answer, Decoder, Silence
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import DecodeRequest

log = structlog.get_logger()
T = TypeVar("T")

MAX_WAITING = 2048
IDLE_SECONDS = 60.0  # then the process ends; the next file takes 0.2 s longer
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between attempts to start a decoder


class Disks(Protocol):
    """State of the disks and shares that files are on."""

    def place(self, path: bytes) -> bytes:
        """Where ``path`` leads if it is a link to another disk; raises nothing."""

    def silent(self, path: bytes) -> bool:
        """Whether the disk of ``path`` has stopped responding."""

    def waiting(self, path: bytes) -> AbstractContextManager[Silence | None]:
        """A thread waits for the bytes of ``path``; None: without limit."""

    def report_silent(self, path: bytes) -> None:
        """It has, while reading this file."""


class Task(Generic[T]):
    """A file to be read, and its future."""

    def __init__(
        self,
        request: DecodeRequest,
        finish: Callable[[Answer], T],
        deadline: Deadline | None = None,
        disks: Disks | None = None,
    ) -> None:
        self.request, self.deadline, self._disks = request, deadline, disks
        self._place = request.path
        self.future: Future[T] = Future()
        self._finish = finish

    def run(self, decoder: Decoder) -> None:
        """Run it with ``decoder``; the future gets the result or a DecodeFailed."""
        try:
            result = self._finish(self._ask(decoder))
        except Exception as error:
            if isinstance(error, NotDelivered) and self._disks is not None:
                self._report_silent(self._disks)
            if isinstance(error, Nonsense):
                decoder.close()  # and another process is started for the next file
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def wanted(self) -> bool:
        """Whether the result is still wanted; from here on it cannot be cancelled."""
        if not self.future.set_running_or_notify_cancel():
            return False
        try:
            self._check()
        except DecodeFailed as error:
            self.future.set_exception(error)
            return False
        except Exception as error:  # this thread must not end with it, nor the future stay open
            log.exception("disk_unknown", path=printable(self.request.path))
            self.future.set_exception(DecoderUnavailable(f"its disk cannot be asked: {error}"))
            return False
        return True

    def _check(self) -> None:
        """Raise TooSlow or NotDelivered if it need not be tried; find out where the file is."""
        if self.deadline is not None and self.deadline.passed:
            raise TooSlow
        if self._disks is not None:
            paths = [self.request.path]
            if len(self.request.sidecars) == 1:  # those of several photos are no links
                paths += self.request.sidecars[0]
            places = [self._disks.place(path) for path in paths]
            # The first file that is elsewhere: that disk may stop responding.
            elsewhere = (place for path, place in zip(paths, places, strict=True) if place != path)
            self._place = next(elsewhere, self.request.path)
            if any(map(self._disks.silent, places)):
                raise NotDelivered

    def _report_silent(self, disks: Disks) -> None:
        try:
            disks.report_silent(self._place)
        except Exception:  # the next file that waits for it reports it
            log.exception("disk_unknown", path=printable(self._place))

    def _ask(self, decoder: Decoder) -> Answer:
        if self._disks is None:
            return decoder.ask(self.request, self.deadline)
        with self._disks.waiting(self._place) as silence:
            return decoder.ask(self.request, self.deadline, silence)

    def fail(self, error: DecodeFailed) -> None:
        """Fail it without starting."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


# A signal, not a file.
WARM: Task[Any] = Task(DecodeRequest(op="identify", path=b""), lambda _answer: None)


class DecoderLane:
    """Threads that take tasks in order, ``target`` of them. ``limits`` is called before each task.

    All shared state changes under one lock; each thread waits for its own condition.
    """

    def __init__(
        self, name: str, workers: int, limits: Callable[[], DecodeLimits], *, urgent: bool
    ) -> None:
        self._limits = limits
        self._name, self._urgent = name, urgent
        self._changed = threading.Condition()
        self._tasks: deque[Task[Any]] = deque()
        self._threads: dict[Decoder, threading.Thread] = {}
        self._out_of_order: set[Decoder] = set()
        self._idle: set[Decoder] = set()
        self._coming: set[Decoder] = set()  # threads that are starting a process for the next file
        self._warming = False
        self._target, self._numbers = workers, itertools.count()
        self._started = False
        self._stopping = threading.Event()

    @property
    def pids(self) -> list[int]:
        """Running decoder processes."""
        return [pid for decoder in list(self._threads) if (pid := decoder.pid) is not None]

    @property
    def idle(self) -> int:
        """Threads that wait for a task."""
        return len(self._idle)

    def start(self) -> None:
        """Start; processes start with the first files."""
        with self._changed:
            self._started = True
            self._start_threads()

    def warm(self) -> None:
        """A file is about to come: start a process for it."""
        with self._changed:
            if not self._tasks and not self.pids:
                self._warming = True
                self._changed.notify_all()

    def resize(self, workers: int) -> None:
        """Set the number of threads; surplus ones leave after their file."""
        with self._changed:
            self._target = workers
            self._start_threads()
            self._changed.notify_all()

    def submit(self, task: Task[T]) -> Future[T]:
        """Queue a task; raises Busy if too many are waiting."""
        with self._changed:
            if self._stopping.is_set():
                task.fail(Stopped())
            elif len(self._tasks) >= MAX_WAITING:
                raise Busy("too many photos wait to be read", retry_after_ms=1000)
            else:
                self._tasks.append(task)
                self._start_threads()
                self._changed.notify_all()  # a thread without a process may leave it to others
            unserved = self._started and not self._threads
        if unserved:
            self._fail_all(DecoderUnavailable("no thread can be started"))
        return task.future

    def stop(self, deadline: Deadline) -> None:
        """End all processes and threads; waiting and running tasks fail with Stopped."""
        with self._changed:
            self._stopping.set()
            threads = dict(self._threads)
            self._changed.notify_all()
        self._fail_all(Stopped())
        for decoder in threads:
            decoder.interrupt()
        for thread in threads.values():
            if thread.is_alive():
                thread.join(deadline.remaining)

    def _start_threads(self) -> None:
        """Start missing threads, under the lock; the next task retries."""
        while self._started and not self._stopping.is_set() and len(self._threads) < self._target:
            decoder = Decoder(urgent=self._urgent)
            name = f"decode-{self._name}-{next(self._numbers)}"
            thread = threading.Thread(target=self._serve, args=(decoder,), name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system is out of threads
                log.warning("decoder_thread_missing", cause=str(error), threads=len(self._threads))
                return
            self._threads[decoder] = thread

    # -- the threads --------------------------------------------------------------------------

    def _serve(self, decoder: Decoder) -> None:
        pause = FIRST_PAUSE
        try:
            while True:
                stays, task = self._take(decoder)
                if not stays:
                    return
                if task is WARM:
                    self._prepare(decoder)
                elif task is None:
                    decoder.close()
                elif not task.wanted():
                    continue
                elif (error := self._prepare(decoder)) is None:
                    pause = FIRST_PAUSE
                    task.run(decoder)
                else:
                    task.future.set_exception(error)
                    self._wait_for_others(decoder, error, pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._count_out(decoder)
            decoder.close()

    def _take(self, decoder: Decoder) -> tuple[bool, Task[Any] | None]:
        """Whether this thread stays, and its next task; None after a long time without one."""
        with self._changed:
            self._coming.discard(decoder)
            self._idle.add(decoder)
            self._changed.wait_for(lambda: self._calls_for(decoder), IDLE_SECONDS)
            self._idle.discard(decoder)
            if self._leaves():
                self._count_out(decoder)  # before another thread counts
                self._changed.notify_all()  # a task may have been left to this thread
                return False, None
            if self._tasks:
                return True, self._tasks.popleft()
            if not self._warming:
                return True, None
            self._warming = False
            self._coming.add(decoder)
            return True, WARM

    def _calls_for(self, decoder: Decoder) -> bool:
        """Whether a waiting thread should continue: threads with a process take tasks first."""
        if self._leaves() or self._warming:
            return True
        ready = len(self._coming) + sum(one.pid is not None for one in self._idle)
        return len(self._tasks) > (0 if decoder.pid is not None else ready)

    def _leaves(self) -> bool:
        return len(self._threads) > self._target or self._stopping.is_set()

    def _count_out(self, decoder: Decoder) -> None:
        with self._changed:
            self._threads.pop(decoder, None)
            self._out_of_order.discard(decoder)
            self._coming.discard(decoder)

    def _prepare(self, decoder: Decoder) -> DecodeFailed | None:
        """Start a process, or return the reason for the failure: a thread must not end here."""
        try:
            decoder.ensure(self._limits())
        except DecodeFailed as error:
            return error
        except Exception as error:
            log.exception("decoder_start_failed")
            return DecoderUnavailable(f"no process can be started: {error}")
        with self._changed:
            self._out_of_order.discard(decoder)
        return None

    def _wait_for_others(self, decoder: Decoder, error: DecodeFailed, pause: float) -> None:
        """Leave the work to other threads; if none works, fail the waiting tasks."""
        with self._changed:
            self._out_of_order.add(decoder)
            none_left = self._out_of_order >= self._threads.keys()
        if none_left:
            self._fail_all(error)
        with self._changed:
            self._changed.wait_for(self._leaves, pause)

    def _fail_all(self, error: DecodeFailed) -> None:
        with self._changed:
            waiting, self._tasks = list(self._tasks), deque()
        for task in waiting:
            task.fail(error)
