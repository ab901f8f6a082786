"""The shapes of the protocol that are about looking at photos."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from photosd.ipc.messages.library import PathParams


class ThumbnailParams(PathParams):
    """A photo of the library, or any file that you may read, to be seen small.

    ``pixels`` is the most on either side; ``height``, if not null, on the vertical one. Nothing is
    enlarged. ``rgb`` keeps to both; a ``jpeg`` comes as it is stored, with 320, 640, 1,280 or
    2,560 on its long side, whichever is next. Of a photo whose disk is away a smaller one may be
    all there is.
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
