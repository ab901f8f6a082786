"""The shapes of the protocol: every operation, what it takes and what it answers.

docs/protocol.md is generated from it. Fields are only ever added, operations never removed.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from photosd.ipc.model_messages import ModelParams as ModelParams
from photosd.ipc.model_messages import ModelResult as ModelResult
from photosd.ipc.model_messages import SwitchReport as SwitchReport

PROTOCOL = 1
REQUEST_LIMIT = 64 << 10  # bytes of one request line
TEXT_LIMIT = 10_000  # characters of one query


class Request(Struct):
    """One line from a client."""

    op: str
    v: int = PROTOCOL
    id: str | int | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Nothing(Struct):
    """An operation without parameters."""


class Hello(Struct):
    """Who answers, and what it can do."""

    version: str
    protocol: int
    pid: int
    home: str
    capabilities: list[str]


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


class EncoderReport(Struct):
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


class IndexReport(Struct):
    """The index and what is left to do."""

    photos: int
    indexed: int
    pending: int
    failed: int
    rate_per_s: float
    eta_s: float | None
    bytes: int
    waiting_for: str | None


class FolderReport(Struct):
    """One watched folder."""

    path: str
    state: str
    photos: int
    reason: str | None = None
    remedy: str | None = None


class StatusResult(Struct):
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
    switch: SwitchReport | None = None


class PathParams(Struct):
    """A path, absolute; ``path_b64`` wins where the path is not UTF-8."""

    path: str = ""
    path_b64: str | None = None


class AddParams(PathParams):
    """A folder to watch."""

    exclude: list[str] = []


class AddResult(Struct):
    """The folder as it is watched now."""

    path: str
    state: str
    reason: str | None = None


class RemoveResult(Struct):
    """A folder no longer watched."""

    path: str
    photos: int


class FoldersResult(Struct):
    """Every watched folder."""

    folders: list[FolderReport]


class RescanParams(Struct):
    """Compare every folder with the catalog now; with ``wait``, stream progress until done."""

    wait: bool = True


class Progress(Struct):
    """Where indexing stands. ``pending`` leaves out retries that are due later."""

    photos: int
    indexed: int
    pending: int
    failed: int
    rate_per_s: float
    eta_s: float | None


class ReindexParams(Struct):
    """A photo or folder to read again; everything when both are null."""

    path: str | None = None
    path_b64: str | None = None


class ReindexResult(Struct):
    """How many photos will be read again."""

    marked: int


class ListedPath(Struct, omit_defaults=True):
    """One known photo."""

    path: str
    state: str
    path_b64: str | None = None


class ListParams(Struct):
    """Which photos to list: those of one state (``indexed``) or all (empty)."""

    state: str = "indexed"


class ListResult(Struct):
    """The end of a list."""

    count: int


class ShowResult(Struct):
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


class FailuresParams(Struct):
    """``retry`` puts every failure back on the work list."""

    retry: bool = False


class Failure(Struct, omit_defaults=True):
    """One photo that could not be indexed."""

    path: str
    reason: str
    remedy: str
    attempts: int
    quarantined: bool = False
    retry_at: float | None = None
    stack: str | None = None
    path_b64: str | None = None


class FailuresResult(Struct):
    """Every photo that could not be indexed."""

    failures: list[Failure]
    retried: int


class PurgeResult(Struct):
    """Vectors without a photo that were dropped."""

    removed: int


class PauseParams(Struct):
    """Stop indexing for so many seconds; until resumed when null."""

    seconds: Annotated[float, Meta(gt=0)] | None = None


class PauseResult(Struct):
    """Until when indexing rests (Unix seconds); null: not paused, infinity is ``forever``."""

    paused: bool
    paused_until: float | None


class ConfigResult(Struct):
    """Every setting."""

    settings: list[dict[str, Any]]


class ConfigSetParams(Struct):
    """A setting by name and its new value as text."""

    name: str
    value: str


class ConfigSetResult(Struct):
    """The setting as it is now."""

    name: str
    value: Any


class TextCheck(Struct):
    """One known text encoded, past every cache: ``latin``, ``again``, ``hebrew`` or ``emoji``."""

    kind: str
    ms: float
    understood: float
    error: str | None = None
    remedy: str | None = None
    unavailable: bool = False


class SelfCheckResult(Struct):
    """What only the daemon can tell of itself. ``unwell``: signs of life that are missing."""

    texts: list[TextCheck]
    hub_off: bool | None
    swapped_mb: float
    unwell: dict[str, str]


class StopResult(Struct):
    """The daemon is leaving."""

    stopping: bool


class Operation(Struct, frozen=True):
    """One operation: its types, whether it streams, and its sentence in the reference."""

    params: type[Struct]
    result: type[Struct]
    about: str
    progress: type[Struct] | None = None


class ListProgress(Struct):
    """A part of a list."""

    paths: list[ListedPath]


OPERATIONS: dict[str, Operation] = {
    "hello": Operation(Nothing, Hello, "Who answers, and what it can do."),
    "query": Operation(QueryParams, QueryResult, "Find photos by description."),
    "status": Operation(Nothing, StatusResult, "The daemon's state."),
    "add": Operation(AddParams, AddResult, "Watch a folder."),
    "remove": Operation(PathParams, RemoveResult, "Stop watching a folder; forget its photos."),
    "folders": Operation(Nothing, FoldersResult, "Every watched folder."),
    "rescan": Operation(
        RescanParams, Progress, "Compare every folder with the catalog.", progress=Progress
    ),
    "reindex": Operation(ReindexParams, ReindexResult, "Read photos again."),
    "list": Operation(ListParams, ListResult, "Every known photo.", progress=ListProgress),
    "show": Operation(PathParams, ShowResult, "Why a photo is, or is not, indexed."),
    "failures": Operation(FailuresParams, FailuresResult, "Photos that could not be indexed."),
    "purge": Operation(Nothing, PurgeResult, "Drop vectors whose photos are gone."),
    "pause": Operation(PauseParams, PauseResult, "Let indexing rest; queries go on."),
    "resume": Operation(Nothing, PauseResult, "Go on indexing."),
    "config": Operation(Nothing, ConfigResult, "Every setting."),
    "config_set": Operation(ConfigSetParams, ConfigSetResult, "Change a setting, at once."),
    "model": Operation(ModelParams, ModelResult, "Which model answers, and which will."),
    "self_check": Operation(Nothing, SelfCheckResult, "Try what a query needs; for the doctor."),
    "stop": Operation(Nothing, StopResult, "End the daemon."),
}
