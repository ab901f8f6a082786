"""A daemon to measure: a temporary home, real processes, everything gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from photosd.protocol.client import Client

Status = dict[str, Any]

CALM_SECONDS = 2.0  # it reads eight texts at a time


class BenchDaemon:
    """One running daemon and how to ask it."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes]) -> None:
        self.home, self.process = home, process

    def client(self) -> Client:
        """A client with a generous timeout."""
        return Client(self.home / "run" / "photosd.sock", timeout=600)

    def status(self) -> Status:
        """The daemon's status."""
        with self.client() as client:
            return dict(client.call("status", {}))

    def wait_ready(self, restarts: int = 0, seconds: float = 120) -> float:
        """Seconds until the encoder is ready (after at least so many restarts)."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            with contextlib.suppress(Exception):
                status = self.status()
                ready = status["state"] == "ready"
                if ready and status["encoder"]["restarts"] >= restarts:
                    return time.monotonic() - started
            time.sleep(0.02)
        raise TimeoutError("the daemon did not become ready")

    def wait_calm(self, seconds: float = 120) -> None:
        """Until the encoder has nothing left to read.

        When a model meets a library, two hundred texts are encoded to calibrate its scores: once,
        however many photos follow, which is why it belongs to no rate.
        """
        until, read = time.monotonic() + seconds, -1
        while time.monotonic() < until:
            if read == (read := self.status()["encoder"]["texts_encoded"]):
                return
            time.sleep(CALM_SECONDS)
        raise TimeoutError("the encoder does not come to rest")

    def query(self, text: str) -> dict[str, Any]:
        """One query's result."""
        with self.client() as client:
            return dict(client.call("query", {"text": text, "deadline_ms": 30_000}))

    def index(self, folder: Path) -> float:
        """Seconds until everything in ``folder`` is indexed."""
        started = time.monotonic()
        with self.client() as client:
            client.call("add", {"path": str(folder)})
            for _ in client.stream("rescan", {"wait": True}):
                pass
        return time.monotonic() - started


@contextlib.contextmanager
def running(
    model: Path | None = None, fill: Callable[[Path], None] = lambda _home: None
) -> Iterator[BenchDaemon]:
    """A daemon on an empty home, or one that ``fill`` fills, with the starter or the model of a
    directory."""
    home = Path(tempfile.mkdtemp(prefix="photosd-bench-", dir="/tmp"))
    if model is not None:
        (home / "config").mkdir()
        (home / "models").mkdir()
        (home / "models" / model.name).symlink_to(model)
        (home / "config" / "config.toml").write_text(f'[encoder]\nmodel = "{model.name}"\n')
    try:
        fill(home)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    process = subprocess.Popen(
        [sys.executable, "-m", "photosd"],
        env={**os.environ, "PHOTOSD_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield BenchDaemon(home, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(25)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(home, ignore_errors=True)
