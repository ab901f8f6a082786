"""The circuit breaker: after several failures in a row Gemini is not called for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from photosd.core.errors import CloudUnavailable

FAILURES = 3
OPEN_SECONDS = 60.0
LONGEST_SECONDS = 3600.0  # at most, even if a server requests more
# These repeat on every call: one is enough.
LASTING = ("auth", "key", "model", "quota")


class Attempt:
    """One call, whose outcome counts once."""

    def __init__(self, breaker: Breaker, probe: bool) -> None:
        self._breaker, self._told = breaker, False
        self.probe = probe  # no caller should wait for it

    def succeeded(self) -> None:
        """Gemini answered in time."""
        self._tell(None)

    def failed(self, error: CloudUnavailable) -> None:
        """Gemini did not answer in time."""
        self._tell(error)

    def _tell(self, error: CloudUnavailable | None) -> None:
        with self._breaker.lock:
            if self._told:
                return
            self._told = True
            self._breaker.count(error)


class Breaker:
    """Closed: calls are made. Open: none is. Half open: one is, and no caller waits for it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.RLock()
        self._now = now
        self._failures = 0
        self._open_until = 0.0
        self._probing_until = 0.0
        self.trouble: CloudUnavailable | None = None

    def attempt(self) -> Attempt:
        """Permission for a call; raises the error that keeps it open."""
        with self.lock:
            if self.trouble is None or self._failures < FAILURES:
                return Attempt(self, probe=False)
            wait = max(self._open_until, self._probing_until) - self._now()
            if wait > 0:
                raise CloudUnavailable(
                    str(self.trouble),
                    remedy=self.trouble.remedy,
                    retry_after_ms=int(1000 * wait),
                    reason=self.trouble.reason,
                )
            self._probing_until = self._now() + OPEN_SECONDS
            return Attempt(self, probe=True)

    @property
    def open_for(self) -> float:
        """Seconds until the next try; 0 if it is not open."""
        with self.lock:
            return max(0.0, self._open_until - self._now()) if self.trouble else 0.0

    def reset(self) -> None:
        """Settings were changed: failed calls may work now."""
        with self.lock:
            self._failures, self._open_until, self._probing_until = 0, 0.0, 0.0
            self.trouble = None

    def count(self, error: CloudUnavailable | None) -> None:
        """The outcome of an attempt."""
        if error is None:
            self.reset()
            return
        self.trouble = error
        self._failures = FAILURES if error.reason in LASTING else self._failures + 1
        self._probing_until = 0.0
        if self._failures >= FAILURES:
            asked = (error.retry_after_ms or 0) / 1000 if error.reason == "quota" else 0.0
            seconds = min(asked, LONGEST_SECONDS) or OPEN_SECONDS
            self._open_until = self._now() + seconds
