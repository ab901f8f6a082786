"""open_clip's architectures by name, read from its files without importing it."""

from __future__ import annotations

import difflib
import importlib.util
import json
from pathlib import Path
from typing import Any

from photosd.core.errors import ModelError, NotFound
from photosd.models.spec import Strength

# Implemented in encoder.roberta.
HUB_TOWERS = ("roberta-base", "xlm-roberta-base", "xlm-roberta-large")
MULTILINGUAL = ("xlm-roberta", "i18n", "siglip2", "worldwide", "nllb", "mt5")
MANY = "mul"  # ISO 639: multiple languages


def names() -> list[str]:
    """All architectures of open_clip, sorted."""
    return sorted(file.stem for file in _directory().glob("*.json"))


def architecture(name: str) -> dict[str, Any]:
    """open_clip's configuration of ``name``; raises NotFound, ModelError if unusable."""
    file = _directory() / f"{name}.json"
    if Path(name).name != name or not file.is_file():
        near = difflib.get_close_matches(name, names(), 3, 0.5)
        raise NotFound(
            f"open_clip has no architecture {name!r}"
            + (f"; near: {', '.join(near)}" if near else ""),
            remedy="photosd model list --architectures",
        )
    config: dict[str, Any] = json.loads(file.read_text())
    refuse_unusable(name, config)
    return config


def refuse_unusable(name: str, config: dict[str, Any]) -> None:
    """Raise ModelError with the reason for unusable architectures."""
    text, vision = config["text_cfg"], config["vision_cfg"]
    tower = text.get("hf_model_name")
    reason = None
    if config.get("multimodal_cfg"):
        reason = "it writes captions (CoCa)"
    elif tower and tower not in HUB_TOWERS:
        reason = f"its text tower {tower} needs the transformers library"
    elif text.get("tokenizer_mode"):
        reason = f"its tokenizer works in the mode {text['tokenizer_mode']}"
    elif not isinstance(vision.get("image_size"), int):
        reason = "its pictures are not square"
    if reason is not None:
        raise ModelError(
            f"photosd cannot use {name}: {reason}",
            remedy="choose another: photosd model list",
        )


def languages_of(name: str) -> tuple[str, ...]:
    """The language of its training: English, or many."""
    lowered = name.lower()
    return (MANY,) if any(sign in lowered for sign in MULTILINGUAL) else ("en",)


def strength_of(name: str) -> Strength:
    """Thresholds of cosines for weak, fair and strong; SigLIP's are far below CLIP's."""
    if "siglip" in name.lower():
        return Strength(weak=0.03, fair=0.06, strong=0.1)
    return Strength()


def _directory() -> Path:
    found = importlib.util.find_spec("open_clip")
    if found is None or found.origin is None:
        raise ModelError("open_clip is not installed", remedy="install photosd again")
    return Path(found.origin).parent / "model_configs"
