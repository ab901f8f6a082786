"""The (XLM-)RoBERTa text tower of open_clip without transformers, with identical results.

open_clip builds it with the transformers library, which takes 0.75 s to import, requests a
configuration from the hub, and initialises 200 million random numbers. Weights have the names of
its `HFTextEncoder`, so that every published checkpoint fits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import nn

PAD = 1
POSITIONS = 514  # the first two are never used
NORM_EPSILON = 1e-5
_QKV = ("query", "key", "value")


class Size(NamedTuple):
    """Size of a published tower."""

    vocabulary: int
    width: int
    layers: int
    heads: int


SIZES = {
    "roberta-base": Size(50265, 768, 12, 12),
    "xlm-roberta-base": Size(250002, 768, 12, 12),
    "xlm-roberta-large": Size(250002, 1024, 24, 16),
}


class RobertaTower(nn.Module):
    """Token ids (n, length), ``PAD`` after each text, to (n, embed_dim)."""

    def __init__(self, text_cfg: dict[str, Any], embed_dim: int) -> None:
        super().__init__()
        size = SIZES[text_cfg["hf_model_name"]]
        self.context_length, self.vocab_size = POSITIONS, size.vocabulary
        self.transformer = Transformer(size)
        self.proj = _projection(text_cfg.get("hf_proj_type", "mlp"), size.width, embed_dim)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        mask = tokens != PAD
        states = self.transformer(tokens, mask) * mask.unsqueeze(-1)
        projected: torch.Tensor = self.proj(states.sum(dim=1) / mask.sum(dim=1, keepdim=True))
        return projected


class Transformer(nn.Module):
    """Token ids and their mask, (n, length) each, to states (n, length, width)."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.embeddings = Embeddings(size)
        layers = nn.ModuleList(Layer(size) for _ in range(size.layers))
        self.encoder = nn.ModuleDict({"layer": layers})

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.embeddings(tokens, mask)
        for layer in self.encoder["layer"].children():
            states = layer(states, mask[:, None, None, :])
        return states


class Embeddings(nn.Module):
    """Words and their positions, counted from ``PAD`` on."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(size.vocabulary, size.width)
        self.position_embeddings = nn.Embedding(POSITIONS, size.width)
        self.token_type_embeddings = nn.Embedding(1, size.width)
        self.LayerNorm = nn.LayerNorm(size.width, eps=NORM_EPSILON)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        places = mask.cumsum(dim=1) * mask + PAD
        words = self.word_embeddings(tokens) + self.token_type_embeddings.weight[0]
        states: torch.Tensor = self.LayerNorm(words + self.position_embeddings(places))
        return states


class Layer(nn.Module):
    """Attention, then a feed-forward network, each normalised after the addition."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.attention = Attention(size)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(size.width, 4 * size.width)})
        self.output = AddAndNorm(4 * size.width, size.width)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        attended = self.attention(states, mask)
        inner = nn.functional.gelu(self.intermediate["dense"](attended))
        result: torch.Tensor = self.output(inner, attended)
        return result


class Attention(nn.Module):
    """Every token attends to every token that is not padding."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self._heads = size.heads
        self.self = nn.ModuleDict({name: nn.Linear(size.width, size.width) for name in _QKV})
        self.output = AddAndNorm(size.width, size.width)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        query, key, value = (self._split(self.self[name](states)) for name in _QKV)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        result: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2), states)
        return result

    def _split(self, states: torch.Tensor) -> torch.Tensor:
        count, length, _ = states.shape
        return states.view(count, length, self._heads, -1).transpose(1, 2)


class AddAndNorm(nn.Module):
    """A dense layer whose result is added to ``before`` and normalised."""

    def __init__(self, incoming: int, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(incoming, width)
        self.LayerNorm = nn.LayerNorm(width, eps=NORM_EPSILON)

    def forward(self, states: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.LayerNorm(self.dense(states) + before)
        return result


def _projection(kind: str | None, width: int, embed_dim: int) -> nn.Module:
    if kind == "linear":
        return nn.Linear(width, embed_dim, bias=False)
    if kind == "mlp":
        hidden = (width + embed_dim) // 2
        return nn.Sequential(
            nn.Linear(width, hidden, bias=False),
            nn.GELU(),
            nn.Linear(hidden, embed_dim, bias=False),
        )
    return nn.Identity()
