"""Lets queries run first: other threads pause their long work while a query is answered.

Python runs one thread at a time and often switches threads during a query: without pauses, a query
took more than twice as long during a comparison.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

STEPS = 64  # steps of work between two checks: less than a millisecond
WAIT_SECONDS = 0.05  # longest pause, so that the work continues under many queries


class _Held(threading.local):
    locks = 0  # that a query may need


_held = _Held()
_lock = threading.Lock()
_running = 0
_none = threading.Event()
_none.set()


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Marks a query as running, for any thread."""
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


@contextlib.contextmanager
def holding() -> Iterator[None]:
    """For a thread that holds a lock that a query may need: meanwhile it does not wait for queries,
    which would wait for it.
    """
    _held.locks += 1
    try:
        yield
    finally:
        _held.locks -= 1


def wait_for_queries() -> None:
    """Wait until no query is running, at most WAIT_SECONDS."""
    if not _held.locks and not _none.is_set():
        _none.wait(WAIT_SECONDS)


def after_queries(steps: Iterable[T]) -> Iterator[T]:
    """Yields ``steps``; after every STEPS steps it waits for running queries.

    Short work does not wait: a query may have asked for it.
    """
    for number, step in enumerate(steps, 1):
        if number % STEPS == 0:
            wait_for_queries()
        yield step
