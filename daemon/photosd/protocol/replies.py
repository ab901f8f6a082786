"""Results of operations on photos, folders and alerts: dicts that the daemon builds, clients read.

Fields are only ever added. Other results: protocol.reports; parameters: protocol.requests.
"""

# No `from __future__ import annotations`: with it, __required_keys__ would count NotRequired ones.

from typing import Any, Literal, NotRequired, TypedDict

from photosd.protocol.paths import PathFields, PathOrNull

Relation = Literal["keep", "copy", "burst", "alike"]


# -- queries --------------------------------------------------------------------------------------


class PlaceReport(TypedDict, total=False):
    """Where a photo was taken, as far as it is known. Names are English, unless there is only a
    local one.

    ``part``: a part of the city; ``region``: a state or province; ``country_code``: ISO 3166;
    ``hebrew``, ``local``: names of the city; ``km``: from its centre, if the photo has coordinates.
    """

    city: str
    part: str
    region: str
    country: str
    country_code: str
    hebrew: str
    local: str
    km: float


class Hit(PathFields):
    """One photo of an answer. ``path_b64`` is present if the path is not UTF-8.

    ``sources``: why it matched: ``clip`` by its looks, ``name`` by words of its path (then ``path``
    is the copy with that name), ``caption`` by its title or caption, ``place``, ``tag``, ``person``
    by names in its metadata, ``date`` as the query says, ``filter`` by filters alone; new ones may
    be added. ``score`` is a cosine, and orders looks only.
    ``copies``: number of files in the library with this photo, if more than one. ``taken``: local
    time where it was taken, ISO 8601, with its offset from UTC if known; ``taken_at``: Unix
    seconds; ``taken_from``: where the date comes from, as in the facts of `show`;
    ``taken_precision``: present if it is only a ``day``, a ``month`` or a ``year``; then ``taken``
    is its first instant. ``width``, ``height``: upright pixels, if known; absent from older
    daemons, as ``content_id`` is. ``pair``: the files that are the same photo, if there are any:
    the camera raw file beside a JPEG or HEIC.
    """

    rank: int
    content_id: NotRequired[str]
    width: NotRequired[int]
    height: NotRequired[int]
    score: float
    strength: str
    sources: list[str]
    taken_at: float | None
    offline: bool
    copies: NotRequired[int]
    taken: NotRequired[str]
    taken_from: NotRequired[str]
    taken_precision: NotRequired[str]
    place: NotRequired[PlaceReport]
    pair: NotRequired[list[PathFields]]


class Coverage(TypedDict):
    """How much of the library was searched."""

    photos: int
    indexed: int
    pending: int
    failed: int
    offline_folders: list[str]


class Timings(TypedDict):
    """Milliseconds until the query was encoded (with any wait for Gemini), from then on, and in
    all.
    """

    encode: float
    search: float
    total: float


class ReadPart(TypedDict):
    """Characters ``start`` to ``end`` of a query's text, and what they were read as.

    ``kind``: ``date``, ``place`` or ``person``, which filter photos; ``rest``: words for the model;
    new ones may be added. ``value``: for people, as ``Jun–Aug 2023``, or ``without Noa``, which
    excludes.
    """

    kind: str
    start: int
    end: int
    text: str
    value: str


