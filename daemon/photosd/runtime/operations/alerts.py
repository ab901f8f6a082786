"""Operations on alerts: create, list, remove, read, acknowledge."""

from __future__ import annotations

import contextlib
from typing import Any

from photosd.alerts.alert_store import Alert, AlertOptions
from photosd.alerts.commands import AlertMatch
from photosd.core.errors import BadRequest, NotFound, PhotosdError
from photosd.core.log import printable
from photosd.protocol import messages as m
from photosd.protocol.paths import path_fields, path_from
from photosd.protocol.server import Emit
from photosd.runtime.library import Library
from photosd.runtime.operations.base import Topic
from photosd.search.remembered import normalise

SIGN_OF_LIFE_SECONDS = 5.0  # also the delay of noticing that a reader has left
TRY_MS = 2000


class AlertOperations(Topic):
    """Manage alerts."""

    def standing_add(self, params: m.StandingAddParams, _emit: Emit) -> m.StandingAddResult:
        library, text = self._library(), normalise(params.text)
        if not text:
            raise BadRequest("the query is empty", remedy='photosd on "receipt"')
        options = AlertOptions(
            text,
            params.kind,
            _below(params, library),
            tuple(params.argv) if params.kind == "exec" else (),
            path_from(params.directory, params.directory_b64) if params.kind == "link" else None,
        )
        query, new = library.alerts.add(options)
        return m.StandingAddResult(_report(library, query), new, _doubts(library, text))

    def standing(self, _params: m.Nothing, _emit: Emit) -> m.StandingResult:
        library = self._library()
        return m.StandingResult([_report(library, q) for q in library.alerts.queries.all()])

    def standing_remove(
        self, params: m.StandingRemoveParams, _emit: Emit
    ) -> m.StandingRemoveResult:
        library = self._library()
        report = _report(library, library.alerts.queries.get(params.id))
        library.alerts.remove(params.id)
        return m.StandingRemoveResult(report)

    def subscribe(self, params: m.SubscribeParams, emit: Emit) -> m.SubscribeResult:
        standing = self._library().alerts
        query = standing.queries.get(params.id)
        cursor = query.acknowledged if params.after is None else params.after
        wait = SIGN_OF_LIFE_SECONDS if params.wait else None
        for found in standing.matches(params.id, cursor, wait=wait):
            for match in found:
                emit(m.News(_match(match, query)))
                cursor = match.id
            if not found:
                emit(m.News())
        return m.SubscribeResult(cursor)

    def acknowledge(self, params: m.AcknowledgeParams, _emit: Emit) -> m.AcknowledgeResult:
        queries = self._library().alerts.queries
        queries.get(params.id)
        queries.acknowledge(params.id, params.cursor)
        return m.AcknowledgeResult(queries.get(params.id).acknowledged)


def _below(params: m.StandingAddParams, library: Library) -> bytes | None:
    """The directory that photos must be in, as stored in the library."""
    if not (params.below or params.below_b64):
        return None
    below = library.folders.real(path_from(params.below, params.below_b64))
    inside = below.rstrip(b"/") + b"/"
    if library.folders.containing(below) is None and not any(
        folder.path.startswith(inside) for folder in library.folders.all()
    ):
        shown = printable(below)
        raise NotFound(
            f"{shown} is not in a watched folder: no new photos would be noticed",
            remedy=f"photosd add '{shown}'   (photosd folders shows what is watched)",
        )
    return below


def _doubts(library: Library, text: str) -> list[str]:
    """Warnings of a query with the same text, if the model is available."""
    with contextlib.suppress(PhotosdError):
        answer = library.engine.query(m.QueryParams(text=text, limit=1, deadline_ms=TRY_MS))
        unknown = ", ".join(answer.unknown)
        return [*answer.warnings, *([f"not understood: {unknown}"] if unknown else [])]
    return []


def _report(library: Library, query: Alert) -> m.StandingReport:
    counts, failed = library.alerts.deliveries(query.id)
    return m.StandingReport(
        id=query.id,
        text=query.options.text,
        kind=query.options.kind,
        argv=list(query.options.argv),
        created_at=query.created_at,
        matches=library.alerts.albums.count(query.id)
        if query.options.kind == "link"
        else query.matches,
        waiting=counts.get("waiting", 0) + counts.get("started", 0),
        failed=counts.get("failed", 0),
        last_failure=f"{printable(failed.path)}: {failed.outcome}" if failed else None,
        trouble=library.alerts.trouble(query),
        acknowledged=query.acknowledged,
        **_fields("directory", query.options.directory),
        **_fields("below", query.options.below),
    )


def _match(match: AlertMatch, query: Alert) -> m.StandingMatch:
    return m.StandingMatch(
        cursor=match.id,
        standing=query.id,
        query=query.options.text,
        content_id=match.content,
        score=round(match.score, 4),
        strength=match.strength,
        matched_at=match.matched_at,
        **path_fields(match.path),
    )


def _fields(name: str, path: bytes | None) -> dict[str, Any]:
    """Fields of a path that may be None, with a separate name."""
    if path is None:
        return {name: None}
    return {key.replace("path", name): value for key, value in path_fields(path).items()}
