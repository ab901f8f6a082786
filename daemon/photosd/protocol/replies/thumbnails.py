"""Types of replies about viewing photos."""

from __future__ import annotations

from typing import TypedDict


class ThumbnailResult(TypedDict):
    """A small copy of a photo: a JPEG, or height x width x 3 bytes of RGB."""

    width: int
    height: int
    form: str
    content_id: str
    data_b64: str
