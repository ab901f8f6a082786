"""Detects errors that mean a lack of resources, not a bad photo.

Memory, disk space, descriptors, processes: the caller reduces its load, waits and retries.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import Literal

Shortage = Literal["memory", "disk", "descriptors", "processes"]

ERRNOS: dict[int, Shortage] = {
    errno.ENOMEM: "memory",
    errno.ENOSPC: "disk",
    errno.EDQUOT: "disk",
    errno.EMFILE: "descriptors",
    errno.ENFILE: "descriptors",
    errno.EAGAIN: "processes",  # of fork and clone
}
# Wording of PyTorch (CUDA, ROCm, MPS, CPU), C++, LanceDB, SQLite and the kernel.
WORDS: tuple[tuple[Shortage, re.Pattern[str]], ...] = (
    (
        "memory",
        re.compile(
            r"out of memory|outofmemory|memoryerror|bad_alloc|alloc_failed|not enough memory"
            r"|(can't|cannot|could not|unable to|failed to) allocate",
            re.IGNORECASE,
        ),
    ),
    ("disk", re.compile(r"no space left|disk is full|quota exceeded|not enough space", re.I)),
    ("descriptors", re.compile(r"too many open files", re.I)),
    ("processes", re.compile(r"can't start new thread", re.I)),
)


def shortage_of(error: BaseException) -> Shortage | None:
    """What ran out, according to the error or its causes; None: nothing."""
    return next(filter(None, map(_of_one, _chain(error))), None)


def shortage_in(text: str) -> Shortage | None:
    """What ran out, according to an error message; None: nothing."""
    return next((kind for kind, words in WORDS if words.search(text)), None)


def _of_one(error: BaseException) -> Shortage | None:
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, OSError) and error.errno is not None:
        return ERRNOS.get(error.errno)
    return shortage_in(f"{type(error).__name__}: {error}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__
