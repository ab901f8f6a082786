"""Waiting for decoders and for what happens to them, never longer than bearable."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.pool import Pool, Shape

SHAPE = Shape(32)
SOON = 20.0  # seconds a future may take on a busy machine

Make = Callable[..., Pool]


def failure(pool: Pool, path: bytes) -> DecodeFailed:
    """How decoding this path fails."""
    error = pool.decode(path, SHAPE).exception(SOON)
    assert isinstance(error, DecodeFailed)
    return error


def gone(pid: int) -> bool:
    """Whether this process ends within moments."""
    try:
        psutil.Process(pid).wait(30)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds, a few seconds at most."""
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
