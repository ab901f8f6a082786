"""Implements the operations of the protocol, by topic."""

from __future__ import annotations

from collections.abc import Sequence

from photosd.core import typed
from photosd.protocol.requests import OPERATIONS
from photosd.protocol.server import Handler
from photosd.runtime.daemon import Daemon
from photosd.runtime.operations.alerts import AlertOperations
from photosd.runtime.operations.base import Topic
from photosd.runtime.operations.cloud import CloudOperations
from photosd.runtime.operations.control import ControlOperations
from photosd.runtime.operations.library import LibraryOperations
from photosd.runtime.operations.search import SearchOperations

TOPICS = (SearchOperations, LibraryOperations, AlertOperations, CloudOperations, ControlOperations)


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
