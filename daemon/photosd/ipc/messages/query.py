"""The shapes of the protocol that are about queries."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from photosd import __version__
from photosd.ipc.messages.cloud import Mode

TEXT_LIMIT = 10_000  # characters of one query
Moment = Annotated[float, Meta(ge=-62_135_596_800, le=253_402_300_799)]  # Unix, years 1 to 9999
Coordinate = Annotated[float, Meta(ge=-1e6, le=1e6)]  # a narrower range is checked with its place


class Term(Struct, omit_defaults=True):
    """Words or a picture, and how much they count; a negative weight means: unlike this."""

    text: Annotated[str, Meta(max_length=TEXT_LIMIT)] | None = None
    path: str | None = None
    path_b64: str | None = None
    weight: Annotated[float, Meta(ge=-100, le=100)] = 1.0


class Where(Struct, omit_defaults=True):
    """What photos must have; everything that is given has to hold.

    ``below``: directories, in any of which they lie. ``since`` and ``until``: dates as people say
    them, ``2019`` or ``last summer``, the second with all of it, by the clock where a photo was
    taken; a number is Unix seconds, and means what this machine's clock shows then.
    ``camera``: a part of its name. ``near``: latitude, longitude, kilometres. ``formats``: any of
    ``jpeg``, ``heic``, ``raw`` … ``rating``: at least so many stars.
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
    """A search: ``text`` counts once, ``terms`` are added to it or taken away.

    ``where`` says which photos count at all; ``others``: not the pictures that are asked with.
    ``cursor`` is that of the answer before, for the page after it: what was asked is remembered,
    and all else but ``limit`` and ``deadline_ms`` is ignored. ``all`` shows each copy of a photo.
    ``mode``: other than what is enabled, for this query alone; ``local`` sends nothing.
    ``asker``: who asks. A page's words are never sent, an agent's by consent of their own.
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
    """One photo of an answer. ``path_b64`` appears when the path is not UTF-8.

    ``sources``: why it is here, ``clip`` for its looks, ``name`` for words of its path; then
    ``path`` is the copy that is named so. ``score`` is a cosine, and orders looks alone.
    ``copies``: how many files of the library hold this very photo. ``taken``: what the clock showed
    where it was taken, ISO 8601, with its offset from UTC if the photo says; ``taken_at``: Unix
    seconds.
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
    """The best photos, and how far to trust them; ``cursor`` asks for the page after this.

    ``convincing``: whether there is good evidence for any of them, wherever it stands.

    ``answered_by``: ``vector``, ``cached_embedding``, ``text_match`` or ``gemini``. ``mode_used``
    is other than ``mode_requested`` where the cloud did not help; ``fallback_reason`` is one of
    consent, offline, deadline, quota, key, auth, model, server, bad_answer, refused, budget, busy,
    nothing_sent, composed (not plain text), encoder, storage. ``daemon_version``: of the daemon
    that answered, which may be older than who asked.
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
