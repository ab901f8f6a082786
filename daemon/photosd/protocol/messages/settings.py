"""The types of the protocol about settings."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class ConfigResult(Struct):
    """Every setting."""

    settings: list[dict[str, Any]]


class ConfigSetParams(Struct):
    """A setting by name and its new value as text."""

    name: str
    value: str


class ConfigSetResult(Struct):
    """The setting as it is now."""

    name: str
    value: Any
