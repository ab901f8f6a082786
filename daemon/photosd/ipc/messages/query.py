"""The shapes of the protocol that are about queries."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

TEXT_LIMIT = 10_000  # characters of one query


class QueryParams(Struct):
    """A search by description."""

    text: Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
    limit: Annotated[int, Meta(ge=1, le=1000)] | None = None  # the setting search.limit
    deadline_ms: Annotated[int, Meta(ge=1, le=600_000)] = 3000


class Hit(Struct, omit_defaults=True):
    """One photo of an answer. ``path_b64`` appears when the path is not UTF-8."""

    rank: int
    path: str
    score: float
    strength: str
    sources: list[str]
    taken_at: float | None
    offline: bool
    path_b64: str | None = None


class Coverage(Struct):
    """How much of the library an answer could see."""

    photos: int
    indexed: int
    pending: int
    failed: int
    offline_folders: list[str]


class Timings(Struct):
    """Where the time of an answer went, milliseconds."""

    encode: float
    search: float
    total: float


class QueryResult(Struct):
    """The nearest photos, and how far to trust them."""

    version: int
    query: str
    mode_used: str
    fallback_reason: str | None
    model: str
    answered_by: str
    convincing: bool
    understood: float
    unknown: list[str]
    hits: list[Hit]
    coverage: Coverage
    timings_ms: Timings
    warnings: list[str]
