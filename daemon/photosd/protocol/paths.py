"""Paths in messages: readable text, with base64 if the bytes are not UTF-8."""

# Without `from __future__ import annotations`, see replies.

import base64
import binascii
import os
from typing import NotRequired, TypedDict

from photosd.core.errors import BadRequest


class PathFields(TypedDict):
    """A path; ``path_b64``, its bytes in base64, only if they are not UTF-8."""

    path: str
    path_b64: NotRequired[str]


class PathOrNull(TypedDict):
    """A path; ``path_b64``, its bytes in base64, or null if they are UTF-8."""

    path: str
    path_b64: str | None


def path_fields(path: bytes) -> PathFields:
    """The fields of a path in a message."""
    fields: PathFields = {"path": path_text(path)}
    if (encoded := path_b64(path)) is not None:
        fields["path_b64"] = encoded
    return fields


def path_text(path: bytes) -> str:
    """A path as readable text, with escapes for bytes that are not UTF-8."""
    return path.decode("utf-8", "backslashreplace")


def path_b64(path: bytes) -> str | None:
    """A path in base64; None if it is UTF-8."""
    try:
        path.decode()
    except UnicodeDecodeError:
        return base64.b64encode(path).decode()
    return None


def path_from(text: str | None, b64: str | None) -> bytes:
    """The absolute path in a request, normalised; raises BadRequest if invalid."""
    try:
        path = base64.b64decode(b64, validate=True) if b64 else os.fsencode(text or "")
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"path: {error}", remedy="send `path`, or `path_b64` in base64") from error
    if not path.startswith(b"/") or b"\0" in path:
        raise BadRequest("the path must be absolute", remedy="send an absolute path")
    return os.path.normpath(path)
