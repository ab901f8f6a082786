"""Memory of the encoder: what it needs to start, and when to recycle it."""

from __future__ import annotations

import time

from photosd.core import machine
from photosd.core.errors import ModelError
from photosd.core.process_memory import used_mb
from photosd.models.spec import ModelSpec

MEMORY_FACTOR = 1.3  # times the weights' bytes, an estimate: with activations and the tokenizer
TORCH_BYTES = 350 << 20  # an estimate of the memory for importing torch
LOOK_SECONDS = 5.0
SHARE = 0.6  # of the available memory, without a configured limit


class EncoderMemory:
    """Memory of one encoder. Once it has a ``reason`` to be recycled, send it nothing more."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._looked_at = 0.0

    def look(self, pid: int, limit_mb: float) -> None:
        """Check at intervals; ``limit_mb`` 0 means a share of the available memory."""
        now = time.monotonic()
        if self.reason is not None or now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        try:
            most = limit_mb or SHARE * machine.memory() / 1e6
        except OSError:  # out of descriptors: unknown until the next look
            return
        used = used_mb(pid) or 0.0
        if used > most:
            self.reason = f"recycled: it used {used:,.0f} MB of {most:,.0f}"


def require_memory(spec: ModelSpec) -> str | None:
    """Refuse to load, with numbers, instead of swapping; on a Mac, load and return a warning.

    Raises ModelError. macOS compresses memory and gives back caches, so much more is available than
    is free.
    """
    needed = int(spec.weights.bytes * MEMORY_FACTOR) + TORCH_BYTES
    numbers = (
        f"{spec.name} needs {needed / 1e6:,.0f} MB of memory, "
        f"{machine.available() / 1e6:,.0f} MB are free"
    )
    if machine.obtainable() < needed:
        raise ModelError(numbers, remedy=f"{machine.more_memory()}, then: photosd restart")
    if machine.available() < needed:
        return f"{numbers}: queries may wait for the disk; {machine.more_memory()}"
    return None
