"""Builds the spec of a model (`model.json`) from open_clip's facts about architecture and tag."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from photosd.core import typed
from photosd.core.errors import ModelError, NotFound
from photosd.encoder.install.tokenizer_files import tokenizer_of
from photosd.encoder.openclip_import import import_pretrained_table
from photosd.models.architectures import (
    architecture,
    languages_of,
    refuse_unusable,
    strength_of,
)
from photosd.models.spec import FORMAT, ModelSpec, Preprocess, Weights

SPARE_BYTES = 200 << 20  # must stay free on the disk
CONFIG_FILE = "open_clip_config.json"  # what open_clip puts beside the weights it publishes
FROM_TABLE = ("mean", "std", "interpolation", "resize_mode")
NO_WEIGHTS = Weights(file="weights.safetensors", bytes=0, xxh3="")
PREFERRED = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
)

Say = Callable[[str], None]  # reports progress


class InstallOrder(msgspec.Struct, frozen=True):
    """A request to install a model: its source, how to read it, its name."""

    models: str  # the directory of all models
    name: str
    source: str | None = None  # a path on this machine; None: from the hub
    arch: str | None = None
    tag: str | None = None
    licence: str = "unknown"
    precision: str = "auto"


def require_room(directory: Path, size: int) -> None:
    """Raise ModelError if ``size`` more bytes would fill the disk."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    free = shutil.disk_usage(directory).free
    if free < size + SPARE_BYTES:
        raise ModelError(
            f"{(size + SPARE_BYTES) / 1e6:,.0f} MB are needed in {directory}, "
            f"{free / 1e6:,.0f} MB are free",
            remedy="free some space; photosd model list shows models to remove",
        )


def model_spec(order: InstallOrder, beside: Path) -> ModelSpec:
    """The spec of ``order`` without its weights; ``beside``: the directory of its files.

    Raises ModelError when the architecture is unknown, or a tokenizer is missing.
    """
    published = _published(beside / CONFIG_FILE)
    if order.arch is not None:
        config, arch = architecture(order.arch), order.arch
    elif published.get("model_cfg"):
        config, arch = published["model_cfg"], str(published.get("architecture") or order.name)
        refuse_unusable(arch, config)
    else:
        raise ModelError(
            f"nothing in {beside} says which architecture this is",
            remedy="photosd model import FILE --arch ARCHITECTURE",
        )
    table = _pretrained(arch, order.tag)
    if table.get("quick_gelu"):
        config["quick_gelu"] = True
    return ModelSpec(
        format=FORMAT,
        name=order.name,
        arch=arch,
        open_clip=config,
        preprocess=_preprocess(config, {**table, **published.get("preprocess_cfg", {})}),
        tokenizer=tokenizer_of(config["text_cfg"], beside),
        weights=NO_WEIGHTS,
        languages=languages_of(arch),
        licence=order.licence,
        strength=strength_of(arch),
    )


def _preprocess(config: dict[str, Any], facts: dict[str, Any]) -> Preprocess:
    known = {key: facts[key] for key in FROM_TABLE if key in facts}
    if known.get("resize_mode") == "longest":
        raise ModelError(
            "its preprocessing pads photos (resize_mode longest), which photosd does not do",
            remedy="choose another: photosd model list",
        )
    return typed.convert({"size": config["vision_cfg"]["image_size"], **known}, Preprocess)


def _pretrained(arch: str, tag: str | None) -> dict[str, Any]:
    """open_clip's facts about a tag; without one, those that tags of this architecture share."""
    table = import_pretrained_table()
    if tag is not None:
        found: dict[str, Any] = table.get_pretrained_cfg(arch, tag)
        if not found:
            tags = ", ".join(table.list_pretrained_tags_by_model(arch)) or "none"
            raise NotFound(
                f"open_clip has no {arch}/{tag}; tags of {arch}: {tags}",
                remedy="photosd model list --tags",
            )
        return found
    tags = table.list_pretrained_tags_by_model(arch)
    if tags:
        first = table.get_pretrained_cfg(arch, tags[-1])
        return {key: first[key] for key in FROM_TABLE}
    siglip = "siglip" in arch.lower()
    default: dict[str, Any] = table._slpcfg() if siglip else table._pcfg()
    return default


def _published(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read: {error}", remedy=f"delete {file}") from error
    return found if isinstance(found, dict) else {}
