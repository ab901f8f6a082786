"""Checks of what the workers answer, before the pipeline believes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from photosd.core.shortage import shortage_in
from photosd.decode.failures import DecodeFailed, DecoderDied
from photosd.encoder.failures import EncoderDied


def ran_out(error: DecodeFailed) -> bool:
    """Whether something had run out, and the photo need not be the reason.

    So it is, too, when somebody else ended the decoder, as the kernel does when memory is short.
    """
    if isinstance(error, DecoderDied):
        return error.by_others
    return error.transient and (error.code == "memory" or shortage_in(error.reason) is not None)


def check_pixels(pixels: Any) -> None:
    """Raises ValueError where these are no squares of RGB, (n, S, S, 3) uint8."""
    squares = pixels.ndim == 4 and len(pixels) and pixels.shape[1:] == (pixels.shape[1],) * 2 + (3,)
    if pixels.dtype != np.uint8 or not squares:
        raise ValueError(f"pixels of {pixels.dtype} {pixels.shape}, not of uint8 (n, S, S, 3)")


def checked_vectors(vectors: Any, count: int) -> Any:
    """Vectors of so many images, (count, d); raises EncoderDied where they are not that."""
    sound = (
        getattr(vectors, "ndim", 0) == 2 and len(vectors) == count and np.isfinite(vectors).all()
    )
    if not sound:
        raise EncoderDied("its answer made no sense", "", "nonsense")
    return vectors
