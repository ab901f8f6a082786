"""Requests of the protocol: the table of operations, the parameters of each, and parsing.

Fields are only ever added, operations never removed. Results: protocol.replies, protocol.reports;
docs/protocol.md is generated from all three.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypedDict, get_args

import msgspec
from msgspec import Meta, Struct

from photosd.core import typed
from photosd.core.errors import BadRequest
from photosd.protocol import QUERY_DEADLINE_MS, replies, reports
from photosd.protocol.caller import PROTOCOL

MAX_QUERY_CHARACTERS = 10_000
LONGEST_PAUSE = 3650 * 86400.0  # seconds

TOO_LONG = re.compile(r"Expected `(str|array)` of length <= (\d+) - at `\$\.([\w.]+)`")
UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)

Moment = Annotated[float, Meta(ge=-62_135_596_800, le=253_402_300_799)]  # Unix, years 1 to 9999
Coordinate = Annotated[float, Meta(ge=-1e6, le=1e6)]  # range-checked together with its place
ContentId = Annotated[str, Meta(pattern=r"^[0-9a-f]{1,16}-[0-9a-f]{32}$")]
RowId = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # SQLite's range of row ids
AlertKind = Literal["exec", "link", "notify", "stream"]
Mode = Literal["local", "hybrid", "gemini"]
ReadKind = Literal["date", "place", "person"]  # what is read in a question
CloudMode = Literal["hybrid", "gemini"]
Sort = Literal["match", "date", "-date"]  # best first, oldest first, newest first
FacetKind = Literal[
    "year", "month", "place", "country", "person", "tag", "camera", "folder", "type"
]
FACET_KINDS: tuple[FacetKind, ...] = get_args(FacetKind)


class Request(Struct):
    """One line from a client."""

    op: str
    v: Annotated[int, Meta(ge=0, le=2**31 - 1)] = PROTOCOL
    id: str | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Nothing(Struct):
    """An operation without parameters."""


class Operation(Struct, frozen=True):
    """One operation: its types, whether it streams, and its description in the reference."""

    params: type[Struct]
    result: type
    about: str
    progress: type | None = None


class Term(TypedDict, total=False):
    """Words or a picture, and their weight (1 if absent); a negative weight subtracts."""

    text: Annotated[str, Meta(max_length=MAX_QUERY_CHARACTERS)] | None
    path: str | None
    path_b64: str | None
    weight: Annotated[float, Meta(ge=-100, le=100)]


class Where(TypedDict, total=False):
    """Filters; all given ones must match.

    ``below``: directories; a photo must be in one of them. ``since`` and ``until``: dates such as
    ``2019`` or ``last summer``, the second inclusive, in local time where a photo was taken; a
    number is Unix seconds, and means what this machine's clock shows then. ``camera``: part of its
    name. ``near``: latitude, longitude, kilometres. ``formats``: any of ``jpeg``, ``heic``, ``raw``
    … ``rating``: at least this many stars. ``people`` and ``tags``: a photo needs all of these, by
    their whole names, ignoring case, accents, blanks and dashes. ``places``: any of these places,
    regions or countries, in any language, also ``Paris, Texas``. ``near_place``: as ``near``, by
    the name of a place; ``near_km``: kilometres, by default 10. ``caption``: words that the title
    or the caption of a photo has.
    """

    below: Annotated[list[str], Meta(max_length=100)]
    below_b64: Annotated[list[str], Meta(max_length=100)]
    since: str | Moment | None
    until: str | Moment | None
    camera: str | None
    near: tuple[Coordinate, Coordinate, Coordinate] | None
    formats: Annotated[list[str], Meta(max_length=100)]
    rating: Annotated[int, Meta(ge=-1, le=5)] | None
    orientation: Literal["landscape", "portrait", "square"] | None
    people: Annotated[list[str], Meta(max_length=100)]
    tags: Annotated[list[str], Meta(max_length=100)]
    places: Annotated[list[str], Meta(max_length=100)]
    near_place: Annotated[str, Meta(max_length=MAX_QUERY_CHARACTERS)] | None
    near_km: Coordinate | None
    caption: Annotated[str, Meta(max_length=MAX_QUERY_CHARACTERS)] | None


class QueryParams(Struct):
    """A search: ``text`` counts once, ``terms`` are added or subtracted.

    ``where`` filters photos; ``others``: without the pictures in the query. ``cursor`` is that of
    the previous answer, for the next page: it contains the query, and all other fields except
    ``limit`` and ``deadline_ms`` are ignored. ``all`` shows each copy of a photo. ``mode``:
    overrides the enabled mode for this query; ``local`` sends nothing. ``asker``: the kind of
    caller. Words from a page are never sent, those from an agent only with a separate consent.
    Dates, places and people in ``text`` become filters, except kinds in ``without``; ``literal``:
    none do. ``sort``: ``date`` (oldest first) or ``-date`` (newest first) orders all good matches
    by date, and leaves out weak ones if there are good ones. Without ``text`` and ``terms``, all
    photos that pass ``where`` are the answer, newest first.
    """

    text: Annotated[str, Meta(max_length=MAX_QUERY_CHARACTERS)] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] | None = None  # the setting search.limit
    deadline_ms: Annotated[int, Meta(ge=1, le=600_000)] = QUERY_DEADLINE_MS
    terms: list[Term] = []
    cursor: str | None = None
    all: bool = False
    where: Where | None = None
    others: bool = False
    mode: Mode | None = None
    asker: Literal["person", "agent", "page"] = "person"
    literal: bool = False
    without: Annotated[list[ReadKind], Meta(max_length=3)] = []
    sort: Sort = "match"


class FacetsParams(Struct):
    """Count all photos, those that pass ``where``, or the good matches of a query (``text``).

    ``kinds``: which facets; all if empty. ``limit``: the most values of each. ``begins``: only
    values that begin with it, ignoring case and accents.
    """

    text: Annotated[str, Meta(max_length=MAX_QUERY_CHARACTERS)] = ""
    where: Where | None = None
    kinds: Annotated[list[FacetKind], Meta(max_length=100)] = []
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 20
    begins: Annotated[str, Meta(max_length=MAX_QUERY_CHARACTERS)] = ""
    deadline_ms: Annotated[int, Meta(ge=1, le=600_000)] = 3000


class PathParams(Struct):
    """A path, absolute; ``path_b64`` wins where the path is not UTF-8."""

    path: str = ""
    path_b64: str | None = None


class ShowParams(PathParams):
    """A path, or a photo by its ``content_id``, which then wins: the first file that has it."""

    content_id: ContentId | None = None


class FollowParams(Struct):
    """With ``wait``: until the daemon stops or the client leaves; else the state now."""

    wait: bool = True


class AddParams(PathParams):
    """A folder to watch. ``cloud``: whether its photos may be sent; also for a watched folder."""

    exclude: list[str] = []
    cloud: bool | None = None


class RescanParams(Struct):
    """Compare every folder with the catalog now; with ``wait``, stream progress until done."""

    wait: bool = True


class ReindexParams(Struct):
    """A photo or folder to read again; everything when both are null."""

    path: str | None = None
    path_b64: str | None = None


class ListParams(Struct):
    """Which photos to list: those of one state (``indexed``) or all (empty)."""

    state: str = "indexed"


class FailuresParams(Struct):
    """``retry`` puts every failure back on the work list."""

    retry: bool = False


class PurgeParams(Struct):
    """``queries``: forget all cached queries instead, and no photo."""

    queries: bool = False


class PauseParams(Struct):
    """Stop indexing for this many seconds; null: until resumed."""

    seconds: Annotated[float, Meta(gt=0, le=LONGEST_PAUSE)] | None = None


class ThumbnailParams(PathParams):
    """A small copy of a photo of the library, or of any file that you may read.

    ``pixels`` is the limit for both sides; ``height``, if not null, for the vertical one. Nothing
    is enlarged. ``rgb`` keeps to both; a ``jpeg`` has a stored size, the next of 320, 640, 1,280 or
    2,560 pixels on its long side. If the photo's disk is offline, only a smaller one may be
    available. ``content_id``, if not null, names a photo of the library in place of a path.
    """

    content_id: ContentId | None = None
    pixels: Annotated[int, Meta(ge=1, le=2560)] = 320
    height: Annotated[int, Meta(ge=1, le=2560)] | None = None
    form: Literal["jpeg", "rgb"] = "jpeg"
    deadline_ms: Annotated[int, Meta(ge=1, le=600_000)] = 10_000


class DuplicatesParams(PathParams):
    """Where to look: everywhere if the path is empty. ``near``: also photos that look alike.

    Files outside the directory are not compared with files in it.
    """

    near: bool = False


class ConfigSetParams(Struct):
    """A setting by name and its new value as text."""

    name: str
    value: str


class ModelParams(Struct):
    """``estimate``: an installed model; the answer includes the cost of switching to it."""

    estimate: str | None = None


class CloudTermsParams(Struct):
    """The mode to enable; ``agents``: whether to send queries from agents."""

    mode: CloudMode
    agents: bool = False


class CloudEnableParams(Struct):
    """Agree to the terms of that digest (`cloud_terms`), as the user does after reading them."""

    mode: CloudMode
    digest: str
    agents: bool = False


class CloudLogParams(Struct):
    """How many of the last calls."""

    limit: Annotated[int, Meta(ge=1, le=100_000)] = 100


class StandingAddParams(Struct):
    """An alert: the query for every new photo, and the action for matches.

    ``exec`` runs ``argv`` with the photo's path as last argument, or in place of ``{}``, without a
    shell; ``link`` keeps ``directory`` an album of links to all photos that match; ``notify`` shows
    a notification; a ``stream`` is read with `subscribe`. ``below``: only photos in that directory.
    """

    text: Annotated[str, Meta(min_length=1, max_length=MAX_QUERY_CHARACTERS)]
    kind: AlertKind
    argv: list[str] = []
    directory: str | None = None
    directory_b64: str | None = None
    below: str | None = None
    below_b64: str | None = None


class StandingRemoveParams(Struct):
    """The number of the alert."""

    id: RowId


class SubscribeParams(Struct):
    """Matches of the alert ``id`` after the one with the cursor ``after``.

    Null: after the last acknowledged one. Without ``wait`` only existing ones.
    """

    id: RowId
    after: RowId | None = None
    wait: bool = True


class AcknowledgeParams(Struct):
    """Every match up to this cursor is handled."""

    id: RowId
    cursor: RowId


OPERATIONS: dict[str, Operation] = {
    "hello": Operation(Nothing, reports.Hello, "Version and capabilities of the daemon."),
    "query": Operation(QueryParams, replies.QueryResult, "Find photos by description."),
    "facets": Operation(
        FacetsParams,
        replies.FacetsResult,
        "How many photos there are of each year, month, place, person, tag, camera, folder, type.",
    ),
    "status": Operation(Nothing, reports.StatusResult, "The daemon's state."),
    "follow": Operation(
        FollowParams,
        reports.StatusResult,
        "The daemon's state after each change, and every five seconds.",
        progress=reports.StatusResult,
    ),
    "add": Operation(AddParams, replies.AddResult, "Watch a folder."),
    "remove": Operation(
        PathParams, replies.RemoveResult, "Stop watching a folder; forget its photos."
    ),
    "folders": Operation(Nothing, replies.FoldersResult, "Every watched folder."),
    "accept": Operation(
        PathParams,
        replies.AcceptResult,
        "Accept an offline folder as it is now; forget the missing photos.",
    ),
    "rescan": Operation(
        RescanParams,
        replies.Progress,
        "Compare every folder with the catalog.",
        progress=replies.Progress,
    ),
    "reindex": Operation(ReindexParams, replies.ReindexResult, "Read photos again."),
    "list": Operation(
        ListParams, replies.ListResult, "Every known photo.", progress=replies.ListProgress
    ),
    "show": Operation(ShowParams, replies.ShowResult, "Why a photo is, or is not, indexed."),
    "thumbnail": Operation(ThumbnailParams, replies.ThumbnailResult, "A small copy of a photo."),
    "duplicates": Operation(
        DuplicatesParams,
        replies.DuplicatesResult,
        "Copies, and photos that look alike; deletes nothing.",
        progress=replies.DuplicatesProgress,
    ),
    "failures": Operation(
        FailuresParams, replies.FailuresResult, "Photos that could not be indexed."
    ),
    "purge": Operation(
        PurgeParams, replies.PurgeResult, "Forget deleted photos now, or every cached query."
    ),
    "pause": Operation(PauseParams, replies.PauseResult, "Pause indexing; queries still work."),
    "resume": Operation(Nothing, replies.PauseResult, "Resume indexing."),
    "config": Operation(Nothing, reports.ConfigResult, "Every setting."),
    "config_set": Operation(ConfigSetParams, reports.ConfigSetResult, "Change a setting at once."),
    "model": Operation(ModelParams, reports.ModelResult, "The model in use, and the next one."),
    "cloud_status": Operation(Nothing, reports.CloudReport, "State of the cloud, and its cost."),
    "cloud_terms": Operation(
        CloudTermsParams,
        reports.CloudTermsResult,
        "The terms to agree to before a mode is enabled.",
    ),
    "cloud_enable": Operation(
        CloudEnableParams, reports.CloudReport, "Agree to terms and enable a mode."
    ),
    "cloud_disable": Operation(Nothing, reports.CloudReport, "Withdraw consent and stop sending."),
    "cloud_forget": Operation(
        Nothing, reports.CloudForgetResult, "Withdraw consent and delete all data from the cloud."
    ),
    "cloud_log": Operation(CloudLogParams, reports.CloudLogResult, "The last calls."),
    "cloud_preview": Operation(
        PathParams,
        reports.CloudPreviewResult,
        "The bytes that would be sent of a photo; sends nothing.",
    ),
    "cloud_check": Operation(Nothing, reports.CloudCheckResult, "Test the cloud; needs consent."),
    "self_check": Operation(
        Nothing, reports.SelfCheckResult, "Test what a query needs; for the doctor."
    ),
    "standing_add": Operation(
        StandingAddParams,
        replies.StandingAddResult,
        "Save an alert for new photos that match.",
    ),
    "standing": Operation(Nothing, replies.StandingResult, "Every alert (standing query)."),
    "standing_remove": Operation(
        StandingRemoveParams, replies.StandingRemoveResult, "Remove an alert."
    ),
    "subscribe": Operation(
        SubscribeParams,
        replies.SubscribeResult,
        "Matches of an alert, as they arrive.",
        progress=replies.News,
    ),
    "acknowledge": Operation(
        AcknowledgeParams, replies.AcknowledgeResult, "Mark matches as handled."
    ),
    "stop": Operation(Nothing, reports.StopResult, "Stop the daemon."),
}


def parse_request(line: bytes) -> Request:
    """The envelope; parameters are parsed once the operation is known."""
    try:
        request = typed.from_json(line, Request)
    except UNREADABLE as error:
        raise BadRequest(
            f"not a request: {error}",
            remedy='send one line like {"v":1,"id":"1","op":"status","params":{}}',
        ) from error
    if request.v > PROTOCOL:
        raise BadRequest(
            f"the request has protocol version {request.v}; this daemon supports up to {PROTOCOL}",
            remedy="photosd restart   (the daemon is older than the client)",
        )
    return request


def parse_params(request: Request, operation: Operation) -> msgspec.Struct:
    """The parameters in the types of the operation."""
    try:
        return typed.from_json(request.params, operation.params)
    except UNREADABLE as error:
        raise BadRequest(
            f"{request.op}: {_plain(error)}", remedy="see docs/protocol.md for the parameters"
        ) from error


def _plain(error: Exception) -> str:
    """The message for a value that is too long; other messages are for authors of clients."""
    found = TOO_LONG.fullmatch(str(error))
    if found is None:
        return str(error)
    return f"{found[3]} has more than {found[2]} {'characters' if found[1] == 'str' else 'values'}"
