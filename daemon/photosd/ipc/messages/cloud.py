"""The shapes of the protocol that are about the cloud."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Mode = Literal["local", "hybrid", "gemini"]
CloudMode = Literal["hybrid", "gemini"]


class CloudReport(Struct):
    """What is on, what was agreed to, and what it has come to this calendar month (UTC).

    ``mode`` is in force; ``wanted`` is asked for by EMBEDDING_MODE or the settings; ``consent``
    was given. ``key``: where it is from, never the key. ``closed_for_s``: so long nothing is asked.
    ``agents``: the consent includes the questions of agents.
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
    """The mode somebody thinks of; ``agents``: questions of agents are to be sent, too."""

    mode: CloudMode
    agents: bool = False


class CloudTermsResult(Struct):
    """What is sent, to whom, for how much; ``digest`` names these very words."""

    mode: str
    terms: list[str]
    digest: str


class CloudEnableParams(Struct):
    """Agree to the terms of that digest (`cloud_terms`), as a person does who was shown them."""

    mode: CloudMode
    digest: str
    agents: bool = False


class CloudForgetResult(Struct):
    """Vectors of photos that were deleted, with all else that came from the cloud."""

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
    """The very bytes that stand for a photo, and whether they may be sent."""

    path: str
    jpeg_b64: str
    width: int
    height: int
    bytes: int
    may_be_sent: bool


class CloudCheck(Struct):
    """One thing that was tried."""

    what: str
    ok: bool
    says: str
    remedy: str | None = None


class CloudCheckResult(Struct):
    """Whether key, address, models and vectors are as they should be."""

    checks: list[CloudCheck]
