"""Chooses the device of the next encoder, by how the ones before it ended."""

from __future__ import annotations

import time
from typing import Literal

from photosd.core.frames import Header
from photosd.encoder.accelerators import Accelerators, DeviceFailure
from photosd.encoder.condition import Condition
from photosd.encoder.encoder_errors import Cause
from photosd.encoder.requests import LaneQueue


class DeviceChoice:
    """Used by one supervisor's thread; ``accelerators`` stores failures for all supervisors."""

    def __init__(self, accelerators: Accelerators, condition: Condition) -> None:
        self._accelerators, self._condition = accelerators, condition
        self._instead: DeviceFailure | None = None  # for which the next encoder uses the CPU
        self.failure: DeviceFailure | None = None  # reported by the current encoder
        self.asked = "auto"  # the device that the current encoder was to use

    def next(self, model: str) -> str:
        """The device for the next encoder: `auto`, or its name."""
        wanted, self.failure = self._accelerators.device_for(model), None
        if self._instead is None or wanted == "cpu":
            self._condition.takeover = self._accelerators.takeover(model)
            self.asked = wanted
        else:
            self._condition.takeover = self._accelerators.explain(self._instead)
            self.asked = "cpu"
        return self.asked

    def stand_by(self) -> str | None:
        """The device for a second encoder, which may replace the current one; None: for none.

        The CPU beside an accelerator; beside the CPU the accelerator that it replaces, if that may
        work again.
        """
        wanted = self._accelerators.device_for(self._condition.model)
        if self.asked == "cpu" and wanted != "cpu":
            died = self._instead is None or self._instead.cause == "died"
            return wanted if died else None
        return None if self._condition.device == "cpu" else "cpu"

    def on_stand_by_failure(self, failure: DeviceFailure) -> bool:
        """A second encoder could not use an accelerator; returns whether to try again at once."""
        model = self._condition.model
        self._accelerators.note(model, failure)
        self._instead = failure
        self._condition.takeover = self._accelerators.takeover(model)
        if self._condition.takeover is None:
            self._condition.takeover = self._accelerators.explain(failure)
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
            self._condition.takeover = self._accelerators.explain(absent)

    def on_model_failure(self) -> None:
        """The model cannot be used on the CPU either: no accelerator is the cause."""
        self._accelerators.clear(self._condition.model, "test")

    def suits(self) -> bool:
        """Whether the encoder is on the device that is wanted."""
        wanted, condition = self._accelerators.wanted, self._condition
        if wanted == "auto":
            return condition.device in condition.devices[:1]
        return condition.device == wanted

    def judge(self, reason: str, cause: Cause, images: LaneQueue) -> tuple[Cause, bool]:
        """Count the end of an encoder against its accelerator.

        Returns the cause, which may be the accelerator, and whether the next encoder uses the CPU
        instead.
        """
        model = self._condition.model
        failure = self._instead = self.failure or self._death(reason, cause, images)
        if failure is None:
            if self._condition.device == "cpu" and cause == "crash" and images.may_crash:
                self._accelerators.clear(model, "died")  # the photo may have been the cause
            return cause, False
        self._accelerators.note(model, failure)
        return "device", True

    def _death(self, reason: str, cause: Cause, images: LaneQueue) -> DeviceFailure | None:
        """The failure of the accelerator that this death shows, if any."""
        condition = self._condition
        if condition.device in (None, "cpu") or cause not in ("crash", "nonsense", "stalled"):
            return None
        warm = condition.phase is None
        if warm and condition.text_device == "cpu" and not images.busy:
            return None
        kind: Literal["test", "died"] = "test" if cause == "stalled" else "died"
        return DeviceFailure(condition.device, kind, reason, time.time())
