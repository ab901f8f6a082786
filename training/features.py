"""Pooled features of the frozen image tower, computed once and kept under training/runs/."""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from photosd.encoder.efficientnet import FEATURES, Trunk
from training.backbone import MEAN, STD, load_backbone
from training.data import ROOT, Row, labelled_photos, photos_with_captions, pixels

RUNS = ROOT / "training" / "runs"
BATCH = 16
VIEWS = 3  # the plain picture and two augmented ones
# Pictures made of class names: more of them help less than their number costs.
LABELLED = {"tiny-imagenet": 1000, "imagenet-sample": 1000, "weather": 1000, "caltech101": 2000}

Features = NDArray[np.float16]


@dataclass(frozen=True)
class Pictures:
    """Rows with their features, (views, n, 1280) float16."""

    rows: list[Row]
    features: Features


def load(seed: int = 1) -> dict[str, Pictures]:
    """``train``, ``validation`` (flickr8k) and ``labelled``; computed where missing."""
    photos = photos_with_captions()
    parts = {
        "train": (photos["train"], VIEWS),
        "validation": (photos["validation"], VIEWS),
        "labelled": (some_labelled(seed), 1),
    }
    RUNS.mkdir(parents=True, exist_ok=True)
    trunk: Trunk | None = None
    found: dict[str, Pictures] = {}
    for name, (rows, views) in parts.items():
        stacked = []
        for view in range(views):
            file = RUNS / f"lite2-{name}-{view}-{seed}.npy"
            if not file.exists():
                trunk = trunk or load_backbone().trunk.to(memory_format=torch.channels_last)
                draft = file.with_suffix(".part.npy")
                np.save(draft, _compute(trunk, rows, view, seed))
                draft.replace(file)
            stacked.append(np.load(file))
        found[name] = Pictures(rows, np.stack(stacked))
    return found


def some_labelled(seed: int = 1) -> list[Row]:
    """Those that recipes train on."""
    rows = labelled_photos()
    random.Random(seed).shuffle(rows)
    left, chosen = dict(LABELLED), []
    for row in rows:
        source = row.source.split("/")[0]
        if left.get(source, 0) > 0:
            left[source] -= 1
            chosen.append(row)
    return chosen


def _compute(trunk: Trunk, rows: list[Row], view: int, seed: int) -> Features:
    features = np.empty((len(rows), FEATURES), np.float16)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    pictures, started = pixels(rows, view, seed), time.monotonic()
    for start in range(0, len(rows), BATCH):
        batch = np.stack([next(pictures) for _ in rows[start : start + BATCH]])
        scaled = (torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255 - mean) / std
        # bfloat16 halves the time; the features differ by less than their noise in training.
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            output = trunk(scaled.contiguous(memory_format=torch.channels_last))
        done = start + len(batch)
        features[start:done] = output.float().numpy()
        if done == len(rows) or start % (BATCH * 20) == 0:
            rate = done / (time.monotonic() - started)
            print(
                f"\rfeatures, view {view}: {done}/{len(rows)}, {rate:.0f}/s ",
                end="",
                file=sys.stderr,
            )
    print(file=sys.stderr)
    return features
