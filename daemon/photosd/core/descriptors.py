"""How many files and sockets this process may have open."""

from __future__ import annotations

import contextlib
import resource
import sys

WANTED = 10_240  # macOS allows more, but starts programs with 256


def limit() -> int:
    """The number of descriptors this process may have open now."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Raise the limit to `WANTED`, or as far as the system permits; never lowers it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
