"""Loads a model: built without random numbers, weights mapped from the file and assigned.

Stock open_clip fills a new model with random numbers, reads the checkpoint and copies it: twice the
memory and seconds of wasted work.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from photosd.core.errors import ModelError
from photosd.encoder.openclip_import import import_model_module
from photosd.models.spec import STARTER_ARCH, ModelSpec

BEAT_SECONDS = 0.5

Progress = Callable[[str], None]


def load_model(spec: ModelSpec, directory: Path, progress: Progress) -> torch.nn.Module:
    """The model in ``directory``, in evaluation mode, on the CPU; ``progress`` is called with each
    phase.

    Raises ModelError if names or shapes of the weights do not match the architecture.
    """
    module = import_model_module(lean=spec.lean)
    progress("construct")
    with without_initialisation():
        model = construct_model(module, spec)
    progress("load weights")
    weights = _read_weights(directory / spec.weights.file, spec, progress)
    try:
        missing, unexpected = model.load_state_dict(weights, strict=False, assign=True)
    except RuntimeError as error:
        raise _misfit(spec, str(error)) from error
    if missing or unexpected:
        raise _misfit(spec, f"missing {missing[:3]}, unexpected {unexpected[:3]}")
    if spec.precision == "bfloat16":
        model = model.to(torch.bfloat16)
    model = model.eval().requires_grad_(False)
    if spec.arch == STARTER_ARCH:
        _quicken(model.get_submodule("visual"))
    return model


def construct_model(module: Any, spec: ModelSpec) -> torch.nn.Module:
    """The architecture of ``spec`` by ``open_clip.model``, without weights."""
    config = dict(spec.open_clip)
    custom = config.pop("custom_text", False)
    text, embed_dim = dict(config.pop("text_cfg")), config["embed_dim"]
    vision = {**config.pop("vision_cfg"), "timm_model_pretrained": False}
    towers: dict[str, torch.nn.Module] = {}
    if spec.arch == STARTER_ARCH:
        from photosd.encoder.efficientnet import EfficientNetTower  # its names are timm's

        towers["_build_vision_tower"] = EfficientNetTower(embed_dim)
    if text.get("hf_model_name"):
        from photosd.encoder.roberta import RobertaTower

        towers["_build_text_tower"] = RobertaTower(text, embed_dim)
    make = module.CustomTextCLIP if custom or text.get("hf_model_name") else module.CLIP
    with _towers(module, towers):
        model: torch.nn.Module = make(**config, vision_cfg=vision, text_cfg=text)
    return model


@contextlib.contextmanager
def _towers(module: Any, towers: dict[str, torch.nn.Module]) -> Iterator[None]:
    """Replace open_clip's towers with ours."""
    kept = {name: getattr(module, name) for name in towers}
    for name, tower in towers.items():
        setattr(module, name, lambda *_, tower=tower: tower)
    try:
        yield
    finally:
        for name, build in kept.items():
            setattr(module, name, build)


def _quicken(tower: torch.nn.Module) -> None:
    from photosd.encoder.efficientnet import fold_norms

    fold_norms(tower)
    tower.to(memory_format=torch.channels_last)  # layout of the pixels


def _read_weights(file: Path, spec: ModelSpec, progress: Progress) -> dict[str, torch.Tensor]:
    """Tensors by name, mapped from the file if their type fits; float16 is converted."""
    weights: dict[str, torch.Tensor] = {}
    last_beat = time.monotonic()
    try:
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 (not a dict)
                tensor = tensors.get_tensor(name)
                half = tensor.dtype == torch.float16 and spec.precision != "float16"
                weights[name] = tensor.float() if half else tensor
                if time.monotonic() - last_beat > BEAT_SECONDS:
                    progress(f"load weights: {name}")
                    last_beat = time.monotonic()
    except Exception as error:  # safetensors raises its own and OSError for damage
        raise ModelError(
            f"{file} is damaged: {error}",
            remedy="install it again, or: photosd model use starter",
        ) from error
    return weights


@contextlib.contextmanager
def without_initialisation() -> Iterator[None]:
    """Disable random and constant initialisation: every parameter is assigned afterwards.

    (Building on the meta device would do the same, but imports torch._dynamo: 1.5 s.)
    """
    places = (torch.nn.init, torch.nn.modules.activation)
    kept = {
        (place, name): getattr(place, name)
        for place in places
        for name in dir(place)
        if name.endswith("_") and not name.startswith("_") and callable(getattr(place, name))
    }
    randn = torch.randn
    for place, name in kept:
        setattr(place, name, lambda tensor, *_args, **_named: tensor)
    torch.randn = torch.empty  # type: ignore[assignment]  # same call, no numbers
    try:
        yield
    finally:
        torch.randn = randn
        for (place, name), function in kept.items():
            setattr(place, name, function)


def _misfit(spec: ModelSpec, cause: str) -> ModelError:
    return ModelError(
        f"the weights of {spec.name} do not match {spec.arch}: {cause[:300]}",
        remedy="install it again, or: photosd model use starter",
    )
