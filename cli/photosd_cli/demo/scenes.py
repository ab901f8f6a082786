"""Scenes painted by formula, not in any training data: sunset, beach, forest, snow and more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from photosd_cli.demo import painting as b
from photosd_cli.demo import things


def sunset(random: np.random.Generator) -> Image.Image:
    """The sun half below the sea, a red sky."""
    horizon, x, y = 0.62, 0.56, 0.62
    sky = b.gradient(
        b.DOWN / horizon,
        [
            (0.0, (0.16, 0.14, 0.34)),
            (0.4, (0.55, 0.25, 0.38)),
            (0.7, (0.93, 0.42, 0.22)),
            (1.0, (1.0, 0.74, 0.34)),
        ],
    )
    lit = b.gradient(
        b.DOWN / horizon, [(0, (0.5, 0.26, 0.4)), (0.6, (1, 0.5, 0.25)), (1, (1, 0.8, 0.4))]
    )
    dark = b.clouds(random, 0.5, 0.35)
    sky = b.over(sky, lit * 0.8, dark * 0.75)
    sky = b.over(sky, (0.28, 0.16, 0.28), b.clouds(random, 0.36, 0.3) * 0.7)
    sky = b.over(sky, (1.0, 0.72, 0.3), b.glow(x, y, 0.28, 1.1) * 0.9)
    sky = b.over(sky, (1.0, 0.97, 0.8), b.disc(x, y, 0.042))
    ripples = b.water(random, horizon)
    sea = b.gradient(
        b.DOWN, [(horizon, (0.75, 0.4, 0.26)), (0.75, (0.36, 0.2, 0.28)), (1, (0.1, 0.08, 0.17))]
    )
    sea += 0.22 * ripples[..., None] * np.array([1.0, 0.7, 0.6], np.float64)
    spread = 0.025 + 0.16 * np.clip(b.DOWN - horizon, 0, 1)
    column = np.exp(-(((b.ACROSS - x) / spread) ** 2)) * np.clip(0.65 + 1.6 * ripples, 0, 1)
    sea = b.over(sea, (1.0, 0.76, 0.38), column)
    canvas = b.over(sky, sea, b.below(horizon))
    hills = np.where(b.ACROSS < 0.4, b.skyline(random, horizon + 0.004, 0.07, 3), 1.0)
    hills = hills + 0.25 * np.clip(b.ACROSS - 0.18, 0, 1)
    land = b.below(hills) * (1 - b.below(horizon + 0.004))
    return b.picture(b.over(canvas, (0.12, 0.07, 0.12), land), random)


def beach(random: np.random.Generator) -> Image.Image:
    """Sand, surf, a turquoise sea and a sunny sky."""
    horizon = 0.36
    canvas = b.gradient(b.DOWN / horizon, [(0, (0.2, 0.48, 0.85)), (1, (0.72, 0.86, 0.96))])
    canvas = b.over(canvas, (0.98, 0.98, 1.0), b.clouds(random, 0.42, 0.3) * 0.85)
    sea = b.gradient(
        b.DOWN, [(horizon, (0.06, 0.3, 0.55)), (0.5, (0.08, 0.55, 0.68)), (0.63, (0.45, 0.82, 0.8))]
    )
    sea += 0.12 * b.water(random, horizon)[..., None]
    canvas = b.over(canvas, sea, b.below(horizon))
    bays = 0.05 * np.sin(b.ACROSS * 5 + 0.8) + 0.05 * (b.noise(random, 5, 1, 4) - 0.5)
    shore = 0.66 + bays - 0.12 * (b.ACROSS - 0.5)
    for offset, strength in ((0.0, 1.0), (-0.055, 0.8), (-0.11, 0.55)):
        edge = b.DOWN - (shore + offset + 0.02 * (b.noise(random, 9, 3, 4) - 0.5))
        foam = np.exp(-((edge / 0.014) ** 2)) * (0.45 + 0.75 * b.noise(random, 50, 60, 3))
        canvas = b.over(canvas, (0.97, 0.99, 0.99), (strength * foam))
    grains = b.noise(random, 120, 140, 3) * 0.09 + b.noise(random, 6, 9, 4) * 0.1
    sand = b.gradient(
        b.DOWN, [(0.6, (0.72, 0.6, 0.44)), (0.74, (0.9, 0.8, 0.6)), (1, (0.93, 0.83, 0.62))]
    )
    sand = sand + (grains - 0.1)[..., None]
    canvas = b.over(canvas, sand, b.below(shore + 0.012, 0.012))
    return b.picture(canvas, random)


def forest(random: np.random.Generator) -> Image.Image:
    """Tall trees in green light, ferns on the ground, a path."""
    light = b.glow(0.5, 0.3, 0.5, 1.5)
    leaves = b.noise(random, 22, 18, 5)
    canvas = b.gradient(
        leaves, [(0.2, (0.06, 0.16, 0.05)), (0.5, (0.2, 0.42, 0.12)), (0.85, (0.6, 0.78, 0.32))]
    )
    canvas = b.over(canvas, (0.85, 0.95, 0.65), light * 0.55)
    for layer in range(4):
        canvas = _trunks(canvas, random, layer)
        crowns = np.clip((b.noise(random, 26, 20, 5) - 0.42) / 0.2, 0, 1)
        crowns *= np.clip(1.25 - b.DOWN * (2.6 - 0.3 * layer), 0, 1)
        shade = (0.1 + 0.35 * b.noise(random, 40, 40, 3))[..., None] * np.array([0.55, 1.0, 0.3])
        canvas = b.over(canvas, shade, crowns * 0.85)
    ground = b.noise(random, 45, 60, 4)
    ferns = b.gradient(
        ground, [(0.2, (0.05, 0.12, 0.03)), (0.55, (0.18, 0.36, 0.08)), (0.9, (0.48, 0.66, 0.2))]
    )
    line = 0.74 + 0.04 * (b.noise(random, 12, 1, 4) - 0.5)
    canvas = b.over(canvas, ferns, b.below(line, 0.05))
    half = 0.02 + 0.55 * np.clip(b.DOWN - 0.74, 0, 1)
    bend = 0.5 + 0.1 * np.sin((b.DOWN - 0.74) * 9)
    track = np.clip((half - np.abs(b.ACROSS - bend)) / 0.04, 0, 1) * b.below(0.75, 0.03)
    earth = (0.3 + 0.25 * b.noise(random, 60, 70, 3))[..., None] * np.array([1.0, 0.8, 0.55])
    canvas = b.over(canvas, earth, track * 0.9)
    return b.picture(canvas, random, 0.8)


def _trunks(canvas: b.Canvas, random: np.random.Generator, layer: int) -> b.Canvas:
    """A row of trees; the first layers are far away in haze."""
    near = (layer + 1) / 4
    bark = b.noise(random, 90, 9, 4)
    for _ in range(11 - 2 * layer):
        x, width = random.uniform(-0.02, 1.02), (0.006 + 0.022 * near) * random.uniform(0.7, 1.3)
        lean = x + random.uniform(-0.02, 0.02) * (b.DOWN - 0.5)
        inside = (b.ACROSS - lean) / (width * (0.7 + 0.5 * b.DOWN))
        mask = np.clip((1 - np.abs(inside)) * 6, 0, 1) * (1 - b.below(0.7 + 0.12 * near, 0.01))
        round_light = np.clip(0.75 - 0.5 * inside, 0.2, 1.1)[..., None]
        haze = np.array([0.42, 0.52, 0.3]) * (1 - near)
        paint = (0.18 + 0.3 * bark)[..., None] * np.array([0.8, 0.62, 0.42]) * round_light
        canvas = b.over(canvas, (paint * near + haze), mask)
    return canvas


def snow(random: np.random.Generator) -> Image.Image:
    """Snow-covered mountains behind a white slope with fir trees."""
    canvas = b.gradient(b.DOWN, [(0, (0.2, 0.42, 0.78)), (0.6, (0.72, 0.84, 0.95))])
    canvas = b.over(canvas, (1, 1, 1), b.clouds(random, 0.3, 0.3) * 0.6)
    for level, height, haze in ((0.62, 0.5, 0.35), (0.74, 0.42, 0.1)):
        line = b.skyline(random, level, height, 2.5)
        rock = b.noise(random, 7, 16, 7)
        slope = np.gradient(b.noise(random, 6, 6, 6), axis=1) * 90
        steep = np.clip((rock - 0.5 - 0.25 * (b.DOWN - line)) / 0.08, 0, 1)
        white = np.clip(0.84 + 0.35 * slope, 0.5, 1.0)[..., None] * np.array([0.93, 0.97, 1.0])
        paint = b.over(white, (0.26, 0.28, 0.34), steep * 0.75)
        paint = b.over(paint, (0.66, 0.78, 0.92), np.full_like(steep, haze))
        canvas = b.over(canvas, paint, b.below(line))
    drift = 0.76 + 0.05 * np.sin(b.ACROSS * 4 + 1) + 0.02 * (b.noise(random, 5, 1, 3) - 0.5)
    field = 0.93 + 0.1 * (b.noise(random, 4, 14, 5) - 0.5)
    field = field[..., None] * np.array([0.95, 0.98, 1.0])
    canvas = b.over(canvas, field, b.below(drift, 0.004))
    image = b.picture(canvas, random, 0.5)
    draw = ImageDraw.Draw(image)
    for x in sorted(random.uniform(0, 1, 24)):
        base = 0.76 + 0.05 * np.sin(x * 4 + 1) + random.uniform(0.0, 0.07)
        _fir(draw, random, x * b.WIDTH, base * b.HEIGHT, random.uniform(40, 96))
    return image.filter(ImageFilter.GaussianBlur(0.7))


def _fir(
    draw: ImageDraw.ImageDraw, random: np.random.Generator, x: float, base: float, height: float
) -> None:
    """A dark fir with snow on its branches, its foot at ``(x, base)``."""
    for tier in range(9):
        y, half = base - height * tier / 9, height * 0.24 * (1 - tier / 9.5)
        shade = int(random.integers(28, 52))
        tip = (x, y - height * 0.22)
        draw.polygon([(x - half, y), tip, (x + half, y)], fill=(shade - 8, shade + 14, shade + 4))
        for side in (-1, 1):
            end = (x + side * half * 0.95, y - 1)
            draw.line([(x + side * half * 0.25, y - height * 0.1), end], (238, 244, 250), 3)


def night_city(random: np.random.Generator) -> Image.Image:
    """Towers with lit windows by the water, at night."""
    shore = 0.68
    canvas = b.gradient(
        b.DOWN, [(0, (0.01, 0.015, 0.05)), (shore, (0.16, 0.11, 0.2)), (1, (0.02, 0.02, 0.05))]
    )
    glare = np.exp(-(((b.DOWN - shore) / 0.12) ** 2))
    canvas = b.over(canvas, (0.45, 0.3, 0.22), glare * 0.55)
    image = b.picture(canvas, random, 0.1)
    draw = ImageDraw.Draw(image)
    ground = int(shore * b.HEIGHT)
    for row in range(3):
        x = -10.0
        while x < b.WIDTH:
            width = random.uniform(24, 54)
            peak = np.exp(-(((x / b.WIDTH - 0.52) / 0.28) ** 2))
            height = random.uniform(32, 104) + (2 - row) * random.uniform(16, 120) * (0.3 + peak)
            _tower(draw, random, (x, ground - height, x + width, ground), row)
            x += width * random.uniform(0.95, 1.3)
    lights = np.asarray(image, np.float64) / 255
    bloom = np.asarray(image.filter(ImageFilter.GaussianBlur(5)), np.float64) / 255
    lights = np.clip(lights + 0.55 * bloom, 0, 1)
    mirrored = lights[
        np.clip(2 * ground - b.ROWS, 0, b.HEIGHT - 1).astype(int), b.COLUMNS.astype(int)
    ]
    soft = Image.fromarray((mirrored * 255).astype(np.uint8)).filter(ImageFilter.BoxBlur((1, 14)))
    shimmer = np.clip(0.5 + b.water(random, shore), 0.1, 1)[..., None]
    reflected = np.asarray(soft, np.float64) / 255 * shimmer * 0.9
    return b.picture(b.over(lights, reflected, b.below(shore)), random, 0.5)


def _tower(
    draw: ImageDraw.ImageDraw,
    random: np.random.Generator,
    box: tuple[float, float, float, float],
    row: int,
) -> None:
    """A building with windows, some of them lit."""
    left, top, right, bottom = box
    shade = 12 + 6 * row
    draw.rectangle(box, fill=(shade, shade, shade + 10))
    share, tint = random.uniform(0.25, 0.75), random.choice(3, p=[0.55, 0.3, 0.15])
    warm = ((255, 205, 120), (255, 236, 190), (170, 215, 255))[tint]
    for y in np.arange(top + 5, bottom - 4, 7):
        for x in np.arange(left + 4, right - 4, 6):
            if random.random() < share:
                dim = random.uniform(0.45, 1.0)
                colour = (int(warm[0] * dim), int(warm[1] * dim), int(warm[2] * dim))
                draw.rectangle((x, y, x + 3, y + 4), fill=colour)


SCENES: dict[str, Callable[[np.random.Generator], Image.Image]] = {
    "sunset": sunset,
    "beach": beach,
    "forest": forest,
    "snow": snow,
    "night-city": night_city,
    "soccer-ball": things.soccer_ball,
    "sunflower": things.sunflower,
}


def paint(directory: Path) -> list[Path]:
    """Write every scene as a JPEG into ``directory``; the pictures are deterministic."""
    files = []
    for number, (name, scene) in enumerate(SCENES.items()):
        file = directory / f"{name}.jpg"
        scene(np.random.default_rng(number)).save(file, quality=90)
        files.append(file)
    return files
