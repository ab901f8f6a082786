"""Causes of failures: what besides the file a failure depends on, and as what it is known.

A photo that failed is tried again when its file changes (size, time), when its permissions do, and
when the circumstance that its failure depends on is another one.
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
    """What failures depend on, as it is now; cheap enough to ask before each batch of work."""

    def __init__(self) -> None:
        # Decoders keep the libraries they have begun with: another version needs a restart.
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
    """The circumstances of ``now`` that were not so before."""
    return {code: value for code, value in now.items() if before.get(code) != value}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"
