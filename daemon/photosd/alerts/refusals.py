"""Commands that could not be started, and when to retry.

The cause usually affects all (no space, a missing directory, no processes left), so consecutive
refusals delay all; a single refused claim delays only itself.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import structlog

log = structlog.get_logger()

FIRST_SECONDS, MOST_SECONDS = 1.0, 60.0
WARNING = "commands for new photos cannot be started"


@dataclass
class Wait:
    """Length of the last wait, and when it ends (``time.monotonic()``)."""

    seconds: float = 0.0
    over_at: float = 0.0

    def longer(self) -> None:
        """Twice as long, from now."""
        self.seconds = min(max(FIRST_SECONDS, 2 * self.seconds), MOST_SECONDS)
        self.over_at = time.monotonic() + self.seconds


class Refusals:
    """Refusals of all leases. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all, self._each = Wait(), dict[str, Wait]()
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the last command could not be started; None: it could."""
        return self._reason

    def may_try(self, lease: str | None) -> bool:
        """Whether this claim, or a new one, may be tried now."""
        with self._lock:
            own = self._each.get(lease or "", self._all)
            return time.monotonic() >= max(own.over_at, self._all.over_at)

    def refused(self, lease: str, reason: str) -> None:
        """Record a failed start; logged if the reason is new."""
        with self._lock:
            before, self._reason = self._reason, reason
            self._all.longer()
            self._each.setdefault(lease, Wait()).longer()
        if reason != before:
            log.error("standing_refused", cause=reason, remedy="it is retried automatically")

    def started(self, lease: str) -> None:
        """Record that it has run, or will."""
        with self._lock:
            before, self._reason = self._reason, None
            self._all = Wait()
            self._each.pop(lease, None)
        if before is not None:
            log.info("standing_works_again", before=before)
