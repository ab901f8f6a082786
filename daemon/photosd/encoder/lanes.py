"""The threads of the encoder process: one for texts and one for images, or one for both.

Only one thread may use an accelerator: PyTorch aborts on Metal if two do (pytorch#197805), and
kernels of two threads would wait for each other anyway.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

IMAGE_NICENESS = 19  # the lowest priority there is (setpriority(2))


class Lanes:
    """Runs work on texts and on images; ``shared``: all of it in one thread."""

    def __init__(self, *, shared: bool) -> None:
        self.shared = shared
        self._images = ThreadPoolExecutor(1, "images", None if shared else _stand_back)
        self._texts = ThreadPoolExecutor(1, "texts")  # has a thread once it is used
        self._waiting: SimpleQueue[Callable[[], object]] = SimpleQueue()

    def image(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> Future[T]:
        """Run ``work`` in the thread for images; the future has its result or error."""
        return self._images.submit(work, *args, **named)

    def text(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> Future[T]:
        """Run ``work`` in the thread for texts; in the shared one at the next `let_texts_pass`."""
        if not self.shared:
            return self._texts.submit(work, *args, **named)
        future: Future[Any] = Future()
        self._waiting.put(lambda: _fulfil(future, lambda: work(*args, **named)))
        self._images.submit(self.let_texts_pass)
        return future

    def let_texts_pass(self) -> None:
        """Run the texts that wait for the shared thread; called there, between steps of images."""
        with contextlib.suppress(Empty):
            while True:
                self._waiting.get_nowait()()


def _fulfil(future: Future[Any], work: Callable[[], object]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # as an executor does
        future.set_exception(error)


def _stand_back() -> None:
    """Let the kernel prefer the thread that answers queries, and its helpers."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), IMAGE_NICENESS)
