"""The training data: pictures with captions from parquet files, and their fixed split."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).parent.parent
SIZE = 224
VALIDATION = TEST = 1000  # flickr8k photos kept out of training, for choosing and for reporting


@dataclass(frozen=True)
class Row:
    """One picture (JPEG bytes), what people or class names say of it, and where it is from."""

    image: bytes
    captions: tuple[str, ...]
    source: str


def data_directory() -> Path:
    """``$PHOTOSD_TRAINING_DATA``, else ``../shared/training`` beside the project."""
    named = os.environ.get("PHOTOSD_TRAINING_DATA")
    return Path(named) if named else ROOT.parent / "shared" / "training"


def read_rows(files: list[Path]) -> list[Row]:
    """Every row of these parquet files."""
    rows: list[Row] = []
    for file in files:
        for row in pq.read_table(file).to_pylist():
            rows.append(Row(_bytes(row["image"]), tuple(row["captions"]), row["source"]))
    return rows


def photos_with_captions() -> dict[str, list[Row]]:
    """flickr8k, split into ``train``, ``validation`` and ``test`` by a hash of each picture."""
    rows = read_rows(sorted(data_directory().glob("flickr8k-*.parquet")))
    rows.sort(key=lambda row: hashlib.sha256(row.image).digest())
    return {
        "test": rows[:TEST],
        "validation": rows[TEST : TEST + VALIDATION],
        "train": rows[TEST + VALIDATION :],
    }


def labelled_photos() -> list[Row]:
    """Pictures whose captions are made of class names."""
    names = ("tiny-imagenet", "caltech101", "imagenet-samples", "weather")
    files = [f for name in names for f in sorted(data_directory().glob(f"{name}-*.parquet"))]
    return read_rows(files)


def pixels(rows: list[Row], view: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """(SIZE, SIZE, 3) uint8 of each row; view 0 is the plain picture, others are augmented."""
    generator = np.random.default_rng([seed, view])
    for row in rows:
        with Image.open(io.BytesIO(row.image)) as picture:
            rgb = picture.convert("RGB")
        yield np.asarray(
            rgb.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
            if view == 0
            else _augmented(rgb, generator)
        )


def _augmented(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    """A random crop of most of the picture, mirrored half of the time."""
    width, height = picture.size
    share = generator.uniform(0.7, 1.0)
    crop_width, crop_height = int(width * share), int(height * share)
    left = int(generator.integers(0, width - crop_width + 1))
    top = int(generator.integers(0, height - crop_height + 1))
    box = (left, top, left + crop_width, top + crop_height)
    cropped = picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box)
    if generator.random() < 0.5:
        cropped = cropped.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return cropped


def _bytes(image: Any) -> bytes:
    return image["bytes"] if isinstance(image, dict) else bytes(image)
