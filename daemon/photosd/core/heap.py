"""Returns freed memory to the system (glibc; no effect elsewhere).

Arrow and Lance allocate large blocks in many threads. With glibc's defaults each thread has an
arena and freed blocks stay in it: 605 MB after 100,000 rows and 10,000 updates, 273 MB with these
settings (`python -m benchmarks.memory`).
"""

from __future__ import annotations

import ctypes
import os
import sys

# malloc.h of glibc
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
SETTINGS = {M_ARENA_MAX: 2, M_MMAP_THRESHOLD: 256 << 10, M_TRIM_THRESHOLD: 128 << 10}


def trim() -> None:
    """Return free memory anywhere in the heap; takes some milliseconds.

    After building an index 160 of 450 MB were free, but stayed with the process.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def limit_arenas() -> None:
    """Call before threads start and Arrow is imported."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # musl has none
            for name, value in SETTINGS.items():
                libc.mallopt(name, value)
