"""Parameters and results of the protocol, as types for programs that use the client."""

from __future__ import annotations

from typing import TypedDict

from photosd.protocol.replies.alerts import AcknowledgeResult as AcknowledgeResult
from photosd.protocol.replies.alerts import StandingAddResult as StandingAddResult
from photosd.protocol.replies.alerts import StandingMatch as StandingMatch
from photosd.protocol.replies.alerts import StandingRemoveResult as StandingRemoveResult
from photosd.protocol.replies.alerts import StandingReport as StandingReport
from photosd.protocol.replies.alerts import StandingResult as StandingResult
from photosd.protocol.replies.asked import Term as Term
from photosd.protocol.replies.asked import Where as Where
from photosd.protocol.replies.cloud import CloudCall as CloudCall
from photosd.protocol.replies.cloud import CloudCheck as CloudCheck
from photosd.protocol.replies.cloud import CloudCheckResult as CloudCheckResult
from photosd.protocol.replies.cloud import CloudForgetResult as CloudForgetResult
from photosd.protocol.replies.cloud import CloudLogResult as CloudLogResult
from photosd.protocol.replies.cloud import CloudPreviewResult as CloudPreviewResult
from photosd.protocol.replies.cloud import CloudReport as CloudReport
from photosd.protocol.replies.cloud import CloudTermsResult as CloudTermsResult
from photosd.protocol.replies.duplicates import Duplicate as Duplicate
from photosd.protocol.replies.duplicates import DuplicateGroup as DuplicateGroup
from photosd.protocol.replies.duplicates import DuplicatesProgress as DuplicatesProgress
from photosd.protocol.replies.library import AcceptResult as AcceptResult
from photosd.protocol.replies.library import AddResult as AddResult
from photosd.protocol.replies.library import Failure as Failure
from photosd.protocol.replies.library import FailuresResult as FailuresResult
from photosd.protocol.replies.library import FoldersResult as FoldersResult
from photosd.protocol.replies.library import ListedPath as ListedPath
from photosd.protocol.replies.library import PauseResult as PauseResult
from photosd.protocol.replies.library import Progress as Progress
from photosd.protocol.replies.library import PurgeResult as PurgeResult
from photosd.protocol.replies.library import ReindexResult as ReindexResult
from photosd.protocol.replies.library import RemoveResult as RemoveResult
from photosd.protocol.replies.library import ShowResult as ShowResult
from photosd.protocol.replies.query import Coverage as Coverage
from photosd.protocol.replies.query import Hit as Hit
from photosd.protocol.replies.query import QueryResult as QueryResult
from photosd.protocol.replies.query import Timings as Timings
from photosd.protocol.replies.settings import ConfigResult as ConfigResult
from photosd.protocol.replies.settings import ConfigSetResult as ConfigSetResult
from photosd.protocol.replies.settings import ModelResult as ModelResult
from photosd.protocol.replies.settings import Setting as Setting
from photosd.protocol.replies.status import ComparisonReport as ComparisonReport
from photosd.protocol.replies.status import EncoderReport as EncoderReport
from photosd.protocol.replies.status import FolderReport as FolderReport
from photosd.protocol.replies.status import IndexReport as IndexReport
from photosd.protocol.replies.status import SelfCheckResult as SelfCheckResult
from photosd.protocol.replies.status import StatusResult as StatusResult
from photosd.protocol.replies.status import SwitchReport as SwitchReport
from photosd.protocol.replies.status import TextCheck as TextCheck
from photosd.protocol.replies.thumbnails import ThumbnailResult as ThumbnailResult


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
