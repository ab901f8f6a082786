"""Types of replies about the daemon's state."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from photosd.protocol.replies.cloud import CloudReport


class EncoderReport(TypedDict):
    """The encoder's state; ``eta_s`` while it starts, ``doubt`` if its model may perform badly."""

    state: str
    pid: int | None
    model: str
    device: str | None
    rss_mb: float | None
    restarts: int
    last_restart_reason: str | None
    images_encoded: int
    texts_encoded: int
    phase: str | None
    eta_s: float | None
    error: dict[str, Any] | None
    doubt: NotRequired[str | None]
    latency_ms: dict[str, float]


class IndexReport(TypedDict):
    """The index and what is left to do."""

    photos: int
    indexed: int
    pending: int
    failed: int
    rate_per_s: float
    eta_s: float | None
    bytes: int
    waiting_for: str | None
    paused: NotRequired[bool]
    paused_until: NotRequired[float | None]


class SwitchReport(TypedDict):
    """A model whose index is being built while another one answers."""

    model: str
    contents: int
    done: int
    eta_s: float | None
    waiting_for: str | None
    error: dict[str, Any] | None


class FolderReport(TypedDict):
    """One watched folder."""

    path: str
    state: str
    photos: int
    reason: str | None
    remedy: str | None
    cloud: NotRequired[bool]
    path_b64: NotRequired[str | None]
    unreadable: NotRequired[int]
    unreadable_example: NotRequired[str | None]
    pending: NotRequired[int]
    failed: NotRequired[int]


class ComparisonReport(TypedDict):
    """A folder, or a disk mounted in it, that is being compared with the catalog."""

    path: str
    seen: int
    known: int
    seconds: float


class StatusResult(TypedDict):
    """The daemon's state."""

    version: int
    state: str
    pid: int
    uptime_s: float
    socket: str
    daemon_version: str
    rss_mb: float
    encoder: EncoderReport
    index: IndexReport
    folders: list[FolderReport]
    warnings: list[str]
    switch: NotRequired[SwitchReport | None]
    cloud: NotRequired[CloudReport | None]
    comparisons: NotRequired[list[ComparisonReport]]


class TextCheck(TypedDict):
    """One sample text encoded, without caches."""

    kind: str
    ms: float
    understood: float
    error: str | None
    remedy: str | None
    unavailable: bool


class SelfCheckResult(TypedDict):
    """Checks that only the daemon can make."""

    texts: list[TextCheck]
    hub_off: bool | None
    swapped_mb: float
    unwell: dict[str, str]
