"""Search through the vector store: speed and recall beside exact float32, on text-like queries.

The vectors are clustered like photos, and the queries lie apart from them as texts do (the modality
gap), which is the hard case for an index.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.statistics import median, percentile
from photosd.index.vectors import VectorStore

Vectors = NDArray[np.float32]

DIMENSION = 512
CLUSTERS = 2000
WANTED = 20
QUERIES = 200
PART = 50_000


def search(rows: int) -> dict[str, float]:
    """p50 and p95 in milliseconds, recall@20, memory and disk at ``rows`` vectors."""
    directory = Path(tempfile.mkdtemp(prefix="photosd-bench-index-", dir="/tmp"))
    try:
        images, queries = _photos_and_texts(rows)
        before = psutil.Process().memory_info().rss
        seconds = _fill(directory, images)
        store = VectorStore(directory, "bench", DIMENSION)
        started = time.perf_counter()
        store.open()
        opened = time.perf_counter() - started
        times, right, exact = [], 0, []
        for query in queries:
            started = time.perf_counter()
            found = store.nearest(query, WANTED + 8)
            times.append(1000 * (time.perf_counter() - started))
            started = time.perf_counter()
            scores = images @ query
            best = np.argpartition(-scores, WANTED)[:WANTED]
            exact.append(1000 * (time.perf_counter() - started))
            right += len({f"c{row}" for row in best} & {content for content, _ in found[:WANTED]})
        live = rows * DIMENSION * 4
        return {
            "p50_ms": round(median(times), 2),
            "p95_ms": round(percentile(times, 95), 2),
            "recall_at_20": round(right / (WANTED * QUERIES), 4),
            "exact_float32_p50_ms": round(median(exact), 2),
            "rank_s": round(seconds, 1),
            "open_s": round(opened, 2),
            "rss_mb": round((psutil.Process().memory_info().rss - before) / 1e6),
            "disk_per_live": round(_size(directory) / live, 2),
        }
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _photos_and_texts(rows: int) -> tuple[Vectors, Vectors]:
    generator = np.random.default_rng(1)
    centres = generator.normal(size=(CLUSTERS, DIMENSION)).astype(np.float32)
    gap = _unit(generator.normal(size=(1, DIMENSION)).astype(np.float32))
    images = np.empty((rows, DIMENSION), np.float32)
    for at in range(0, rows, PART):
        count = min(PART, rows - at)
        noise = generator.standard_normal((count, DIMENSION), np.float32)
        around = centres[generator.integers(0, CLUSTERS, count)]
        images[at : at + count] = _unit(_unit(around + 0.7 * noise) + 0.8 * gap)
    near = images[generator.integers(0, rows, QUERIES)]
    noise = generator.standard_normal((QUERIES, DIMENSION), np.float32)
    return images, _unit(0.5 * _unit(near + 0.05 * noise) - gap)


def _unit(vectors: Vectors) -> Vectors:
    found: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def _fill(directory: Path, images: Vectors) -> float:
    """Write the rows as photosd does; seconds until the index is built."""
    import pyarrow as pa

    store = VectorStore(directory, "bench", DIMENSION)
    store.open()
    table: Any = store._table
    for at in range(0, len(images), PART):
        part = images[at : at + PART]
        names = [f"c{row}" for row in range(at, at + len(part))]
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), DIMENSION)
        tiles = pa.array([0] * len(part), pa.int32())
        table.add(pa.table({"key": names, "content": names, "tile": tiles, "vector": vectors}))
    started = time.perf_counter()
    store.open()
    if store._ranking is not None:
        store._ranking.join()
    return time.perf_counter() - started


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
