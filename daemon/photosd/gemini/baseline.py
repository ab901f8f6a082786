"""Detects outstanding results: those nearer to a query than photos usually are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from photosd.gemini.messages import Vectors
from photosd.index.vectors import VectorStore

SAMPLE = 512  # photos in the sample
FEW = 24  # fewer do not show what is usual
DEVIATIONS = 2.5
FIRST = 3  # of the results, shown in any case


class Baseline:
    """A sample of a table's vectors, renewed when the table has grown by half."""

    def __init__(self) -> None:
        self._vectors: Vectors | None = None
        self._taken_at = 0

    def outstanding(
        self, store: VectorStore, question: Vectors, nearest: Sequence[tuple[str, float]]
    ) -> int:
        """How many of the first of ``nearest`` are nearer than photos usually are.

        Gemini gives no scale for its cosines; with few photos there is no estimate.
        """
        vectors = self._sample(store)
        if vectors is None or len(vectors) < FEW:
            return min(FIRST, len(nearest))
        cosines = vectors @ question
        # Median and quartile range, since the matching photos are in the sample as well.
        middle = float(np.median(cosines))
        deviation = 1.4826 * float(np.median(np.abs(cosines - middle)))
        least = middle + DEVIATIONS * max(deviation, 1e-6)
        return sum(1 for _ in itertools.takewhile(lambda one: one[1] >= least, nearest))

    def _sample(self, store: VectorStore) -> Vectors | None:
        rows = len(store)
        if self._vectors is None or not self._taken_at / 1.5 <= rows <= 1.5 * self._taken_at:
            contents = sorted(store.contents())  # content ids are hashes after a size
            step = max(1, len(contents) // SAMPLE)
            found = store.vectors_of(contents[::step][:SAMPLE])
            self._vectors = np.concatenate(list(found.values())) if found else None
            self._taken_at = rows
        return self._vectors
