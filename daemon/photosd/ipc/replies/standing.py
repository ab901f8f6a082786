"""The types of what the daemon says of standing queries."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class StandingReport(TypedDict):
    """One standing query; ``matches``: photos so far, of those ``waiting`` and ``failed``."""

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
    """The query that stands now; not ``new``: the very same one did already."""

    standing: StandingReport
    new: bool
    warnings: list[str]


class StandingResult(TypedDict):
    """Every standing query."""

    standing: list[StandingReport]


class StandingRemoveResult(TypedDict):
    """The query as it was."""

    removed: StandingReport


class StandingMatch(TypedDict):
    """A photo that matched; ``path_b64`` holds its bytes where they are not UTF-8."""

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
    """What is acknowledged now."""

    acknowledged: int
