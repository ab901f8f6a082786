"""The encoder process: load, warm up, self-test, serve; or report why not."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from photosd.core import machine
from photosd.core.errors import ModelError, PhotosdError
from photosd.core.frames import Blob, Header, send_frame
from photosd.models.spec import ModelSpec, read_model

if TYPE_CHECKING:
    from photosd.encoder.serving import Serving

MEMORY_FACTOR = 1.3  # of the weights: activations and the tokenizer
TORCH_BYTES = 350 << 20  # memory for importing torch


class Reporter:
    """Sends complete frames to the daemon, from any thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._lock = sock, threading.Lock()

    def send(self, header: Header, *blobs: Blob) -> None:
        """One frame."""
        with self._lock:
            send_frame(self._sock, header, blobs)

    def phase(self, name: str) -> None:
        """Loading has reached this phase; each call counts as progress."""
        self.send({"event": "phase", "phase": name})


def be_encoder(sock: socket.socket, directory: Path) -> None:
    """Start and serve until the daemon closes the socket."""
    reporter = Reporter(sock)
    reporter.send({"event": "started", "pid": os.getpid()})
    try:
        serving = come_up(directory, reporter)
    except (PhotosdError, MemoryError) as error:
        failure = error if isinstance(error, PhotosdError) else _out_of_memory()
        reporter.send({"event": "failed", "error": failure.as_dict()})
        return
    serving.run(sock)


def import_everything(spec: ModelSpec, reporter: Reporter) -> None:
    """Import only what ``spec`` needs: takes seconds, before any tensor work."""
    reporter.phase("import torch")
    from photosd.encoder import canary, lean, serving

    reporter.phase("import open_clip")
    lean.import_model_module(lean=spec.lean)
    _ = canary, serving


def come_up(directory: Path, reporter: Reporter) -> Serving:
    started = time.monotonic()
    reporter.phase("open")
    spec = read_model(directory)
    require_memory(spec)
    import_everything(spec, reporter)
    import torch

    from photosd.encoder import model

    torch.set_num_threads(machine.cores())  # for loading; the lanes set their own number

    fallen: str | None = None
    for device in model.devices():
        try:
            serving, ready = _on_device(device, spec, directory, reporter)
        except (RuntimeError, AssertionError, ModelError) as error:
            if device == "cpu":
                raise
            fallen = f"the {device} device cannot be used, the CPU is: {str(error)[:200]}"
            reporter.phase(f"warm-up: {device} failed")
            continue
        doubt = "; ".join(filter(None, (fallen, ready.pop("doubt"))))
        took = ready.pop("loaded") - started
        reporter.send({"event": "ready", "load_seconds": took, "doubt": doubt or None, **ready})
        return serving
    raise ModelError("no device can be used", remedy="photosd logs")


def _on_device(
    device: str, spec: ModelSpec, directory: Path, reporter: Reporter
) -> tuple[Serving, dict[str, Any]]:
    """The warm, tested model on the device, and the report."""
    from photosd.encoder import canary
    from photosd.encoder.model import WarmModel
    from photosd.encoder.serving import Serving

    model = WarmModel(spec, directory, reporter.phase, device)
    loaded = time.monotonic()
    reporter.phase("warm-up")
    serving = Serving(model, spec, reporter.send)
    first, second = serving.warm_up(), serving.warm_up()
    reporter.phase("canary")
    return serving, {
        "device": model.device,
        "loaded": loaded,
        "first_ms": first,
        "second_ms": second,
        "doubt": canary.examine(serving, spec),
        "rss_mb": psutil.Process().memory_info().rss / 1e6,
    }


def require_memory(spec: ModelSpec) -> None:
    """Refuse to load, with numbers, instead of swapping."""
    needed = int(spec.weights.bytes * MEMORY_FACTOR) + TORCH_BYTES
    free = machine.obtainable()
    if free < needed:
        raise ModelError(
            f"{spec.name} needs {needed / 1e6:,.0f} MB of memory, {free / 1e6:,.0f} MB are free",
            remedy=f"{machine.more_memory()}, then: photosd restart",
        )


def _out_of_memory() -> ModelError:
    return ModelError(
        "there was not enough memory to load it",
        remedy=f"{machine.more_memory()}, then: photosd restart",
    )
