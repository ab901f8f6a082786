"""Types of replies about photos and folders."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from photosd.protocol.replies.status import FolderReport


class AddResult(TypedDict):
    """The folder as it is watched now."""

    path: str
    state: str
    reason: str | None
    cloud: NotRequired[bool]
    path_b64: NotRequired[str | None]


class RemoveResult(TypedDict):
    """A folder that is no longer watched, and how many photos left the index."""

    path: str
    photos: int
    path_b64: NotRequired[str | None]


class AcceptResult(TypedDict):
    """A folder accepted as it is now, and how many photos it held before."""

    path: str
    photos: int
    path_b64: NotRequired[str | None]


class FoldersResult(TypedDict):
    """Every watched folder."""

    folders: list[FolderReport]


class Progress(TypedDict):
    """Progress of indexing."""

    photos: int
    indexed: int
    pending: int
    failed: int
    rate_per_s: float
    eta_s: float | None
    paused: NotRequired[bool]
    paused_until: NotRequired[float | None]


class ReindexResult(TypedDict):
    """How many photos will be read again."""

    marked: int


class ListedPath(TypedDict):
    """One known photo."""

    path: str
    state: str
    path_b64: NotRequired[str]


class ShowResult(TypedDict):
    """Details of one path."""

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
    path_b64: NotRequired[str | None]


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
    """Number of dropped vectors without a photo, or of cached queries."""

    removed: int
    queries: NotRequired[int]


class PauseResult(TypedDict):
    """Whether indexing is paused, and until when (Unix seconds; null: until resumed)."""

    paused: bool
    paused_until: float | None
