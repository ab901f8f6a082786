"""State of the encoder: written by the supervisor thread, read by all."""

from __future__ import annotations

import math
import time
from typing import Any

from photosd.core.errors import EncoderUnavailable, Warming
from photosd.core.frames import Header
from photosd.core.process_memory import used_mb
from photosd.encoder.results import Latencies
from photosd.protocol.reports import EncoderReport, EncoderState, Takeover

FIRST_ETA = 4.0  # seconds to start, before it has been measured on this machine


class EncoderStatus:
    """Plain attributes, each assigned atomically, so that readers need no lock."""

    def __init__(self, model: str, breaker_pause: float) -> None:
        self.model, self._breaker_pause = model, breaker_pause
        self.state: EncoderState = "loading"
        self.phase: str | None = None
        self.device: str | None = None  # of images; known when the model moves there
        self.text_device: str | None = None
        self.devices: list[str] = []
        self.takeover: Takeover | None = None
        self.error: dict[str, Any] | None = None
        self.doubt: str | None = None
        self.restarts = 0
        self.last_reason: str | None = None
        self.counts = {"text": 0, "image": 0}
        self.latencies = Latencies()
        self.start_took, self.ready_at = FIRST_ETA, 0.0
        self.starting_since = time.monotonic()

    # -- set by the supervisor ----------------------------------------------------------------

    def starts(self) -> None:
        """A new encoder is starting."""
        self.state = "restarting" if self.restarts else "loading"
        self.starting_since = time.monotonic()
        self.phase = "start"

    def becomes_ready(self, header: Header) -> None:
        """It is warm; ``header`` tells its devices, and why its results may be bad."""
        self.ready_at = time.monotonic()
        self.start_took = self.ready_at - self.starting_since
        self.phase, self.error = None, None
        self.device, self.text_device = header["device"], header["text_device"]
        self.devices, self.doubt = header["devices"], header["doubt"]
        self.state = "ready"  # last: readers that see it may rely on the rest

    def dies(self, reason: str, *, too_often: int) -> None:
        """It has ended; ``too_often``: consecutive crashes, if there were too many."""
        self.last_reason = reason
        broken = bool(too_often) or self.error is not None
        # Before it is counted: readers that see the count, or the process ended, must not see it as
        # ready.
        self.state = "broken" if broken else "restarting"
        self.restarts += 1
        self.device = self.text_device = None
        if broken and self.error is None:
            self.error = EncoderUnavailable(
                f"the encoder crashed {too_often} times in a row: {reason}",
                remedy="photosd logs; then: photosd restart",
            ).as_dict()

    # -- for readers --------------------------------------------------------------------------

    @property
    def served(self) -> float:
        """Seconds since it became ready; 0 if it never did."""
        return time.monotonic() - self.ready_at if self.state in ("ready", "hung") else 0.0

    def eta(self) -> float:
        """Seconds until the encoder should be ready; at least half a second."""
        return max(0.5, self.starting_since + self.start_took - time.monotonic())

    def report(self, pid: int | None) -> EncoderReport:
        """The state for `status`; ``pid`` of the process if there is one."""
        return EncoderReport(
            state=self.state,
            pid=pid,
            model=self.model,
            device=self.device,
            rss_mb=used_mb(pid) if pid else None,
            restarts=self.restarts,
            last_restart_reason=self.last_reason,
            images_encoded=self.counts["image"],
            texts_encoded=self.counts["text"],
            phase=self.phase,
            eta_s=round(self.eta(), 1) if self.state in ("loading", "restarting") else None,
            error=self.error,
            doubt=self.doubt,
            latency_ms=self.latencies.summary(),
            text_device=self.text_device,
            devices=self.devices,
            takeover=self.takeover,
        )

    def unavailable(self) -> EncoderUnavailable | Warming:
        """Why nothing can be encoded now, and when to retry."""
        left = self.eta()
        again = f"try again in {math.ceil(left)} s"
        if self.state == "loading":
            return Warming(
                "the model is loading",
                remedy=f"{again}, or wait longer: --deadline {math.ceil(left) + 2}",
                retry_after_ms=int(1000 * left),
            )
        if self.error is not None:
            return EncoderUnavailable(
                str(self.error["message"]),
                remedy=str(self.error["remedy"]),
                retry_after_ms=int(1000 * self._breaker_pause),
            )
        return EncoderUnavailable(
            f"the encoder is being replaced ({self.last_reason or 'it does not answer'})",
            remedy=again,
            retry_after_ms=int(1000 * left),
        )
