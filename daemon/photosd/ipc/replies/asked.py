"""The types of what a query may hold beside its words (see ipc.messages.query)."""

from __future__ import annotations

from typing import Literal, TypedDict


class Term(TypedDict, total=False):
    """Words or the absolute path of a picture; a negative weight means: unlike this."""

    text: str
    path: str
    path_b64: str
    weight: float


class Where(TypedDict, total=False):
    """What photos must have; everything that is given has to hold."""

    below: list[str]
    below_b64: list[str]
    since: str | float
    until: str | float
    camera: str
    near: tuple[float, float, float]
    formats: list[str]
    rating: int
    orientation: Literal["landscape", "portrait", "square"]
