"""Likeness: how far the cosine of two photos has come from that of unrelated ones (0) to that of
the same picture (1); see docs/adr/0015-what-counts-as-alike.md.

Its two ends hold for every model and every library: a cosine alone means something else to each.
"""

from __future__ import annotations

import msgspec
import numpy as np

from photosd.index.matrix import Vectors

ALIKE = 0.9  # the same picture, saved again
BURST = 0.75  # what one camera takes within some seconds of the same scene
APART = 0.1  # hardly nearer than unrelated photos
UNRELATED, FEW = 0.5, 50  # the cosine of unrelated photos where fewer than FEW can tell it
SAMPLE = 500  # photos; what pairs of them come to is known to 0.01


class Ends(msgspec.Struct, frozen=True):
    """The cosine that unrelated photos of a library come to; the same picture comes to 1."""

    unrelated: float = UNRELATED

    @property
    def measured(self) -> bool:
        """Whether the library has enough unrelated photos to tell."""
        return self.unrelated < UNRELATED

    def cosine(self, likeness: float) -> float:
        """The cosine of photos that are so much alike."""
        return self.unrelated + likeness * (1 - self.unrelated)

    def likeness(self, cosines: Vectors) -> Vectors:
        """How much alike photos of these cosines are."""
        found: Vectors = (cosines - self.unrelated) / (1 - self.unrelated)
        return found


def ends_of(sample: Vectors) -> Ends:
    """The ends of the library that ``sample``, (n, d) unit vectors of its photos, is from.

    Models differ widely in what two photos usually come to: CLIP 0.5, the starter 0. A library of
    one scene says nothing about unrelated photos: never more than UNRELATED.
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
