"""The pictures of the demo: photos from scikit-image, and painted scenes."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

# Name in the demo, and name in scikit-image. The last ones are distractors.
REAL = {
    "cat.png": "chelsea.png",
    "coffee.png": "coffee.png",
    "astronaut.png": "astronaut.png",
    "rocket.jpg": "rocket.jpg",
    "motorcycle.png": "motorcycle_left.png",
    "coins.png": "coins.png",
    "photographer.png": "camera.png",
    "galaxies.jpg": "hubble_deep_field.jpg",
    "bricks.png": "brick.png",
    "lawn.png": "grass.png",
    "printed-page.png": "page.png",
}
LATECOMER = "sunflower.jpg"  # copied while the daemon watches

QUESTIONS = {
    "sunset": "sunset.jpg",
    "a sandy beach by the ocean": "beach.jpg",
    "trees in a forest": "forest.jpg",
    "snow covered mountains": "snow.jpg",
    "city at night": "night-city.jpg",
    "a cat": "cat.png",
    "a cup of coffee": "coffee.png",
    "a smiling woman": "astronaut.png",
    "a motorcycle": "motorcycle.png",
    "a soccer ball on the grass": "soccer-ball.jpg",
}
LATE_QUESTION = "a sunflower"


def gather(directory: Path) -> list[str]:
    """Write all pictures into ``directory``; returns their names."""
    from photosd_cli.demo.scenes import paint

    directory.mkdir()
    paint(directory)
    if (carried := _carried()) is not None:
        for name, original in REAL.items():
            if (carried / original).is_file():
                shutil.copyfile(carried / original, directory / name)
    return sorted(file.name for file in directory.iterdir())


def questions(directory: Path) -> dict[str, str]:
    """Questions whose pictures exist, each with the name of its picture."""
    return {text: name for text, name in QUESTIONS.items() if (directory / name).exists()}


def _carried() -> Path | None:
    """The directory of scikit-image's photos; found without importing it, and nothing is
    downloaded.
    """
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "data"
