"""Tools to paint scenes: noise, gradients, skies, ridges, glows; float RGB in 0…1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

HEIGHT, WIDTH = 480, 640

Plane = npt.NDArray[np.float64]  # (HEIGHT, WIDTH)
Canvas = npt.NDArray[np.float64]  # (HEIGHT, WIDTH, 3)
Colour = tuple[float, float, float]

ROWS: Plane = np.repeat(np.arange(HEIGHT, dtype=np.float64)[:, None], WIDTH, axis=1)
COLUMNS: Plane = np.repeat(np.arange(WIDTH, dtype=np.float64)[None, :], HEIGHT, axis=0)
DOWN = ROWS / HEIGHT  # 0 at the top, 1 at the bottom
ACROSS = COLUMNS / WIDTH


def noise(random: np.random.Generator, across: float, down: float, octaves: int = 5) -> Plane:
    """Cloud-like noise in 0…1; ``across`` and ``down``: number of features per side."""
    total = np.zeros((HEIGHT, WIDTH))
    for octave in range(octaves):
        columns, rows = int(across * 2**octave) + 2, int(down * 2**octave) + 2
        small = Image.fromarray(random.random((rows, columns), np.float32))
        total += np.asarray(small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) / 2**octave
    least, most = float(total.min()), float(total.max())
    return (total - least) / (most - least)


def gradient(along: Plane, stops: Sequence[tuple[float, Colour]]) -> Canvas:
    """Colours interpolated linearly between stops, by the value of ``along``."""
    at = [stop for stop, _ in stops]
    channels = [np.interp(along, at, [colour[c] for _, colour in stops]) for c in range(3)]
    return np.stack(channels, axis=-1)


def over(canvas: Canvas, paint: Canvas | Colour, mask: Plane) -> Canvas:
    """``paint`` over ``canvas``, weighted by ``mask`` (0…1)."""
    cover = np.clip(mask, 0, 1)[..., None]
    return canvas * (1 - cover) + np.asarray(paint) * cover


def glow(x: float, y: float, radius: float, sharpness: float = 2.0) -> Plane:
    """Light around a point (fractions of width and height), 1 at the centre, falling off."""
    distance = np.hypot(COLUMNS - x * WIDTH, ROWS - y * HEIGHT) / (radius * WIDTH)
    return np.exp(-(distance**sharpness))


def disc(x: float, y: float, radius: float) -> Plane:
    """A round shape with a soft edge."""
    distance = np.hypot(COLUMNS - x * WIDTH, ROWS - y * HEIGHT)
    return np.clip(radius * WIDTH - distance + 0.5, 0, 1)


def skyline(random: np.random.Generator, level: float, height: float, detail: float) -> Plane:
    """A rugged horizon: for each column the row (fraction of the height) where land begins."""
    line = np.zeros(WIDTH)
    for octave in range(7):
        points = random.random(int(detail * 2**octave) + 3)
        places = np.linspace(0, len(points) - 1, WIDTH)
        line += np.interp(places, np.arange(len(points)), points) / 1.9**octave
    line = (line - line.min()) / (line.max() - line.min())
    return np.broadcast_to(level - height * line, (HEIGHT, WIDTH))


def below(line: Plane | float, softness: float = 0.002) -> Plane:
    """Mask of everything below a horizon."""
    return np.clip((DOWN - line) / softness, 0, 1)


def clouds(random: np.random.Generator, cover: float, softness: float = 0.25) -> Plane:
    """A mask of clouds, flatter towards the horizon; ``cover`` (0…1) is their density."""
    billows = noise(random, 3, 7, 6)
    return np.clip((billows - (1 - cover)) / softness, 0, 1)


def water(random: np.random.Generator, horizon: float) -> Plane:
    """Ripples in -1…1 that get finer and weaker towards the horizon."""
    depth = np.clip((DOWN - horizon) / (1 - horizon), 1e-3, 1)
    flat = noise(random, 14, 90, 4) - 0.5
    near = noise(random, 6, 22, 4) - 0.5
    return 2 * (flat * (1 - depth) + near * depth)


def picture(canvas: Canvas, random: np.random.Generator, blur: float = 0.6) -> Image.Image:
    """The finished picture, with lens softness and sensor grain."""
    grain = random.normal(0, 0.012, canvas.shape)
    pixels = (np.clip(canvas + grain, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(blur))
