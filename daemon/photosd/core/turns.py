"""Queries go first: long work in other threads waits a moment while one is answered.

Python runs one thread at a time, and a query hands over to others many times: beside a
comparison it took more than twice as long.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

STEPS = 64  # of work between two looks: less than a millisecond
WAIT_SECONDS = 0.05  # for queries, however many there are: the work continues as well

_lock = threading.Lock()
_running = 0
_none = threading.Event()
_none.set()


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """A query is being answered. For any thread."""
    global _running
    with _lock:
        _running += 1
        _none.clear()
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if not _running:
                _none.set()


def after_queries(steps: Iterable[T]) -> Iterator[T]:
    """The same steps; now and then it waits for queries, at most WAIT_SECONDS."""
    for number, step in enumerate(steps):
        if number % STEPS == 0 and not _none.is_set():
            _none.wait(WAIT_SECONDS)
        yield step
