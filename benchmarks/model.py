"""``python -m benchmarks.model [DIRECTORY]``: one model alone; the starter against its promises."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.statistics import ForeignLoad, median
from photosd.core.clock import Deadline
from photosd.encoder.encoder_limits import EncoderLimits
from photosd.encoder.supervisor import Supervisor
from photosd.models.spec import STARTER, read_model

# docs/starter-model.md promises this on 2 cores.
PROMISES = {"image_ms": 25.0, "text_ms": 5.0, "mb_above_torch": 300.0, "ready_s": 3.0}
BATCH, RUNS = 8, 30
BARE_TORCH = "import torch, psutil; print(psutil.Process().memory_info().rss / 2**20)"


def main() -> int:
    """Print the figures; 1 when the starter breaks a promise."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else STARTER
    load = ForeignLoad()
    figures = measure(directory)
    print(json.dumps({**figures, "foreign_cores": load.cores()}))
    broken = {name: most for name, most in PROMISES.items() if figures[name] > most}
    if directory == STARTER and broken:
        print(f"promised: {broken}", file=sys.stderr)
        return 1
    return 0


def measure(directory: Path) -> dict[str, float]:
    """Median milliseconds an image (in batches) and a text, memory, and seconds to ready."""
    started = time.monotonic()
    encoder = Supervisor(directory, EncoderLimits())
    encoder.start()
    try:
        while encoder.status()["state"] != "ready":
            if encoder.status()["state"] == "broken" or time.monotonic() - started > 300:
                raise RuntimeError(f"it did not come up: {encoder.status()['error']}")
            time.sleep(0.01)
        ready = time.monotonic() - started
        size = read_model(directory).preprocess.size
        pixels = np.random.default_rng(1).integers(0, 255, (BATCH, size, size, 3), np.uint8)
        image = _milliseconds(lambda _run: encoder.encode_images(pixels).result(60)) / BATCH
        text = _milliseconds(
            lambda run: encoder.encode_texts(
                [f"a dog on the beach {run}"], Deadline.after(60)
            ).result(60)
        )
        return {
            "image_ms": round(image, 1),
            "text_ms": round(text, 2),
            "mb_above_torch": round((encoder.status()["rss_mb"] or 0.0) - _bare_torch()),
            "ready_s": round(ready, 2),
        }
    finally:
        encoder.stop()


def _milliseconds(call: Callable[[int], object]) -> float:
    times = []
    for run in range(RUNS):
        started = time.perf_counter()
        call(run)
        times.append((time.perf_counter() - started) * 1000)
    return median(times)


def _bare_torch() -> float:
    ran = subprocess.run(
        [sys.executable, "-c", BARE_TORCH], check=True, capture_output=True, timeout=120
    )
    return float(ran.stdout)


if __name__ == "__main__":
    sys.exit(main())
