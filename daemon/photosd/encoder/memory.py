"""The encoder's memory: when it has taken so much that it must be recycled."""

from __future__ import annotations

import time

from photosd.core import machine
from photosd.encoder.condition import rss_mb

LOOK_SECONDS = 5.0
SHARE = 0.6  # of the memory there is for us, where no limit is set


class MemoryWatch:
    """For one encoder's life. Once there is a verdict nothing more should be sent to it."""

    def __init__(self) -> None:
        self.verdict: str | None = None
        self._looked_at = 0.0

    def look(self, pid: int, limit_mb: float) -> None:
        """Look now and then; ``limit_mb`` 0 stands for a share of what there is for us."""
        now = time.monotonic()
        if self.verdict is not None or now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        most = limit_mb or SHARE * machine.memory() / 1e6
        used = rss_mb(pid) or 0.0
        if used > most:
            self.verdict = f"recycled: it used {used:,.0f} MB of {most:,.0f}"
