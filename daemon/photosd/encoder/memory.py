"""Memory limit of the encoder: when to recycle it."""

from __future__ import annotations

import time

from photosd.core import machine
from photosd.core.process_memory import used_mb

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
        most = limit_mb or SHARE * machine.memory() / 1e6
        used = used_mb(pid) or 0.0
        if used > most:
            self.reason = f"recycled: it used {used:,.0f} MB of {most:,.0f}"
