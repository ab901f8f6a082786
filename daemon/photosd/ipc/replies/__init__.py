"""Parameters and results of the protocol, as types for programs that use the client."""

from __future__ import annotations

from typing import TypedDict

from photosd.ipc.replies.asked import Term as Term
from photosd.ipc.replies.asked import Where as Where
from photosd.ipc.replies.cloud import CloudCall as CloudCall
from photosd.ipc.replies.cloud import CloudCheck as CloudCheck
from photosd.ipc.replies.cloud import CloudCheckResult as CloudCheckResult
from photosd.ipc.replies.cloud import CloudForgetResult as CloudForgetResult
from photosd.ipc.replies.cloud import CloudLogResult as CloudLogResult
from photosd.ipc.replies.cloud import CloudPreviewResult as CloudPreviewResult
from photosd.ipc.replies.cloud import CloudReport as CloudReport
from photosd.ipc.replies.cloud import CloudTermsResult as CloudTermsResult
from photosd.ipc.replies.duplicates import Duplicate as Duplicate
from photosd.ipc.replies.duplicates import DuplicateGroup as DuplicateGroup
from photosd.ipc.replies.duplicates import DuplicatesProgress as DuplicatesProgress
from photosd.ipc.replies.library import AcceptResult as AcceptResult
from photosd.ipc.replies.library import AddResult as AddResult
from photosd.ipc.replies.library import Failure as Failure
from photosd.ipc.replies.library import FailuresResult as FailuresResult
from photosd.ipc.replies.library import FoldersResult as FoldersResult
from photosd.ipc.replies.library import ListedPath as ListedPath
from photosd.ipc.replies.library import PauseResult as PauseResult
from photosd.ipc.replies.library import Progress as Progress
from photosd.ipc.replies.library import PurgeResult as PurgeResult
from photosd.ipc.replies.library import ReindexResult as ReindexResult
from photosd.ipc.replies.library import RemoveResult as RemoveResult
from photosd.ipc.replies.library import ShowResult as ShowResult
from photosd.ipc.replies.pictures import ThumbnailResult as ThumbnailResult
from photosd.ipc.replies.query import Coverage as Coverage
from photosd.ipc.replies.query import Hit as Hit
from photosd.ipc.replies.query import QueryResult as QueryResult
from photosd.ipc.replies.query import Timings as Timings
from photosd.ipc.replies.settings import ConfigResult as ConfigResult
from photosd.ipc.replies.settings import ConfigSetResult as ConfigSetResult
from photosd.ipc.replies.settings import ModelResult as ModelResult
from photosd.ipc.replies.settings import Setting as Setting
from photosd.ipc.replies.standing import AcknowledgeResult as AcknowledgeResult
from photosd.ipc.replies.standing import StandingAddResult as StandingAddResult
from photosd.ipc.replies.standing import StandingMatch as StandingMatch
from photosd.ipc.replies.standing import StandingRemoveResult as StandingRemoveResult
from photosd.ipc.replies.standing import StandingReport as StandingReport
from photosd.ipc.replies.standing import StandingResult as StandingResult
from photosd.ipc.replies.status import ComparisonReport as ComparisonReport
from photosd.ipc.replies.status import EncoderReport as EncoderReport
from photosd.ipc.replies.status import FolderReport as FolderReport
from photosd.ipc.replies.status import IndexReport as IndexReport
from photosd.ipc.replies.status import SelfCheckResult as SelfCheckResult
from photosd.ipc.replies.status import StatusResult as StatusResult
from photosd.ipc.replies.status import SwitchReport as SwitchReport
from photosd.ipc.replies.status import TextCheck as TextCheck


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
