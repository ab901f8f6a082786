"""What the daemon answers, as types for programs that use the client (see ipc.messages)."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Hello(TypedDict):
    """Who answers, and what it can do."""

    version: str
    protocol: int
    pid: int
    home: str
    capabilities: list[str]


class Hit(TypedDict):
    """One photo of an answer; ``path_b64`` holds its bytes where they are not UTF-8."""

    rank: int
    path: str
    score: float
    strength: str
    sources: list[str]
    taken_at: float | None
    offline: bool
    path_b64: NotRequired[str]


class Coverage(TypedDict):
    """How much of the library an answer could see."""

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


class EncoderReport(TypedDict):
    """The encoder's health."""

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


class SwitchReport(TypedDict):
    """A model whose vectors are being made while another one answers."""

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


class StatusResult(TypedDict):
    """The daemon's state on one page."""

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


class AddResult(TypedDict):
    """The folder as it is watched now."""

    path: str
    state: str
    reason: str | None


class RemoveResult(TypedDict):
    """A folder no longer watched, and how many photos left the index with it."""

    path: str
    photos: int


class FoldersResult(TypedDict):
    """Every watched folder."""

    folders: list[FolderReport]


class Progress(TypedDict):
    """Where indexing stands."""

    photos: int
    indexed: int
    pending: int
    failed: int
    rate_per_s: float
    eta_s: float | None


class ReindexResult(TypedDict):
    """How many photos will be read again."""

    marked: int


class ListedPath(TypedDict):
    """One known photo."""

    path: str
    state: str
    path_b64: NotRequired[str]


class ShowResult(TypedDict):
    """Everything known of one path."""

    path: str
    state: str
    reason: str | None
    remedy: str | None
    folder: str | None
    content_id: str | None
    size: int | None
    modified_at: float | None
    attempts: int
    facts: dict[str, Any]


class Failure(TypedDict):
    """One photo that could not be indexed."""

    path: str
    reason: str
    remedy: str
    attempts: int
    quarantined: NotRequired[bool]
    retry_at: NotRequired[float | None]
    stack: NotRequired[str | None]
    path_b64: NotRequired[str]


class FailuresResult(TypedDict):
    """Every photo that could not be indexed."""

    failures: list[Failure]
    retried: int


class PurgeResult(TypedDict):
    """Vectors without a photo that were dropped."""

    removed: int


class PauseResult(TypedDict):
    """Whether indexing rests, and until when (Unix seconds; null: until resumed)."""

    paused: bool
    paused_until: float | None


class Setting(TypedDict):
    """One setting."""

    name: str
    value: str | int | float | bool
    default: str | int | float | bool
    type: str
    description: str


class ConfigResult(TypedDict):
    """Every setting."""

    settings: list[Setting]


class ConfigSetResult(TypedDict):
    """The setting as it is now."""

    name: str
    value: str | int | float | bool


class ModelResult(TypedDict):
    """The model that answers, the one before, and a switch that is going on."""

    serving: str
    previous: str | None
    switch: SwitchReport | None
    contents: int | None
    seconds: float | None


class TextCheck(TypedDict):
    """One known text encoded, past every cache."""

    kind: str
    ms: float
    understood: float
    error: str | None
    remedy: str | None
    unavailable: bool


class SelfCheckResult(TypedDict):
    """What only the daemon can find out about itself."""

    texts: list[TextCheck]
    hub_off: bool | None
    swapped_mb: float
    unwell: dict[str, str]


class StopResult(TypedDict):
    """The daemon is leaving."""

    stopping: bool
