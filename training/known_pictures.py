"""Paints the pictures every model is examined with, `daemon/photosd/encoder/known_pictures.npz`.

They are scenes of the demo, drawn by formula, so no training has seen them: run once, by hand, with
``python -m training.known_pictures``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import ImageOps

from photosd.encoder import known_pictures
from photosd_cli.demo import scenes

PIXELS = 160  # fewer hide the windows of the city
CAPTIONS = {
    "sunset": "sunset over the sea",
    "forest": "trees in a forest",
    "snow": "mountains covered in snow",
    "night_city": "a city at night",
}


def main() -> None:
    """Write the file."""
    painted = [
        ImageOps.fit(getattr(scenes, name)(np.random.default_rng(7)), (PIXELS, PIXELS))
        for name in CAPTIONS
    ]
    np.savez_compressed(
        Path(known_pictures.FILE),
        pictures=np.stack([np.asarray(picture) for picture in painted]),
        captions=list(CAPTIONS.values()),
    )


if __name__ == "__main__":
    main()
