"""Operations that find photos."""

from __future__ import annotations

import msgspec

from photosd.core.clock import Deadline
from photosd.core.turns import answering
from photosd.gemini.asking import Outside
from photosd.protocol import messages as m
from photosd.protocol.server import Emit
from photosd.runtime.operations.base import Topic


class SearchOperations(Topic):
    """Find photos."""

    def query(self, params: m.QueryParams, _emit: Emit) -> m.QueryResult:
        with answering():
            return self._answer(params)

    def _answer(self, params: m.QueryParams) -> m.QueryResult:
        deadline = Deadline.after(params.deadline_ms / 1000)
        library = self._library(deadline.remaining - 0.1)
        left = max(1, int(deadline.remaining * 1000))
        limit = params.limit
        if limit is None and params.cursor is None:
            limit = self._daemon.settings.search.limit
        params = msgspec.structs.replace(params, limit=limit, deadline_ms=left)
        outside: Outside | None = None  # the page stays local, whatever the mode
        match params.asker:
            case "person":
                outside = library.gemini.outside("query", params.mode)
            case "agent":
                outside = library.gemini.outside("agent", params.mode)
        return library.engine.query(params, outside)
