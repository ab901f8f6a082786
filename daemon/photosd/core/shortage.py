"""Shortage: errors that say that something has run out here, and nothing about a photo.

Memory, room on a disk, descriptors, processes: what a caller does is to take less at once, to wait
and to try again.
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
# As PyTorch (CUDA, ROCm, MPS, CPU), C++, LanceDB, SQLite and the kernel put it.
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
    """What ran out, as the error or one that it was raised from says; None: nothing."""
    return next(filter(None, map(_of_one, _chain(error))), None)


def shortage_in(text: str) -> Shortage | None:
    """What ran out, as the words of an error say; None: nothing."""
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
