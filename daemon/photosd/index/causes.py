"""Causes of failures: external circumstances that a failure depends on.

A failed photo is retried when its file changes (size, time), when its permissions change, and when
the circumstance of its failure changes.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from photosd.decode.limits import DecodeLimits

DEPENDS_ON = {  # codes of DecodeFailed
    "too_large": "limits",
    "memory": "limits",
    "raw_without_preview": "raw reader",
    "unsupported": "software",
    "damaged": "software",
    "truncated": "software",
    "not_a_picture": "software",
    "internal": "software",
}
SOFTWARE = ("photosd", "pillow", "pillow-heif")


class Circumstances:
    """Current circumstances of failures; cheap enough to check before each batch."""

    def __init__(self) -> None:
        # Decoders keep the libraries they started with: another version needs a restart.
        self._software = " ".join(f"{name} {_version(name)}" for name in SOFTWARE)

    def now(self, limits: DecodeLimits) -> dict[str, str]:
        """By code of a failure; ``limits`` are resolved ones."""
        importlib.invalidate_caches()
        by_kind = {
            "limits": f"{limits.max_megapixels} MP, {limits.memory} bytes",
            "raw reader": "yes" if importlib.util.find_spec("rawpy") else "no",
            "software": self._software,
        }
        return {code: by_kind[kind] for code, kind in DEPENDS_ON.items()}


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """The circumstances in ``now`` that have changed."""
    return {code: value for code, value in now.items() if before.get(code) != value}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"
