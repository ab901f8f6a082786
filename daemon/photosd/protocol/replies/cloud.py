"""Types of replies about the cloud."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class CloudReport(TypedDict):
    """Mode, consent, and usage this month."""

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
    """The terms to agree to."""

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
    """The exact bytes that represent a photo."""

    path: str
    jpeg_b64: str
    width: int
    height: int
    bytes: int
    may_be_sent: bool


class CloudCheck(TypedDict):
    """One test."""

    what: str
    ok: bool
    says: str
    remedy: str | None


class CloudCheckResult(TypedDict):
    """Whether Gemini works from here."""

    checks: list[CloudCheck]
