"""Signs of life: each function says in words what is wrong, or nothing, within a few seconds."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path

from photosd.core.errors import Busy, PhotosdError
from photosd.ipc.client import Client

LOOP_SECONDS = 5.0
ANSWER_SECONDS = 5.0
# The watchdog thread turns at least every 30 s; burying an encoder may take some seconds more.
WATCHDOG_SECONDS = 120.0
# The reconciler turns at least every 30 s, and only ever waits for the catalog.
RECONCILER_SECONDS = 300.0
# Watching a large folder anew on a slow disk takes minutes, and is work, not death.
WATCHER_SECONDS = 900.0


def loop_turns(loop: asyncio.AbstractEventLoop) -> str | None:
    """Whether the event loop still takes turns."""
    turned = threading.Event()
    try:
        loop.call_soon_threadsafe(turned.set)
    except RuntimeError:
        return None  # it has been closed: the daemon is leaving
    return None if turned.wait(LOOP_SECONDS) else f"it has not turned for {LOOP_SECONDS:g} s"


def socket_is_ours(path: Path) -> str | None:
    """Whether clients who connect to the socket reach this process and are answered."""
    try:
        with Client(path, timeout=ANSWER_SECONDS) as client:
            pid = client.hello()["pid"]
    except Busy:
        return None  # so many clients are being answered
    except PhotosdError as error:
        return str(error)
    return None if pid == os.getpid() else f"process {pid} answers instead"


def recent(what: str, sign_at: float, limit: float) -> str | None:
    """Whether a sign of ``time.monotonic()`` is younger than ``limit`` seconds."""
    age = time.monotonic() - sign_at
    return f"{what} for {age:.0f} s" if age > limit else None
