"""Stops many parts at once, all within one deadline.

A part that hangs, on a disk or in native code, delays neither the others nor the exit: state is
always on disk, so the process may simply exit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog

from photosd.core.clock import Deadline

log = structlog.get_logger()

Stop = Callable[[Deadline], object]


def stop_all(parts: Mapping[str, Stop], deadline: Deadline) -> list[str]:
    """Stop each part by ``deadline``, in a thread of its own; returns the names of those still
    running.
    """
    threads = {
        name: threading.Thread(target=_stop, args=(name, stop, deadline), name=f"end-{name}")
        for name, stop in parts.items()
    }
    begun, missing = list[str](), list[str]()
    for name, thread in threads.items():
        thread.daemon = True
        (begun if start(thread) else missing).append(name)
    for name in missing:  # no thread available: run them one after another
        _stop(name, parts[name], deadline)
    for name in begun:
        threads[name].join(deadline.remaining)
    return [name for name in begun if threads[name].is_alive()]


def start(thread: threading.Thread) -> bool:
    """Whether it could be started: the system may be out of threads."""
    try:
        thread.start()
    except RuntimeError as error:
        log.warning("thread_missing", name=thread.name, cause=str(error))
        return False
    return True


def _stop(name: str, stop: Stop, deadline: Deadline) -> None:
    try:
        stop(deadline)
    except Exception:  # it must not keep the others from stopping
        log.exception("stop_failed", part=name)
