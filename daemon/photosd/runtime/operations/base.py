"""Base of all topics: the daemon, and its library once open."""

from __future__ import annotations

from photosd.core.errors import NotFound
from photosd.protocol.paths import path_from
from photosd.protocol.requests import PathParams, ReindexParams
from photosd.runtime.daemon import Daemon
from photosd.runtime.library import Library


class Topic:
    """One method per operation, with its name; ``params`` and results are protocol types.

    Methods run in request threads. Those that need the library wait for it, with a limit.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def _path(self, params: PathParams | ReindexParams) -> bytes:
        """The path in a request, as stored in the library."""
        path = path_from(params.path, params.path_b64)
        return self._library().folders.real(path)

    def _file_of(self, content: str) -> bytes:
        """A file with this content, one that is available if any is; raises NotFound."""
        library = self._library()
        found = library.catalog.paths_of([content]).get(content, [])
        absent = {folder.id for folder in library.folders.all() if not folder.present}
        for path, _ in sorted(found, key=lambda one: one[1] in absent):
            return path
        raise NotFound("no indexed photo has that content", remedy="search again")

    def _library(self, wait_seconds: float = 30.0) -> Library:
        return self._daemon.library(wait_seconds)
