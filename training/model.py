"""The starter model under training: features of pictures on one side, captions on the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from photosd.encoder.efficientnet import EfficientNetTower
from photosd.encoder.openclip_import import import_model_module
from training.vocabulary import BEGIN, END

DIMENSION = 256
CONTEXT = 32


def text_config(vocabulary: int) -> dict[str, Any]:
    """open_clip's ``text_cfg``."""
    return {
        "context_length": CONTEXT,
        "vocab_size": vocabulary,
        "width": DIMENSION,
        "heads": 8,
        "layers": 2,
        "pool_type": "eos",
        "eos_id": END,
    }


def open_clip_config(vocabulary: int) -> dict[str, Any]:
    """The architecture as open_clip reads it."""
    return {
        "embed_dim": DIMENSION,
        "vision_cfg": {
            "timm_model_name": "tf_efficientnet_lite2",
            "timm_pool": "avg",
            "timm_proj": "linear",
            "timm_proj_bias": True,
            "image_size": 224,
        },
        "text_cfg": text_config(vocabulary),
        "custom_text": True,
    }


class Starter(nn.Module):
    """Both towers under the names of open_clip's CustomTextCLIP."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        module = import_model_module(lean=True)
        self.visual = EfficientNetTower(DIMENSION)
        self.text = module._build_text_tower(DIMENSION, text_config(vocabulary))
        self.logit_scale = nn.Parameter(torch.tensor(3.0))

    def images(self, features: torch.Tensor) -> torch.Tensor:
        """Unit vectors of pooled features (n, 1280)."""
        return nn.functional.normalize(self.visual.head(features), dim=-1)

    def texts(self, tokens: torch.Tensor) -> torch.Tensor:
        """Unit vectors of token ids (n, CONTEXT)."""
        return nn.functional.normalize(self.text(tokens), dim=-1)


def tokenize(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    generator: np.random.Generator | None = None,
    drop: float = 0.0,
) -> torch.Tensor:
    """Token ids (n, CONTEXT) int64; with a generator, each piece is left out at rate ``drop``."""
    rows = np.zeros((len(texts), CONTEXT), np.int64)
    for row, encoding in zip(
        rows, tokenizer.encode_batch(list(texts), add_special_tokens=False), strict=True
    ):
        ids = encoding.ids
        if generator is not None and len(ids) > 3:
            ids = [piece for piece in ids if generator.random() >= drop] or ids
        ids = [BEGIN, *ids[: CONTEXT - 2], END]
        row[: len(ids)] = ids
    return torch.from_numpy(rows)
