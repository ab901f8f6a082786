"""Converts values to declared types, from any thread.

msgspec inspects a type on first use, without a lock: a second thread that uses the type meanwhile
sees it half inspected, and the process crashes (SIGSEGV). Here the first use happens under a lock,
so all decoding into our types uses this module.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_lock = threading.Lock()
_ready: set[Any] = set()


def convert(value: Any, kind: type[T], *, builtin_types: tuple[type, ...] = ()) -> T:
    """``value`` (dicts, lists, numbers, text) as a ``kind``; raises msgspec.ValidationError."""
    make_ready(kind)
    return msgspec.convert(value, kind, builtin_types=builtin_types)


def from_json(text: bytes | str, kind: type[T]) -> T:
    """JSON as a ``kind``; raises msgspec.DecodeError, and ValidationError which is one."""
    make_ready(kind)
    return msgspec.json.decode(text, type=kind)


def make_ready(kind: Any) -> None:
    """Inspect a type and all types inside it; the first call for each takes the time."""
    if kind in _ready:
        return
    with _lock:
        if kind not in _ready:
            msgspec.json.Decoder(kind)
            _ready.add(kind)
