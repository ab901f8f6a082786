"""Results and latencies of the encoder, for the rest of the daemon."""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.core.frames import FrameError, Header

LENGTH_TOLERANCE = 0.02  # precision of half floats: 0.001


class TextVectors(msgspec.Struct, frozen=True):
    """Encoded texts: ``vectors`` (n, d) float32 unit length; how much of each was understood.

    ``words_used``: for a text longer than the model's limit, how many words it read.
    """

    vectors: NDArray[np.float32]
    understood: list[float]
    unknown: list[list[str]]
    words_used: list[int | None]


def vectors(header: Header, blobs: list[bytearray], items: int) -> NDArray[np.float32]:
    """The vectors of a reply for this many items, (items, d) float32 of unit length.

    Raises FrameError if invalid.
    """
    if len(blobs) != 1:
        raise FrameError(f"an answer of {len(blobs)} parts")
    rows, dimension = (int(side) for side in header["shape"])
    found = np.frombuffer(blobs[0], np.float32).reshape(rows, dimension)
    if rows != items:
        raise FrameError(f"{rows} vectors for {items} items")
    lengths = np.linalg.norm(found, axis=1)
    if not (np.abs(lengths - 1) < LENGTH_TOLERANCE).all():  # also false for NaN
        raise FrameError("vectors that do not have unit length")
    return found


def text_vectors(header: Header, blobs: list[bytearray], items: int) -> TextVectors:
    """The vectors of a reply to texts, and what was understood; raises like `vectors`."""
    understood = [(float(share), list(words)) for share, words in header["understood"]]
    if len(understood) != items:
        raise FrameError(f"what was understood of {len(understood)} texts for {items}")
    used = [None if number is None else int(number) for number in header["words_used"]]
    if len(used) != items:
        raise FrameError(f"how many words were used of {len(used)} texts for {items}")
    return TextVectors(
        vectors(header, blobs, items),
        [share for share, _ in understood],
        [words for _, words in understood],
        used,
    )


class Latencies:
    """Recent text latencies, milliseconds, separate for idle and busy image lanes."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[float]] = {
            "idle": deque(maxlen=200),
            "busy": deque(maxlen=200),
        }

    def add(self, milliseconds: float, *, busy: bool) -> None:
        """Add a vector."""
        self._kept["busy" if busy else "idle"].append(milliseconds)

    def summary(self) -> dict[str, float]:
        """``idle_p50``, ``idle_p95``, ``busy_p50``, ``busy_p95``, if measured."""
        found: dict[str, float] = {}
        for name, values in self._kept.items():
            ordered = sorted(values)
            if ordered:
                found[f"{name}_p50"] = round(ordered[len(ordered) // 2], 2)
                found[f"{name}_p95"] = round(ordered[int(0.95 * (len(ordered) - 1))], 2)
        return found
