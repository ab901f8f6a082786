"""Checks of what the workers answer, before the pipeline believes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from photosd.core.shortage import shortage_in
from photosd.decode.failures import DecodeFailed, DecoderDied
from photosd.decode.messages import Shape
from photosd.encoder.failures import EncoderDied


def ran_out(error: DecodeFailed) -> bool:
    """Whether something had run out, and the photo need not be the reason.

    So it is, too, when somebody else ended the decoder, as the kernel does when memory is short.
    """
    if isinstance(error, DecoderDied):
        return error.by_others
    return error.transient and (error.code == "memory" or shortage_in(error.reason) is not None)


def check_pixels(pixels: Any, shape: Shape) -> None:
    """Raises ValueError where these are no squares of the shape."""
    wanted = (shape.size, shape.size, 3)
    if pixels.dtype != np.uint8 or not len(pixels) or pixels.shape[1:] != wanted:
        raise ValueError(f"pixels of {pixels.dtype} {pixels.shape}, not of uint8 (n, {wanted})")


def checked_vectors(vectors: Any, count: int) -> Any:
    """Vectors of so many images, (count, d); raises EncoderDied where they are not that."""
    sound = (
        getattr(vectors, "ndim", 0) == 2 and len(vectors) == count and np.isfinite(vectors).all()
    )
    if not sound:
        raise EncoderDied("its answer made no sense", "", "nonsense")
    return vectors
