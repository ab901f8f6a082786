"""Filter columns of the rows in RAM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from photosd.index.filters import Filter, Traits, distance_km

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Columns:
    """One entry per row; never changed, only replaced, so that running searches can use the old
    one.
    """

    def __init__(self, rows: Sequence[Traits] = ()) -> None:
        self.cameras = {row.camera for row in rows if row.camera is not None}
        self._rows = len(rows)
        # A missing date or place is nan, which compares false.
        self._moments = np.array([row.moment for row in rows], np.float64)
        self._latitudes = np.array([row.latitude for row in rows], np.float64)
        self._longitudes = np.array([row.longitude for row in rows], np.float64)
        self._labels = np.array([one for row in rows for one in row.labels], np.int64)
        self._labelled = np.repeat(np.arange(len(rows)), [len(row.labels) for row in rows])

    def __len__(self) -> int:
        """Rows."""
        return self._rows

    def joined(self, rows: Sequence[Traits]) -> Columns:
        """With these rows appended."""
        more = Columns(rows)
        more.cameras |= self.cameras
        more._moments = np.concatenate([self._moments, more._moments])
        more._latitudes = np.concatenate([self._latitudes, more._latitudes])
        more._longitudes = np.concatenate([self._longitudes, more._longitudes])
        more._labels = np.concatenate([self._labels, more._labels])
        more._labelled = np.concatenate([self._labelled, more._labelled + self._rows])
        more._rows += self._rows
        return more

    def picked(self, rows: Rows) -> Columns:
        """Only these rows, each at most once, in this order."""
        fewer = Columns()
        fewer.cameras, fewer._rows = self.cameras, len(rows)
        fewer._moments, fewer._latitudes = self._moments[rows], self._latitudes[rows]
        fewer._longitudes = self._longitudes[rows]
        place = np.full(self._rows, -1, np.int64)
        place[rows] = np.arange(len(rows))
        labelled = place[self._labelled]
        fewer._labels, fewer._labelled = self._labels[labelled >= 0], labelled[labelled >= 0]
        return fewer

    def replaced(self, rows: Rows, others: Sequence[Traits]) -> Columns:
        """With these traits in these rows, in ascending order."""
        last = len(self)
        order = np.arange(last)
        order[rows] = np.arange(last, last + len(rows))
        return self.joined(others).picked(order)

    def passing(self, where: Filter) -> Rows:
        """The rows that pass, in ascending order."""
        mask = np.ones(self._rows, np.bool_)
        for any_of in where.labels(self.cameras):
            having = np.zeros(self._rows, np.bool_)
            having[self._labelled[np.isin(self._labels, any_of)]] = True
            mask &= having
        if where.since is not None:
            mask &= self._moments >= where.since
        if where.until is not None:
            mask &= self._moments < where.until
        if where.near is not None:
            latitude, longitude, km = where.near
            mask &= distance_km(latitude, longitude, self._latitudes, self._longitudes) <= km
        return np.flatnonzero(mask)
