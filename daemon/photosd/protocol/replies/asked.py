"""Types of query parameters (see protocol.messages.query)."""

from __future__ import annotations

from typing import Literal, TypedDict


class Term(TypedDict, total=False):
    """Words or the absolute path of a picture; a negative weight subtracts."""

    text: str
    path: str
    path_b64: str
    weight: float


class Where(TypedDict, total=False):
    """Filters; all given ones must match."""

    below: list[str]
    below_b64: list[str]
    since: str | float
    until: str | float
    camera: str
    near: tuple[float, float, float]
    formats: list[str]
    rating: int
    orientation: Literal["landscape", "portrait", "square"]
