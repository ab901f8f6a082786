"""The types of the protocol about the cloud."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Mode = Literal["local", "hybrid", "gemini"]
CloudMode = Literal["hybrid", "gemini"]


class CloudReport(Struct):
    """Mode, consent, and usage this calendar month (UTC).

    ``mode`` is in force; ``wanted`` is requested by EMBEDDING_MODE or the settings; ``consent`` was
    given. ``key``: its source, never the key. ``closed_for_s``: no requests for this long.
    ``agents``: the consent includes queries from agents.
    """

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
    agents: bool = False


class CloudTermsParams(Struct):
    """The mode to enable; ``agents``: whether to send queries from agents."""

    mode: CloudMode
    agents: bool = False


class CloudTermsResult(Struct):
    """What is sent, to whom, at what price; ``digest`` identifies this text."""

    mode: str
    terms: list[str]
    digest: str


class CloudEnableParams(Struct):
    """Agree to the terms of that digest (`cloud_terms`), as the user does after reading them."""

    mode: CloudMode
    digest: str
    agents: bool = False


class CloudForgetResult(Struct):
    """Number of deleted vectors of photos; all other data from the cloud is deleted as well."""

    removed: int


class CloudLogParams(Struct):
    """How many of the last calls."""

    limit: Annotated[int, Meta(ge=1, le=100_000)] = 100


class CloudCall(Struct):
    """One call: ``usd`` is an estimate unless the answer said; ``outcome``: ``ok``, or why not."""

    at: float
    kind: str
    model: str
    items: int
    bytes: int
    usd: float
    outcome: str


class CloudLogResult(Struct):
    """The last calls, newest first."""

    calls: list[CloudCall]


class CloudPreviewResult(Struct):
    """The exact bytes that represent a photo, and whether they may be sent."""

    path: str
    jpeg_b64: str
    width: int
    height: int
    bytes: int
    may_be_sent: bool


class CloudCheck(Struct):
    """One test."""

    what: str
    ok: bool
    says: str
    remedy: str | None = None


class CloudCheckResult(Struct):
    """Results of testing key, address, models and vectors."""

    checks: list[CloudCheck]
