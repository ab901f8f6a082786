"""Waits after failures that no photo has caused."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from photosd.core.errors import StorageError
from photosd.core.shortage import shortage_of


class Rest:
    """One reason at a time; its pauses grow until `over` is called."""

    def __init__(self) -> None:
        self.reason: str | None = None  # stays during the retry
        self._until = 0.0
        self._times = 0

    def begin(self, reason: str, pauses: Sequence[float]) -> None:
        """Wait for ``reason``; the pauses (seconds) are used in turn, the last one repeats."""
        if reason != self.reason:
            self._times = 0
        if not self.seconds:  # several steps may fail for the same reason
            self._until = time.monotonic() + pauses[min(self._times, len(pauses) - 1)]
            self._times += 1
        self.reason = reason

    def over(self, *reasons: str | None) -> None:
        """The resource works again."""
        if self.reason in reasons:
            self.reason, self._times, self._until = None, 0, 0.0

    def cut_short(self) -> None:
        """Retry at once."""
        self._until = 0.0

    @property
    def seconds(self) -> float:
        """Remaining seconds; 0: retry now."""
        return max(0.0, self._until - time.monotonic())


def reason_of(error: Exception) -> str | None:
    """The reason to wait after this error; None: it is a bug, or caused by a photo."""
    if (shortage := shortage_of(error)) is not None:
        return shortage
    return "disk" if isinstance(error, StorageError | sqlite3.DatabaseError | OSError) else None
