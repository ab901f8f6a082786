"""Search through the vector store: speed and recall beside exact float32, on text-like queries.

The vectors are clustered like photos, and the queries lie apart from them as texts do (the modality
gap), which is the hard case for an index.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.statistics import median, percentile
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.search.engine import OVERSAMPLE

Vectors = NDArray[np.float32]

DIMENSION = 512
CLUSTERS = 2000
WANTED = 20
QUERIES = 200
PART = 50_000
ARRIVING = 32  # photos a second, about what two cores embed
COMPACTED_EVERY = 4  # commits; ten times as often as the daemon
SETTLE = 1.5  # seconds: the first of them has come
BUSY_SECONDS = 8.0
BETWEEN = 0.01  # seconds between queries: many of them meet a commit


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
        times, exact, recall = _ask(store, images, queries)
        disk = _size(directory) / (rows * DIMENSION * 4)
        with _arrivals(store) as commits:
            busy = _ask_for(BUSY_SECONDS, store, queries)
        return {
            "p50_ms": round(median(times), 2),
            "p95_ms": round(percentile(times, 95), 2),
            "recall_at_20": recall,
            "busy_p50_ms": round(median(busy), 2),
            "busy_p95_ms": round(percentile(busy, 95), 2),
            "commit_ms": round(median(commits), 1),
            "exact_float32_p50_ms": round(median(exact), 2),
            "rank_s": round(seconds, 1),
            "open_s": round(opened, 2),
            "rss_mb": round((psutil.Process().memory_info().rss - before) / 1e6),
            "disk_per_live": round(disk, 2),
        }
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _ask(
    store: VectorStore, images: Vectors, queries: Vectors
) -> tuple[list[float], list[float], float]:
    """Milliseconds of ours and of exact float32 for each query, in turn, and recall@20."""
    times, exact, right = [], [], 0
    for query in queries:
        times.append(_timed(store, query))
        found = store.nearest(query, WANTED)
        started = time.perf_counter()
        best = np.argpartition(-(images @ query), WANTED)[:WANTED]
        exact.append(1000 * (time.perf_counter() - started))
        right += len({f"c{row}" for row in best} & {content for content, _ in found})
    return times, exact, round(right / (WANTED * len(queries)), 4)


def _timed(store: VectorStore, query: Vectors) -> float:
    """Milliseconds of one search, as the engine asks."""
    started = time.perf_counter()
    store.nearest(query, WANTED + OVERSAMPLE)
    return 1000 * (time.perf_counter() - started)


def _ask_for(seconds: float, store: VectorStore, queries: Vectors) -> list[float]:
    """Milliseconds of as many searches as there is time for."""
    times: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        times.append(_timed(store, queries[len(times) % len(queries)]))
        time.sleep(BETWEEN)
    return times


@contextlib.contextmanager
def _arrivals(store: VectorStore) -> Iterator[list[float]]:
    """While it lasts photos arrive as fast as a machine embeds them, and are compacted; the
    milliseconds each commit took."""
    over = threading.Event()
    took: list[float] = []
    generator = np.random.default_rng(3)

    def arrive() -> None:
        while not over.wait(max(0.0, 1.0 - (took[-1] / 1000 if took else 0.0))):
            vectors = _unit(generator.standard_normal((ARRIVING, DIMENSION), np.float32))
            new = [Embedding(f"new{len(took)}-{n}", v[None], {}) for n, v in enumerate(vectors)]
            started = time.perf_counter()
            store.commit(new)
            if len(took) % COMPACTED_EVERY == 0:
                store.compact()
            took.append(1000 * (time.perf_counter() - started))

    thread = threading.Thread(target=arrive)
    thread.start()
    time.sleep(SETTLE)
    try:
        yield took
    finally:
        over.set()
        thread.join()


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
