"""Values in the types that we declare, from any thread.

msgspec looks at a type when it is first used, without a lock: a second thread that uses the same
type meanwhile finds it half looked at, and the process crashes (SIGSEGV). Here a type's first use
happens under a lock, so everything that decodes into a type of ours goes this way.
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
    """Look at a type and at all types inside it; the first call for each takes the time."""
    if kind in _ready:
        return
    with _lock:
        if kind not in _ready:
            msgspec.json.Decoder(kind)
            _ready.add(kind)
