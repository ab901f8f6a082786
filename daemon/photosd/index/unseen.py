"""Finds the known paths that a comparison has not seen, with little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np


class Unseen:
    """Which known paths a comparison has not seen; takes sixteen bytes for each.

    Compares 64-bit hashes, which have another key in each process. If two of a million paths have
    the same hash (a chance of one in 40 million), a deleted file may count as present until the
    next start; a present file never counts as deleted.
    """

    def __init__(self, known: Iterable[bytes]) -> None:
        self._known = np.fromiter(map(hash, known), np.int64)
        self._seen = array("q")

    def __len__(self) -> int:
        return len(self._known)

    def mark_seen(self, paths: Iterable[bytes]) -> None:
        """These files exist."""
        self._seen.extend(map(hash, paths))

    def rest(self) -> set[int]:
        """The hashes of known paths that were not seen."""
        return set(np.setdiff1d(self._known, np.asarray(self._seen)).tolist())
