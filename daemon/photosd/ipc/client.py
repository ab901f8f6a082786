"""A blocking client for any Python program: typed operations, every one with a time limit.

with Client() as photosd:
    for hit in photosd.query("sunset", limit=5)["hits"]:
        print(hit["path"])
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from photosd.core.errors import BadRequest, PhotosdError, Unreachable
from photosd.core.socketpath import socket_path as default_socket_path
from photosd.ipc.connection import Connection

if TYPE_CHECKING:
    from photosd.ipc import replies

PROTOCOL = 1
REQUEST_LIMIT = 64 << 10  # bytes of one line, as the server has it
AT_ONCE = 6  # requests of `calls` under way; the server reads 8 of one connection
ANSWER_SECONDS = 2.0  # beyond a query's own deadline, for the answer to arrive


class Client:
    """One connection, made at the first call and again after a failure. For one thread.

    ``timeout`` is the longest wait in seconds for an answer, or for the next part of one.
    Every method raises the class of core.errors that the daemon's error code names, NotRunning,
    Unreachable or DeadlineExceeded.
    """

    def __init__(
        self, socket_path: str | os.PathLike[str] | None = None, *, timeout: float = 60.0
    ) -> None:
        self.socket_path = os.fspath(socket_path or default_socket_path())
        self._timeout = timeout
        self._connection: Connection | None = None
        self._requests = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # -- the protocol itself ------------------------------------------------------------------

    def call(
        self, op: str, params: dict[str, Any] | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """The result of one operation; what it streams before is dropped."""
        *_, result = self.stream(op, params, timeout)
        return result

    def stream(
        self, op: str, params: dict[str, Any] | None = None, timeout: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """Each progress object of an operation as it comes, then, last of all, its result."""
        limit = self._timeout if timeout is None else timeout
        try:
            identity = self._send(op, params, time.monotonic() + limit)
            while "progress" in (reply := self._reply([identity], time.monotonic() + limit)):
                yield _object(reply["progress"])
        except PhotosdError:
            self.close()  # an answer that still comes must not be taken for the next one's
            raise
        yield _result(reply)

    def calls(
        self, op: str, each: Iterable[dict[str, Any]], timeout: float | None = None
    ) -> Iterator[dict[str, Any] | PhotosdError]:
        """One operation for each of these parameters, several under way; results in order.

        What the daemon refuses is yielded as its error; that it is gone, or too slow, is raised.
        """
        limit = self._timeout if timeout is None else timeout
        sent: deque[str] = deque()
        replies: dict[str, dict[str, Any]] = {}
        rest = iter(each)
        try:
            while True:
                for params in islice(rest, AT_ONCE - len(sent)):
                    sent.append(self._send(op, params, time.monotonic() + limit))
                if not sent:
                    return
                while sent[0] not in replies:
                    reply = self._reply(sent, time.monotonic() + limit)
                    replies[reply["id"]] = reply
                yield _result_or_error(replies.pop(sent.popleft()))
        except PhotosdError:
            self.close()
            raise
        finally:
            if sent:  # nobody wants the rest
                self.close()

    def _send(self, op: str, params: dict[str, Any] | None, until: float) -> str:
        """Send a request, on a new connection if there is none; its id."""
        self._requests += 1
        identity = str(self._requests)
        line = json.dumps({"v": PROTOCOL, "id": identity, "op": op, "params": params or {}})
        if len(line) > REQUEST_LIMIT:
            raise BadRequest(
                f"the request has {len(line):,} bytes, at most {REQUEST_LIMIT:,} are read",
                remedy="send less",
            )
        if self._connection is None:
            self._connection = Connection(self.socket_path, until)
        self._connection.send(line.encode(), until)
        return identity

    def _reply(self, identities: Collection[str], until: float) -> dict[str, Any]:
        """The next message for one of these requests; errors without id are about our line."""
        while self._connection is not None:
            try:
                reply = _object(json.loads(self._connection.receive(until)))
            except (ValueError, RecursionError) as error:
                raise _nonsense() from error
            if reply.get("id") in identities:
                return reply
            if reply.get("id") is None and "error" in reply:
                _result(reply)
        raise Unreachable("the connection was closed meanwhile", remedy="ask again")

    # -- its operations -----------------------------------------------------------------------

    def hello(self) -> replies.Hello:
        """Who answers, and what it can do."""
        return cast("replies.Hello", self.call("hello"))

    def query(
        self,
        text: str = "",
        limit: int | None = None,
        deadline_ms: int = 3000,
        *,
        terms: Sequence[replies.Term] = (),
        where: replies.Where | None = None,
        every_copy: bool = False,
        others: bool = False,
        cursor: str | None = None,
    ) -> replies.QueryResult:
        """The photos nearest to a description, answered within ``deadline_ms``.

        ``terms`` are added to it or taken away, ``where`` narrows it. ``every_copy``: copies of a
        photo are hits of their own. ``others``: not the pictures asked with. ``cursor``: that of
        the answer before, for the page after it, with nothing else but ``limit``.
        """
        params: dict[str, object] = {"text": text, "deadline_ms": deadline_ms}
        more = {"limit": limit, "terms": list(terms), "where": where, "cursor": cursor}
        params |= {name: value for name, value in more.items() if value}
        params |= {name: True for name, on in (("all", every_copy), ("others", others)) if on}
        timeout = deadline_ms / 1000 + ANSWER_SECONDS
        return cast("replies.QueryResult", self.call("query", params, timeout))

    def status(self) -> replies.StatusResult:
        """The daemon's state."""
        return cast("replies.StatusResult", self.call("status"))

    def add(self, path: bytes | str, exclude: Sequence[str] = ()) -> replies.AddResult:
        """Watch a folder and everything below it."""
        params = {**path_params(path), "exclude": list(exclude)}
        return cast("replies.AddResult", self.call("add", params))

    def remove(self, path: bytes | str) -> replies.RemoveResult:
        """Stop watching a folder; its photos leave the index."""
        return cast("replies.RemoveResult", self.call("remove", path_params(path)))

    def folders(self) -> replies.FoldersResult:
        """Every watched folder."""
        return cast("replies.FoldersResult", self.call("folders"))

    def rescan(self, wait: bool = True) -> Iterator[replies.Progress]:
        """Compare every folder with the index; with ``wait``, progress until nothing is left."""
        return cast("Iterator[replies.Progress]", self.stream("rescan", {"wait": wait}))

    def reindex(self, path: bytes | str | None = None) -> replies.ReindexResult:
        """Read one photo, one folder or (None) everything again."""
        params = {} if path is None else path_params(path)
        return cast("replies.ReindexResult", self.call("reindex", params))

    def paths(self, state: str = "indexed") -> Iterator[list[replies.ListedPath]]:
        """Every known photo in that state ("" for all), some hundred at a time."""
        for part in self.stream("list", {"state": state}):
            if "paths" in part:
                yield part["paths"]

    def show(self, path: bytes | str) -> replies.ShowResult:
        """Everything known of one path; raises NotFound saying why nothing is."""
        return cast("replies.ShowResult", self.call("show", path_params(path)))

    def thumbnail(
        self,
        path: bytes | str,
        pixels: int = 320,
        height: int | None = None,
        form: str = "jpeg",
        deadline_ms: int = 10_000,
    ) -> replies.ThumbnailResult:
        """A photo made small: a JPEG or, for ``rgb``, height x width x 3 bytes, in base64."""
        params = {**path_params(path), "pixels": pixels, "height": height, "form": form}
        timeout = deadline_ms / 1000 + ANSWER_SECONDS
        result = self.call("thumbnail", {**params, "deadline_ms": deadline_ms}, timeout)
        return cast("replies.ThumbnailResult", result)

    def thumbnails(
        self,
        photos: Iterable[bytes | str],
        pixels: int = 320,
        height: int | None = None,
        form: str = "jpeg",
        deadline_ms: int = 30_000,
    ) -> Iterator[replies.ThumbnailResult | PhotosdError]:
        """Many photos made small, in order, or why one cannot be."""
        size = {"pixels": pixels, "height": height, "form": form, "deadline_ms": deadline_ms}
        each = ({**path_params(photo), **size} for photo in photos)
        found = self.calls("thumbnail", each, deadline_ms / 1000 + ANSWER_SECONDS)
        return cast("Iterator[replies.ThumbnailResult | PhotosdError]", found)

    def failures(self, retry: bool = False) -> replies.FailuresResult:
        """Photos that could not be indexed; with ``retry`` they are tried again."""
        return cast("replies.FailuresResult", self.call("failures", {"retry": retry}))

    def purge(self) -> replies.PurgeResult:
        """Forget photos that are gone at once, and drop their vectors."""
        return cast("replies.PurgeResult", self.call("purge"))

    def pause(self, seconds: float | None = None) -> replies.PauseResult:
        """Let indexing rest for a while, or until resumed."""
        return cast("replies.PauseResult", self.call("pause", {"seconds": seconds}))

    def resume(self) -> replies.PauseResult:
        """Go on indexing."""
        return cast("replies.PauseResult", self.call("resume"))

    def config(self) -> replies.ConfigResult:
        """Every setting."""
        return cast("replies.ConfigResult", self.call("config"))

    def config_set(self, name: str, value: str) -> replies.ConfigSetResult:
        """Change a setting, at once; the value as text."""
        params = {"name": name, "value": value}
        return cast("replies.ConfigSetResult", self.call("config_set", params))

    def model(self, estimate: str | None = None) -> replies.ModelResult:
        """Which model answers, and what switching to another would take."""
        return cast("replies.ModelResult", self.call("model", {"estimate": estimate}))

    def standing_add(
        self,
        text: str,
        kind: str = "stream",
        *,
        argv: Sequence[str] = (),
        directory: bytes | str | None = None,
        below: bytes | str | None = None,
    ) -> replies.StandingAddResult:
        """Have something happen for each new photo that matches ``text``.

        ``kind``: ``exec`` (with ``argv``), ``link`` (with ``directory``), ``notify``, or
        ``stream``, which is read with `subscribe`. ``below``: only photos in that directory.
        """
        params: dict[str, Any] = {"text": text, "kind": kind, "argv": list(argv)}
        for name, path in (("directory", directory), ("below", below)):
            for key, value in ({} if path is None else path_params(path)).items():
                params[key.replace("path", name)] = value
        return cast("replies.StandingAddResult", self.call("standing_add", params))

    def standing(self) -> replies.StandingResult:
        """Every standing query."""
        return cast("replies.StandingResult", self.call("standing"))

    def standing_remove(self, number: int) -> replies.StandingRemoveResult:
        """End one; links of an album are removed."""
        return cast("replies.StandingRemoveResult", self.call("standing_remove", {"id": number}))

    def subscribe(
        self, number: int, after: int | None = None, wait: bool = True
    ) -> Iterator[replies.StandingMatch]:
        """Matches of one standing query, for ever if ``wait``.

        Begins after the cursor ``after``, or (None) after what was acknowledged last.
        """
        for part in self.stream("subscribe", {"id": number, "after": after, "wait": wait}):
            if "match" in part:
                yield part["match"]

    def acknowledge(self, number: int, cursor: int) -> replies.AcknowledgeResult:
        """Matches up to this cursor need not be sent again. Not on a connection that subscribes."""
        params = {"id": number, "cursor": cursor}
        return cast("replies.AcknowledgeResult", self.call("acknowledge", params))

    def self_check(self) -> replies.SelfCheckResult:
        """Have it try what a query needs."""
        return cast("replies.SelfCheckResult", self.call("self_check"))

    def stop(self) -> replies.StopResult:
        """Have the daemon end."""
        return cast("replies.StopResult", self.call("stop"))


