"""What each operation of the protocol does, by topic."""

from __future__ import annotations

from collections.abc import Sequence

from photosd.core import typed
from photosd.daemon import Daemon
from photosd.ipc.messages import OPERATIONS
from photosd.ipc.server import Handler
from photosd.operations.base import Topic
from photosd.operations.cloud import Cloud
from photosd.operations.control import Control
from photosd.operations.duplicates import Duplicates
from photosd.operations.folders import Folders
from photosd.operations.photos import Photos
from photosd.operations.pictures import Pictures
from photosd.operations.search import Search
from photosd.operations.standing import Standing

TOPICS = (Search, Photos, Pictures, Duplicates, Standing, Folders, Cloud, Control)


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """Every operation of the protocol by name."""
    for operation in OPERATIONS.values():
        typed.make_ready(operation.params)
    topics = [topic(daemon) for topic in TOPICS]
    return {name: _handler(name, topics) for name in OPERATIONS}


def _handler(name: str, topics: Sequence[Topic]) -> Handler:
    for topic in topics:
        if (handler := getattr(topic, name, None)) is not None:
            found: Handler = handler
            return found
    raise LookupError(f"no topic of {[type(topic).__name__ for topic in topics]} has {name}()")
