"""Converts published checkpoints to the format that encoders load."""

from __future__ import annotations

import importlib
import os
import pickle
from pathlib import Path
from typing import Any

import torch
import xxhash
from safetensors.torch import load_file, save_file

from photosd.core.errors import ModelError
from photosd.encoder.install.model_spec import PREFERRED
from photosd.models.spec import Weights

SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
STALE = ("text.transformer.embeddings.position_ids",)  # of old versions of transformers
FILE = "weights.safetensors"
BLOCK = 4 << 20

State = dict[str, torch.Tensor]


def find_checkpoint(source: Path) -> Path:
    """The file itself, or the one in a directory that open_clip would use."""
    if source.is_file():
        return source
    if not source.is_dir():
        raise ModelError(f"no such file: {source}", remedy="check the path")
    found = [source / name for name in PREFERRED if (source / name).is_file()]
    found += sorted(file for file in source.iterdir() if file.suffix in SUFFIXES)
    if not found:
        raise ModelError(
            f"no checkpoint in {source}",
            remedy=f"name the file; its name ends in one of {', '.join(SUFFIXES)}",
        )
    return found[0]


def read_checkpoint(file: Path) -> State:
    """Tensors by name; nothing in the file is executed. Raises ModelError."""
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        loaded: Any = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise _unreadable(file, str(error)) from error
    except Exception as error:  # safetensors raises its own
        raise _unreadable(file, str(error)) from error
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise _unreadable(file, "it holds no table of tensors")
    if next(iter(state)).startswith("module."):  # trained on several devices
        state = {name.removeprefix("module."): value for name, value in state.items()}
    return dict(state)


def fit(state: State, model: torch.nn.Module) -> State:
    """``state`` with current names and shapes of ``model``, using open_clip's conversions."""
    conversions: Any = importlib.import_module("open_clip.convert")
    modules: Any = importlib.import_module("open_clip.model")
    state = conversions.convert_state_dict(model, state)
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = modules.convert_to_custom_text_state_dict(state)
    wanted = model.state_dict()
    for name in ("logit_scale", "logit_bias"):
        if name in wanted and name in state:
            state[name] = state[name].reshape(wanted[name].shape)
    if "logit_bias" in wanted and "logit_bias" not in state:
        state["logit_bias"] = torch.zeros(wanted["logit_bias"].shape)
    return {name: tensor for name, tensor in state.items() if name not in STALE}


def save_weights(state: State, directory: Path, kind: torch.dtype) -> Weights:
    """Write ``state`` in one number format, durably; returns the file's facts."""
    file = directory / f"{FILE}.new"  # the current file may be mapped by the caller
    plain = {
        name: (tensor.to(kind) if tensor.is_floating_point() else tensor).contiguous().clone()
        for name, tensor in state.items()
    }
    save_file(plain, file)
    digest = xxhash.xxh3_128()
    with file.open("rb+") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
        os.fsync(stream.fileno())
    size = file.stat().st_size
    file.replace(directory / FILE)
    return Weights(file=FILE, bytes=size, xxh3=digest.hexdigest())


def _unreadable(file: Path, cause: str) -> ModelError:
    return ModelError(
        f"{file} cannot be read as a checkpoint: {cause[:200]}",
        remedy="photosd reads safetensors, and PyTorch files that hold only tensors",
    )
