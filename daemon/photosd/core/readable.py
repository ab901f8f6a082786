"""Whether something has come: for descriptors of any number, of which select(2) takes 1,024."""

from __future__ import annotations

import math
import select
from typing import Protocol


class HasDescriptor(Protocol):
    """A socket, a pipe, a file."""

    def fileno(self) -> int:
        """The number of its descriptor."""


def readable(source: int | HasDescriptor, seconds: float) -> bool:
    """Whether reading from it would not wait, within so many seconds; its end counts, too."""
    poll = select.poll()
    poll.register(source, select.POLLIN | select.POLLPRI)
    return bool(poll.poll(math.ceil(1000 * max(0.0, seconds))))
