"""A queue of files and the threads that serve it, each with a decoder process of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

import structlog

from photosd.core.clock import Deadline
from photosd.core.errors import Busy
from photosd.decode.decoder import Answer, Decoder
from photosd.decode.failures import DecodeFailed, Stopped, TooSlow
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import Request

log = structlog.get_logger()
T = TypeVar("T")

MOST_WAITING = 2048
IDLE_SECONDS = 60.0  # then the process ends; the next file costs 0.2 s more
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between attempts to start a decoder


class Task(Generic[T]):
    """One file to be read, and who waits for it."""

    def __init__(
        self, request: Request, finish: Callable[[Answer], T], deadline: Deadline | None = None
    ) -> None:
        self.request, self.deadline = request, deadline
        self.future: Future[T] = Future()
        self._finish = finish

    def run(self, decoder: Decoder) -> None:
        """Have ``decoder`` do it; the future holds the result or a DecodeFailed."""
        try:
            result = self._finish(decoder.ask(self.request, self.deadline))
        except Exception as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def wanted(self) -> bool:
        """Whether somebody still waits; from here on it cannot be cancelled."""
        if not self.future.set_running_or_notify_cancel():
            return False
        if self.deadline is not None and self.deadline.passed:
            self.future.set_exception(TooSlow())
            return False
        return True

    def fail(self, error: DecodeFailed) -> None:
        """End it without having begun."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class Lane:
    """``workers`` threads that take tasks in order. ``limits`` is asked before each task."""

    def __init__(
        self, name: str, workers: int, limits: Callable[[], DecodeLimits], *, urgent: bool
    ) -> None:
        self._queue: queue.Queue[Task[object] | None] = queue.Queue()
        self._limits = limits
        self._stopping = threading.Event()
        self._name, self._urgent, self._started = name, urgent, False
        self._threads: dict[Decoder, threading.Thread] = {}
        self._out_of_order: set[Decoder] = set()
        self.resize(workers)

    @property
    def pids(self) -> list[int]:
        """The decoder processes that are up."""
        return [pid for decoder in list(self._threads) if (pid := decoder.pid) is not None]

    def start(self) -> None:
        """Begin to serve; the processes start with the first files."""
        self._started = True
        for thread in self._threads.values():
            thread.start()

    def resize(self, workers: int) -> None:
        """Have so many threads; those too many leave when they have finished their file."""
        for _ in range(workers, len(self._threads)):
            self._queue.put(None)
        for number in range(len(self._threads), workers):
            decoder = Decoder(urgent=self._urgent)
            thread = threading.Thread(
                target=self._serve, args=(decoder,), name=f"decode-{self._name}-{number}"
            )
            thread.daemon = True
            self._threads[decoder] = thread
            if self._started:
                thread.start()

    def submit(self, task: Task[T]) -> Future[T]:
        """Queue a task; raises Busy when too many wait already."""
        if self._stopping.is_set():
            task.fail(Stopped())
        elif self._queue.qsize() >= MOST_WAITING:
            raise Busy("too many photos wait to be read", retry_after_ms=1000)
        else:
            self._queue.put(task)  # type: ignore[arg-type]  # who reads it back does not look inside
            if self._stopping.is_set():  # stopped in between: nobody may be left to take it
                self._fail_all(Stopped())
        return task.future

    def stop(self, deadline: Deadline) -> None:
        """End all processes and threads; what waits, or is being read, fails with Stopped."""
        self._stopping.set()
        self._fail_all(Stopped())
        threads = dict(self._threads)
        for decoder in threads:
            self._queue.put(None)
            decoder.interrupt()
        for thread in threads.values():
            if thread.is_alive():
                thread.join(deadline.remaining)

    # -- the threads --------------------------------------------------------------------------

    def _serve(self, decoder: Decoder) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                task = self._queue.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                decoder.close()
                continue
            if task is None:
                break
            if not task.wanted():
                continue
            try:
                decoder.ensure(self._limits())
            except DecodeFailed as error:
                task.future.set_exception(error)
                self._sit_out(decoder, error, pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            self._out_of_order.discard(decoder)
            task.run(decoder)
        decoder.close()
        self._out_of_order.discard(decoder)
        del self._threads[decoder]

    def _sit_out(self, decoder: Decoder, error: DecodeFailed, pause: float) -> None:
        """Leave the work to the other threads; if there is none in order, nobody need wait."""
        self._out_of_order.add(decoder)
        if len(self._out_of_order) == len(self._threads):
            self._fail_all(error)
        self._stopping.wait(pause)

    def _fail_all(self, error: DecodeFailed) -> None:
        while True:
            try:
                task = self._queue.get_nowait()
            except queue.Empty:
                return
            if task is not None:
                task.fail(error)
