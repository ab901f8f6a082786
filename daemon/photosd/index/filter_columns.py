"""Filter columns of large tables: for each label the rows that have it; dates and places."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from photosd.index.counting import ROOT, Counts
from photosd.index.filters import DEGREE_KM, Filter, Mask, distance_km
from photosd.index.labels import camera_key

FILE = "traits.npz"
COLUMNS = ("labels", "camera", "moment", "latitude", "longitude")

MARGIN_KM = 0.001  # more than the rounding error of a distance

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Numbers = NDArray[np.int32]


class FilterColumns:
    """Finds which of ``n`` rows pass a filter. Never changed, only replaced: any thread
    may use it.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        self._labels: Labels = arrays["labels"]  # each once, ascending
        self._ends: Labels = arrays["ends"]  # of the rows of each label, in `rows`
        self._rows: Numbers = arrays["rows"]
        # When each was taken, wall-clock seconds; of no date or place: nan, which passes nothing.
        self.moments: Floats = arrays["moments"]
        self._latitudes: Floats = arrays["latitudes"]
        self._longitudes: Floats = arrays["longitudes"]
        self._cameras: list[str] = arrays["cameras"].tolist()

    @classmethod
    def of(cls, batches: Iterable[Any]) -> Self:
        """Built from Arrow batches that have COLUMNS, in the order of the rows."""
        places: list[Floats] = []
        cameras: set[str | None] = set()
        having: list[tuple[Labels, Numbers]] = []
        total = 0
        for batch in batches:
            numbers = [_floats(batch.column(name)) for name in COLUMNS[2:]]
            places.append(np.stack(numbers))
            cameras.update(map(camera_key, batch.column("camera").unique().to_pylist()))
            having.append(_labelled(batch, np.arange(total, total + len(batch))))
            total += len(batch)
        names, ends, rows = _inverted(having)
        moments, latitudes, longitudes = np.concatenate([np.empty((3, 0)), *places], axis=1)
        named = sorted(name for name in cameras if name is not None)
        return cls(
            {
                "labels": names, "ends": ends, "rows": rows, "moments": moments,
                "latitudes": latitudes, "longitudes": longitudes,
                "cameras": np.array(named, np.str_),
            }
        )  # fmt: skip

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load saved columns. Raises OSError, ValueError or KeyError if incomplete."""
        with np.load(directory / FILE) as arrays:
            return cls(dict(arrays))

    def save(self, directory: Path) -> None:
        """Write it; raises OSError."""
        np.savez(directory / FILE, allow_pickle=False, **self._arrays)

    def relabelled(self, rows: Labels, changes: Any) -> Self:
        """With other labels, moments and places: from an Arrow table with a row for each of
        these.
        """
        kept = np.ones(len(self), np.bool_)
        kept[rows] = False
        kept = kept[self._rows]
        counts = np.zeros(len(self._labels), np.int64)
        if len(counts):  # every label has rows
            counts = np.add.reduceat(kept, self._ends - np.diff(self._ends, prepend=0), dtype="i8")
        having, at = list[tuple[Labels, Numbers]](), 0
        for batch in changes.to_batches():
            having.append(_labelled(batch, rows[at : at + len(batch)]))
            at += len(batch)
        more, more_ends, more_rows = _inverted(having)
        names = np.union1d(self._labels[counts > 0], more)
        old, new = np.zeros((2, len(names)), np.int64)
        old[np.searchsorted(names, self._labels[counts > 0])] = counts[counts > 0]
        new[np.searchsorted(names, more)] = np.diff(more_ends, prepend=0)
        found = np.insert(self._rows[kept], np.repeat(np.cumsum(old), new), more_rows)
        ends = np.cumsum(old + new)
        fresh: dict[str, NDArray[Any]] = {"labels": names, "ends": ends, "rows": found}
        for numbers in ("moments", "latitudes", "longitudes"):
            fresh[numbers] = self._arrays[numbers].copy()
            fresh[numbers][rows] = _floats(changes.column(numbers.removesuffix("s")))
        return type(self)({**self._arrays, **fresh})

    def __len__(self) -> int:
        """Rows."""
        return len(self.moments)

    def passing(self, where: Filter) -> Mask:
        """Whether each row passes: (n,)."""
        mask = where.during(self.moments)
        for wanted in where.by_labels(self.having, self._cameras):
            mask &= wanted
        if unwanted := where.unwanted():
            mask &= ~self.having(unwanted)
        if where.near is not None:
            latitude, longitude, km = where.near
            mask &= np.abs(self._latitudes - latitude) <= (km + MARGIN_KM) / DEGREE_KM
            left = np.flatnonzero(mask)  # the distance is slow: only for rows at this latitude
            there = self._latitudes[left], self._longitudes[left]
            mask[left] = distance_km(latitude, longitude, *there) <= km
        return mask

    def counts(self, mask: Mask) -> Counts:
        """Counts of these rows, each of one photo, as far as they have a path. ``mask``: (n,)."""
        there = self.having([ROOT]) & mask
        starts = self._ends - np.diff(self._ends, prepend=0)
        chosen = there[self._rows]
        # Each label has rows, so no sum is over an empty range.
        having = np.add.reduceat(chosen, starts, dtype=np.int64) if len(starts) else starts
        return Counts.of(self._labels, having, self.moments[there])

    def having(self, labels: Iterable[int]) -> Mask:
        """Whether each row has any of these labels: (n,)."""
        mask = np.zeros(len(self), np.bool_)
        for label in labels:
            place = int(np.searchsorted(self._labels, label))
            if place < len(self._labels) and self._labels[place] == label:
                first = self._ends[place - 1] if place else 0
                mask[self._rows[first : self._ends[place]]] = True
        return mask


def _inverted(parts: list[tuple[Labels, Numbers]]) -> tuple[Labels, Labels, Numbers]:
    """From labels and the row of each: the labels, the ends of their rows, and these."""
    empty = np.empty(0, np.int64)
    names = np.unique(np.concatenate([empty, *(np.unique(labels) for labels, _ in parts)]))
    counts = np.zeros(len(names), np.int64)
    for labels, _ in parts:
        counts += np.bincount(np.searchsorted(names, labels), minlength=len(names))
    ends = np.cumsum(counts)
    free = ends - counts
    rows: Numbers = np.empty(int(counts.sum()), np.int32)
    for labels, having in parts:
        which = np.searchsorted(names, labels)
        order = np.argsort(which, kind="stable")
        each = np.bincount(which, minlength=len(names))
        before = np.cumsum(each) - each  # entries of this part with a lower label
        rows[np.arange(len(order)) + np.repeat(free - before, each)] = having[order]
        free += each
    return names, ends, rows


def _labelled(batch: Any, rows: Labels) -> tuple[Labels, Numbers]:
    """The labels of a batch, with the row, in ``rows``, that has each."""
    labels = batch.column("labels")
    each = labels.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return labels.flatten().to_numpy(zero_copy_only=False), np.repeat(rows, each).astype(np.int32)


def _floats(column: Any) -> Floats:
    """With nan for missing values."""
    found: Floats = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return found
