"""The types of what the daemon answers about the cloud."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class CloudReport(TypedDict):
    """What is on, what was agreed to, and what it has come to this month."""

    mode: str
    wanted: str
    consent: str
    consent_at: float | None
    base_url: str
    key: str | None
    budget_usd: float
    spent_usd: float
    calls: int
    photos_marked: int
    photos_sent: int
    photos_refused: int
    trouble: dict[str, Any] | None
    closed_for_s: float
    agents: NotRequired[bool]


class CloudTermsResult(TypedDict):
    """What somebody has to agree to."""

    mode: str
    terms: list[str]
    digest: str


class CloudForgetResult(TypedDict):
    """How many vectors of photos were deleted."""

    removed: int


class CloudCall(TypedDict):
    """One call to Gemini."""

    at: float
    kind: str
    model: str
    items: int
    bytes: int
    usd: float
    outcome: str


class CloudLogResult(TypedDict):
    """The last calls, newest first."""

    calls: list[CloudCall]


class CloudPreviewResult(TypedDict):
    """The very bytes that stand for a photo."""

    path: str
    jpeg_b64: str
    width: int
    height: int
    bytes: int
    may_be_sent: bool


class CloudCheck(TypedDict):
    """One thing that was tried."""

    what: str
    ok: bool
    says: str
    remedy: str | None


class CloudCheckResult(TypedDict):
    """Whether Gemini works from here."""

    checks: list[CloudCheck]
