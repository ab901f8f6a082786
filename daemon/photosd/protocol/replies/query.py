"""Types of replies to queries."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Hit(TypedDict):
    """One photo of an answer; ``path_b64`` holds its bytes if they are not UTF-8."""

    rank: int
    path: str
    score: float
    strength: str
    sources: list[str]
    taken_at: float | None
    offline: bool
    path_b64: NotRequired[str]
    copies: NotRequired[int]
    taken: NotRequired[str]


class Coverage(TypedDict):
    """How much of the library was searched."""

    photos: int
    indexed: int
    pending: int
    failed: int
    offline_folders: list[str]


class Timings(TypedDict):
    """Milliseconds."""

    encode: float
    search: float
    total: float


class QueryResult(TypedDict):
    """The best photos, and how good they are."""

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
    cursor: NotRequired[str | None]
    mode_requested: NotRequired[str]
    daemon_version: NotRequired[str]
