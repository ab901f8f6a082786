"""Objects painted by formula: a sunflower and a soccer ball."""

from __future__ import annotations

import numpy as np
from PIL import Image

from photosd_cli.demo import painting as b

GOLDEN = (1 + 5**0.5) / 2
ROSETTES = ((17, 0.36, 0.0, 0.8), (19, 0.33, 0.2, 0.92), (17, 0.3, 0.1, 1.0))


def sunflower(random: np.random.Generator) -> Image.Image:
    """A close-up of a sunflower, green behind it."""
    leaves = b.noise(random, 14, 14)
    canvas = b.gradient(
        leaves, [(0.2, (0.06, 0.14, 0.04)), (0.6, (0.2, 0.36, 0.1)), (0.9, (0.45, 0.55, 0.2))]
    )
    x, y = b.ACROSS - 0.5, (b.DOWN - 0.5) * b.HEIGHT / b.WIDTH
    distance, angle = np.hypot(x, y), np.arctan2(y, x)
    for petals, reach, turn, tone in ROSETTES:
        turned = (angle + turn) / (2 * np.pi) * petals
        aside = np.abs(turned - np.round(turned)) * 2  # 0 at a petal's midline, 1 between two
        along = np.clip((distance - 0.1) / (reach - 0.1), 0, 1)
        half = 0.85 * np.sin(np.pi * np.clip(along * 0.85 + 0.12, 0, 1)) ** 0.7
        mask = np.clip((half - aside) * 90 * distance, 0, 1) * (distance < reach)
        shade = tone * (0.75 + 0.25 * (1 - aside) + 0.1 * np.cos(along * 3))
        canvas = b.over(canvas, shade[..., None] * np.array([1.0, 0.78, 0.05]), mask)
    seeds = b.noise(random, 60, 50, 3) * 0.5 + distance / 0.27
    middle = b.gradient(
        seeds, [(0.2, (0.12, 0.07, 0.03)), (0.6, (0.3, 0.17, 0.06)), (0.9, (0.55, 0.36, 0.1))]
    )
    return b.picture(b.over(canvas, middle, b.disc(0.5, 0.5, 0.135)), random)


def soccer_ball(random: np.random.Generator) -> Image.Image:
    """A black and white ball on a lawn."""
    blades = b.noise(random, 90, 100, 4)
    canvas = b.gradient(
        blades, [(0.2, (0.08, 0.25, 0.04)), (0.6, (0.2, 0.5, 0.1)), (0.9, (0.45, 0.75, 0.25))]
    )
    radius = 0.2 * b.WIDTH
    x, y = (b.COLUMNS - 0.5 * b.WIDTH) / radius, (b.ROWS - 0.52 * b.HEIGHT) / radius
    z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    nearness = np.sort(np.stack([x, y, z], axis=-1) @ _patches().T, axis=-1)
    patch = nearness[..., -1] > 0.93
    seam = (nearness[..., -1] - nearness[..., -2] < 0.03) & ~patch
    leather = np.where(patch, 0.06, np.where(seam, 0.35, 0.95))
    light = np.clip(0.55 + 0.5 * (0.7 * z - 0.4 * x - 0.6 * y), 0.2, 1.1)
    shadow = np.exp(-(((x - 0.15) / 1.1) ** 2) - ((y - 1) / 0.35) ** 2)
    canvas = b.over(canvas, (0.02, 0.08, 0.02), shadow * 0.7)
    ball = np.repeat((leather * light)[..., None], 3, axis=-1)
    return b.picture(b.over(canvas, ball, b.disc(0.5, 0.52, 0.2)), random)


def _patches() -> b.Plane:
    """Centres of the twelve black patches: an icosahedron's corners, (12, 3), rotated a little."""
    corners = [
        np.roll((0.0, one, other * GOLDEN), turn)
        for turn in range(3)
        for one in (1, -1)
        for other in (1, -1)
    ]
    tilted, _ = np.linalg.qr([[0.8, 0.1, 0.59], [-0.2, 0.97, 0.1], [-0.56, -0.2, 0.8]])
    turned: b.Plane = np.array(corners) / np.hypot(1, GOLDEN) @ tilted.T
    return turned
