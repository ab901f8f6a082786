"""Indexing through the whole daemon, beside what decoding and forward pass alone would allow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.bench import running
from benchmarks.statistics import median
from photosd.decode.pool import Pool, Shape
from photosd.models.spec import STARTER, read_model

ROUNDS = 2


def indexing(model: Path | None, folder: Path, rounds: int = ROUNDS) -> dict[str, Any]:
    """Photos a second, ours and the limit in turn.

    The limit is 1 / (1/decode + 1/forward), each alone on all cores: the same cores do both.
    """
    directory = model or STARTER
    decode, forward, ours = [], [], []
    for _ in range(rounds):
        decode.append(decode_rate(directory, folder))
        forward.append(forward_rate(directory))
        ours.append(whole_rate(model, folder))
    limits = [1 / (1 / d + 1 / f) for d, f in zip(decode, forward, strict=True)]
    ratios = [o / limit for o, limit in zip(ours, limits, strict=True)]
    return {
        "ours": round(median(ours), 2),
        "limit": round(median(limits), 2),
        "decode_only": round(median(decode), 2),
        "forward_only": round(median(forward), 2),
        "ratio": round(median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def decode_rate(directory: Path, folder: Path) -> float:
    """Files of ``folder`` a second through as many decoder processes as there are cores."""
    shape = Shape.of(read_model(directory).preprocess)
    files = [os.fsencode(file) for file in sorted(folder.iterdir())]
    pool = Pool(0)
    pool.start()
    try:
        for future in [pool.decode(file, shape) for file in files[: 2 * pool.workers]]:
            future.result(60)  # the processes are up
        started = time.perf_counter()
        for future in [pool.decode(file, shape) for file in files]:
            future.result(60)
        return len(files) / (time.perf_counter() - started)
    finally:
        pool.stop()


def forward_rate(directory: Path) -> float:
    """Squares a second through the model alone, on all cores."""
    command = [sys.executable, "-m", "benchmarks.forward", str(directory)]
    return float(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)


def whole_rate(model: Path | None, folder: Path) -> float:
    """From `add` to nothing pending, in a new home, the model warm and calibrated."""
    with running(model) as daemon:
        daemon.wait_ready()
        daemon.wait_calm()
        seconds = daemon.index(folder)
        status = daemon.status()
        if status["index"]["indexed"] != len(list(folder.iterdir())):
            raise RuntimeError(f"not everything was indexed: {status['index']}")
        return len(list(folder.iterdir())) / seconds
