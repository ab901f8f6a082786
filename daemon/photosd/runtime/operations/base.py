"""Base of all topics: the daemon, and its library once open."""

from __future__ import annotations

from photosd.runtime.daemon import Daemon
from photosd.runtime.library import Library


class Topic:
    """One method per operation, with its name; ``params`` and results are protocol types.

    Methods run in request threads. Those that need the library wait for it, with a limit.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def _library(self, wait_seconds: float = 30.0) -> Library:
        return self._daemon.library(wait_seconds)
