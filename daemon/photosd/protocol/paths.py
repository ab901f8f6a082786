"""Paths in messages: readable text, with base64 if the bytes are not UTF-8."""

from __future__ import annotations

import base64
import binascii
import os

from photosd.core.errors import BadRequest


def path_fields(path: bytes) -> dict[str, str]:
    """The fields ``path`` and, if needed, ``path_b64`` of a message."""
    try:
        return {"path": path.decode()}
    except UnicodeDecodeError:
        return {
            "path": path.decode("utf-8", "backslashreplace"),
            "path_b64": base64.b64encode(path).decode(),
        }


def path_from(text: str | None, b64: str | None) -> bytes:
    """The absolute path in a request, normalised; raises BadRequest if invalid."""
    try:
        path = base64.b64decode(b64, validate=True) if b64 else os.fsencode(text or "")
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"path: {error}", remedy="send `path`, or `path_b64` in base64") from error
    if not path.startswith(b"/") or b"\0" in path:
        raise BadRequest("the path must be absolute", remedy="send an absolute path")
    return os.path.normpath(path)