class QueryResult(TypedDict):
    """The best photos, and how good they are; ``cursor`` requests the next page.

    ``convincing``: whether any photo is a good match, at any position.

    ``answered_by``: ``vector``, ``cached_embedding``, ``text_match`` or ``gemini``. ``mode_used``
    differs from ``mode_requested`` if the cloud did not help; ``fallback_reason`` is one of
    consent, offline, deadline, quota, key, auth, model, server, bad_answer, refused, budget, busy,
    nothing_sent, composed (not plain text), encoder, storage. ``daemon_version``: of the daemon
    that answered, which may be older than the client. ``read_as``: the parts of the text, in their
    order, if a date, a place or a person was read in it, else empty; absent from older daemons.
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
    cursor: str | None
    mode_requested: str
    daemon_version: str
    read_as: NotRequired[list[ReadPart]]


class FacetValue(TypedDict):
    """A value and the number of photos that have it. A folder counts the photos below it, too.

    ``value_b64`` is present for a folder whose path is not UTF-8.
    """

    value: str
    photos: int
    value_b64: NotRequired[str]


class FacetsResult(TypedDict):
    """``photos``: how many were counted; ``facets``: by kind, the values of most photos first.

    ``convincing``: whether the query had good matches; true without a query.
    """

    query: str
    photos: int
    convincing: bool
    facets: dict[str, list[FacetValue]]
    warnings: list[str]


class ThumbnailResult(TypedDict):
    """``data_b64``: a JPEG, or height x width x 3 bytes of RGB; upright, sRGB, no metadata."""

    width: int
    height: int
    form: str
    content_id: str
    data_b64: str


class Duplicate(PathFields):
    """A photo of a group; the first, ``keep``, is the one to keep.

    ``likeness``: to the first, from 0 (unrelated photos) to 1. ``offline``: present if its folder
    is offline. ``width``, ``height``, ``taken_at``: present if known. ``content_id``: absent from
    older daemons.
    """

    content_id: NotRequired[str]
    size: int
    relation: Relation
    likeness: float
    width: NotRequired[int]
    height: NotRequired[int]
    taken_at: NotRequired[float]
    offline: NotRequired[bool]


class DuplicateGroup(TypedDict):
    """A group of duplicates; ``bytes`` of all but the first."""

    photos: list[Duplicate]
    bytes: int


class DuplicatesProgress(TypedDict):
    """The groups found since the last one, and how many contents were examined, of how many."""

    groups: list[DuplicateGroup]
    looked_at: int
    of: int


class DuplicatesResult(TypedDict):
    """Number of groups, extra copies, and their bytes. Nothing was deleted."""

    groups: int
    photos: int
    bytes: int


# -- alerts, which the protocol calls standing queries --------------------------------------------


class StandingReport(TypedDict):
    """One alert. ``matches``: photos so far; ``waiting`` and ``failed`` are parts of it.

    ``trouble``: why it cannot run now. ``acknowledged``: see `subscribe`.
    """

    id: int
    text: str
    kind: str
    argv: list[str]
    directory: str | None
    below: str | None
    created_at: float
    matches: int
    waiting: int
    failed: int
    last_failure: str | None
    trouble: str | None
    acknowledged: int
    directory_b64: NotRequired[str]
    below_b64: NotRequired[str]


class StandingAddResult(TypedDict):
    """The saved alert; not ``new``: an identical one existed already."""

    standing: StandingReport
    new: bool
    warnings: list[str]


class StandingResult(TypedDict):
    """Every alert."""

    standing: list[StandingReport]


class StandingRemoveResult(TypedDict):
    """The removed alert."""

    removed: StandingReport


class StandingMatch(PathFields):
    """A photo that matched. ``cursor`` grows from match to match."""

    cursor: int
    standing: int
    query: str
    content_id: str
    score: float
    strength: str
    matched_at: float


class News(TypedDict):
    """A match; without one, a keep-alive every five seconds."""

    match: NotRequired[StandingMatch]


class SubscribeResult(TypedDict):
    """The cursor of the last match that was sent."""

    cursor: int


class AcknowledgeResult(TypedDict):
    """The last acknowledged cursor."""

    acknowledged: int


# -- folders and photos ---------------------------------------------------------------------------


class FolderReport(PathOrNull):
    """One watched folder; ``path_b64`` if its path is not UTF-8.

    ``photos``: all of them; ``pending`` and ``failed`` are parts of it. ``unreadable``: number of
    places that could not be read, and an example with the reason. ``libraries``: photo libraries in
    it that are skipped.
    """

    state: str
    photos: int
    reason: str | None
    remedy: str | None
    cloud: bool
    unreadable: int
    unreadable_example: str | None
    unreadable_remedy: str | None
    libraries: list[str]
    pending: int
    failed: int


class FoldersResult(TypedDict):
    """Every watched folder."""

    folders: list[FolderReport]


class AddResult(PathOrNull):
    """The folder as it is watched now."""

    state: str
    reason: str | None
    cloud: bool


class RemoveResult(PathOrNull):
    """A folder that is no longer watched, and how many photos it held."""

    photos: int


class AcceptResult(PathOrNull):
    """A folder accepted as it is now, and how many photos it held before."""

    photos: int


class Progress(TypedDict):
    """Progress of indexing. ``pending`` excludes retries that are due later.

    ``paused_until``: Unix seconds; null while paused: until resumed. While indexing is paused,
    ``rescan`` ends when everything is compared.
    """

    photos: int
    indexed: int
    pending: int
    failed: int
    rate_per_s: float
    eta_s: float | None
    paused: bool
    paused_until: float | None


class ReindexResult(TypedDict):
    """How many photos will be read again."""

    marked: int


class ListedPath(PathFields):
    """One known photo."""

    state: str


class ListProgress(TypedDict):
    """A part of a list."""

    paths: list[ListedPath]


class ListResult(TypedDict):
    """The end of a list."""

    count: int


class ShowResult(PathOrNull):
    """Details of one path. ``facts``: of its metadata, its sidecars, its names; unknown ones are
    null or left out. ``taken_from``: ``exif original``, ``exif digitized``, ``exif changed``,
    ``xmp``, ``iptc``, ``gps``, ``sidecar``, ``takeout``, ``file name``, ``folder name``, or
    ``modified``; ``taken_precision`` as in a hit; ``refused_dates``: those that are invalid, with
    the reason; ``unreadable``: kinds of metadata that could not be read (``exif``, ``iptc``,
    ``xmp``, ``sidecar``, ``large sidecar``); ``tags``, ``people``: lists. ``place``: present if it
    is known. ``sidecars``: the files beside it that describe it, the most important first.
    ``vector_from``: ``full``: the full picture; ``preview``: a reduced one in the file, until there
    is time for the full one; ``only preview``: the full one cannot be decoded, as in camera raw
    files; left out if there is no vector. ``copies``: other indexed files with the same bytes.
    ``pair``: files that are the same photo: a camera raw file and its JPEG or HEIC, the video of a
    Live Photo. ``motion`` in the facts: the file holds a video.
    """

    state: str
    reason: str | None
    remedy: str | None
    folder: str | None
    content_id: str | None
    size: int | None
    modified_at: float | None
    attempts: int
    facts: dict[str, Any]
    place: NotRequired[PlaceReport]
    vector_from: NotRequired[str]
    sidecars: NotRequired[list[PathFields]]
    copies: NotRequired[list[PathFields]]
    pair: NotRequired[list[PathFields]]


class Failure(PathFields):
    """One photo that could not be indexed.

    ``quarantined``: present if it crashed workers; ``retry_at``: Unix seconds, if it is retried.
    """

    reason: str
    remedy: str
    attempts: int
    quarantined: NotRequired[bool]
    retry_at: NotRequired[float]
    stack: NotRequired[str]


class UnreadableMetadata(PathFields):
    """One indexed photo whose metadata is damaged in part, as ``unreadable`` in the facts of
    `show`.
    """

    unreadable: list[str]


class FailuresResult(TypedDict):
    """Every photo that could not be indexed; ``metadata``: those that could, but not all of their
    metadata.
    """

    failures: list[Failure]
    retried: int
    metadata: NotRequired[list[UnreadableMetadata]]


class PurgeResult(TypedDict):
    """Number of deleted contents, or of deleted cached queries."""

    removed: int
    queries: int


class PauseResult(TypedDict):
    """Until when indexing is paused (Unix seconds); null: not paused, or until resumed."""

    paused: bool
    paused_until: float | None
