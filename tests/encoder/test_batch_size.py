"""The size of a step is the one that proves fastest, and every image is encoded once, in order."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from photosd.encoder.batch_size import RECOVER_EVERY, SIZES, BatchSize


def numbered(count: int) -> NDArray[np.uint8]:
    return np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1).repeat(3, axis=3)


def test_any_number_comes_back_in_order() -> None:
    """From none left over to some."""
    steps = BatchSize(lambda pixels: pixels[:, 0, 0, :1].astype(np.float32))
    for count in (1, 7, 8, 9, 16, 17, 40):
        assert steps(numbered(count))[:, 0].tolist() == list(range(count))


def test_the_faster_size_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each was tried, nearly all work is done in the better one."""
    clock = [0.0]
    monkeypatch.setattr("photosd.encoder.batch_size.time.perf_counter", lambda: clock[0])
    for better in SIZES:
        used: list[int] = []

        def encode(
            pixels: NDArray[np.uint8], better: int = better, used: list[int] = used
        ) -> NDArray[np.float32]:
            used.append(len(pixels))
            clock[0] += len(pixels) * (1 if len(pixels) == better else 10)
            return pixels[:, 0, 0, :1].astype(np.float32)

        steps = BatchSize(encode)
        for _ in range(12):
            steps(numbered(16))
        assert set(used[-6:]) == {better}


def test_a_shortage_of_memory_makes_batches_smaller_for_a_while() -> None:
    """Each image is still encoded once, in order; memory is given back before the next attempt."""
    room, released, used = [5], [0], [0]

    def release() -> None:
        released[0] += 1

    def encode(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if len(pixels) > room[0]:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        used[0] = max(used[0], len(pixels))
        return pixels[:, 0, 0, :1].astype(np.float32)

    steps = BatchSize(encode, release)
    assert steps(numbered(40))[:, 0].tolist() == list(range(40))
    assert (released[0], used[0]) == (1, 4)
    steps(numbered(16))
    assert released[0] == 1  # it does not try the large batch each time
    room[0] = 16
    for _ in range(2 * RECOVER_EVERY):
        steps(numbered(16))
    assert used[0] == 16
    room[0] = 0
    with pytest.raises(RuntimeError, match="out of memory"):
        steps(numbered(16))
