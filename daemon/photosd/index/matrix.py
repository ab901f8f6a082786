"""Exact nearest neighbours in RAM: one float32 matrix, one product a query."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Matrix:
    """Rows of unit vectors, each of one content; any thread may append, drop and search."""

    def __init__(self, dimension: int, capacity: int = 1024) -> None:
        self._lock = threading.Lock()
        self._values = np.empty((max(1, capacity), dimension), np.float32)
        self._contents: list[str] = []
        self._known: set[str] = set()

    def __len__(self) -> int:
        """Rows: one a tile."""
        return len(self._contents)

    def contents(self) -> set[str]:
        """Every content id with a vector."""
        with self._lock:
            return set(self._known)

    def append(self, contents: Sequence[str], vectors: Vectors) -> None:
        """Add rows; ``vectors``: (len(contents), d) float32 of unit length."""
        with self._lock:
            rows, needed = len(self._contents), len(self._contents) + len(vectors)
            if needed > len(self._values):
                # A copy, never in place: searches that run now keep the old one.
                grown = np.empty((max(needed, 2 * rows), self._values.shape[1]), np.float32)
                grown[:rows] = self._values[:rows]
                self._values = grown
            self._values[rows:needed] = vectors
            self._contents.extend(contents)
            self._known.update(contents)

    def drop(self, contents: set[str]) -> None:
        """Remove every row of these contents."""
        with self._lock:
            if contents.isdisjoint(self._known):
                return
            keep = [row for row, content in enumerate(self._contents) if content not in contents]
            self._values = self._values[keep]
            self._contents = [self._contents[row] for row in keep]
            self._known -= contents

    def nearest(self, query: Vectors, count: int) -> list[tuple[str, float]]:
        """The ``count`` nearest contents and their cosine, best first; the best tile counts.

        ``query``: (d,) float32 of unit length.
        """
        with self._lock:
            values, contents, rows = self._values, self._contents, len(self._contents)
        if rows == 0:
            return []
        scores = values[:rows] @ query
        take = min(rows, count + 16)
        while True:
            top = np.argpartition(-scores, take - 1)[:take]
            top = top[np.argsort(-scores[top], kind="stable")]
            found: dict[str, float] = {}
            for row in top:
                found.setdefault(contents[row], float(scores[row]))
            if len(found) >= count or take == rows:
                return list(found.items())[:count]
            take = min(rows, take * 2)
