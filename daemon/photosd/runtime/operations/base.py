"""What every topic of operations stands on: the daemon, and its library once that is open."""

from __future__ import annotations

from photosd.runtime.daemon import Daemon
from photosd.runtime.library import Library


class Topic:
    """One method an operation, named as it; ``params`` and results are types of protocol.messages.

    Methods run in request threads. Those that need the library wait for it, bounded.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def _library(self, wait_seconds: float = 30.0) -> Library:
        return self._daemon.library(wait_seconds)
