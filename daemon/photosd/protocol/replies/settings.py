"""Types of replies about settings and models."""

from __future__ import annotations

from typing import TypedDict

from photosd.protocol.replies.status import SwitchReport


class Setting(TypedDict):
    """One setting."""

    name: str
    value: str | int | float | bool
    default: str | int | float | bool
    type: str
    description: str


class ConfigResult(TypedDict):
    """Every setting."""

    settings: list[Setting]


class ConfigSetResult(TypedDict):
    """The setting as it is now."""

    name: str
    value: str | int | float | bool


class ModelResult(TypedDict):
    """The model in use, the previous one, and a switch under way."""

    serving: str
    previous: str | None
    switch: SwitchReport | None
    contents: int | None
    seconds: float | None
