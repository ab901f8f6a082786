"""Four small pictures and their captions: a model that cannot match them finds nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).parent / "known_pictures.npz"  # painted by training/known_pictures.py


def known_pictures(size: int) -> tuple[NDArray[np.uint8], list[str]]:
    """(n, size, size, 3) uint8, enlarged by repeating pixels, and a caption of each."""
    with np.load(FILE, allow_pickle=False) as data:
        pictures, captions = data["pictures"], data["captions"]
    places = np.arange(size) * pictures.shape[1] // size
    enlarged: NDArray[np.uint8] = pictures[:, places][:, :, places]
    return enlarged, [str(caption) for caption in captions]
