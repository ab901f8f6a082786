"""The size of a step is the one that proves fastest, and every image is encoded once, in order."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from photosd.encoder.steps import SIZES, Steps


def numbered(count: int) -> NDArray[np.uint8]:
    return np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1).repeat(3, axis=3)


def test_any_number_comes_back_in_order() -> None:
    """From none left over to some."""
    steps = Steps(lambda pixels: pixels[:, 0, 0, :1].astype(np.float32))
    for count in (1, 7, 8, 9, 16, 17, 40):
        assert steps(numbered(count))[:, 0].tolist() == list(range(count))


def test_the_faster_size_is_chosen() -> None:
    """After each was tried, nearly all work is done in the better one."""
    for better in SIZES:
        used: list[int] = []

        def encode(
            pixels: NDArray[np.uint8], better: int = better, used: list[int] = used
        ) -> NDArray[np.float32]:
            used.append(len(pixels))
            time.sleep(len(pixels) * (0.0001 if len(pixels) == better else 0.001))
            return pixels[:, 0, 0, :1].astype(np.float32)

        steps = Steps(encode)
        for _ in range(12):
            steps(numbered(16))
        assert set(used[-6:]) == {better}
