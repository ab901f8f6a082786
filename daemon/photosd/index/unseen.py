"""The known paths that a comparison does not find."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np


class Unseen:
    """Which known paths a comparison does not find, in sixteen bytes for each.

    By their hashes: 64 bits, with another key in each process.

    If two of a million paths have the same hash (a chance of one in 40 million), a deleted file may
    be taken for a present one until the next start; never the reverse.
    """

    def __init__(self, known: Iterable[bytes]) -> None:
        self._known = np.fromiter(map(hash, known), np.int64)
        self._seen = array("q")

    def __len__(self) -> int:
        return len(self._known)

    def saw(self, paths: Iterable[bytes]) -> None:
        """These files exist."""
        self._seen.extend(map(hash, paths))

    def rest(self) -> set[int]:
        """The hashes of known paths that were not seen."""
        return set(np.setdiff1d(self._known, np.asarray(self._seen)).tolist())
