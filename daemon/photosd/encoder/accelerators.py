"""Which device an encoder uses; remembers accelerators that failed, across restarts.

After a failed self-test or two deaths on an accelerator it is disabled and the CPU takes over,
until photosd, PyTorch or the system is upgraded, or `encoder.device` is set again.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import platform
import threading
from pathlib import Path
from typing import Literal

import msgspec
import structlog

import photosd
from photosd.core import typed
from photosd.core.atomic_write import replace_file
from photosd.protocol.reports import Takeover

log = structlog.get_logger()

DEATHS = 2
DEATHS_WITHIN = 86_400.0  # seconds; one death a day costs less than the CPU would

# absent: there is none. died: the encoder crashed or hung on it. test: its vectors are wrong, or it
# did not finish warming up. error: warming up raised an error. shortage: too little memory.
Cause = Literal["absent", "died", "test", "error", "shortage"]


class DeviceFailure(msgspec.Struct, frozen=True):
    """Why an encoder did not use an accelerator, or ended on it."""

    device: str
    cause: Cause
    reason: str
    at: float  # Unix seconds

    def description(self, times: int = 1) -> str:
        """The failure as a sentence for users; ``times`` it died so."""
        again = f" {times} times" if times > 1 else ""
        return {
            "absent": f"PyTorch finds no {self.device} device here",
            "died": f"the encoder died on {self.device}{again}: {self.reason}",
            "test": f"the self-test on {self.device} failed: {self.reason}",
            "error": f"{self.device} cannot be used: {self.reason}",
            "shortage": f"{self.device} has too little memory: {self.reason}",
        }[self.cause]


class Record(msgspec.Struct, frozen=True):
    """Failures of one model on its accelerator; ``disabled``: the CPU is used instead.

    ``wanted`` and ``versions``: the setting, and the versions of everything involved.
    """

    last: DeviceFailure
    times: tuple[float, ...]
    disabled: bool
    wanted: str
    versions: str


class Accelerators:
    """Failures of accelerators, for all encoders of one daemon; any thread may use it.

    ``file`` None: nothing is stored on disk.
    """

    def __init__(self, file: Path | None = None, wanted: str = "auto") -> None:
        self._file = file
        self.wanted = wanted  # the setting `encoder.device`
        self._lock = threading.Lock()
        self._records: dict[str, Record] = _read(file)

    def choose(self, wanted: str) -> None:
        """Use ``wanted`` from now on, even if it failed before."""
        with self._lock:
            self.wanted, self._records = wanted, {}
            self._keep()

    def device_for(self, model: str) -> str:
        """The device for ``model``: the setting, or `cpu` if the CPU has taken over."""
        with self._lock:
            record = self._records.get(model)
            if record is None or not record.disabled or self.wanted == "cpu":
                return self.wanted
            if (record.wanted, record.versions) == (self.wanted, versions()):
                return "cpu"
            log.info("accelerator_enabled_again", device=record.last.device, model=model)
            del self._records[model]
            self._keep()
            return self.wanted

    def note(self, model: str, failure: DeviceFailure) -> bool:
        """``model`` failed on an accelerator; returns whether that is disabled from now on."""
        if failure.cause in ("absent", "shortage"):  # of this start only
            return False
        with self._lock:
            before = self._records.get(model)
            times = (*(before.times if before else ()), failure.at)
            times = tuple(at for at in times if 0 <= failure.at - at < DEATHS_WITHIN)[-DEATHS:]
            disabled = failure.cause == "test" or len(times) == DEATHS
            record = Record(failure, times, disabled, self.wanted, versions())
            self._records[model] = record
            self._keep()
        if disabled:
            log.warning(
                "accelerator_disabled",
                device=failure.device,
                model=model,
                cause=failure.description(len(times)),
                remedy=self._remedy(failure, len(times)),
            )
        return disabled

    def clear(self, model: str, cause: Cause) -> None:
        """Forget the last failure if it is of this kind: it happened on the CPU, too, so the
        accelerator is not its cause.
        """
        with self._lock:
            record = self._records.get(model)
            if record is None or record.last.cause != cause:
                return
            log.info("accelerator_enabled_again", device=record.last.device, model=model)
            del self._records[model]
            self._keep()

    def takeover(self, model: str) -> Takeover | None:
        """Why the CPU is used instead of an accelerator, if so."""
        record = self._records.get(model)
        disabled = record is not None and record.disabled and self.wanted != "cpu"
        if record is None or not disabled:
            return None
        return self.explain(record.last, len(record.times))

    def explain(self, failure: DeviceFailure, times: int = 1) -> Takeover:
        """The report of it; ``times`` it died so."""
        return Takeover(
            device=failure.device,
            reason=failure.description(times),
            remedy=self._remedy(failure, times),
            since=failure.at,
        )

    def _remedy(self, failure: DeviceFailure, times: int) -> str:
        if failure.cause == "died" and times < DEATHS:
            return "no action needed: it is tried again"
        if failure.cause == "absent":
            return "photosd config set encoder.device auto"
        if failure.cause == "shortage":
            return "close programs that use the GPU, then: photosd restart"
        return f"photosd config set encoder.device {self.wanted}   (tries it again)"

    def _keep(self) -> None:
        if self._file is None:
            return
        try:
            replace_file(
                self._file, msgspec.json.format(msgspec.json.encode(self._records), indent=1)
            )
        except OSError as error:
            log.warning(
                "accelerator_not_remembered", cause=str(error), remedy="free space on the disk"
            )


def _read(file: Path | None) -> dict[str, Record]:
    """The stored failures; none if the file is missing or damaged."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        if file is not None:
            return typed.from_json(file.read_bytes(), dict[str, Record])
    return {}


@functools.cache
def versions() -> str:
    """photosd, PyTorch and the system: an upgrade of any may repair an accelerator."""
    try:
        torch = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        torch = "unknown"
    return f"photosd {photosd.__version__}, torch {torch}, {platform.system()} {platform.release()}"
