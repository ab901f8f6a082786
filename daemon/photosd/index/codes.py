"""Vectors as 16-bit numbers: half the size of float32; the high bytes alone find the nearest.

Each row has its own scale; a number is ``scale * (256 * high + low)``. A search multiplies all high
bytes (integers, by simsimd), and compares the best exactly (docs/adr/0004-exact-search-in-ram.md
has recall and times).
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
import simsimd
from numpy.typing import NDArray

from photosd.core.machine import cores
from photosd.index.matrix import Vectors

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Bytes = NDArray[np.int8]

HIGH, LOW, SCALES = "high.i8", "low.i8", "scales.f32"
MAX_CODE = 127 * 256  # largest 16-bit number used: its rounded high byte fits into 8 bits
LARGEST = 1.01 / MAX_CODE  # scale of a vector of unit length
AT_ONCE = 4 << 20  # bytes of one product: simsimd holds the interpreter's lock
# From MANY_BYTES on two threads multiply, because one core reads memory at half the speed: 100,000
# rows of 256 numbers in 3.6 and 2.1 ms. Each product waits for both, which costs milliseconds on
# busy cores: so products are larger.
THREADS, MANY_BYTES, MANY_AT_ONCE = 2, 16 << 20, 16 << 20
TRY_SECONDS = 1.0  # for a thread that does nothing: longer than any start of one
GATHER = 8  # if fewer than 1 in 8 rows pass the filter, only these are copied and multiplied
SURE = 4.0  # standard deviations of the rounding error: rows this far apart need no exact check
LOWEST = float(np.finfo(np.float32).min)
MAX_EXACT = 2000  # rows compared exactly beyond those wanted


class _Helped(threading.local):
    by_thread = False  # libgomp has started one for this thread, and keeps it


_helped = _Helped()


class Codes:
    """Rows of unit vectors in the files of a directory. Any thread may search; one may wipe.

    The high bytes are in RAM, the low ones are mapped: a search reads few of them.
    """

    def __init__(self, directory: Path, dimension: int) -> None:
        """Raises OSError or ValueError if the files are incomplete."""
        self._directory, self._dimension = directory, dimension
        self._scales = np.fromfile(directory / SCALES, np.float32)
        if not ((self._scales > 0) & (self._scales <= LARGEST)).all():
            raise ValueError(f"{directory / SCALES} is not what was written")
        shape = (len(self._scales), dimension)
        for name in (HIGH, LOW):
            if (directory / name).stat().st_size != len(self._scales) * dimension:
                raise ValueError(f"{directory / name} is incomplete")
        many = shape[0] * dimension >= MANY_BYTES
        self._threads = min(THREADS, cores()) if many else 1
        self._step = max(1, (MANY_AT_ONCE if many else AT_ONCE) // max(1, dimension))
        self._high: Bytes = np.fromfile(directory / HIGH, np.int8).reshape(shape)
        self._low: Bytes = np.empty(shape, np.int8)
        if self._low.size:
            with (directory / LOW).open("rb") as stream:
                mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            if hasattr(mmap, "MADV_WILLNEED"):
                mapped.madvise(mmap.MADV_WILLNEED)
            self._low = np.frombuffer(mapped, np.int8).reshape(shape)

    @classmethod
    def write(cls, directory: Path, dimension: int, parts: Iterable[Vectors]) -> Self:
        """Write the files of these rows, (n, d) float32 each; on the disk once it returns.

        Raises OSError.
        """
        with (
            (directory / HIGH).open("wb") as high,
            (directory / LOW).open("wb") as low,
            (directory / SCALES).open("wb") as scales,
        ):
            for part in parts:
                found = _coded(part)
                high.write(found[0].tobytes())
                low.write(found[1].tobytes())
                scales.write(found[2].tobytes())
            for stream in (high, low, scales):
                stream.flush()
                os.fsync(stream.fileno())
        return cls(directory, dimension)

    def __len__(self) -> int:
        """Rows."""
        return len(self._scales)

    def vectors(self, rows: Rows) -> Vectors:
        """These rows, (m, d) float32 of unit length."""
        found = self._high[rows].astype(np.float32) * 256 + self._low[rows]
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        unit: Vectors = found / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit

    def nearest(
        self, query: Vectors, count: int, passing: Mask | None = None
    ) -> tuple[Rows, Vectors]:
        """The ``count`` nearest rows of those that pass, and their cosines, best first.

        ``query``: (d,) float32 of unit length; ``passing``: (n,), None for all.
        """
        if passing is not None and np.count_nonzero(passing) * GATHER < len(self):
            rows = np.flatnonzero(passing)
            high, scales = self._high[rows], self._scales[rows]
            best = rows[self._candidates(query, count, high, scales)]
        else:
            best = self._candidates(query, count, self._high, self._scales, passing)
        exact = self.vectors(best) @ query
        order = np.argsort(-exact, kind="stable")[:count]
        return best[order], exact[order]

    def wipe(self, rows: Rows) -> None:
        """Write zeros over these rows on the disk, where the files are. Raises OSError."""
        nothing = bytes(self._dimension)
        for name in (HIGH, LOW):
            with (
                contextlib.suppress(FileNotFoundError),
                (self._directory / name).open("r+b") as stream,
            ):
                for row in rows.tolist():
                    stream.seek(row * self._dimension)
                    stream.write(nothing)

    def _candidates(
        self, query: Vectors, count: int, high: Bytes, scales: Vectors, passing: Mask | None = None
    ) -> Rows:
        """Rows of ``high`` that may be among the ``count`` nearest, within the rounding error of
        products of high bytes: each number is off by up to half a step, uniformly distributed.

        Works on a part at a time: its numbers stay in the cache, and it allocates no large array.
        """
        coded, _, scale = _coded(query[None])
        threads = self._threads if self._threads == 1 or _can_start_thread() else 1
        spread = 256 * np.hypot(scale[0], scales.max(initial=0)) / np.sqrt(12)
        kept: list[tuple[Rows, Vectors]] = [(np.empty(0, np.int64), np.empty(0, np.float32))]
        floor = LOWEST
        for at in range(0, len(high), step := self._step):
            products = simsimd.cdist(
                coded, high[at : at + step], metric="dot", out_dtype="f32", threads=threads
            )
            near = np.asarray(products)[0] * (scales[at : at + step] * (scale * (256 * 256)))
            if passing is not None:
                near[~passing[at : at + step]] = -np.inf
            floor = max(floor, _highest(near, count))
            found = np.flatnonzero(near >= floor - SURE * spread)
            kept.append((found + at, near[found]))
        rows = np.concatenate([rows for rows, _ in kept])
        near = np.concatenate([near for _, near in kept])
        floor = max(floor, _highest(near, count))
        sure = near >= floor - SURE * spread
        rows, near = rows[sure], near[sure]
        best: Rows = rows[np.argsort(-near)[: count + MAX_EXACT]]
        return best


def _can_start_thread() -> bool:
    """Whether another thread can multiply for this one. libgomp ends the process if the system is
    out of threads, so try first.
    """
    if not _helped.by_thread:
        thread = threading.Thread(target=bool, name="try-thread", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        thread.join(TRY_SECONDS)
        _helped.by_thread = True
    return True


def _coded(vectors: Vectors) -> tuple[Bytes, Bytes, Vectors]:
    """High bytes, low bytes (n, d) and scales (n,) of rows (n, d)."""
    scales = np.maximum(np.abs(vectors).max(axis=1, initial=0), np.finfo(np.float32).eps) / MAX_CODE
    numbers = np.rint(vectors / scales[:, None]).astype(np.int32)
    high = (numbers + 128) >> 8
    low = numbers - (high << 8)
    return high.astype(np.int8), low.astype(np.int8), scales.astype(np.float32)


def _highest(values: Vectors, count: int) -> float:
    """The number that ``count`` of these reach; if there are fewer, one that all reach."""
    if count >= len(values):
        return -math.inf
    return float(np.partition(values, len(values) - count)[len(values) - count])
