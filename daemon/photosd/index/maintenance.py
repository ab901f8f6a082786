"""Background maintenance of the index: one task at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from photosd.core.clock import Deadline
from photosd.core.heap import trim
from photosd.core.start_stop import start
from photosd.index.table import errors_of_lance

log = structlog.get_logger()

RETRY_SECONDS = 60.0


class Maintenance:
    """Runs tasks in a thread, and pauses after a failure.

    A failure here is harmless; it is retried. Any thread may use it.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self._choosing = threading.Lock()
        self._closed = False
        self.abandoned = False  # the running task was given up; another may have replaced it

    def begin(self, work: Callable[[], int]) -> None:
        """Start it, unless a task is running, or failed just now.

        ``work`` returns the number of rows it processed.
        """
        with self._choosing:
            if self._closed or self._working or time.monotonic() < self._not_before:
                return
            thread = threading.Thread(
                target=self._do, args=(work,), name="maintenance", daemon=True
            )
            if start(thread):
                self._thread = thread

    def wait_idle(self, seconds: float) -> bool:
        """Wait for the running task, up to this time; returns whether it has ended."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self._working

    def close(self, deadline: Deadline) -> None:
        """Start nothing more; a running task may end by the deadline, or with the process: until
        then the previous version of the table stays valid.
        """
        with self._choosing:
            self._closed = True
        self.abandoned = not self.wait_idle(deadline.remaining)

    @property
    def _working(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _do(self, work: Callable[[], int]) -> None:
        started = time.monotonic()
        try:
            with errors_of_lance():
                rows = work()
        except Exception as error:
            self._not_before = time.monotonic() + RETRY_SECONDS
            log.error(
                "maintenance_failed",
                cause=str(error)[:500],
                remedy="no action needed: it is retried",
            )
            return
        finally:
            trim()
        seconds = round(time.monotonic() - started, 1)
        log.info("maintenance_done", work=work.__name__.strip("_"), rows=rows, seconds=seconds)
