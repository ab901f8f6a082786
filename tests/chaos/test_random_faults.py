"""Random faults in every process over a running index: at the end it equals the folder."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from photosd.core.paths import Home
from tests.conftest import RunningDaemon

# Hangs are noticed after seconds, not minutes, so that a walk of 200 faults ends.
PRELUDE = """
import functools
import photosd.encoder.encoder_limits as limits, photosd.runtime.model_runtime as model_runtime
model_runtime.EncoderLimits = functools.partial(
    limits.EncoderLimits,
    text_least=1.0, image_least=2.0, stall=10.0, breaker_pause=1.0, backoff_most=1.0,
)
"""
POISON = 200  # first pixel of a picture that kills the encoder
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP)


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """The library, and one picture each that kills encoder and decoder."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for file in sorted((photos / "library").glob("*.jpg")):
        shutil.copy(file, folder)
    grey = np.full((64, 64, 3), POISON, np.uint8)
    Image.fromarray(grey).save(folder / "poison-encoder.png")
    Image.fromarray(grey + 20).save(folder / "poison-decoder.png")
    return folder


@pytest.fixture
def struck(home: Home, tmp_path: Path) -> Iterator[RunningDaemon]:
    orders = tmp_path / "faults.json"
    crash = {"name": "poison-decoder.png", "do": "crash"}
    orders.write_text(
        json.dumps({"encoder": {"poison": POISON}, "decode": {"start": None, "files": [crash]}})
    )
    running = RunningDaemon(home, {"PHOTOSD_TEST_FAULTS": str(orders)}, PRELUDE)
    yield running
    running.stop()


def workers(daemon: RunningDaemon) -> list[psutil.Process]:
    """Every process below the daemon."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(daemon.process.pid).children(recursive=True)
    return []


def strike(daemon: RunningDaemon, chance: random.Random) -> None:
    """One fault: the daemon in one of ten cases, else one of its workers."""
    if chance.random() < 0.1:
        daemon.kill()
        daemon.restart()
        daemon.wait_until("ready")
        return
    if victims := workers(daemon):
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(victims).pid, chance.choice(SIGNALS))


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("faults", [pytest.param(n, marks=pytest.mark.chaos) for n in (10, 200)])
def test_the_index_equals_the_folder(struck: RunningDaemon, folder: Path, faults: int) -> None:
    """Every photo is indexed, the two poisonous ones are failures, no process is left behind."""
    seed = int(os.environ.get("PHOTOSD_TEST_SEED", random.randrange(1 << 30)))
    print("seed", seed)
    chance = random.Random(seed)
    struck.wait_until("ready")
    with struck.client() as client:
        client.call("add", {"path": str(folder)})
    for number in range(faults):
        time.sleep(chance.uniform(0, 0.6))
        if number % 10 == 9:  # keep something to do
            with contextlib.suppress(Exception), struck.client() as client:
                client.call("reindex", {})
        strike(struck, chance)
    struck.kill()
    struck.restart()
    struck.wait_until("ready")
    result: Any = struck.index()
    with struck.client() as client:
        listed = [
            path["path"]
            for chunk in client.stream("list", {"state": "indexed"})
            for path in chunk.get("paths", [])
        ]
        failures: Any = client.call("failures", {})
    failed = {Path(failure["path"]).name: failure for failure in failures["failures"]}
    assert set(failed) == {"poison-encoder.png", "poison-decoder.png"}, f"seed {seed}: {failed}"
    assert all(failure["quarantined"] and failure["stack"] for failure in failed.values())
    expected = {str(file) for file in folder.iterdir() if file.name not in failed}
    assert set(listed) == expected, f"seed {seed}"
    assert result["pending"] == 0
    below = workers(struck)
    struck.stop()
    _gone, alive = psutil.wait_procs(below, timeout=5)
    assert not alive, f"seed {seed}"
