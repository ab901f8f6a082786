"""The index of vectors alone: recall beside exact float32, and what writing and disk cost.

The vectors are clustered like photos, and the queries lie apart from them as texts do (the modality
gap), which is the hard case for an index. How long a query takes is measured by `whole`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.memory import serving_memory
from benchmarks.statistics import median
from photosd.index.filters import Filter
from photosd.index.flushed import KEEP_VERSIONS, FlushedTable
from photosd.index.labels import label
from photosd.index.table import Embedding, open_table
from photosd.index.vectors import RAM_BYTES, VectorStore

Vectors = NDArray[np.float32]

DIMENSION = 512
CLUSTERS = 2000
WANTED = 20
QUERIES = 200
PART = 50_000
ARRIVING = 32  # photos a commit
COMMITS = 20
COMPACTED_EVERY = 4  # commits; ten times as often as the daemon
REST_SECONDS = 90.0  # at the most
PARTS = (2, 10, 1000)  # folders of each depth; _labels gives each the same number of photos
FOLDERS = [Filter(below=(b"/p/%d/%d" % (depth, n // 2),)) for depth, n in enumerate(PARTS)]


def recall(rows: int, memory: bool) -> dict[str, float]:
    """recall@20, what commits and disk cost and, if wished, memory at ``rows`` vectors."""
    directory = Path(tempfile.mkdtemp(prefix="photosd-bench-index-", dir="/tmp"))
    try:
        images, queries = _photos_and_texts(rows)
        seconds = _fill(directory, images)
        store = VectorStore(directory, "bench", DIMENSION)
        started = time.perf_counter()
        store.open()
        opened = time.perf_counter() - started
        exact, found = _beside_exact(store, images, queries)
        disk = _size(directory) / (rows * DIMENSION * 4)
        commits = _commits(store)
        store.wait_idle(REST_SECONDS)
        return {
            "recall_at_20": found,
            "folder_recall_at_20": _inside(store, images, queries),
            "exact_float32_p50_ms": round(median(exact), 2),
            "commit_max_ms": round(max(commits), 1),
            "commit_ms": round(median(commits), 1),
            "rank_s": round(seconds, 1),
            "open_s": round(opened, 2),
            **(serving_memory(directory) if memory else {}),
            "disk_per_live": round(disk, 2),
        }
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _beside_exact(
    store: VectorStore, images: Vectors, queries: Vectors
) -> tuple[list[float], float]:
    """Milliseconds of an exact product for each query, and the recall@20 of ours."""
    exact, right = [], 0
    for query in queries:
        started = time.perf_counter()
        best = np.argpartition(-(images @ query), WANTED)[:WANTED]
        exact.append(1000 * (time.perf_counter() - started))
        found = store.nearest(query, WANTED)
        right += len({f"c{row}" for row in best} & {content for content, _ in found})
    return exact, round(right / (WANTED * len(queries)), 4)


def _inside(store: VectorStore, images: Vectors, queries: Vectors) -> float:
    """recall@20 in a half, a tenth and a thousandth of all."""
    right = wanted = 0
    for number, query in enumerate(queries):
        where, (first, last) = FOLDERS[number % 3], _rows_in(number % 3, len(images))
        found = store.nearest(query, WANTED, where)
        best = first + np.argsort(-(images[first:last] @ query))[:WANTED]
        right += len({f"c{row}" for row in best} & {content for content, _ in found})
        wanted += len(best)
    return round(right / wanted, 4)


def _commits(store: VectorStore) -> list[float]:
    """Milliseconds of each commit while photos arrive and are compacted."""
    took: list[float] = []
    generator = np.random.default_rng(3)
    for number in range(COMMITS):
        vectors = _unit(generator.standard_normal((ARRIVING, DIMENSION), np.float32))
        new = [Embedding(f"new{number}-{n}", v[None], {}) for n, v in enumerate(vectors)]
        started = time.perf_counter()
        store.commit(new)
        if number % COMPACTED_EVERY == 0:
            with store._writing():
                store._optimize()
        took.append(1000 * (time.perf_counter() - started))
    return took


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
    """Write the rows as photosd does, where it has them; seconds until the index is built."""
    import pyarrow as pa

    store = VectorStore(directory, "bench", DIMENSION)
    store.open()
    flushed = images.nbytes > RAM_BYTES
    name = store._names()[flushed]
    table = open_table(directory, name, DIMENSION)
    for at in range(0, len(images), PART):
        part = images[at : at + PART]
        rows = range(at, at + len(part))
        names = [f"c{row}" for row in rows]
        columns = {
            "key": names,
            "content": names,
            "tile": pa.array([0] * len(part), pa.int32()),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), DIMENSION),
            "labels": _labels(rows, len(images)),
            "moment": np.linspace(1e9, 2e9, len(images))[at : at + len(part)],
        }
        table.add(pa.table(columns))
    started = time.perf_counter()
    if not flushed:
        return 0.0
    place = FlushedTable(directory, name, DIMENSION)
    place.compact()
    took = time.perf_counter() - started
    time.sleep(KEEP_VERSIONS.total_seconds() + 1)
    place.tidy()  # as the daemon does; it drops what the index has replaced
    return took


def _labels(rows: range, photos: int) -> Any:
    """Labels of the folder of each row: a thousandth in a tenth in a half of the library."""
    import pyarrow as pa

    numbers = np.arange(rows.start, rows.stop)
    levels = [np.array([label("in", folder) for folder in (b"", b"/p")])[None].repeat(len(rows), 0)]
    for depth, parts in enumerate(PARTS):
        names = [label("in", b"/p/%d/%d" % (depth, part)) for part in range(parts)]
        levels.append(np.array(names, np.int64)[numbers * parts // photos][:, None])
    flat = np.concatenate(levels, axis=1)
    ends = np.arange(0, flat.size + 1, flat.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(flat.ravel()))


def _rows_in(depth: int, photos: int) -> tuple[int, int]:
    """First row, and the row after the last, of the folder that FOLDERS names."""
    parts = PARTS[depth]
    part = parts // 2
    return -(-part * photos // parts), -(-(part + 1) * photos // parts)


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