def _result(reply: dict[str, Any]) -> dict[str, Any]:
    """What an answer holds; raises the error it tells of."""
    if isinstance(reply.get("v"), int) and reply["v"] > PROTOCOL:
        raise Unreachable(
            f"the daemon speaks protocol {reply['v']}, this client up to {PROTOCOL}",
            remedy="update this photosd to the daemon's version, or: photosd restart",
        )
    if reply.get("ok") is not True:
        raise error_of(reply.get("error"))
    return _object(reply.get("result"))


def _result_or_error(reply: dict[str, Any]) -> dict[str, Any] | PhotosdError:
    try:
        return _result(reply)
    except Unreachable:
        raise
    except PhotosdError as error:
        return error


def path_params(path: bytes | str) -> dict[str, str]:
    """A path as parameters; bytes that are not UTF-8 travel in ``path_b64``."""
    from photosd.ipc.paths import path_fields  # base64 is not for every `photosd query`

    return path_fields(os.fsencode(path))


def error_of(error: object) -> PhotosdError:
    """The exception that an error object means; its code may be younger than this client."""
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        return _nonsense()
    kinds = {kind.code: kind for kind in PhotosdError.__subclasses__()}
    kind = kinds.get(error["code"])
    if kind is None:
        names = {"code": error["code"], "title": str(error.get("title") or PhotosdError.title)}
        kind = type("UnknownCode", (PhotosdError,), names)
    retry_after = error.get("retry_after_ms")
    return kind(
        str(error.get("message", "")),
        remedy=str(error.get("remedy") or "photosd logs"),
        retry_after_ms=retry_after if isinstance(retry_after, int) else None,
    )


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _nonsense()
    return value


def _nonsense() -> Unreachable:
    return Unreachable("what answers does not speak photosd's protocol", remedy="photosd restart")
