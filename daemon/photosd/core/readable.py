"""Waits for input on descriptors of any number; select(2) is limited to 1,024."""

from __future__ import annotations

import math
import select
from typing import Protocol


class HasDescriptor(Protocol):
    """A socket, a pipe, a file."""

    def fileno(self) -> int:
        """The number of its descriptor."""


def readable(source: int | HasDescriptor, seconds: float) -> bool:
    """Whether reading would not block, within this many seconds; end of file counts."""
    poll = select.poll()
    poll.register(source, select.POLLIN | select.POLLPRI)
    return bool(poll.poll(math.ceil(1000 * max(0.0, seconds))))
