"""The page's requests: thin functions over the daemon's operations, JSON in and out.

Each runs in a thread and opens its own connection, so a restart of the daemon costs one request.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from photosd.core import typed
from photosd.core.errors import BadRequest, PhotosdError
from photosd.core.socketpath import expanded
from photosd.protocol.client import Client
from photosd_cli import openers, paths
from photosd_cli.web.pictures import MAX_ZIPPED, Archives, Dropped, checked_content

MAX_COMPLETIONS = 50
QUERY_DEADLINE_MS = 10_000
MAX_TERMS = 20

Text = Annotated[str, Meta(max_length=10_000)]
Content = Annotated[str, Meta(max_length=64)]


class PageTerm(Struct, forbid_unknown_fields=True):
    """Words, a photo of the library, or a dropped picture; its weight."""

    text: Text = ""
    content: Content = ""
    dropped: Content = ""
    weight: float = 1.0


class Search(Struct, forbid_unknown_fields=True):
    """A query of the page. ``others``: without the photos in the terms."""

    text: Text = ""
    terms: Annotated[list[PageTerm], Meta(max_length=MAX_TERMS)] = []
    where: dict[str, Any] = {}
    without: Annotated[list[str], Meta(max_length=3)] = []
    literal: bool = False
    sort: str = "match"
    others: bool = False
    cursor: Annotated[str, Meta(max_length=200)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 60


class Facets(Struct, forbid_unknown_fields=True):
    """Counts of the good matches of a query, or of all photos that pass the filter."""

    text: Text = ""
    where: dict[str, Any] = {}
    kinds: Annotated[list[str], Meta(max_length=10)] = []
    limit: Annotated[int, Meta(ge=1, le=200)] = 12
    begins: Annotated[str, Meta(max_length=200)] = ""


class Pause(Struct, forbid_unknown_fields=True):
    """For so many seconds; until resumed without."""

    seconds: float | None = None


class AlertOf(Struct, forbid_unknown_fields=True):
    """A new alert; the page saves none that runs a program."""

    text: Text
    kind: Literal["stream", "notify", "link"] = "stream"
    directory: Annotated[str, Meta(max_length=4096)] = ""


class Number(Struct, forbid_unknown_fields=True):
    """An alert."""

    id: int


class Near(Struct, forbid_unknown_fields=True):
    """Duplicates: also photos that look alike."""

    near: bool = False


class PathOf(Struct, forbid_unknown_fields=True):
    """A folder; ``path_b64`` wins where the path is not UTF-8."""

    path: Annotated[str, Meta(max_length=4096)] = ""
    path_b64: Annotated[str, Meta(max_length=8192)] | None = None


class Photo(Struct, forbid_unknown_fields=True):
    """One photo."""

    content: Content


class Photos(Struct, forbid_unknown_fields=True):
    """Many photos."""

    contents: Annotated[list[Content], Meta(min_length=1, max_length=MAX_ZIPPED)]


class Nothing(Struct, forbid_unknown_fields=True):
    """No parameters."""


Answer = Callable[[Any], dict[str, Any]]


class Api:
    """Every request of the page by name (``posts``): its parameters and the function.

    Requests that concern this computer itself are ``local``: refused to other computers.
    """

    def __init__(self, socket: str | None, dropped: Dropped, archives: Archives) -> None:
        self._socket, self.dropped, self.archives = socket, dropped, archives
        self.posts: dict[str, tuple[type[Struct], Answer]] = {
            "query": (Search, self.query),
            "facets": (Facets, self.facets),
            "photo": (Photo, self.photo),
            "pause": (Pause, self.pause),
            "resume": (Nothing, self.resume),
            "failures": (Nothing, self.failures),
            "retry": (Nothing, self.retry),
            "alerts": (Nothing, self.alerts),
            "alert-add": (AlertOf, self.alert_add),
            "alert-remove": (Number, self.alert_remove),
            "zip": (Photos, self.zip),
            "folder-add": (PathOf, self.folder_add),
            "folder-remove": (PathOf, self.folder_remove),
            "complete": (PathOf, self.complete),
            "reveal": (Photo, self.reveal),
        }
        self.local = {"folder-add", "folder-remove", "complete", "reveal", "alert-add"}

    def client(self) -> Client:
        """A connection for one request."""
        return Client(self._socket, timeout=30.0)

    def answer(self, name: str, body: bytes) -> dict[str, Any]:
        """The result of a request; raises PhotosdError."""
        kind, handler = self.posts[name]
        try:
            params = typed.from_json(body or b"{}", kind)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise BadRequest(f"invalid request: {error}", remedy="reload the page") from error
        return handler(params)

    # -- search -----------------------------------------------------------------------------------

    def query(self, ask: Search) -> dict[str, Any]:
        terms = [self._term(term) for term in ask.terms]
        params: dict[str, Any] = {
            "text": ask.text,
            "terms": terms,
            "where": ask.where or None,
            "without": ask.without,
            "literal": ask.literal,
            "sort": ask.sort,
            "others": ask.others,
            "cursor": ask.cursor,
            "limit": ask.limit,
            "asker": "page",
            "deadline_ms": QUERY_DEADLINE_MS,
        }
        with self.client() as client:
            return client.call("query", params)

    def _term(self, term: PageTerm) -> dict[str, Any]:
        if term.content:
            with self.client() as client:
                known = client.show(content_id=checked_content(term.content))
            path = {"path": known["path"], "path_b64": known["path_b64"]}
            return {**path, "weight": term.weight}
        if term.dropped:
            return {"path": os.fsdecode(self.dropped.path(term.dropped)), "weight": term.weight}
        return {"text": term.text, "weight": term.weight}

    def facets(self, ask: Facets) -> dict[str, Any]:
        with self.client() as client:
            return client.call(
                "facets", {**msgspec.structs.asdict(ask), "where": ask.where or None}
            )

    def photo(self, ask: Photo) -> dict[str, Any]:
        with self.client() as client:
            return dict(client.show(content_id=checked_content(ask.content)))

    def zip(self, ask: Photos) -> dict[str, Any]:
        return {"name": self.archives.want(ask.contents)}

    def duplicates(self, ask: Near) -> Iterator[dict[str, Any]]:
        """Progress with groups, as they are found."""
        with self.client() as client:
            for part in client.duplicates(near=ask.near):
                yield dict(part)

    # -- the daemon -------------------------------------------------------------------------------

    def pause(self, ask: Pause) -> dict[str, Any]:
        with self.client() as client:
            return dict(client.pause(ask.seconds))

    def resume(self, _ask: Nothing) -> dict[str, Any]:
        with self.client() as client:
            return dict(client.resume())

    def failures(self, _ask: Nothing) -> dict[str, Any]:
        with self.client() as client:
            return dict(client.failures())

    def retry(self, _ask: Nothing) -> dict[str, Any]:
        with self.client() as client:
            return {"retried": client.failures(retry=True)["retried"]}

    def alerts(self, _ask: Nothing) -> dict[str, Any]:
        with self.client() as client:
            return dict(client.standing())

    def alert_add(self, ask: AlertOf) -> dict[str, Any]:
        directory = _absolute(ask.directory) if ask.kind == "link" else None
        with self.client() as client:
            return dict(client.standing_add(ask.text, ask.kind, directory=directory))

    def alert_remove(self, ask: Number) -> dict[str, Any]:
        with self.client() as client:
            return dict(client.standing_remove(ask.id))

    # -- this computer ----------------------------------------------------------------------------

    def folder_add(self, ask: PathOf) -> dict[str, Any]:
        with self.client() as client:
            return dict(client.add(_absolute(ask.path)))

    def folder_remove(self, ask: PathOf) -> dict[str, Any]:
        with self.client() as client:
            return dict(client.remove(paths.raw({"path": ask.path, "path_b64": ask.path_b64})))

    def complete(self, ask: PathOf) -> dict[str, Any]:
        """Directories whose path begins like this one; hidden ones only if asked for."""
        start, _, begin = ask.path.rpartition("/")
        found: list[str] = []
        with (
            contextlib.suppress(OSError, ValueError, BadRequest),
            os.scandir(_absolute(f"{start}/")) as entries,
        ):
            for entry in entries:
                name = os.fsdecode(entry.name)
                hidden = name.startswith(".") and not begin.startswith(".")
                if hidden or not name.lower().startswith(begin.lower()):
                    continue
                if name.isprintable() and entry.is_dir():
                    found.append(f"{start}/{name}/")
        return {"paths": sorted(found)[:MAX_COMPLETIONS]}

    def reveal(self, ask: Photo) -> dict[str, Any]:
        """Show the file in the desktop's file manager."""
        with self.client() as client:
            path = paths.raw(client.show(content_id=checked_content(ask.content)))
        openers.reveal_files([path])
        return {}


def _absolute(path: str) -> bytes:
    """A typed path, ``~`` expanded; raises BadRequest if it is not absolute."""
    whole = expanded(path)
    if not whole.is_absolute() or "\0" in path:
        raise BadRequest("the path is not absolute", remedy="begin it with / or ~")
    return os.path.normpath(os.fsencode(whole))


STATUS_OF = {
    "bad_request": 400,
    "folder": 400,
    "not_found": 404,
    "unreadable": 422,
    "busy": 503,
    "not_running": 503,
    "unreachable": 503,
    "warming": 503,
    "encoder_unavailable": 503,
    "deadline_exceeded": 504,
}


def status_of(error: PhotosdError) -> int:
    """The status of the answer that reports this error."""
    return STATUS_OF.get(error.code, 500)
