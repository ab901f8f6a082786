"""The loop of background threads works at its start, on each wake, and again after a failure."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from photosd.core.background import BackgroundLoop
from photosd.core.errors import StorageError

NEVER = 3600.0


class Loop(BackgroundLoop):
    """Each call of `work` takes the next outcome from a list: seconds, or an error."""

    def __init__(self, *outcomes: float | Exception, retry: float = 0.01) -> None:
        super().__init__("loop", retry=retry)
        self._outcomes = list(outcomes)
        self.calls: queue.Queue[int] = queue.Queue()

    def work(self) -> float:
        self.calls.put(1)
        outcome = self._outcomes.pop(0) if self._outcomes else NEVER
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def started() -> Iterator[list[Loop]]:
    """Loops to stop at the end."""
    loops: list[Loop] = []
    yield loops
    for loop in loops:
        loop.stop()
        assert not loop.is_alive()


def begun(started: list[Loop], loop: Loop) -> Loop:
    started.append(loop)
    loop.start()
    return loop


def test_it_works_at_its_start_and_on_each_wake(started: list[Loop]) -> None:
    loop = begun(started, Loop())
    for _ in range(3):
        assert loop.calls.get(timeout=60)
        loop.wake()


def test_it_works_again_after_the_seconds_that_the_work_returned(started: list[Loop]) -> None:
    loop = begun(started, Loop(0.01, 0.0))
    assert all(loop.calls.get(timeout=60) for _ in range(3))


@pytest.mark.parametrize("error", [StorageError("the disk is full"), RuntimeError("a bug")])
def test_a_failure_is_retried(started: list[Loop], error: Exception) -> None:
    loop = begun(started, Loop(error, error))
    assert all(loop.calls.get(timeout=60) for _ in range(3))


def test_a_wake_does_not_shorten_the_pause_after_a_failure(started: list[Loop]) -> None:
    """Each commit wakes the threads: with a full disk they would try all the time."""
    loop = begun(started, Loop(StorageError("the disk is full"), retry=NEVER))
    assert loop.calls.get(timeout=60)
    other = begun(started, Loop(StorageError("the disk is full")))
    loop.wake()
    assert all(other.calls.get(timeout=60) for _ in range(2))  # it had the time for it
    assert loop.calls.empty()


def test_a_stop_ends_the_wait_for_a_result() -> None:
    waiting, ended = threading.Event(), threading.Event()

    class Waiter(Loop):
        def work(self) -> float:
            waiting.set()
            with pytest.raises(TimeoutError):
                self.result(Future[None](), time.monotonic() + NEVER)
            ended.set()
            return NEVER

    loop = Waiter()
    loop.start()
    assert waiting.wait(60)
    loop.stop()
    assert ended.is_set()
