"""The types of the protocol about queries."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from photosd import __version__
from photosd.protocol.messages.cloud import Mode

TEXT_LIMIT = 10_000  # characters of one query
Moment = Annotated[float, Meta(ge=-62_135_596_800, le=253_402_300_799)]  # Unix, years 1 to 9999
Coordinate = Annotated[float, Meta(ge=-1e6, le=1e6)]  # range-checked together with its place


class Term(Struct, omit_defaults=True):
    """Words or a picture, and their weight; a negative weight subtracts."""

    text: Annotated[str, Meta(max_length=TEXT_LIMIT)] | None = None
    path: str | None = None
    path_b64: str | None = None
    weight: Annotated[float, Meta(ge=-100, le=100)] = 1.0


class Where(Struct, omit_defaults=True):
    """Filters; all given ones must match.

    ``below``: directories; a photo must be in one of them. ``since`` and ``until``: dates such as
    ``2019`` or ``last summer``, the second inclusive, in local time where a photo was taken; a
    number is Unix seconds, and means what this machine's clock shows then. ``camera``: part of its
    name. ``near``: latitude, longitude, kilometres. ``formats``: any of ``jpeg``, ``heic``, ``raw``
    … ``rating``: at least this many stars.
    """

    below: Annotated[list[str], Meta(max_length=100)] = []
    below_b64: Annotated[list[str], Meta(max_length=100)] = []
    since: str | Moment | None = None
    until: str | Moment | None = None
    camera: str | None = None
    near: tuple[Coordinate, Coordinate, Coordinate] | None = None
    formats: Annotated[list[str], Meta(max_length=100)] = []
    rating: Annotated[int, Meta(ge=-1, le=5)] | None = None
    orientation: Literal["landscape", "portrait", "square"] | None = None


class QueryParams(Struct):
    """A search: ``text`` counts once, ``terms`` are added or subtracted.

    ``where`` filters photos; ``others``: without the pictures in the query. ``cursor`` is that of
    the previous answer, for the next page: it contains the query, and all other fields except
    ``limit`` and ``deadline_ms`` are ignored. ``all`` shows each copy of a photo. ``mode``:
    overrides the enabled mode for this query; ``local`` sends nothing. ``asker``: the kind of
    caller. Words from a page are never sent, those from an agent only with a separate consent.
    """

    text: Annotated[str, Meta(max_length=TEXT_LIMIT)] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] | None = None  # the setting search.limit
    deadline_ms: Annotated[int, Meta(ge=1, le=600_000)] = 3000
    terms: list[Term] = []
    cursor: str | None = None
    all: bool = False
    where: Where | None = None
    others: bool = False
    mode: Mode | None = None
    asker: Literal["person", "agent", "page"] = "person"


class Hit(Struct, omit_defaults=True):
    """One photo of an answer. ``path_b64`` is present if the path is not UTF-8.

    ``sources``: why it matched, ``clip`` by its looks, ``name`` by words of its path; then ``path``
    is the copy with that name. ``score`` is a cosine, and orders looks only. ``copies``: number of
    files in the library with this photo. ``taken``: local time where it was taken, ISO 8601, with
    its offset from UTC if the photo has one; ``taken_at``: Unix seconds.
    """

    rank: int
    path: str
    score: float
    strength: str
    sources: list[str]
    taken_at: float | None
    offline: bool
    path_b64: str | None = None
    copies: int = 1
    taken: str | None = None


class Coverage(Struct):
    """How much of the library was searched."""

    photos: int
    indexed: int
    pending: int
    failed: int
    offline_folders: list[str]


class Timings(Struct):
    """Time spent in each step, milliseconds."""

    encode: float
    search: float
    total: float


class QueryResult(Struct):
    """The best photos, and how good they are; ``cursor`` requests the next page.

    ``convincing``: whether any photo is a good match, at any position.

    ``answered_by``: ``vector``, ``cached_embedding``, ``text_match`` or ``gemini``. ``mode_used``
    differs from ``mode_requested`` if the cloud did not help; ``fallback_reason`` is one of
    consent, offline, deadline, quota, key, auth, model, server, bad_answer, refused, budget, busy,
    nothing_sent, composed (not plain text), encoder, storage. ``daemon_version``: of the daemon
    that answered, which may be older than the client.
    """

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
    cursor: str | None = None
    mode_requested: str = "local"
    daemon_version: str = __version__
