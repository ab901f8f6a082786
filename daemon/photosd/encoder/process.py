"""The encoder process: load, warm up, self-test, serve; or report why not."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photosd.core import machine
from photosd.core.errors import ModelError, PhotosdError
from photosd.core.frames import Blob, Header, send_frame
from photosd.core.process_memory import used_mb
from photosd.core.shortage import shortage_of
from photosd.encoder.memory import require_memory
from photosd.models.spec import ModelSpec, read_model

if TYPE_CHECKING:
    from photosd.encoder.model import WarmModel
    from photosd.encoder.serving import Serving


class Reporter:
    """Sends complete frames to the daemon, from any thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._lock = sock, threading.Lock()

    def send(self, header: Header, *blobs: Blob) -> None:
        """Send a frame whole, whatever other threads send."""
        with self._lock:
            send_frame(self._sock, header, blobs)

    def phase(self, name: str, device: str | None = None) -> None:
        """Loading has reached this phase, on ``device`` from now on; each call counts as
        progress.
        """
        self.send({"event": "phase", "phase": name, "device": device})


class DeviceUnusable(Exception):
    """An accelerator failed before it served; ``cause`` as in `accelerators.Cause`."""

    def __init__(self, device: str, error: Exception) -> None:
        self.device, self.reason = device, f"{type(error).__name__}: {error}"[:300]
        if isinstance(error, ModelError):
            self.cause, self.reason = "test", str(error)[:300]
        else:
            self.cause = "shortage" if shortage_of(error) == "memory" else "error"


def run_encoder(sock: socket.socket, directory: Path, device: str = "auto") -> None:
    """Start on ``device`` and serve until the daemon closes the socket."""
    reporter = Reporter(sock)
    reporter.send({"event": "started", "pid": os.getpid()})
    try:
        serving = start_serving(directory, reporter, device)
    except DeviceUnusable as unusable:  # the next encoder uses the CPU, in a process of its own
        facts = {"device": unusable.device, "cause": unusable.cause, "reason": unusable.reason}
        reporter.send({"event": "device_failed", **facts})
        return
    except (PhotosdError, MemoryError) as error:
        failure = error if isinstance(error, PhotosdError) else _out_of_memory()
        reporter.send({"event": "failed", "error": failure.as_dict()})
        return
    serving.run(sock)


def import_everything(spec: ModelSpec, reporter: Reporter) -> None:
    """Import only what ``spec`` needs: takes seconds, before any tensor work."""
    reporter.phase("import torch")
    from photosd.encoder import canary, openclip_import, serving

    reporter.phase("import open_clip")
    openclip_import.import_model_module(lean=spec.lean)
    _ = canary, serving


def start_serving(directory: Path, reporter: Reporter, wanted: str) -> Serving:
    """Load the model in ``directory`` onto a device, warm it up, test it and report that it is
    ready.

    ``wanted``: `auto` (the fastest device there is), or a name as of `model.devices`; one that is
    not there is replaced by the CPU and reported. Raises DeviceUnusable for an accelerator that
    fails, PhotosdError for a model that cannot be used, MemoryError.
    """
    started = time.monotonic()
    reporter.phase("open")
    spec = read_model(directory)
    shortage = require_memory(spec)
    import_everything(spec, reporter)
    import torch

    from photosd.encoder.model import WarmModel, devices

    torch.set_num_threads(machine.cores())  # for loading; its threads set their own number
    found = [] if wanted == "cpu" else devices()  # an accelerator that failed is not even asked for
    device = found[0] if wanted == "auto" else wanted if wanted in found else "cpu"
    model = WarmModel(spec, directory, reporter.phase)
    loaded = time.monotonic() - started
    try:
        serving, ready = _warm_up(model, device, spec, reporter)
    except (RuntimeError, AssertionError, MemoryError, ModelError) as error:
        if device == "cpu":
            raise
        raise DeviceUnusable(device, error) from error
    doubt = "; ".join(filter(None, (shortage, ready.pop("doubt")))) or None
    absent = None if wanted in ("auto", device) else wanted
    facts = {"devices": found, "absent": absent, "load_seconds": loaded, "doubt": doubt}
    reporter.send({"event": "ready", **facts, **ready})
    return serving


def _warm_up(
    model: WarmModel, device: str, spec: ModelSpec, reporter: Reporter
) -> tuple[Serving, dict[str, Any]]:
    """The warm, tested model on the device, and the report."""
    from photosd.encoder import canary
    from photosd.encoder.serving import Serving

    reporter.phase("warm-up", device)
    serving = Serving(model, spec, reporter.send, device)
    first, second = serving.warm_up(), serving.warm_up()
    reporter.phase("canary")
    return serving, {
        "device": model.device,
        "text_device": model.text_device,
        "first_ms": first,
        "second_ms": second,
        "doubt": canary.check(serving, spec),
        "rss_mb": used_mb(os.getpid()) or 0.0,
    }


def _out_of_memory() -> ModelError:
    return ModelError(
        "there was not enough memory to load it",
        remedy=f"{machine.more_memory()}, then: photosd restart",
    )
