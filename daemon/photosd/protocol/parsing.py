"""Parses a client's line into a typed request, or raises BadRequest."""

from __future__ import annotations

import re

import msgspec

from photosd.core import typed
from photosd.core.errors import BadRequest
from photosd.protocol.messages import PROTOCOL, Operation, Request

TOO_LONG = re.compile(r"Expected `(str|array)` of length <= (\d+) - at `\$\.([\w.]+)`")
UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


def parse_request(line: bytes) -> Request:
    """The envelope; parameters are parsed once the operation is known."""
    try:
        request = typed.from_json(line, Request)
    except UNREADABLE as error:
        raise BadRequest(
            f"not a request: {error}",
            remedy='send one line like {"v":1,"id":"1","op":"status","params":{}}',
        ) from error
    if request.v > PROTOCOL:
        raise BadRequest(
            f"the request speaks protocol {request.v}, this daemon up to {PROTOCOL}",
            remedy="photosd restart   (the daemon is older than the client)",
        )
    return request


def parse_params(request: Request, operation: Operation) -> msgspec.Struct:
    """The parameters in the types of the operation."""
    try:
        return typed.from_json(request.params, operation.params)
    except UNREADABLE as error:
        raise BadRequest(
            f"{request.op}: {_plain(error)}", remedy="see docs/protocol.md for the parameters"
        ) from error


def _plain(error: Exception) -> str:
    """The message for a value that is too long; other messages are for authors of clients."""
    found = TOO_LONG.fullmatch(str(error))
    if found is None:
        return str(error)
    return f"{found[3]} has more than {found[2]} {'characters' if found[1] == 'str' else 'values'}"
