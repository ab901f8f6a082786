"""Small models with random weights, as model directories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import xxhash
from safetensors.torch import save_file

TINY: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 64,
        "heads": 2,
        "layers": 2,
    },
}


def make_model(directory: Path, config: dict[str, Any] | None = None, name: str = "tiny") -> Path:
    """A model directory with reproducible random weights; stock open_clip builds them."""
    import open_clip.model

    config = config or TINY
    torch.manual_seed(7)
    custom = config.get("custom_text", False)
    plain = {key: value for key, value in config.items() if key != "custom_text"}
    make = open_clip.model.CustomTextCLIP if custom else open_clip.model.CLIP
    model = make(**plain)
    directory.mkdir(parents=True)
    file = directory / "weights.safetensors"
    state = {key: value.contiguous().clone() for key, value in model.state_dict().items()}
    save_file(state, file)
    spec = {
        "format": 1,
        "name": name,
        "arch": name,
        "open_clip": config,
        "preprocess": {
            "size": config["vision_cfg"]["image_size"],
            "mean": [0.48, 0.46, 0.41],
            "std": [0.27, 0.26, 0.28],
        },
        "tokenizer": {
            "kind": "clip-bpe",
            "context_length": config["text_cfg"].get("context_length", 77),
        },
        "weights": {
            "file": file.name,
            "bytes": file.stat().st_size,
            "xxh3": xxhash.xxh3_128_hexdigest(file.read_bytes()),
        },
    }
    (directory / "model.json").write_text(json.dumps(spec))
    return directory
