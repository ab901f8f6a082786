"""Fault injection for the test suite: a decoder that hangs, crashes or is slow at a given file.

Off unless the environment variable PHOTOSD_TEST_FAULTS names a JSON file with a ``decode`` key:
``{"decode": {"start": "exit", "files": [{"name": "poison*.jpg", "do": "crash", "at": "decode"}]}}``
The file is read again each time, so that a test can change its mind.
"""

from __future__ import annotations

import ctypes
import fnmatch
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from photosd.core import typed

VARIABLE = "PHOTOSD_TEST_FAULTS"
LONG_SECONDS = 3600

Deed = Literal["hang", "hang_gil", "crash", "exit", "stop", "slow", "wait", "memory", "raise"]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """The fault for a file: its name matches ``name``, its bytes begin with ``content``.

    ``slow`` lasts ``seconds``; ``wait`` creates the file ``seen`` and continues once ``until``
    exists or ``seconds`` are over.
    """

    do: Deed
    name: str = "*"
    content: str = ""
    at: Literal["read", "decode"] = "decode"
    seconds: float = 30.0
    seen: str = ""
    until: str = ""


class Faults(msgspec.Struct, frozen=True):
    """All requested faults."""

    start: Deed | None = None
    files: tuple[Fault, ...] = ()


class _Order(msgspec.Struct, frozen=True):
    decode: Faults = Faults()


def strike(at: Literal["read", "decode"], path: bytes, data: bytes = b"") -> None:
    """Inject the requested fault for this file at this moment: none outside of tests."""
    if VARIABLE not in os.environ:
        return
    name = os.fsdecode(path.rpartition(b"/")[2])
    for fault in _ordered().files:
        if (
            fault.at == at
            and fnmatch.fnmatchcase(name, fault.name)
            and data.startswith(fault.content.encode())
        ):
            _do(fault)


def strike_start() -> None:
    """Inject the requested fault for the start of a decoder."""
    if VARIABLE in os.environ and (deed := _ordered().start):
        _do(Fault(do=deed))


def _ordered() -> Faults:
    return typed.from_json(Path(os.environ[VARIABLE]).read_bytes(), _Order).decode


def _do(fault: Fault) -> None:
    deeds: dict[Deed, Callable[[], object]] = {
        "hang": lambda: time.sleep(LONG_SECONDS),
        # PyDLL keeps the GIL, as a bad library would.
        "hang_gil": lambda: ctypes.PyDLL(None).sleep(LONG_SECONDS),
        "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
        "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
        "exit": lambda: os._exit(1),
        "memory": lambda: _raise(MemoryError()),
        "raise": lambda: _raise(RuntimeError("a fault on order")),
        "slow": lambda: time.sleep(fault.seconds),
        "wait": lambda: _wait(fault),
    }
    deeds[fault.do]()


def _raise(error: Exception) -> None:
    raise error


def _wait(fault: Fault) -> None:
    Path(fault.seen).touch()
    end = time.monotonic() + fault.seconds
    while not Path(fault.until).exists() and time.monotonic() < end:
        time.sleep(0.005)
