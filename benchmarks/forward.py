"""``python -m benchmarks.forward MODEL_DIRECTORY``: images a second of the bare forward pass."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from photosd.encoder.model import WarmModel, devices
from photosd.models.spec import read_model

SECONDS = 3.0
BATCHES = (8, 16, 32)


def main() -> None:
    """Print the best rate of several batch sizes, all cores in use."""
    directory = Path(sys.argv[1])
    spec = read_model(directory)
    model = WarmModel(spec, directory, lambda _phase: None)
    model.move_to(devices()[0])
    size = spec.preprocess.size
    pixels = np.random.default_rng(1).integers(0, 255, (max(BATCHES), size, size, 3), np.uint8)
    print(max(_rate(model, pixels[:batch]) for batch in BATCHES))


def _rate(model: WarmModel, batch: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
    model.encode_images(batch)
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS / len(BATCHES):
        model.encode_images(batch)
        count += len(batch)
    return count / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
