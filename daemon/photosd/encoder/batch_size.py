"""Batch size of the image tower: the fastest that memory allows, measured at run time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from photosd.core.shortage import shortage_of

Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# On 2 cores a MobileNetV2 took 17 ms per image in batches of 8 and 27 in batches of 16, whose
# activations exceed the caches; a ViT-B-32 was 5 % faster in batches of 16.
SIZES = (8, 16)
EXPLORE_EVERY = 24  # calls; then measure the other size again
WEIGHT = 0.3  # weight of the newest measurement
RECOVER_EVERY = 100  # calls; then allow twice as many images again after a shortage of memory


class Shortage(Exception):
    """Memory did not suffice for a batch."""


class BatchSize:
    """Encodes any number of images in batches of bounded memory.

    ``on_shortage`` is called when memory did not suffice, before a smaller batch is tried.
    """

    def __init__(self, encode: Encode, on_shortage: Callable[[], None] = lambda: None) -> None:
        self._encode, self._on_shortage = encode, on_shortage
        self._most = max(SIZES)
        self._seconds: dict[int, float] = {}  # per image, by batch size
        self._calls = 0

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Vectors (n, d) of (n, S, S, 3) uint8."""
        size = min(self._choose(len(pixels)), self._most)
        started = time.perf_counter()
        parts: list[NDArray[np.float32]] = []
        done = 0
        while done < len(pixels):
            if (part := self._attempt(pixels[done : done + size])) is None:
                size = self._most
                continue
            parts.append(part)
            done += len(part)
        if len(pixels) >= max(SIZES) == self._most:  # fewer give no reliable comparison
            self._learn(size, (time.perf_counter() - started) / len(pixels))
        return np.concatenate(parts)

    def _attempt(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Vectors of one batch; None if memory did not suffice: from now on batches are smaller."""
        with contextlib.suppress(Shortage):
            return self._encoded(pixels)
        self._most = len(pixels) // 2
        self._on_shortage()  # here, where nothing refers to the failed batch any more
        return None

    def _encoded(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Vectors of one batch; raises Shortage if a smaller one may succeed."""
        try:
            return self._encode(pixels)
        except Exception as error:
            if len(pixels) > 1 and shortage_of(error) == "memory":
                raise Shortage from None
            raise

    def _choose(self, count: int) -> int:
        self._calls += 1
        if self._calls % RECOVER_EVERY == 0:
            self._most = min(2 * self._most, max(SIZES))
        if count < max(SIZES):
            return min(SIZES)
        untried = [size for size in SIZES if size not in self._seconds]
        if untried:
            return untried[0]
        best = min(self._seconds, key=self._seconds.__getitem__)
        if self._calls % EXPLORE_EVERY == 0:
            return next(size for size in SIZES if size != best)
        return best

    def _learn(self, size: int, seconds: float) -> None:
        known = self._seconds.get(size, seconds)
        self._seconds[size] = known + WEIGHT * (seconds - known)
