"""The types of the protocol: parameters and results of every operation.

docs/protocol.md is generated from it. Fields are only ever added, operations never removed.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from photosd.protocol.messages.alerts import AcknowledgeParams as AcknowledgeParams
from photosd.protocol.messages.alerts import AcknowledgeResult as AcknowledgeResult
from photosd.protocol.messages.alerts import News as News
from photosd.protocol.messages.alerts import StandingAddParams as StandingAddParams
from photosd.protocol.messages.alerts import StandingAddResult as StandingAddResult
from photosd.protocol.messages.alerts import StandingMatch as StandingMatch
from photosd.protocol.messages.alerts import StandingRemoveParams as StandingRemoveParams
from photosd.protocol.messages.alerts import StandingRemoveResult as StandingRemoveResult
from photosd.protocol.messages.alerts import StandingReport as StandingReport
from photosd.protocol.messages.alerts import StandingResult as StandingResult
from photosd.protocol.messages.alerts import SubscribeParams as SubscribeParams
from photosd.protocol.messages.alerts import SubscribeResult as SubscribeResult
from photosd.protocol.messages.cloud import CloudCall as CloudCall
from photosd.protocol.messages.cloud import CloudCheck as CloudCheck
from photosd.protocol.messages.cloud import CloudCheckResult as CloudCheckResult
from photosd.protocol.messages.cloud import CloudEnableParams as CloudEnableParams
from photosd.protocol.messages.cloud import CloudForgetResult as CloudForgetResult
from photosd.protocol.messages.cloud import CloudLogParams as CloudLogParams
from photosd.protocol.messages.cloud import CloudLogResult as CloudLogResult
from photosd.protocol.messages.cloud import CloudPreviewResult as CloudPreviewResult
from photosd.protocol.messages.cloud import CloudReport as CloudReport
from photosd.protocol.messages.cloud import CloudTermsParams as CloudTermsParams
from photosd.protocol.messages.cloud import CloudTermsResult as CloudTermsResult
from photosd.protocol.messages.cloud import Mode as Mode
from photosd.protocol.messages.duplicates import Duplicate as Duplicate
from photosd.protocol.messages.duplicates import DuplicateGroup as DuplicateGroup
from photosd.protocol.messages.duplicates import DuplicatesParams as DuplicatesParams
from photosd.protocol.messages.duplicates import DuplicatesProgress as DuplicatesProgress
from photosd.protocol.messages.duplicates import DuplicatesResult as DuplicatesResult
from photosd.protocol.messages.duplicates import Relation as Relation
from photosd.protocol.messages.library import AcceptResult as AcceptResult
from photosd.protocol.messages.library import AddParams as AddParams
from photosd.protocol.messages.library import AddResult as AddResult
from photosd.protocol.messages.library import Failure as Failure
from photosd.protocol.messages.library import FailuresParams as FailuresParams
from photosd.protocol.messages.library import FailuresResult as FailuresResult
from photosd.protocol.messages.library import FoldersResult as FoldersResult
from photosd.protocol.messages.library import ListedPath as ListedPath
from photosd.protocol.messages.library import ListParams as ListParams
from photosd.protocol.messages.library import ListProgress as ListProgress
from photosd.protocol.messages.library import ListResult as ListResult
from photosd.protocol.messages.library import PathParams as PathParams
from photosd.protocol.messages.library import PauseParams as PauseParams
from photosd.protocol.messages.library import PauseResult as PauseResult
from photosd.protocol.messages.library import Progress as Progress
from photosd.protocol.messages.library import PurgeParams as PurgeParams
from photosd.protocol.messages.library import PurgeResult as PurgeResult
from photosd.protocol.messages.library import ReindexParams as ReindexParams
from photosd.protocol.messages.library import ReindexResult as ReindexResult
from photosd.protocol.messages.library import RemoveResult as RemoveResult
from photosd.protocol.messages.library import RescanParams as RescanParams
from photosd.protocol.messages.library import ShowResult as ShowResult
from photosd.protocol.messages.models import ModelParams as ModelParams
from photosd.protocol.messages.models import ModelResult as ModelResult
from photosd.protocol.messages.models import SwitchReport as SwitchReport
from photosd.protocol.messages.query import TEXT_LIMIT as TEXT_LIMIT
from photosd.protocol.messages.query import Coverage as Coverage
from photosd.protocol.messages.query import Hit as Hit
from photosd.protocol.messages.query import QueryParams as QueryParams
from photosd.protocol.messages.query import QueryResult as QueryResult
from photosd.protocol.messages.query import Term as Term
from photosd.protocol.messages.query import Timings as Timings
from photosd.protocol.messages.query import Where as Where
from photosd.protocol.messages.settings import ConfigResult as ConfigResult
from photosd.protocol.messages.settings import ConfigSetParams as ConfigSetParams
from photosd.protocol.messages.settings import ConfigSetResult as ConfigSetResult
from photosd.protocol.messages.status import ComparisonReport as ComparisonReport
from photosd.protocol.messages.status import EncoderReport as EncoderReport
from photosd.protocol.messages.status import EncoderState as EncoderState
from photosd.protocol.messages.status import FolderReport as FolderReport
from photosd.protocol.messages.status import IndexReport as IndexReport
from photosd.protocol.messages.status import SelfCheckResult as SelfCheckResult
from photosd.protocol.messages.status import StatusResult as StatusResult
from photosd.protocol.messages.status import TextCheck as TextCheck
from photosd.protocol.messages.thumbnails import ThumbnailParams as ThumbnailParams
from photosd.protocol.messages.thumbnails import ThumbnailResult as ThumbnailResult

PROTOCOL = 1
REQUEST_LIMIT = 64 << 10  # bytes of one request line


class Request(Struct):
    """One line from a client."""

    op: str
    v: Annotated[int, Meta(ge=0, le=2**31 - 1)] = PROTOCOL
    id: str | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Nothing(Struct):
    """An operation without parameters."""


class Hello(Struct):
    """Version and capabilities of the daemon."""

    version: str
    protocol: int
    pid: int
    home: str
    capabilities: list[str]


class StopResult(Struct):
    """The daemon is stopping."""

    stopping: bool


class Operation(Struct, frozen=True):
    """One operation: its types, whether it streams, and its description in the reference."""

    params: type[Struct]
    result: type[Struct]
    about: str
    progress: type[Struct] | None = None


OPERATIONS: dict[str, Operation] = {
    "hello": Operation(Nothing, Hello, "Version and capabilities of the daemon."),
    "query": Operation(QueryParams, QueryResult, "Find photos by description."),
    "status": Operation(Nothing, StatusResult, "The daemon's state."),
    "add": Operation(AddParams, AddResult, "Watch a folder."),
    "remove": Operation(PathParams, RemoveResult, "Stop watching a folder; forget its photos."),
    "folders": Operation(Nothing, FoldersResult, "Every watched folder."),
    "accept": Operation(
        PathParams,
        AcceptResult,
        "Accept an offline folder as it is now; forget the missing photos.",
    ),
    "rescan": Operation(
        RescanParams, Progress, "Compare every folder with the catalog.", progress=Progress
    ),
    "reindex": Operation(ReindexParams, ReindexResult, "Read photos again."),
    "list": Operation(ListParams, ListResult, "Every known photo.", progress=ListProgress),
    "show": Operation(PathParams, ShowResult, "Why a photo is, or is not, indexed."),
    "thumbnail": Operation(ThumbnailParams, ThumbnailResult, "A small copy of a photo."),
    "duplicates": Operation(
        DuplicatesParams,
        DuplicatesResult,
        "Copies, and photos that look alike; deletes nothing.",
        progress=DuplicatesProgress,
    ),
    "failures": Operation(FailuresParams, FailuresResult, "Photos that could not be indexed."),
    "purge": Operation(
        PurgeParams, PurgeResult, "Forget deleted photos now, or every cached query."
    ),
    "pause": Operation(PauseParams, PauseResult, "Pause indexing; queries still work."),
    "resume": Operation(Nothing, PauseResult, "Resume indexing."),
    "config": Operation(Nothing, ConfigResult, "Every setting."),
    "config_set": Operation(ConfigSetParams, ConfigSetResult, "Change a setting at once."),
    "model": Operation(ModelParams, ModelResult, "The model in use, and the next one."),
    "cloud_status": Operation(Nothing, CloudReport, "State of the cloud, and its cost."),
    "cloud_terms": Operation(
        CloudTermsParams, CloudTermsResult, "The terms to agree to before a mode is enabled."
    ),
    "cloud_enable": Operation(CloudEnableParams, CloudReport, "Agree to terms and enable a mode."),
    "cloud_disable": Operation(Nothing, CloudReport, "Withdraw consent and stop sending."),
    "cloud_forget": Operation(
        Nothing, CloudForgetResult, "Withdraw consent and delete all data from the cloud."
    ),
    "cloud_log": Operation(CloudLogParams, CloudLogResult, "The last calls."),
    "cloud_preview": Operation(
        PathParams, CloudPreviewResult, "The bytes that would be sent of a photo; sends nothing."
    ),
    "cloud_check": Operation(Nothing, CloudCheckResult, "Test the cloud; needs consent."),
    "self_check": Operation(Nothing, SelfCheckResult, "Test what a query needs; for the doctor."),
    "standing_add": Operation(
        StandingAddParams,
        StandingAddResult,
        "Save an alert for new photos that match.",
    ),
    "standing": Operation(Nothing, StandingResult, "Every alert (standing query)."),
    "standing_remove": Operation(StandingRemoveParams, StandingRemoveResult, "Remove an alert."),
    "subscribe": Operation(
        SubscribeParams,
        SubscribeResult,
        "Matches of an alert, as they arrive.",
        progress=News,
    ),
    "acknowledge": Operation(AcknowledgeParams, AcknowledgeResult, "Mark matches as handled."),
    "stop": Operation(Nothing, StopResult, "Stop the daemon."),
}
