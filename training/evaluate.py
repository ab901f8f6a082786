"""``python -m training.evaluate FILES… --json``: how well a model directory finds photos.

FILES are parquet files with ``image`` and ``captions``; without any, the 1,000 photos of flickr8k
that no recipe trains on. What is measured is what photosd runs: float16 weights, its own encoder.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from photosd.encoder.model import WarmModel, devices
from photosd.models.spec import STARTER, read_model
from training.complete import Trained
from training.data import Row, photos_with_captions, pixels, read_rows
from training.export import image_vectors
from training.metrics import retrieval
from training.model import tokenize

BATCH = 32


def main() -> None:
    """Evaluate by the arguments and print the figures."""
    arguments = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    arguments.add_argument("files", nargs="*", type=Path)
    arguments.add_argument("--model", type=Path, default=STARTER, help="a model directory")
    arguments.add_argument("--json", action="store_true")
    chosen = arguments.parse_args()
    rows = read_rows(chosen.files) if chosen.files else photos_with_captions()["test"]
    figures = evaluate_directory(chosen.model, rows)
    if chosen.json:
        print(json.dumps({"photos": len(rows), **figures}))
        return
    for name, figure in figures.items():
        print(f"{name:24} {figure:6.1f}")


def evaluate_directory(directory: Path, rows: list[Row]) -> dict[str, float]:
    """Retrieval figures of the model in ``directory``, through photosd's encoder."""
    model = WarmModel(read_model(directory), directory, lambda _phase: None)
    model.move_to(devices()[0])
    images = [model.encode_images(batch) for batch in _batches(rows)]
    captions, owner = captions_and_owners(rows)
    texts = [model.encode_texts(captions[i : i + 500]) for i in range(0, len(captions), 500)]
    return retrieval(np.concatenate(images), np.concatenate(texts), owner)


def held_out(trained: Trained, part: str) -> dict[str, float]:
    """Retrieval figures of a model in training on the ``test`` or ``validation`` photos."""
    return retrieval(*held_out_vectors(trained, part))


def held_out_vectors(
    trained: Trained, part: str
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Vectors of those photos, of their captions, and whose caption each is."""
    rows, model = photos_with_captions()[part], trained.model
    images = torch.cat([image_vectors(model, batch) for batch in _batches(rows)])
    captions, owner = captions_and_owners(rows)
    with torch.inference_mode():
        parts = torch.split(tokenize(trained.tokenizer, captions), 500)
        texts = torch.cat([model.texts(tokens) for tokens in parts])
    return images.numpy(), texts.numpy(), owner


def captions_and_owners(rows: list[Row]) -> tuple[list[str], NDArray[np.int64]]:
    """Every caption, and the number of the row that it describes."""
    captions = [caption for row in rows for caption in row.captions]
    return captions, np.repeat(np.arange(len(rows)), [len(row.captions) for row in rows])


def _batches(rows: list[Row]) -> list[NDArray[np.uint8]]:
    pictures = pixels(rows, 0, 0)
    return [
        np.stack([next(pictures) for _ in rows[start : start + BATCH]])
        for start in range(0, len(rows), BATCH)
    ]


if __name__ == "__main__":
    main()
