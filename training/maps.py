"""Feature maps half-way up the frozen image tower, computed once and kept under training/runs/.

What lies below learns nothing from seven thousand photos; what lies above is trained on these maps.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from photosd.encoder.mobilenet import Trunk
from training.backbone import MEAN, STD, load_backbone
from training.data import Row, labelled_photos, photos_with_captions, pixels
from training.features import RUNS

SPLIT = 4  # stages of the trunk below the maps
SHAPE = (64, 14, 14)
BATCH = 32
PER_SOURCE = {"imagenet-sample": 1000, "weather": 1000, "caltech101": 1000}

Maps = NDArray[np.float16]


@dataclass(frozen=True)
class MappedPictures:
    """Rows with their maps, (views, n, 64, 14, 14) float16; view 0 is the plain picture."""

    rows: list[Row]
    maps: Maps


class Upper(nn.Module):
    """The rest of ``trunk``: maps to pooled features (n, 1280). Shares its parameters."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*list(trunk.blocks.children())[SPLIT:])
        self.conv_head, self.bn2 = trunk.conv_head, trunk.bn2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.relu6(self.bn2(self.conv_head(self.blocks(x))))
        pooled: torch.Tensor = x.mean(dim=(2, 3))
        return pooled


def load_maps(seed: int = 1) -> dict[str, MappedPictures]:
    """``test`` (plain), ``train`` (everything else of flickr8k, two views) and ``labelled``."""
    photos = photos_with_captions()
    parts = {
        "test": (photos["test"], 1),
        "train": (photos["train"] + photos["validation"], 2),
        "labelled": (_some_labelled(), 1),
    }
    RUNS.mkdir(parents=True, exist_ok=True)
    trunk: Trunk | None = None
    found = {}
    for name, (rows, views) in parts.items():
        stacked = []
        for view in range(views):
            file = RUNS / f"maps-{name}-{view}-{seed}.npy"
            if not file.exists():
                trunk = trunk or load_backbone().trunk
                draft = file.with_suffix(".part.npy")
                np.save(draft, _compute(trunk, rows, view, seed))
                draft.replace(file)
            stacked.append(np.load(file, mmap_mode="r"))
        found[name] = MappedPictures(rows, np.stack(stacked))
    return found


def _some_labelled() -> list[Row]:
    left = dict(PER_SOURCE)
    chosen = []
    for row in labelled_photos():
        source = row.source.split("/")[0]
        if left.get(source, 0) > 0:
            left[source] -= 1
            chosen.append(row)
    return chosen


def _compute(trunk: Trunk, rows: list[Row], view: int, seed: int) -> Maps:
    maps = np.empty((len(rows), *SHAPE), np.float16)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    pictures, started = pixels(rows, view, seed), time.monotonic()
    for start in range(0, len(rows), BATCH):
        batch = np.stack([next(pictures) for _ in rows[start : start + BATCH]])
        scaled = (torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255 - mean) / std
        with torch.inference_mode():
            x = nn.functional.relu6(trunk.bn1(trunk.conv_stem(scaled)))
            for stage in list(trunk.blocks.children())[:SPLIT]:
                x = stage(x)
        maps[start : start + BATCH] = x.numpy().astype(np.float16)
        if start % (BATCH * 20) == 0:
            rate = (start + BATCH) / (time.monotonic() - started)
            print(f"maps, view {view}: {start}/{len(rows)}, {rate:.0f}/s", file=sys.stderr)
    return maps


if __name__ == "__main__":
    load_maps()
