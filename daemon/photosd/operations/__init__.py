"""What each operation of the protocol does, by topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from photosd.ipc.messages import OPERATIONS
from photosd.ipc.server import Handler
from photosd.operations.cloud import Cloud
from photosd.operations.control import Control
from photosd.operations.folders import Folders
from photosd.operations.photos import Photos
from photosd.operations.pictures import Pictures
from photosd.operations.search import Search
from photosd.operations.standing import Standing

if TYPE_CHECKING:
    from photosd.app import Daemon

TOPICS = (Search, Photos, Pictures, Standing, Folders, Cloud, Control)


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """Every operation of the protocol by name."""
    topics = [topic(daemon) for topic in TOPICS]
    return {
        name: next(getattr(topic, name) for topic in topics if hasattr(topic, name))
        for name in OPERATIONS
    }
