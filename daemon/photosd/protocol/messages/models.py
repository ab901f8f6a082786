"""The types of the protocol about models."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class SwitchReport(Struct):
    """A model whose index is being built while another one answers."""

    model: str
    contents: int
    done: int
    eta_s: float | None
    waiting_for: str | None
    error: dict[str, Any] | None


class ModelParams(Struct):
    """``estimate``: an installed model; the answer includes the cost of switching to it."""

    estimate: str | None = None


class ModelResult(Struct):
    """The model in use, the previous one, and a switch under way.

    ``contents`` and ``seconds`` are the requested estimate.
    """

    serving: str
    previous: str | None
    switch: SwitchReport | None
    contents: int | None = None
    seconds: float | None = None
