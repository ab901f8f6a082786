"""Calls operations of the protocol by name, over one connection; every wait has a limit."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, Self

from photosd.core.errors import BadRequest, PhotosdError, Unreachable
from photosd.core.socketpath import socket_path as default_socket_path
from photosd.protocol.connection import Connection

PROTOCOL = 1
REQUEST_LIMIT = 64 << 10  # bytes of one request line, for client and server
AT_ONCE = 6  # pipelined requests of `calls`; the server reads 8 per connection


class Caller:
    """One connection, made at the first call and again after a failure. For one thread.

    ``timeout`` is the longest wait in seconds for an answer, or for the next part of one. Every
    method raises the class of core.errors named by the daemon's error code, NotRunning, Unreachable
    or DeadlineExceeded.
    """

    def __init__(
        self, socket_path: str | os.PathLike[str] | None = None, *, timeout: float = 60.0
    ) -> None:
        self.socket_path = os.fspath(socket_path or default_socket_path())
        self._timeout = timeout
        self._connection: Connection | None = None
        self._requests = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(
        self, op: str, params: dict[str, Any] | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """The result of one operation; its progress objects are dropped."""
        *_, result = self.stream(op, params, timeout)
        return result

    def stream(
        self, op: str, params: dict[str, Any] | None = None, timeout: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """Each progress object of an operation as it arrives, then its result."""
        limit = self._timeout if timeout is None else timeout
        try:
            identity = self._send(op, params, time.monotonic() + limit)
            while "progress" in (reply := self._reply([identity], time.monotonic() + limit)):
                yield _object(reply["progress"])
        except PhotosdError:
            self.close()  # a late answer must not be taken for the next one's
            raise
        yield _result(reply)

    def calls(
        self, op: str, each: Iterable[dict[str, Any]], timeout: float | None = None
    ) -> Iterator[dict[str, Any] | PhotosdError]:
        """One operation for each of these parameters, pipelined; results in order.

        An error of the daemon is yielded; a lost connection or a timeout is raised.
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
            if sent:  # the caller does not want the rest
                self.close()

    def _send(self, op: str, params: dict[str, Any] | None, until: float) -> str:
        """Send a request, connecting if needed; returns its id."""
        self._requests += 1
        identity = str(self._requests)
        line = json.dumps({"v": PROTOCOL, "id": identity, "op": op, "params": params or {}})
        if len(line) > REQUEST_LIMIT:
            raise BadRequest(
                f"the request has {len(line):,} bytes; the limit is {REQUEST_LIMIT:,}",
                remedy="send a shorter request",
            )
        if self._connection is None:
            self._connection = Connection(self.socket_path, until)
        self._connection.send(line.encode(), until)
        return identity

    def _reply(self, identities: Collection[str], until: float) -> dict[str, Any]:
        """The next message for one of these requests; errors without id concern our line."""
        while self._connection is not None:
            try:
                reply = _object(json.loads(self._connection.receive(until)))
            except (ValueError, RecursionError) as error:
                raise _nonsense() from error
            if reply.get("id") in identities:
                return reply
            if reply.get("id") is None and "error" in reply:
                _result(reply)
        raise Unreachable("the connection was closed meanwhile", remedy="try again")


def _result(reply: dict[str, Any]) -> dict[str, Any]:
    """The result in an answer; raises the error it reports."""
    if isinstance(reply.get("v"), int) and reply["v"] > PROTOCOL:
        raise Unreachable(
            f"the daemon has protocol version {reply['v']}; this client supports up to {PROTOCOL}",
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


def error_of(error: object) -> PhotosdError:
    """The exception for an error object; its code may be newer than this client."""
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
    return Unreachable("the answer is not in photosd's protocol", remedy="photosd restart")
