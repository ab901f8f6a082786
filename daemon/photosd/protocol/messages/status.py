"""The types of the protocol about the daemon's state."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from photosd.protocol.messages.cloud import CloudReport
from photosd.protocol.messages.models import SwitchReport

EncoderState = Literal["ready", "loading", "hung", "restarting", "broken"]


class EncoderReport(Struct, kw_only=True):
    """The encoder's state; ``eta_s`` while it starts, ``doubt`` if its model may perform badly."""

    state: EncoderState
    pid: int | None = None
    model: str
    device: str | None = None
    rss_mb: float | None = None
    restarts: int = 0
    last_restart_reason: str | None = None
    images_encoded: int = 0
    texts_encoded: int = 0
    phase: str | None = None
    eta_s: float | None = None
    error: dict[str, Any] | None = None
    doubt: str | None = None
    latency_ms: dict[str, float] = {}


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
    paused: bool = False
    paused_until: float | None = None  # Unix seconds; null while paused: until resumed


class FolderReport(Struct):
    """One watched folder; ``path_b64`` if its path is not UTF-8.

    ``photos``: all of them; ``pending`` and ``failed`` are parts of it. ``unreadable``: number of
    places that could not be read, and an example with the reason.
    """

    path: str
    state: str
    photos: int
    reason: str | None = None
    remedy: str | None = None
    cloud: bool = False
    path_b64: str | None = None
    unreadable: int = 0
    unreadable_example: str | None = None
    pending: int = 0
    failed: int = 0


class ComparisonReport(Struct):
    """A folder, or a disk mounted in it, that is being compared with the catalog.

    ``seen``: files found so far, ``known``: photos in the catalog before, ``seconds``: since when.
    """

    path: str
    seen: int
    known: int
    seconds: float


class StatusResult(Struct):
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
    switch: SwitchReport | None = None
    cloud: CloudReport | None = None
    comparisons: list[ComparisonReport] = []


class TextCheck(Struct):
    """One sample text encoded, without caches: ``latin``, ``again``, ``hebrew`` or ``emoji``."""

    kind: str
    ms: float
    understood: float
    error: str | None = None
    remedy: str | None = None
    unavailable: bool = False


class SelfCheckResult(Struct):
    """Checks that only the daemon can make. ``unwell``: parts that do not respond."""

    texts: list[TextCheck]
    hub_off: bool | None
    swapped_mb: float
    unwell: dict[str, str]
