"""Keeps memory that was freed from staying with the process (glibc; elsewhere nothing is done).

Arrow and Lance allocate large blocks in many threads. With glibc's defaults each thread keeps an
arena of its own and freed blocks stay in them: 605 MB after 100,000 rows and 10,000 updates, 273 MB
with these settings (`python -m benchmarks.memory`).
"""

from __future__ import annotations

import ctypes
import os
import sys

# malloc.h of glibc
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
SETTINGS = {M_ARENA_MAX: 2, M_MMAP_THRESHOLD: 256 << 10, M_TRIM_THRESHOLD: 128 << 10}


def trim() -> None:
    """Hand back what is free now, wherever in the heap it lies; some milliseconds.

    After an index was built 160 of 450 MB were free, and stayed with the process.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def give_memory_back() -> None:
    """Call before threads start and Arrow is imported."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # musl has none
            for name, value in SETTINGS.items():
                libc.mallopt(name, value)
