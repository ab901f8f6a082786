"""Exact nearest neighbours in RAM: one float32 matrix, one product per query."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from photosd.index.counting import Counts
from photosd.index.filters import UNDATED, Columns, Filter, Rows, Traits, latest_first
from photosd.index.passing import PassingRows

Vectors = NDArray[np.float32]


Alive = Callable[[Sequence[str]], set[str]]  # which of these contents have a path
Measure = Callable[[Vectors, Vectors], Vectors]  # of queries (n, d) and rows (m, d): (n, m)

AT_ONCE = 4096  # rows, where there are many queries
GATHER = 4  # if fewer than 1 in 4 rows pass the filter, only these are copied and multiplied


class Matrix:
    """Rows of unit vectors, each of one content; any thread may append, drop and search."""

    def __init__(self, dimension: int, capacity: int = 1024) -> None:
        self._lock = threading.Lock()
        self._values = np.empty((max(1, capacity), dimension), np.float32)
        self._contents: list[str] = []
        self._columns = Columns()
        self._known: dict[str, int] = {}  # the first row of each content; its tiles follow

    def __len__(self) -> int:
        """Rows: one a tile."""
        return len(self._contents)

    def contents(self) -> set[str]:
        """Every content id with a vector."""
        with self._lock:
            return set(self._known)

    def __contains__(self, content: object) -> bool:
        """Whether this content has a vector here."""
        return content in self._known

    def append(
        self, contents: Sequence[str], vectors: Vectors, traits: Sequence[Traits] = ()
    ) -> None:
        """Append rows; ``vectors``: (len(contents), d) float32 of unit length;
        ``traits`` of each.
        """
        traits = traits or [Traits()] * len(contents)
        with self._lock:
            rows, needed = len(self._contents), len(self._contents) + len(vectors)
            if needed > len(self._values):
                # A copy, so that running searches keep the old one.
                grown = np.empty((max(needed, 2 * rows), self._values.shape[1]), np.float32)
                grown[:rows] = self._values[:rows]
                self._values = grown
            self._values[rows:needed] = vectors
            self._contents.extend(contents)
            self._columns = self._columns.joined(traits)
            for row, content in enumerate(contents, start=rows):
                self._known.setdefault(content, row)

    def drop(self, contents: set[str]) -> None:
        """Remove every row of these contents."""
        with self._lock:
            if contents.isdisjoint(self._known):
                return
            keep = [row for row, content in enumerate(self._contents) if content not in contents]
            self._values = self._values[keep]
            self._columns = self._columns.picked(np.array(keep, np.int64))
            self._contents = [self._contents[row] for row in keep]
            known: dict[str, int] = {}
            for row, content in enumerate(self._contents):
                known.setdefault(content, row)
            self._known = known

    def vectors_of(self, contents: Sequence[str]) -> dict[str, Vectors]:
        """The vectors (tiles, d) of those of these contents that have any."""
        found: dict[str, Vectors] = {}
        with self._lock:
            for content in contents:
                if (first := self._known.get(content)) is None:
                    continue
                end = first
                while end < len(self._contents) and self._contents[end] == content:
                    end += 1
                found[content] = self._values[first:end].copy()
        return found

    def best(
        self, queries: Vectors, alive: Alive, measure: Measure = np.inner
    ) -> tuple[Vectors, int]:
        """The best score of each query (n, d) with any row of a content that has a path, -1 without
        any: (n,) float32; and the number of those rows.
        """
        with self._lock:
            values, contents = self._values, list(self._contents)
        living = alive(list(dict.fromkeys(contents)))
        rows = np.array([row for row, one in enumerate(contents) if one in living], np.int64)
        found = np.full(len(queries), -1, np.float32)
        for start in range(0, len(rows), AT_ONCE):
            part = values[rows[start : start + AT_ONCE]]
            found = np.maximum(found, measure(queries, part).max(axis=1))
        return found, len(rows)

    def relabel(self, traits: Mapping[str, Traits]) -> None:
        """Give every row of these contents other traits."""
        with self._lock:
            rows = [row for row, content in enumerate(self._contents) if content in traits]
            if rows:
                others = [traits[self._contents[row]] for row in rows]
                self._columns = self._columns.replaced(np.array(rows, np.int64), others)

    def counts(self, where: Filter | None, contents: Collection[str] | None) -> Counts:
        """Counts of the photos that have a path and pass ``where``, of those in ``contents`` if not
        None.
        """
        with self._lock:
            columns, names, rows = self._columns, self._contents, self._first_rows(contents)
        if where is not None:
            rows = rows[np.isin(rows, _passing(where, columns, names))]
        return columns.counts(rows)

    def nearest(
        self, query: Vectors, count: int, where: Filter | None = None
    ) -> list[tuple[str, float]]:
        """The ``count`` nearest contents and their cosine, best first; the best tile counts.

        ``query``: (d,) float32 of unit length. Only contents that pass ``where``.
        """
        with self._lock:
            values, contents, columns = self._values, self._contents, self._columns
        rows = np.arange(len(columns)) if where is None else _passing(where, columns, contents)
        if len(rows) == 0:
            return []
        if where is None:
            scores = values[: len(columns)] @ query
        elif len(rows) * GATHER < len(columns):
            scores = values[rows] @ query
        else:
            scores = (values[: len(columns)] @ query)[rows]
        take = min(len(rows), count + 16)
        while True:
            top = np.argpartition(-scores, take - 1)[:take]
            top = top[np.argsort(-scores[top], kind="stable")]
            found: dict[str, float] = {}
            for place in top:
                found.setdefault(contents[rows[place]], float(scores[place]))
            if len(found) >= count or take == len(rows):
                return list(found.items())[:count]
            take = min(len(rows), take * 2)

    def _first_rows(self, contents: Collection[str] | None) -> Rows:
        """The first row of each of these contents that has any; of all for None."""
        some = self._known if contents is None else self._known.keys() & set(contents)
        return np.sort(np.fromiter((self._known[one] for one in some), np.int64, len(some)))

    def passing(self, where: Filter) -> PassingRows:
        """The rows that pass ``where``."""
        with self._lock:
            contents, columns, known = self._contents, self._columns, self._known
        mask = np.zeros(len(columns), np.bool_)
        mask[_passing(where, columns, contents)] = True

        def rows_of(some: Sequence[str]) -> Rows:
            return np.fromiter((known.get(one, -1) for one in some), np.int64, len(some))

        return PassingRows(mask, rows_of, lambda rows: [contents[row] for row in rows])

    def latest(
        self, count: int, where: Filter, among: Collection[str] | None, *, oldest: bool
    ) -> list[tuple[str, float]]:
        """The ``count`` contents taken last, or first, of those that pass ``where`` and are in
        ``among`` if not None; and when, as `filters.latest_first` gives it.
        """
        with self._lock:
            contents, columns = self._contents, self._columns
            first = self._first_rows(among)
        passing = _passing(where, columns, contents)
        rows = np.intersect1d(first, passing, assume_unique=True)
        undated, name = columns.having([UNDATED]), contents.__getitem__
        return latest_first(rows, columns.moments, undated, count, name, oldest=oldest)


def _passing(where: Filter, columns: Columns, contents: Sequence[str]) -> Rows:
    """The rows that pass a filter, ascending."""
    rows = columns.passing(where)
    if where.among is None:
        return rows
    return np.array([row for row in rows.tolist() if contents[row] in where.among], np.int64)
