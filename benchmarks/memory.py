"""``python -m benchmarks.memory ROWS UPDATES``: memory and disk of the index part of the daemon.

A process with the daemon's imports holds catalog and vectors of ROWS photos, then writes UPDATES of
them anew, as a restless library would; RSS and disk before and after.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

import photosd.app  # noqa: F401 (its imports are part of what is measured)
from photosd.index.ranked import KEEP_VERSIONS
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.process.allocator import give_memory_back

DIMENSION = 512
ROWS_A_COMMIT = 256  # the committer's


def main() -> None:
    """Print the figures as JSON."""
    rows, updates = int(sys.argv[1]), int(sys.argv[2])
    directory = Path(tempfile.mkdtemp(prefix="photosd-bench-memory-", dir="/tmp"))
    give_memory_back()
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
    if store._upkeep is not None:
        store._upkeep.join()
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
    time.sleep(KEEP_VERSIONS.total_seconds() + 1)
    store.tidy()
    size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    return {
        "updates": updates,
        "bare_mb": bare,
        "with_rows_mb": full,
        "half_way_mb": middle,
        "after_updates_mb": _rss(),
        "disk_per_live": round(size / (rows * DIMENSION * 4), 2),
    }


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
