"""From a client's line to a typed request: whatever the bytes are, a request or BadRequest."""

from __future__ import annotations

import msgspec

from photosd.core import typed
from photosd.core.errors import BadRequest
from photosd.ipc.messages import PROTOCOL, Operation, Request

UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


def parse_request(line: bytes) -> Request:
    """The envelope; parameters stay unread until the operation is known."""
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
            f"{request.op}: {error}", remedy="see docs/protocol.md for the parameters"
        ) from error
