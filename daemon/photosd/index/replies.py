"""Validates the workers' answers before the pipeline uses them."""

from __future__ import annotations

from typing import Any

import numpy as np

from photosd.core.shortage import shortage_in
from photosd.decode.failures import DecodeFailed, DecoderDied
from photosd.encoder.failures import EncoderDied


def ran_out(error: DecodeFailed) -> bool:
    """Whether the error is a shortage, not necessarily caused by the photo.

    This includes a decoder killed from outside, as by the OOM killer.
    """
    if isinstance(error, DecoderDied):
        return error.by_others
    return error.transient and (error.code == "memory" or shortage_in(error.reason) is not None)


def check_pixels(pixels: Any) -> None:
    """Raises ValueError unless these are squares of RGB, (n, S, S, 3) uint8."""
    squares = pixels.ndim == 4 and len(pixels) and pixels.shape[1:] == (pixels.shape[1],) * 2 + (3,)
    if pixels.dtype != np.uint8 or not squares:
        raise ValueError(f"pixels of {pixels.dtype} {pixels.shape}, not of uint8 (n, S, S, 3)")


def checked_vectors(vectors: Any, count: int) -> Any:
    """Vectors of this many images, (count, d); raises EncoderDied if they are not."""
    sound = (
        getattr(vectors, "ndim", 0) == 2 and len(vectors) == count and np.isfinite(vectors).all()
    )
    if not sound:
        raise EncoderDied("its answer was invalid", "", "nonsense")
    return vectors
