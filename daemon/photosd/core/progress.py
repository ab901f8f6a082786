"""Progress reports from within a long series of file-system calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_here = threading.local()


def tick() -> None:
    """Report that a file-system call returned; no cost without a listener."""
    hook: Callable[[], None] | None = getattr(_here, "hook", None)
    if hook is not None:
        hook()


@contextmanager
def reporting(hook: Callable[[], None]) -> Iterator[None]:
    """Call ``hook`` at each tick of this thread; an exception from it ends the calls."""
    _here.hook = hook
    try:
        yield
    finally:
        _here.hook = None
