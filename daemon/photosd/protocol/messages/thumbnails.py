"""The types of the protocol about viewing photos."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from photosd.protocol.messages.library import PathParams


class ThumbnailParams(PathParams):
    """A small copy of a photo of the library, or of any file that you may read.

    ``pixels`` is the limit for both sides; ``height``, if not null, for the vertical one. Nothing
    is enlarged. ``rgb`` keeps to both; a ``jpeg`` has a stored size, the next of 320, 640, 1,280 or
    2,560 pixels on its long side. If the photo's disk is offline, only a smaller one may be
    available.
    """

    pixels: Annotated[int, Meta(ge=1, le=2560)] = 320
    height: Annotated[int, Meta(ge=1, le=2560)] | None = None
    form: Literal["jpeg", "rgb"] = "jpeg"
    deadline_ms: Annotated[int, Meta(ge=1, le=600_000)] = 10_000


class ThumbnailResult(Struct):
    """``data_b64``: a JPEG, or height x width x 3 bytes of RGB; upright, sRGB, no metadata."""

    width: int
    height: int
    form: str
    content_id: str
    data_b64: str
