"""Fault injection for the test suite: an encoder that hangs, crashes, is slow or wrong.

Off unless PHOTOSD_TEST_FAULTS names a JSON file with an ``encoder`` key, read again each time:
``{"encoder": {"load weights": "stall", "text": "hang", "image": "crash", "canary": "wrong"}}``.
Keys are phases of loading or lanes; ``{"encoder": {"poison": 200}}`` crashes on a batch in which a
picture begins with a pixel (200, 200, 200).
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VARIABLE = "PHOTOSD_TEST_FAULTS"
LONG_SECONDS = 3600
BALLAST: list[bytes] = []


def strike(place: str, beat: Callable[[], None] = lambda: None) -> None:
    """Inject the requested fault at this place: none outside of tests."""
    if (order := _orders().get(place)) is None:
        return
    name, _, argument = str(order).partition(":")
    deeds: dict[str, Callable[[], object]] = {
        "hang": lambda: time.sleep(LONG_SECONDS),
        "hang_gil": lambda: ctypes.PyDLL(None).sleep(LONG_SECONDS),  # PyDLL keeps the GIL
        "crash": lambda: _suffer(signal.SIGSEGV),
        "stop": lambda: _suffer(signal.SIGSTOP),
        "kill": lambda: _suffer(signal.SIGKILL),
        "exit": lambda: os._exit(1),
        "memory": lambda: _grow(int(argument)),
        "out_of_memory": lambda: _raise(MemoryError()),
        "slow": lambda: _dawdle(float(argument), beat),
        "wait": lambda: time.sleep(float(argument)),
    }
    if name in deeds:
        deeds[name]()


def poisoned(pixels: NDArray[np.uint8]) -> None:
    """Crash if a picture of the batch begins with the configured colour."""
    colour = _orders().get("poison")
    if colour is not None and bool((pixels[:, 0, 0] == colour).all(axis=1).any()):
        _suffer(signal.SIGSEGV)


def lies() -> bool:
    """Whether to return wrong answers."""
    return _orders().get("canary") == "wrong"


def _orders() -> dict[str, Any]:
    if VARIABLE not in os.environ:
        return {}
    try:
        orders: dict[str, Any] = json.loads(Path(os.environ[VARIABLE]).read_text())
    except (OSError, ValueError):  # being written just now
        return {}
    return dict(orders.get("encoder", {}))


def _dawdle(seconds: float, beat: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
        beat()


def _grow(megabytes: int) -> None:
    if not BALLAST:
        BALLAST.append(b"\1" * (megabytes << 20))


def _suffer(number: int) -> None:
    """Signal this thread: another might take a signal to the process, and this one continue."""
    signal.pthread_kill(threading.get_ident(), number)


def _raise(error: Exception) -> None:
    raise error
