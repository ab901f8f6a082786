"""Models to measure besides the starter: real architectures with random weights."""

from __future__ import annotations

import json
from pathlib import Path

CACHE = Path(__file__).parent / "runs"  # ignored by git


def vit_b_32() -> Path:
    """A model directory for open_clip's ViT-B-32 (605 MB), built once."""
    directory = CACHE / "ViT-B-32"
    if (directory / "model.json").exists():
        return directory
    import open_clip
    import torch
    import xxhash
    from safetensors.torch import save_file

    torch.manual_seed(1)
    config = open_clip.get_model_config("ViT-B-32")
    model = open_clip.model.CLIP(**config)
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, file)
    spec = {
        "format": 1,
        "name": "ViT-B-32",
        "arch": "ViT-B-32",
        "open_clip": config,
        "preprocess": {
            "size": config["vision_cfg"]["image_size"],
            "mean": open_clip.OPENAI_DATASET_MEAN,
            "std": open_clip.OPENAI_DATASET_STD,
        },
        "tokenizer": {"kind": "clip-bpe", "context_length": config["text_cfg"]["context_length"]},
        "weights": {
            "file": file.name,
            "bytes": file.stat().st_size,
            "xxh3": xxhash.xxh3_128_hexdigest(file.read_bytes()),
        },
    }
    (directory / "model.json").write_text(json.dumps(spec))
    return directory
