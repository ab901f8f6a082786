"""Watches a decoder's memory from outside, where the system refuses to limit it (macOS)."""

from __future__ import annotations

from photosd.core.footprint import footprint
from photosd.decode.limits import DecodeLimits

LOOK_SECONDS = 0.05  # between two looks while a photo is decoded


class MemoryWatch:
    """For one decoder process that has just started and holds no photo."""

    def __init__(self, pid: int, limits: DecodeLimits) -> None:
        self._pid = pid
        self._most = (footprint(pid) or 0) + limits.memory + limits.file_bytes

    def exceeded(self) -> bool:
        """Whether it uses more than its libraries, a file and the pixels may."""
        return (footprint(self._pid) or 0) > self._most
