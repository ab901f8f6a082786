"""Decoding results for the daemon: pixels with facts, or a thumbnail."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.decode.messages import ContentIdentity, Facts

Pixels = NDArray[np.uint8]


class Decoded(ContentIdentity, frozen=True, kw_only=True):
    """A photo ready for the model: ``pixels`` is (tiles, size, size, 3) uint8, RGB, upright."""

    pixels: Pixels
    facts: Facts


class Thumbnail(msgspec.Struct, frozen=True):
    """A small upright picture in sRGB, without metadata: a JPEG, or (height, width, 3) of RGB."""

    data: bytes
    width: int
    height: int
    content_id: str
