"""Time limits of the encoder, and delays before a restart."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class EncoderLimits:
    """Seconds, by the daemon's clock, unless a name says otherwise."""

    first_message: float = 20.0  # from a new process
    stall: float = 60.0  # loading must show progress this often; for slow disks
    start: float = 300.0  # and finish within this
    text_least: float = 2.5  # a text takes milliseconds; a user waits for it
    text_most: float = 10.0
    image_least: float = 10.0
    image_most: float = 120.0
    factor: float = 8.0  # times the moving average of such requests
    idle_probe: float = 30.0
    backoff_most: float = 60.0
    steady: float = 30.0  # an encoder that served this long is replaced at once when it ends
    breaker_deaths: int = 5
    breaker_window: float = 300.0
    breaker_pause: float = 60.0
    memory_mb: float = 0.0  # recycle above this; 0: a share of the machine's memory


class Average:
    """An exponential moving average of request times of one lane, seconds."""

    WEIGHT = 0.2

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, seconds: float) -> None:
        """Record an observation."""
        weight = self.WEIGHT if self.value else 1.0
        self.value += weight * (seconds - self.value)

    def limit(self, least: float, factor: float, most: float) -> float:
        """The time limit of the next one."""
        return min(max(least, factor * self.value), most)


class RestartPolicy:
    """When the next encoder may start: at once, after a growing pause, or by the circuit breaker.

    An encoder that has served for a while is replaced at once: only the ends of those that do not
    last make the pauses grow. All ends count for the breaker.

    The pauses are fully jittered (AWS Architecture Blog, "Exponential Backoff and Jitter"), so that
    several daemons on one machine do not load at the same time.
    """

    def __init__(self, limits: EncoderLimits) -> None:
        self._limits = limits
        self._deaths: deque[float] = deque()
        self._in_a_row = 0  # those that did not serve for long

    def died(self, served: float) -> float:
        """Count a crash after so many seconds of service; returns seconds to wait before the next
        start.
        """
        now = time.monotonic()
        self._deaths.append(now)
        while now - self._deaths[0] > self._limits.breaker_window:
            self._deaths.popleft()
        last = 0 if served >= self._limits.steady else self._in_a_row
        self._in_a_row = min(last + 1, len(self._deaths))
        if self.open:
            return self._limits.breaker_pause
        if self._in_a_row == 1:
            return 0.0
        longest = min(self._limits.backoff_most, 2.0 ** (self._in_a_row - 2))
        return random.uniform(0.1, longest)  # noqa: S311 (no secret)

    @property
    def open(self) -> bool:
        """Whether it crashed so often that starts are rare."""
        return len(self._deaths) >= self._limits.breaker_deaths
