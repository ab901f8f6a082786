"""Checkpoints with random weights, as people find them published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tests.encoder.models import TINY


def publish(directory: Path, config: dict[str, Any] | None = None, seed: int = 5) -> Path:
    """A directory as open_clip publishes them: weights and open_clip_config.json."""
    import open_clip.model

    config = config or TINY
    torch.manual_seed(seed)
    custom = config.get("custom_text", False)
    plain = {key: value for key, value in config.items() if key != "custom_text"}
    model = (open_clip.model.CustomTextCLIP if custom else open_clip.model.CLIP)(**plain)
    directory.mkdir(parents=True, exist_ok=True)
    state = {name: value.contiguous().clone() for name, value in model.state_dict().items()}
    save_file(state, directory / "open_clip_model.safetensors")
    preprocess = {"mean": [0.4, 0.5, 0.6], "std": [0.5, 0.5, 0.5], "interpolation": "bilinear"}
    (directory / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": {**preprocess, "resize_mode": "squash"}})
    )
    return directory


def word_tokenizer(directory: Path, words: list[str], *, pad: str = "<pad>") -> None:
    """A small tokenizer.json that puts <s> before and </s> after a text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tokens = ["<s>", "<pad>", "</s>", "<unk>", *words]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(json.dumps({"pad_token": pad}))
