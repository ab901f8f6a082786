"""Pooled features of the frozen image tower, computed once and kept under training/runs/."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from photosd.encoder.mobilenet import FEATURES, Trunk
from training.backbone import MEAN, STD, load_backbone
from training.data import ROOT, Row, labelled_photos, photos_with_captions, pixels

RUNS = ROOT / "training" / "runs"
BATCH = 16
VIEWS = 2  # the plain picture and an augmented one
TINY_IMAGENET = 2500  # 64-pixel pictures help less than their number costs

Features = NDArray[np.float16]


@dataclass(frozen=True)
class Pictures:
    """Rows with their features, (views, n, 1280) float16."""

    rows: list[Row]
    features: Features


def load(seed: int = 1) -> dict[str, Pictures]:
    """``train``, ``validation``, ``test`` (flickr8k) and ``labelled``; computed where missing."""
    parts = {**photos_with_captions(), "labelled": _some_labelled()}
    RUNS.mkdir(parents=True, exist_ok=True)
    trunk: Trunk | None = None
    found: dict[str, Pictures] = {}
    for name, rows in parts.items():
        file = RUNS / f"features-{name}-{seed}.npy"
        if not file.exists():
            trunk = trunk or load_backbone().trunk
            views = VIEWS if name == "train" else 1
            _save(file, np.stack([_compute(trunk, rows, view, seed) for view in range(views)]))
        found[name] = Pictures(rows, np.load(file))
    return found


def _some_labelled() -> list[Row]:
    rows = labelled_photos()
    tiny = [row for row in rows if row.source.startswith("tiny-imagenet")][:TINY_IMAGENET]
    return tiny + [row for row in rows if not row.source.startswith("tiny-imagenet")]


def _compute(trunk: Trunk, rows: list[Row], view: int, seed: int) -> Features:
    features = np.empty((len(rows), FEATURES), np.float16)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    started = time.monotonic()
    waiting: list[NDArray[np.uint8]] = []
    done = 0
    with torch.inference_mode():
        for number, picture in enumerate(pixels(rows, view, seed), start=1):
            waiting.append(picture)
            if len(waiting) == BATCH or number == len(rows):
                batch = torch.from_numpy(np.stack(waiting)).permute(0, 3, 1, 2).float()
                output = trunk((batch / 255 - mean) / std)
                features[done : done + len(waiting)] = output.numpy().astype(np.float16)
                done += len(waiting)
                waiting = []
                if sys.stderr.isatty() or done % 1600 == 0:
                    rate = done / (time.monotonic() - started)
                    print(
                        f"\rview {view}: {done}/{len(rows)} {rate:.0f}/s", end="", file=sys.stderr
                    )
    print(file=sys.stderr)
    return features


def _save(file: Path, values: Features) -> None:
    draft = file.with_suffix(".part.npy")
    np.save(draft, values)
    draft.replace(file)


if __name__ == "__main__":
    load()
