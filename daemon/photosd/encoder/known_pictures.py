"""Four small pictures and their captions: a model that cannot match them is useless."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).parent / "known_pictures.npz"  # drawn by formula, not in any training data


def known_pictures(size: int) -> tuple[NDArray[np.uint8], list[str]]:
    """(n, size, size, 3) uint8, resized to that size, and a caption for each."""
    with np.load(FILE, allow_pickle=False) as data:
        pictures, captions = data["pictures"], data["captions"]
    drawn = _resized(_resized(pictures.astype(np.float32), 1, size), 2, size)
    return np.rint(drawn).astype(np.uint8), [str(caption) for caption in captions]


def _resized(pictures: NDArray[np.float32], axis: int, size: int) -> NDArray[np.float32]:
    """One axis resized to ``size`` pixels, linearly between the old centres."""
    length = pictures.shape[axis]
    places = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    below = places.astype(int)
    above = np.minimum(below + 1, length - 1)
    shape = [size if number == axis else 1 for number in range(pictures.ndim)]
    share = (places - below).astype(np.float32).reshape(shape)
    mixed: NDArray[np.float32] = pictures.take(below, axis) * (1 - share)
    mixed += pictures.take(above, axis) * share
    return mixed
