"""Recommended models with short names and descriptions."""

from __future__ import annotations

import msgspec

from photosd.core.errors import NotFound
from photosd.models.architectures import MANY, languages_of, names


class Preset(msgspec.Struct, frozen=True):
    """A model to pull: open_clip's architecture and tag, and its description."""

    name: str
    arch: str
    tag: str
    licence: str
    languages: tuple[str, ...]
    download_mb: int
    about: str


# Sizes of the published float32 files (open_clip 3.3's tables and model cards).
PRESETS = (
    Preset(
        "multilingual",
        "xlm-roberta-base-ViT-B-32",
        "laion5b_s13b_b90k",
        "MIT",
        (MANY,),
        1465,
        "a hundred languages, Hebrew and Arabic among them",
    ),
    Preset(
        "english",
        "ViT-B-32-256",
        "datacomp_s34b_b86k",
        "MIT",
        ("en",),
        605,
        "English only; fast and good",
    ),
    Preset(
        "quality",
        "ViT-B-16-SigLIP-i18n-256",
        "webli",
        "Apache-2.0",
        (MANY,),
        1480,
        "many languages; better results, indexing takes four times as long",
    ),
)
BY_NAME = {preset.name: preset for preset in PRESETS}

RESEARCH_ONLY = "apple-amlr: for scientific research only, no commercial use"
NOT_COMMERCIAL = "CC-BY-NC-4.0: no commercial use"
RESTRICTED = (RESEARCH_ONLY, NOT_COMMERCIAL)
LICENCES = {
    "MobileCLIP": RESEARCH_ONLY,
    "dfn": RESEARCH_ONLY,
    "metaclip": NOT_COMMERCIAL,
    "ViT-H-14-worldwide": NOT_COMMERCIAL,
    "ViT-bigG-14-worldwide": NOT_COMMERCIAL,
}
UNKNOWN_LICENCE = "unknown: see the model's page"


def preset_of(name: str) -> Preset:
    """The preset called ``name``, or described by ``ARCH/TAG``; raises NotFound."""
    if name in BY_NAME:
        return BY_NAME[name]
    arch, slash, tag = name.partition("/")
    if not slash or arch not in names():
        raise NotFound(
            f"unknown preset or open_clip model {name!r}",
            remedy="photosd model list --tags",
        )
    known = next((p for p in PRESETS if (p.arch, p.tag) == (arch, tag)), None)
    licence = known.licence if known else _licence(arch, tag)
    return Preset(name, arch, tag, licence, languages_of(arch), 0, "")


def is_pullable(name: str) -> bool:
    """Whether ``photosd model pull`` accepts this name."""
    return name in BY_NAME or ("/" in name and name.partition("/")[0] in names())


def _licence(arch: str, tag: str) -> str:
    for sign, licence in LICENCES.items():
        if arch.startswith(sign) or tag.startswith(sign):
            return licence
    return UNKNOWN_LICENCE
