"""Makes the README's pictures of a contact sheet, by photosd itself in a real Chromium.

`make readme-picture` runs it. The sheet shows the pictures of `photosd demo`, which may be shown
anywhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd_cli import lifecycle
from photosd_cli.commands.demo import PICTURES, home_of_its_own
from tests.sheet.browser import Browser

QUERY = "the sun sets over the ocean"
WIDTH, HEIGHT, SCALE = 1280, 800, 1.25
# Several pictures per scene, in typical shapes: (left, top, right, bottom).
SHAPES = (
    (0, 0, 640, 427),
    (150, 0, 490, 480),
    (0, 60, 640, 420),
    (80, 0, 560, 480),
    (0, 110, 640, 400),
    (0, 0, 640, 480),
)
ALBUMS = {
    "sunset": ("2023/Eilat", 9),
    "beach": ("2024/אכזיב", 5),
    "forest": ("2022/Carmel", 2),
    "snow": ("2024/Hermon", 2),
    "night-city": ("2023/Haifa", 2),
    "sunflower": ("2022/Galilee", 1),
    "soccer-ball": ("2022/Galilee", 1),
}
TAKEN, OFFSET = 0x9003, 0x9011  # EXIF: when, and in which time zone


def album(directory: Path) -> None:
    """Every picture of the demo, several times, each with its own name, shape, light and date."""
    number = 0
    for scene, (folder, count) in ALBUMS.items():
        (directory / folder).mkdir(parents=True, exist_ok=True)
        for seed in range(count):
            number += 1
            with Image.open(PICTURES / f"{scene}.jpg") as picture:
                lit = ImageEnhance.Brightness(picture).enhance(0.7 + 0.06 * seed)
            mirrored = ImageOps.mirror(lit) if seed % 2 else lit
            left, top, right, bottom = SHAPES[number % len(SHAPES)]
            exif = Image.Exif()
            exif.get_ifd(0x8769)[TAKEN] = (
                f"{folder[:4]}:{1 + number % 12:02}:{3 + number:02} 19:2{seed}:00"
            )
            exif.get_ifd(0x8769)[OFFSET] = "+00:00"
            file = directory / folder / f"IMG_{2030 + 7 * number}.jpg"
            mirrored.crop((left, top, right, bottom)).save(file, quality=93, exif=exif)


def main(directory: Path) -> None:
    """Prepare photos, index them, run the query, take the pictures."""
    with home_of_its_own() as home:
        pictures = home / "Pictures"
        album(pictures)
        lifecycle.start()
        lifecycle.status(wait=True)
        with Client(Home.from_environment().socket) as client:
            client.add(os.fsencode(pictures))
            list(client.rescan())
        sheet = home / "sheet.html"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "photosd_cli.main",
                "query",
                QUERY,
                "-n",
                "20",
                f"--html={sheet}",
            ],
            env={**os.environ, "HOME": str(home)},
            check=True,
        )
        for name, dark in (("contact-sheet", False), ("contact-sheet-dark", True)):
            with Browser(width=WIDTH, height=HEIGHT, dark=dark) as browser:
                browser.size(WIDTH, HEIGHT, SCALE)
                browser.open(sheet.as_uri())
                browser.screenshot(directory / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
