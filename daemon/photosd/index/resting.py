"""Resting: what the pipeline waits for after something failed that is no photo's fault."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from photosd.core.errors import StorageError
from photosd.core.shortage import shortage_of


class Rest:
    """One reason at a time; its pauses grow until `over` is told that it works again."""

    def __init__(self) -> None:
        self.reason: str | None = None  # stays while it is tried again
        self._until = 0.0
        self._times = 0

    def begin(self, reason: str, pauses: Sequence[float]) -> None:
        """Wait for ``reason``; the pauses (seconds) are taken one after another, the last stays."""
        if reason != self.reason:
            self._times = 0
        if not self.seconds:  # several steps may fail of the same
            self._until = time.monotonic() + pauses[min(self._times, len(pauses) - 1)]
            self._times += 1
        self.reason = reason

    def over(self, *reasons: str | None) -> None:
        """What had too little, or refused, has just worked."""
        if self.reason in reasons:
            self.reason, self._times, self._until = None, 0, 0.0

    def cut_short(self) -> None:
        """Try again at once."""
        self._until = 0.0

    @property
    def seconds(self) -> float:
        """How long it still lasts; 0: it is time to try."""
        return max(0.0, self._until - time.monotonic())


def reason_of(error: Exception) -> str | None:
    """What to wait for after this error; None: it is no refusal but a defect, or a photo's."""
    if (shortage := shortage_of(error)) is not None:
        return shortage
    return "disk" if isinstance(error, StorageError | sqlite3.DatabaseError | OSError) else None
