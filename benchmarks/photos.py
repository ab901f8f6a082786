"""Photos to measure with: 12-megapixel JPEGs with the detail and size of a camera's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 4032, 3024
QUALITY = 92


def make_photos(folder: Path, count: int, seed: int = 1) -> None:
    """Write ``count`` different JPEGs of about 4 MB."""
    generator = np.random.default_rng(seed)
    base = scene(generator)
    for number in range(count):
        # Every file differs in content; drawing each from nothing would take half a second more.
        picture = np.roll(base, int(generator.integers(1, WIDTH)), axis=1)
        picture = picture ^ np.uint8(number % 8)
        Image.fromarray(picture).save(folder / f"{number:05}.jpg", quality=QUALITY)


def scene(generator: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Smooth areas, edges and sensor noise: (HEIGHT, WIDTH, 3)."""
    coarse = generator.integers(0, 255, (24, 32, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    fine = generator.integers(0, 80, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
    edges = Image.fromarray(fine).resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)
    noise = generator.normal(0, 7, (HEIGHT, WIDTH, 1)).astype(np.float32)
    mixed = np.asarray(smooth, np.float32) * 0.7 + np.asarray(edges, np.float32) * 0.6 + noise
    return np.clip(mixed, 0, 255).astype(np.uint8)
