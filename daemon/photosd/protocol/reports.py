"""Results of operations on the daemon, settings, models and the cloud: dicts, as in replies.

Fields are only ever added.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from photosd.protocol.replies import FolderReport, Progress

EncoderState = Literal["ready", "loading", "hung", "restarting", "broken"]

# -- the daemon -----------------------------------------------------------------------------------


class Hello(TypedDict):
    """Version and capabilities of the daemon."""

    version: str
    protocol: int
    pid: int
    home: str
    capabilities: list[str]


class StopResult(TypedDict):
    """The daemon is stopping."""

    stopping: bool


class SettingReport(TypedDict):
    """One setting."""

    name: str
    value: str | int | float | bool
    default: str | int | float | bool
    type: str
    description: str


class ConfigResult(TypedDict):
    """Every setting."""

    settings: list[SettingReport]


class ConfigSetResult(TypedDict):
    """The setting as it is now; ``changed``: whether the value before was another."""

    name: str
    value: str | int | float | bool
    changed: bool


class SwitchReport(TypedDict):
    """A model whose index is being built while another one answers."""

    model: str
    contents: int
    done: int
    eta_s: float | None
    waiting_for: str | None
    error: dict[str, Any] | None


class ModelResult(TypedDict):
    """The model in use, the previous one, and a switch under way.

    ``contents`` and ``seconds`` are the requested estimate.
    """

    serving: str
    previous: str | None
    switch: SwitchReport | None
    contents: int | None
    seconds: float | None


class Takeover(TypedDict):
    """Why the CPU is used instead of ``device``, since when (Unix seconds), and the remedy."""

    device: str
    reason: str
    remedy: str
    since: float


class EncoderReport(TypedDict):
    """The encoder's state; ``eta_s`` while it starts, ``doubt`` if its model may perform badly.

    ``device`` encodes images, ``text_device`` texts. ``devices``: those that it found, fastest
    first; empty if it was to use the CPU. ``takeover``: set while the CPU replaces an accelerator.
    """

    state: EncoderState
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
    doubt: str | None
    latency_ms: dict[str, float]
    text_device: str | None
    devices: list[str]
    takeover: Takeover | None


class IndexReport(Progress):
    """The index and what is left to do. ``previews``: photos indexed by their preview, to be
    indexed by the full picture while photosd is otherwise idle.
    """

    bytes: int
    waiting_for: str | None
    previews: int


class ComparisonReport(TypedDict):
    """A folder, or a disk mounted in it, that is being compared with the catalog.

    ``seen``: files found so far, ``known``: photos in the catalog before, ``seconds``: since when.
    """

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
    switch: SwitchReport | None
    cloud: CloudReport | None
    comparisons: list[ComparisonReport]


class TextCheck(TypedDict):
    """One sample text encoded, without caches: ``latin``, ``again``, ``hebrew`` or ``emoji``."""

    kind: str
    ms: float
    understood: float
    error: str | None
    remedy: str | None
    unavailable: bool


class SelfCheckResult(TypedDict):
    """Checks that only the daemon can make. ``unwell``: parts that do not respond."""

    texts: list[TextCheck]
    hub_off: bool | None
    swapped_mb: float
    unwell: dict[str, str]


# -- the cloud ------------------------------------------------------------------------------------


class CloudReport(TypedDict):
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
    agents: bool


class CloudTermsResult(TypedDict):
    """What is sent, to whom, at what price; ``digest`` identifies this text."""

    mode: str
    terms: list[str]
    digest: str


class CloudForgetResult(TypedDict):
    """Number of deleted vectors of photos; all other data from the cloud is deleted as well."""

    removed: int


class CloudLogEntry(TypedDict):
    """One call: ``usd`` is an estimate unless the answer said; ``outcome``: ``ok``, or why not."""

    at: float
    kind: str
    model: str
    items: int
    bytes: int
    usd: float
    outcome: str


class CloudLogResult(TypedDict):
    """The last calls, newest first."""

    calls: list[CloudLogEntry]


class CloudPreviewResult(TypedDict):
    """The exact bytes that represent a photo, and whether they may be sent."""

    path: str
    jpeg_b64: str
    width: int
    height: int
    bytes: int
    may_be_sent: bool


class CloudCheck(TypedDict):
    """The result of one test; ``what`` was tested."""

    what: str
    ok: bool
    says: str
    remedy: str | None


class CloudCheckResult(TypedDict):
    """Results of testing key, address, models and vectors."""

    checks: list[CloudCheck]
