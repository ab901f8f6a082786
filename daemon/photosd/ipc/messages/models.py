"""The shapes of the protocol that are about models."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class SwitchReport(Struct):
    """A model whose vectors are being made while another one answers."""

    model: str
    contents: int
    done: int
    eta_s: float | None
    waiting_for: str | None
    error: dict[str, Any] | None


class ModelParams(Struct):
    """``estimate``: an installed model; what switching to it would take is told, too."""

    estimate: str | None = None


class ModelResult(Struct):
    """The model that answers, the one before it, and a switch that is going on.

    ``contents`` and ``seconds`` are what the estimate asked for would take.
    """

    serving: str
    previous: str | None
    switch: SwitchReport | None
    contents: int | None = None
    seconds: float | None = None
