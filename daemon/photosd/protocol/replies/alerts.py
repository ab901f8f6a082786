"""Types of replies about alerts."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class StandingReport(TypedDict):
    """One alert; ``matches``: photos so far; ``waiting`` and ``failed`` are parts of it."""

    id: int
    text: str
    kind: str
    argv: list[str]
    directory: str | None
    below: str | None
    created_at: float
    matches: int
    waiting: int
    failed: int
    last_failure: str | None
    trouble: str | None
    acknowledged: int
    directory_b64: NotRequired[str]
    below_b64: NotRequired[str]


class StandingAddResult(TypedDict):
    """The saved alert; not ``new``: an identical one existed already."""

    standing: StandingReport
    new: bool
    warnings: list[str]


class StandingResult(TypedDict):
    """Every alert."""

    standing: list[StandingReport]


class StandingRemoveResult(TypedDict):
    """The removed alert."""

    removed: StandingReport


class StandingMatch(TypedDict):
    """A photo that matched; ``path_b64`` holds its bytes if they are not UTF-8."""

    cursor: int
    standing: int
    query: str
    path: str
    content_id: str
    score: float
    strength: str
    matched_at: float
    path_b64: NotRequired[str]


class AcknowledgeResult(TypedDict):
    """The last acknowledged cursor."""

    acknowledged: int
