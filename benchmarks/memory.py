"""``python -m benchmarks.memory ROWS UPDATES``: memory and disk of the index part of the daemon.

A process with the daemon's imports holds catalog and vectors of ROWS photos, then writes UPDATES of
them again; RSS and disk before and after. ``python -m benchmarks.memory DIRECTORY``: RSS with an
existing table; it answers, then receives enough rows to be flushed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

import photosd.runtime.main  # noqa: F401 (its imports are part of what is measured)
from photosd.core.heap import limit_arenas
from photosd.index.flushed import KEEP_VERSIONS
from photosd.index.table import Embedding
from photosd.index.vectors import RAM_BYTES, VectorStore

DIMENSION = 512
ROWS_A_COMMIT = 256  # the committer's
ASKED = 100  # queries, until every cache is full
SERVING_SECONDS = 300
LOOK_SECONDS = 0.02
REST_SECONDS = 120


def main() -> None:
    """Print the figures as JSON."""
    if len(sys.argv) == 2:
        limit_arenas()
        print(json.dumps(_serve(Path(sys.argv[1]))))
        return
    rows, updates = int(sys.argv[1]), int(sys.argv[2])
    directory = Path(tempfile.mkdtemp(prefix="photosd-bench-memory-", dir="/tmp"))
    limit_arenas()
    try:
        print(json.dumps(_measure(directory, rows, updates)))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _measure(directory: Path, rows: int, updates: int) -> dict[str, float]:
    generator = np.random.default_rng(1)
    bare = _rss()
    store = VectorStore(directory, "bench", DIMENSION)
    store.open()
    for at in range(0, rows, 10 * ROWS_A_COMMIT):
        store.commit(_embeddings(generator, range(at, min(rows, at + 10 * ROWS_A_COMMIT))))
    store.wait_idle(REST_SECONDS)
    store.compact()
    full = _rss()
    middle = full
    for number in range(updates // ROWS_A_COMMIT):
        chosen = generator.integers(0, rows, ROWS_A_COMMIT)
        store.commit(_embeddings(generator, dict.fromkeys(chosen.tolist())))
        store.nearest(generator.normal(size=DIMENSION).astype(np.float32), 28)
        if number == updates // ROWS_A_COMMIT // 2:
            middle = _rss()
    store.compact()
    _come_to_rest(store)
    size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    return {
        "updates": updates,
        "bare_mb": bare,
        "with_rows_mb": full,
        "half_way_mb": middle,
        "after_updates_mb": _rss(),
        "disk_per_live": round(size / (rows * DIMENSION * 4), 2),
    }


def _come_to_rest(store: VectorStore) -> None:
    """Until all that is due has been done, as the daemon does when it has nothing else to do."""
    end = time.monotonic() + REST_SECONDS
    while time.monotonic() < end:
        time.sleep(KEEP_VERSIONS.total_seconds() + 1)
        store.tidy()
        store.wait_idle(REST_SECONDS)
        if store._untidy_at is None and not store._compactions:
            return


def serving_memory(directory: Path) -> dict[str, float]:
    """MB of a process that holds the table ``bench`` in this directory; it grows meanwhile."""
    command = [sys.executable, "-m", "benchmarks.memory", str(directory)]
    ran = subprocess.run(command, check=True, capture_output=True, timeout=SERVING_SECONDS)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def _serve(directory: Path) -> dict[str, float]:
    generator = np.random.default_rng(2)
    store = VectorStore(directory, "bench", DIMENSION)
    store.open()
    for query in generator.standard_normal((ASKED, DIMENSION), np.float32):
        store.nearest(query / np.linalg.norm(query), 28)
    serving = _rss()
    for at in range(0, RAM_BYTES // (8 * DIMENSION) + 1, 10 * ROWS_A_COMMIT):
        numbers = range(-at - 10 * ROWS_A_COMMIT, -at)
        store.commit(_embeddings(generator, numbers))
    peak = _rss()  # looked at again and again: ru_maxrss would count the parent's memory
    while not store.wait_idle(0):
        peak = max(peak, _rss())
        time.sleep(LOOK_SECONDS)
    return {"serving_mb": serving, "settling_peak_mb": peak, "settled_mb": _rss()}


def _embeddings(
    generator: np.random.Generator, numbers: range | dict[int, None]
) -> list[Embedding]:
    values = generator.standard_normal((len(numbers), DIMENSION), np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return [Embedding(f"c{n}", values[i : i + 1], {}) for i, n in enumerate(numbers)]


def _rss() -> float:
    return round(psutil.Process().memory_info().rss / 1e6, 1)


if __name__ == "__main__":
    main()
