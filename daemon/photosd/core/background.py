"""Threads that run until stopped, and the loop of those that do their work again and again."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from concurrent.futures import Future
from typing import TypeVar

import structlog

from photosd.core.clock import Deadline
from photosd.core.errors import Busy, StorageError

log = structlog.get_logger()

T = TypeVar("T")
RETRY_SECONDS = 5.0  # after a failure
STOP_LOOK_SECONDS = 0.5  # between checks whether a wait must end


class StoppableThread(threading.Thread):
    """A thread that ends soon after ``stopping`` is set and `wake` is called."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.stopping = threading.Event()

    def wake(self) -> None:
        """Look for work, or whether to stop, at once; from any thread."""
        raise NotImplementedError

    def stop(self, deadline: Deadline | None = None) -> None:
        """Stop soon, and wait for that until the deadline; unfinished work stays due."""
        self.stopping.set()
        self.wake()
        if self.is_alive():
            self.join((deadline or Deadline.to_stop()).remaining)


class BackgroundLoop(StoppableThread):
    """Calls `work` at its start, on each wake, and after the seconds that `work` returned.

    After a failure it calls it again a little later, whatever happens meanwhile.
    """

    def __init__(self, name: str, *, gather: float = 0.0, retry: float | None = None) -> None:
        """``gather``: seconds to wait after a wake, for others; ``retry``: after a failure, by
        default RETRY_SECONDS.
        """
        super().__init__(name)
        self._gather, self._retry = gather, retry
        self._woken = threading.Event()

    def work(self) -> float:
        """Do all due work; returns seconds until the next call. Ends soon when stopped."""
        raise NotImplementedError

    def wake(self) -> None:
        """There may be work; from any thread."""
        self._woken.set()

    def run(self) -> None:
        """Until stopped."""
        seconds = 0.0
        while not self.stopping.is_set():
            if self._woken.wait(seconds):
                self.stopping.wait(self._gather)
            self._woken.clear()
            if self.stopping.is_set():
                return
            seconds = 0.0
            try:
                seconds = self.work()
                continue
            except (StorageError, Busy) as error:
                log.warning("work_waits", work=self.name, cause=str(error), remedy=error.remedy)
            except Exception:  # a bug in one piece of work must not end the thread
                log.exception(
                    "work_failed", work=self.name, remedy="no action needed: it is retried"
                )
            self.stopping.wait(RETRY_SECONDS if self._retry is None else self._retry)

    def result(self, future: Future[T], until: float) -> T:
        """Its result. Raises TimeoutError at ``until`` (monotonic), or soon when stopped."""
        while time.monotonic() < until and not self.stopping.is_set():
            with contextlib.suppress(concurrent.futures.TimeoutError):
                return future.result(STOP_LOOK_SECONDS)
        raise TimeoutError
