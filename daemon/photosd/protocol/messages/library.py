"""The types of the protocol about photos and folders."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from photosd.protocol.messages.status import FolderReport

LONGEST_PAUSE = 3650 * 86400.0  # seconds


class PathParams(Struct):
    """A path, absolute; ``path_b64`` wins where the path is not UTF-8."""

    path: str = ""
    path_b64: str | None = None


class AddParams(PathParams):
    """A folder to watch. ``cloud``: whether its photos may be sent; also for a watched folder."""

    exclude: list[str] = []
    cloud: bool | None = None


class AddResult(Struct):
    """The folder as it is watched now."""

    path: str
    state: str
    reason: str | None = None
    cloud: bool = False
    path_b64: str | None = None


class RemoveResult(Struct):
    """A folder that is no longer watched."""

    path: str
    photos: int
    path_b64: str | None = None


class AcceptResult(Struct):
    """A folder accepted as it is now, and how many photos it held before."""

    path: str
    photos: int
    path_b64: str | None = None


class FoldersResult(Struct):
    """Every watched folder."""

    folders: list[FolderReport]


class RescanParams(Struct):
    """Compare every folder with the catalog now; with ``wait``, stream progress until done."""

    wait: bool = True


class Progress(Struct):
    """Progress of indexing. ``pending`` excludes retries that are due later.

    While indexing is paused, ``rescan`` ends when everything is compared.
    """

    photos: int
    indexed: int
    pending: int
    failed: int
    rate_per_s: float
    eta_s: float | None
    paused: bool = False
    paused_until: float | None = None  # Unix seconds; null while paused: until resumed


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


class ListProgress(Struct):
    """A part of a list."""

    paths: list[ListedPath]


class ListResult(Struct):
    """The end of a list."""

    count: int


class ShowResult(Struct):
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
    path_b64: str | None = None


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


class PurgeParams(Struct):
    """``queries``: forget all cached queries instead, and no photo."""

    queries: bool = False


class PurgeResult(Struct):
    """Number of deleted contents, or of deleted cached queries."""

    removed: int
    queries: int = 0


class PauseParams(Struct):
    """Stop indexing for this many seconds; null: until resumed."""

    seconds: Annotated[float, Meta(gt=0, le=LONGEST_PAUSE)] | None = None


class PauseResult(Struct):
    """Until when indexing is paused (Unix seconds); null: not paused, infinity is ``forever``."""

    paused: bool
    paused_until: float | None
