"""Counts of photos by label and by month, for facets."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from photosd.index.labels import label

Numbers = NDArray[np.int64]

ROOT = label("in", b"")  # every photo with a path has this label


class Counts(NamedTuple):
    """How many photos have each label, and were taken in each month.

    ``labels`` (n,) ascending, and ``having`` (n,) photos; ``months`` (m,) since January 1970,
    ascending, and ``taken`` (m,) photos.
    """

    photos: int
    labels: Numbers
    having: Numbers
    months: Numbers
    taken: Numbers

    @classmethod
    def of(cls, labels: Numbers, having: Numbers, moments: NDArray[np.float64]) -> Self:
        """The counts of photos with these labels; ``moments``: when each was taken, or nan."""
        seconds = moments[~np.isnan(moments)].astype(np.int64)
        months = seconds.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
        first = int(months.min(initial=0))
        taken = np.bincount(months - first)
        found = np.flatnonzero(taken)
        any_ = having > 0
        return cls(len(moments), labels[any_], having[any_], found + first, taken[found])

    def joined(self, other: Self) -> Self:
        """With the photos of other rows."""
        labels, having = _summed((self.labels, self.having), (other.labels, other.having))
        months, taken = _summed((self.months, self.taken), (other.months, other.taken))
        return type(self)(self.photos + other.photos, labels, having, months, taken)

    def best(self, keep: Callable[[Numbers], NDArray[np.bool_]]) -> list[tuple[int, int]]:
        """The labels that are kept, with their photos, the most frequent first."""
        kept = np.flatnonzero(keep(self.labels))
        order = kept[np.argsort(-self.having[kept], kind="stable")]
        return list(zip(self.labels[order].tolist(), self.having[order].tolist(), strict=True))


EMPTY: Numbers = np.empty(0, np.int64)
NOTHING = Counts(0, EMPTY, EMPTY, EMPTY, EMPTY)


def _summed(*counts: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    names = np.concatenate([names for names, _ in counts])
    numbers = np.concatenate([numbers for _, numbers in counts])
    found, places = np.unique(names, return_inverse=True)
    summed = np.zeros(len(found), np.int64)
    np.add.at(summed, places, numbers)
    return found, summed
