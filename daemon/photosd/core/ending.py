"""Ending: many parts stop at once, and all of it within one deadline.

A part that hangs, on a disk or in native code, holds up neither the others nor the end: what has to
be kept is on the disk at any moment, so the process may simply end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog

from photosd.core.clock import Deadline

log = structlog.get_logger()

Stop = Callable[[Deadline], object]


def stop_all(parts: Mapping[str, Stop], deadline: Deadline) -> list[str]:
    """Have each stop by ``deadline``, in a thread of its own; the names of those that have not."""
    threads = {
        name: threading.Thread(target=_stop, args=(name, stop, deadline), name=f"end-{name}")
        for name, stop in parts.items()
    }
    for thread in threads.values():
        thread.daemon = True
        thread.start()
    for thread in threads.values():
        thread.join(deadline.remaining)
    return [name for name, thread in threads.items() if thread.is_alive()]


def _stop(name: str, stop: Stop, deadline: Deadline) -> None:
    try:
        stop(deadline)
    except Exception:  # it must not keep the others from their end
        log.exception("stop_failed", part=name)
