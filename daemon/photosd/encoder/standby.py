"""A second encoder, warm before it is needed: on the CPU while an accelerator serves, or on the
accelerator while the CPU serves in its place.
"""

from __future__ import annotations

import contextlib
import selectors
import time
from pathlib import Path

import structlog

from photosd.core.child import Child, Death, readable
from photosd.core.clock import Deadline
from photosd.core.errors import PhotosdError
from photosd.core.frames import FrameError, Header, receive_frame
from photosd.encoder.accelerators import DeviceFailure
from photosd.encoder.device_choice import DeviceChoice
from photosd.encoder.launcher import EncoderLauncher
from photosd.encoder.memory import require_memory
from photosd.models.spec import read_model

log = structlog.get_logger()


CLOSING_SECONDS = 1.0  # from the end of the connection to the end of the process

Frames = list[tuple[Header, list[bytearray]]]


class StandBy:
    """At most one process, which serves nothing; only the supervisor thread uses it."""

    def __init__(self, launcher: EncoderLauncher, devices: DeviceChoice) -> None:
        self._launcher, self._devices = launcher, devices
        self._child: Child | None = None
        self._frames: Frames = []  # that it sent; the supervisor handles them when it serves
        self._device, self._failed = "", ""  # that it was to use; the same of one that failed
        self._on: str | None = None  # the device that its model is on
        self._progress_at = 0.0
        self.warm = False

    @property
    def reason(self) -> str | None:
        """Why it should replace the current encoder as soon as that is idle."""
        trial = self.warm and self._device != "cpu"
        return f"another encoder is ready on {self._on}" if trial else None

    @property
    def starts_on_cpu(self) -> bool:
        """Whether it cannot take over yet from an accelerator."""
        return self._child is not None and self._device == "cpu" and not self.warm

    def keep(self, directory: Path, stall: float, selector: selectors.BaseSelector) -> None:
        """Start, follow or end it, as wanted beside the current encoder; its messages wake the
        selector.

        ``stall``: seconds without a message after which it hangs.
        """
        wanted = self._devices.stand_by()
        if self._child is not None and self._device != wanted:
            selector.unregister(self._child.sock)
            self.end()
        if self._child is None and wanted is not None and wanted != self._failed:
            self._begin(directory, wanted)
        if (child := self._child) is None:
            return
        if child.sock not in selector.get_map():
            selector.register(child.sock, selectors.EVENT_READ)
        try:
            self._read(child)
            stalled = time.monotonic() - self._progress_at > stall and not self.warm
        except (EOFError, OSError, FrameError):
            stalled = False
        else:
            if not stalled:
                return
        selector.unregister(child.sock)
        self._end_failed(child, f"loading stalled for {stall:g} s" if stalled else None)

    def take(self, device: str) -> tuple[Child, Frames] | None:
        """The process and what it sent, if it suits as the next encoder on ``device``: from now on
        it is the caller's. A warm one on the CPU suits in place of every device.
        """
        child = self._child
        suits = self._device == device or (self.warm and self._device == "cpu")
        self._failed = ""
        if child is None or not suits or not child.alive:
            self.end()
            return None
        self._devices.asked = self._device
        self._child, self.warm = None, False
        return child, self._frames

    def end(self) -> None:
        """End it, if there is one."""
        if self._child is not None:
            self._launcher.discard(self._child, "no longer needed")
        self._child, self.warm = None, False

    def _begin(self, directory: Path, device: str) -> None:
        """Start it, unless other programs need the memory."""
        self._device, self._failed, self._on, self._frames = device, device, None, []
        with contextlib.suppress(PhotosdError, OSError):
            if require_memory(read_model(directory)) is None:
                self._child = self._launcher.spawn(directory, device)
                self._failed, self._progress_at = "", time.monotonic()

    def _read(self, child: Child) -> None:
        """Keep its messages; raises EOFError, OSError or FrameError if it ended."""
        while readable(child.sock, 0):
            frame = receive_frame(child.sock)
            self._progress_at = time.monotonic()
            self._frames.append(frame)
            header = frame[0]
            if header["event"] == "started":
                self._launcher.started(header["pid"])
            self._on = header.get("device") or self._on
            self.warm = header["event"] == "ready"

    def _end_failed(self, child: Child, stalled: str | None) -> None:
        """It ended, or hangs. Another one is started beside this encoder only on an accelerator
        that is to be tried again.
        """
        deadline = Deadline.after(0.0 if stalled else CLOSING_SECONDS)
        while child.alive and not deadline.passed:
            time.sleep(0.01)
        death = self._launcher.discard(child, stalled or "it closed its connection")
        self._child, self.warm, self._failed = None, False, self._device
        log.warning(
            "stand_by_died", device=self._on, reason=death.reason, remedy="no action needed"
        )
        failure = self._failure(death, stalled)
        if failure is not None and self._devices.on_stand_by_failure(failure):
            self._failed = ""

    def _failure(self, death: Death, stalled: str | None) -> DeviceFailure | None:
        """The failure of an accelerator that this shows, if any."""
        last = self._frames[-1][0] if self._frames else {}
        if last.get("event") == "device_failed":
            return DeviceFailure(last["device"], last["cause"], last["reason"], time.time())
        if self._on in (None, "cpu") or last.get("event") == "failed" or death.by_others:
            return None
        return DeviceFailure(self._on, "test" if stalled else "died", death.reason, time.time())
