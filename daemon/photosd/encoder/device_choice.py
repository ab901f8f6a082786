"""Chooses the device of the next encoder, by how the ones before it ended."""

from __future__ import annotations

import time
from typing import Literal

from photosd.core.frames import Header
from photosd.encoder.accelerators import Accelerators, DeviceFailure
from photosd.encoder.encoder_errors import Cause
from photosd.encoder.encoder_status import EncoderStatus
from photosd.encoder.requests import LaneQueue


class DeviceChoice:
    """Used by one supervisor's thread; ``accelerators`` stores failures for all supervisors."""

    def __init__(self, accelerators: Accelerators, status: EncoderStatus) -> None:
        self._accelerators, self._status = accelerators, status
        self._instead: DeviceFailure | None = None  # for which the next encoder uses the CPU
        self.failure: DeviceFailure | None = None  # reported by the current encoder
        self.asked = "auto"  # the device that the current encoder was to use

    def next(self, model: str) -> str:
        """The device for the next encoder: `auto`, or its name."""
        wanted, self.failure = self._accelerators.device_for(model), None
        if self._instead is None or wanted == "cpu":
            self._status.takeover = self._accelerators.takeover(model)
            self.asked = wanted
        else:
            self._status.takeover = self._accelerators.explain(self._instead)
            self.asked = "cpu"
        return self.asked

    def stand_by(self) -> str | None:
        """The device for a second encoder, which may replace the current one; None: for none.

        The CPU beside an accelerator; beside the CPU the accelerator that it replaces, if that may
        work again.
        """
        wanted = self._accelerators.device_for(self._status.model)
        if self.asked == "cpu" and wanted != "cpu":
            died = self._instead is None or self._instead.cause == "died"
            return wanted if died else None
        return None if self._status.device == "cpu" else "cpu"

    def on_stand_by_failure(self, failure: DeviceFailure) -> bool:
        """A second encoder could not use an accelerator; returns whether to try again at once."""
        model = self._status.model
        self._accelerators.note(model, failure)
        self._instead = failure
        self._status.takeover = self._accelerators.takeover(model)
        if self._status.takeover is None:
            self._status.takeover = self._accelerators.explain(failure)
        return failure.cause == "died"

    def on_failure(self, header: Header) -> None:
        """The encoder could not use its accelerator, and ends. ``header``: its message
        `device_failed`, with ``device``, ``cause`` and ``reason``.
        """
        self.failure = DeviceFailure(
            header["device"], header["cause"], header["reason"], time.time()
        )

    def on_ready(self, header: Header) -> None:
        """The encoder is warm; it may not have found the device that it was to use. ``header``: its
        message `ready`; ``absent`` names that device.
        """
        if header["absent"] is not None:
            absent = DeviceFailure(header["absent"], "absent", "", time.time())
            self._status.takeover = self._accelerators.explain(absent)

    def on_model_failure(self) -> None:
        """The model cannot be used on the CPU either: no accelerator is the cause."""
        self._accelerators.clear(self._status.model, "test")

    def suits(self) -> bool:
        """Whether the encoder is on the device that is wanted."""
        wanted, status = self._accelerators.wanted, self._status
        if wanted == "auto":
            return status.device in status.devices[:1]
        return status.device == wanted

    def judge(self, reason: str, cause: Cause, images: LaneQueue) -> tuple[Cause, bool]:
        """Count the end of an encoder against its accelerator.

        Returns the cause, which may be the accelerator, and whether the next encoder uses the CPU
        instead.
        """
        model = self._status.model
        failure = self._instead = self.failure or self._death(reason, cause, images)
        if failure is None:
            if self._status.device == "cpu" and cause == "crash" and images.may_crash:
                self._accelerators.clear(model, "died")  # the photo may have been the cause
            return cause, False
        self._accelerators.note(model, failure)
        return "device", True

    def _death(self, reason: str, cause: Cause, images: LaneQueue) -> DeviceFailure | None:
        """The failure of the accelerator that this death shows, if any."""
        status = self._status
        if status.device in (None, "cpu") or cause not in ("crash", "nonsense", "stalled"):
            return None
        warm = status.phase is None
        if warm and status.text_device == "cpu" and not images.busy:
            return None
        kind: Literal["test", "died"] = "test" if cause == "stalled" else "died"
        return DeviceFailure(status.device, kind, reason, time.time())
