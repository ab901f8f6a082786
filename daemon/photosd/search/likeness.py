"""Likeness: a cosine of two photos scaled from that of unrelated photos (0) to that of the same
picture (1); see docs/adr/0015-similar-photos.md.

Its scale is the same for every model and library, unlike a cosine.
"""

from __future__ import annotations

import msgspec
import numpy as np

from photosd.index.matrix import Vectors

ALIKE = 0.9  # the same picture, saved again
BURST = 0.75  # photos of one scene taken by one camera within some seconds
APART = 0.1  # hardly nearer than unrelated photos
UNRELATED, FEW = 0.5, 50  # the cosine of unrelated photos if there are fewer than FEW
SAMPLE = 500  # photos; then the mean of pairs is known to 0.01


class Ends(msgspec.Struct, frozen=True):
    """The cosine of unrelated photos of a library; that of the same picture is 1."""

    unrelated: float = UNRELATED

    @property
    def measured(self) -> bool:
        """Whether the library has enough unrelated photos to measure it."""
        return self.unrelated < UNRELATED

    def cosine(self, likeness: float) -> float:
        """The cosine for this likeness."""
        return self.unrelated + likeness * (1 - self.unrelated)

    def likeness(self, cosines: Vectors) -> Vectors:
        """The likeness for these cosines."""
        found: Vectors = (cosines - self.unrelated) / (1 - self.unrelated)
        return found


def ends_of(sample: Vectors) -> Ends:
    """The scale of the library that ``sample``, (n, d) unit vectors of its photos, is from.

    Models differ widely in the mean cosine of two photos: CLIP 0.5, the starter 0. A library of one
    scene has no unrelated photos: at most UNRELATED.
    """
    if len(sample) < FEW:
        return Ends()
    pairs = (sample @ sample.T)[np.triu_indices(len(sample), 1)]
    return Ends(min(UNRELATED, float(np.median(pairs))))


def middle_of(tiles: Vectors) -> Vectors:
    """One vector for a picture of several tiles: (n, d) -> (d,), unit length."""
    total: Vectors = tiles.sum(axis=0)
    middle: Vectors = (total / np.linalg.norm(total)).astype(np.float32)
    return middle
