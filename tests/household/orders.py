"""Faults on order: a test writes how many of which kind, a daemon's stand-ins strike and count.

One small file, mapped into both processes, so that orders arrive at once and outlive `kill -9`.
"""

from __future__ import annotations

import mmap
import random
import struct
import threading
from pathlib import Path

KINDS = (
    "catalog_full",  # SQLite: database or disk is full
    "catalog_io",  # SQLite: disk I/O error
    "catalog_busy",  # SQLite: database is locked
    "vectors_full",  # LanceDB: no space left on device
    "vectors_io",  # LanceDB: input/output error, before anything was written
    "vectors_late",  # LanceDB: it was written, and then reported as failed
    "vectors_read",  # LanceDB: a table cannot be read
    "stat",  # EIO from stat
    "list",  # EIO from listing a directory
    "read",  # EIO from reading a photo
    "decoder_dies",
    "decoder_away",
    "decoder_busy",
    "decoder_full",  # no memory for the decoder
    "encoder_dies",
    "encoder_away",
    "encoder_raises",  # the call itself raises
)
FULL = ("catalog_full", "vectors_full")
SLOTS = 64  # room for kinds
SIZE = 8 * (2 * SLOTS + 2)
CHANCE = 0.3  # that a fault on order strikes at a given moment: not always the first


class Orders:
    """The test writes how many were ordered, the daemon how many struck; the rest is due."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(SIZE))
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), SIZE)
        self._lock = threading.Lock()

    def order(self, kind: str, count: int = 1) -> None:
        """Have ``count`` more faults of this kind happen."""
        self._set(KINDS.index(kind), self._get(KINDS.index(kind)) + count)

    def left(self, kind: str) -> int:
        """How many faults of this kind have not happened yet."""
        slot = KINDS.index(kind)
        return self._get(slot) - self._get(SLOTS + slot)

    def clear(self) -> None:
        """No more faults from now on."""
        for slot in range(len(KINDS)):
            self._set(slot, self._get(SLOTS + slot))
        self.full, self.clock = False, 0.0

    def struck(self) -> dict[str, int]:
        """How many faults of each kind have happened."""
        return {kind: self._get(SLOTS + slot) for slot, kind in enumerate(KINDS)}

    @property
    def full(self) -> bool:
        """Whether the disk is full: every write fails."""
        return bool(self._get(2 * SLOTS))

    @full.setter
    def full(self, full: bool) -> None:
        self._set(2 * SLOTS, int(full))

    @property
    def clock(self) -> float:
        """Seconds that the daemon's clock is ahead."""
        return float(struct.unpack_from("d", self._memory, 8 * (2 * SLOTS + 1))[0])

    @clock.setter
    def clock(self, seconds: float) -> None:
        struct.pack_into("d", self._memory, 8 * (2 * SLOTS + 1), seconds)

    def due(self, kind: str) -> bool:
        """Whether a fault of this kind happens now; asked by the daemon, which counts it."""
        slot = KINDS.index(kind)
        if self._get(slot) <= self._get(SLOTS + slot) and not (self.full and kind in FULL):
            return False
        with self._lock:
            struck = self._get(SLOTS + slot)
            if self.full and kind in FULL:
                return True
            if self._get(slot) <= struck or random.random() > CHANCE:
                return False
            self._set(SLOTS + slot, struck + 1)
            return True

    def _get(self, slot: int) -> int:
        return int(struct.unpack_from("q", self._memory, 8 * slot)[0])

    def _set(self, slot: int, value: int) -> None:
        struct.pack_into("q", self._memory, 8 * slot, value)
