"""The warm model: takes texts and pixels, returns unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from photosd.encoder.loading import Progress, load_model
from photosd.encoder.tokenizer import TextTokenizer
from photosd.models.spec import ModelSpec

Vectors = NDArray[np.float32]
Pixels = NDArray[np.uint8]

MEANINGS = np.array([1.0, 0.5], np.float32)  # weights of the readings of a text


class WarmModel:
    """One loaded model. On the CPU texts and images can be encoded in parallel by two threads; an
    accelerator must be used by one thread only.
    """

    def __init__(self, spec: ModelSpec, directory: Path, progress: Progress) -> None:
        """On the CPU; see `move_to`."""
        self._spec = spec
        self._model = load_model(spec, directory, progress)
        self.tokenizer = TextTokenizer(spec, directory)
        self._type = next(self._model.parameters()).dtype
        self.move_to("cpu")

    def move_to(self, device: str) -> None:
        """Encode images on ``device``, and texts as well unless it is a Mac's GPU.

        Raises RuntimeError if the device is unusable.
        """
        self.device, self.text_device = device, text_device(device)
        both = self.device == self.text_device
        (self._model if both else self._model.get_submodule("visual")).to(device)
        mean, std = (_channels(v) for v in (self._spec.preprocess.mean, self._spec.preprocess.std))
        self._scale, self._offset = (1 / (255 * std)).to(device), (mean / std).to(device)
        self._trim = _trim(self._model, self._spec)

    def release_memory(self) -> None:
        """Give back memory that the accelerator's allocator keeps: it may suffice for less work."""
        of = {"cuda": torch.cuda, "xpu": torch.xpu, "mps": torch.mps}.get(self.device)
        if of is not None:
            of.empty_cache()

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32 of unit length; of a text with several readings their mean."""
        readings = [self.tokenizer.readings(text) for text in texts]
        vectors = self._encode_texts([one for several in readings for one in several])
        if len(vectors) == len(texts):
            return vectors
        weights = np.concatenate([MEANINGS[: len(several)] for several in readings])
        starts = np.cumsum([0, *map(len, readings[:-1])])
        means = np.add.reduceat(vectors * weights[:, None], starts)
        return _unit(torch.from_numpy(means))

    def _encode_texts(self, texts: Sequence[str]) -> Vectors:
        tokens = torch.from_numpy(self.tokenizer.encode(texts))
        if self._trim is not None:
            tokens = self._trim(tokens)
        with torch.inference_mode():
            return _unit(self._model.encode_text(tokens.to(self.text_device)))  # type: ignore[operator]

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Vectors of (n, S, S, 3) uint8 RGB: (n, d) float32 of unit length."""
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).to(
                self.device
            )  # as bytes: a quarter of the size of floats
            scaled = batch.permute(0, 3, 1, 2).float().mul_(self._scale).sub_(self._offset)
            return _unit(self._model.encode_image(scaled.to(self._type)))  # type: ignore[operator]


class TextTrim:
    """Drops padding for the text tower: exact with a causal mask, and up to 3 times faster.

    Tokens after the end token cannot change the vector. open_clip's towers expect the full length,
    so mask and positions are cut to the length of each batch. For one thread.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        self._tower: Any = getattr(model, "text", model)
        self._mask = self._tower.attn_mask
        self._positions = self._tower.positional_embedding.data

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """``tokens`` (n, length) without the columns that are padding in every row."""
        length = max(1, int((tokens != 0).sum(dim=1).max().item()))
        self._tower.attn_mask = self._mask[:length, :length]
        self._tower.positional_embedding.data = self._positions[:length]
        return tokens[:, :length]


class MaskedTrim:
    """Drop padding columns common to the whole batch; results are identical."""

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """``tokens`` (n, length) without the columns that are padding in every row."""
        length = max(1, int((tokens != self._pad).sum(dim=1).max().item()))
        return tokens[:, :length]


def _channels(values: Sequence[float]) -> torch.Tensor:
    return torch.tensor(values).view(1, 3, 1, 1)


def _unit(features: torch.Tensor) -> Vectors:
    vectors: Vectors = torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy()
    return vectors


def _trim(model: torch.nn.Module, spec: ModelSpec) -> TextTrim | MaskedTrim | None:
    if spec.open_clip["text_cfg"].get("hf_model_name"):
        return MaskedTrim(spec.tokenizer.pad_id)
    return TextTrim(model) if _may_trim(spec) else None


def _may_trim(spec: ModelSpec) -> bool:
    """Whether dropping the padding is exact: causal mask, zeros as padding, end token pooled."""
    text = spec.open_clip["text_cfg"]
    return (
        not text.get("no_causal_mask", False)
        and not text.get("embed_cls", False)
        and text.get("pool_type", "argmax") in ("argmax", "eos")
        and spec.tokenizer.pad_id == 0
    )


def text_device(device: str) -> str:
    """Where texts are encoded if images are encoded on ``device``.

    On a Mac on the CPU: a text is quick there, and MPS aborts the process if two threads use it.
    """
    return "cpu" if device == "mps" else device


def devices() -> list[str]:
    """Devices for computing, fastest first, the CPU always last."""
    there = {
        "cuda": torch.cuda.is_available(),
        "xpu": torch.xpu.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    return [name for name, is_there in there.items() if is_there] + ["cpu"]
