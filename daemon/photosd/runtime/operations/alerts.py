"""Operations on alerts: create, list, remove, read, acknowledge."""

from __future__ import annotations

import contextlib

from photosd.alerts.alert_store import Alert, AlertOptions
from photosd.alerts.commands import AlertMatch
from photosd.core.errors import BadRequest, NotFound, PhotosdError, quoted
from photosd.core.log import printable
from photosd.protocol import replies, requests
from photosd.protocol.paths import path_b64, path_fields, path_from, path_text
from photosd.protocol.server import Emit
from photosd.runtime.library import Library
from photosd.runtime.operations.base import Topic
from photosd.search.query_cache import normalise

KEEP_ALIVE_SECONDS = 5.0  # also the delay of noticing that a reader has left
TRY_MS = 2000


class AlertOperations(Topic):
    """Manage alerts."""

    def standing_add(self, params: requests.StandingAddParams) -> replies.StandingAddResult:
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
        alert, new = library.alerts.add(options)
        return {
            "standing": _report(library, alert),
            "new": new,
            "warnings": _warnings(library, text),
        }

    def standing(self, _params: requests.Nothing) -> replies.StandingResult:
        library = self._library()
        return {"standing": [_report(library, q) for q in library.alerts.store.all()]}

    def standing_remove(
        self, params: requests.StandingRemoveParams
    ) -> replies.StandingRemoveResult:
        library = self._library()
        report = _report(library, library.alerts.store.get(params.id))
        library.alerts.remove(params.id)
        return {"removed": report}

    def subscribe(self, params: requests.SubscribeParams, emit: Emit) -> replies.SubscribeResult:
        standing = self._library().alerts
        alert = standing.store.get(params.id)
        cursor = alert.acknowledged if params.after is None else params.after
        wait = KEEP_ALIVE_SECONDS if params.wait else None
        for found in standing.matches(params.id, cursor, wait=wait):
            for match in found:
                emit({"match": _match(match, alert)})
                cursor = match.id
            if not found:
                emit({})
        return {"cursor": cursor}

    def acknowledge(self, params: requests.AcknowledgeParams) -> replies.AcknowledgeResult:
        store = self._library().alerts.store
        store.get(params.id)
        store.acknowledge(params.id, params.cursor)
        return {"acknowledged": store.get(params.id).acknowledged}


def _below(params: requests.StandingAddParams, library: Library) -> bytes | None:
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
            remedy=f"photosd add {quoted(shown)}   (photosd folders shows what is watched)",
        )
    return below


def _warnings(library: Library, text: str) -> list[str]:
    """Warnings of a query with the same words, if the model is available."""
    asked = requests.QueryParams(text=text, limit=1, deadline_ms=TRY_MS, literal=True)
    with contextlib.suppress(PhotosdError):
        answer = library.engine.query(asked)
        unknown = ", ".join(answer["unknown"])
        return [*answer["warnings"], *([f"not understood: {unknown}"] if unknown else [])]
    return []


def _report(library: Library, alert: Alert) -> replies.StandingReport:
    counts, failed = library.alerts.deliveries(alert.id)
    options = alert.options
    report: replies.StandingReport = {
        "id": alert.id,
        "text": options.text,
        "kind": options.kind,
        "argv": list(options.argv),
        "directory": None if options.directory is None else path_text(options.directory),
        "below": None if options.below is None else path_text(options.below),
        "created_at": alert.created_at,
        "matches": library.alerts.albums.count(alert.id)
        if options.kind == "link"
        else alert.matches,
        "waiting": counts.get("waiting", 0) + counts.get("started", 0),
        "failed": counts.get("failed", 0),
        "last_failure": f"{printable(failed.path)}: {failed.outcome}" if failed else None,
        "trouble": library.alerts.trouble(alert),
        "acknowledged": alert.acknowledged,
    }
    if options.directory is not None and (encoded := path_b64(options.directory)):
        report["directory_b64"] = encoded
    if options.below is not None and (encoded := path_b64(options.below)):
        report["below_b64"] = encoded
    return report


def _match(match: AlertMatch, alert: Alert) -> replies.StandingMatch:
    return {
        **path_fields(match.path),
        "cursor": match.id,
        "standing": alert.id,
        "query": alert.options.text,
        "content_id": match.content,
        "score": round(match.score, 4),
        "strength": match.strength,
        "matched_at": match.matched_at,
    }
