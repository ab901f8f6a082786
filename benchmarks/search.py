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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.memory import serving_memory
from benchmarks.statistics import median, percentile
from photosd.index.filters import Filter, label
from photosd.index.ranked import KEEP_VERSIONS, Ranked
from photosd.index.table import Embedding, open_table
from photosd.index.vectors import RAM_BYTES, VectorStore
from photosd.search.retrieval import OVERSAMPLE

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
SETTLES = 100_000  # photos, from which on much lies beyond RAM
SETTLING_SECONDS = 90.0  # at the most
PARTS = (2, 10, 1000)  # folders of each depth; _labels gives each the same number of photos
FOLDERS = [Filter(below=(b"/p/%d/%d" % (depth, n // 2),)) for depth, n in enumerate(PARTS)]
BETWEEN = 0.01  # seconds between queries: many of them meet a commit


def search(rows: int, memory: bool) -> dict[str, float]:
    """p50 and p95 in milliseconds, recall@20, disk and, if wished, memory at ``rows`` vectors."""
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
        inside, inside_recall = _ask_inside(store, images, queries)
        disk = _size(directory) / (rows * DIMENSION * 4)
        with _arrivals(store) as commits:
            busy = _ask_for(BUSY_SECONDS, store, queries)
            busy_inside = _ask_for(BUSY_SECONDS, store, queries, FOLDERS)
            settling = _ask_while_settling(store, queries) if rows >= SETTLES else {}
        store.rest(SETTLING_SECONDS)
        return {
            "p50_ms": round(median(times), 2),
            "p95_ms": round(percentile(times, 95), 2),
            "recall_at_20": recall,
            "busy_p50_ms": round(median(busy), 2),
            "busy_p95_ms": round(percentile(busy, 95), 2),
            "folder_p50_ms": round(median(inside), 2),
            "folder_p95_ms": round(percentile(inside, 95), 2),
            "folder_recall_at_20": inside_recall,
            **_by_folder("folder", inside),
            "busy_folder_p50_ms": round(median(busy_inside), 2),
            "busy_folder_p95_ms": round(percentile(busy_inside, 95), 2),
            **_by_folder("busy_folder", busy_inside),
            **settling,
            "commit_max_ms": round(max(commits), 1),
            "commit_ms": round(median(commits), 1),
            "exact_float32_p50_ms": round(median(exact), 2),
            "rank_s": round(seconds, 1),
            "open_s": round(opened, 2),
            **(serving_memory(directory) if memory else {}),
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


def _ask_inside(store: VectorStore, images: Vectors, queries: Vectors) -> tuple[list[float], float]:
    """Milliseconds of searches in a half, a tenth and a thousandth of all, and recall@20."""
    times: list[float] = []
    right = wanted = 0
    for number, query in enumerate(queries):
        where, (first, last) = FOLDERS[number % 3], _rows_in(number % 3, len(images))
        times.append(_timed(store, query, where))
        found = store.nearest(query, WANTED, where)
        best = first + np.argsort(-(images[first:last] @ query))[:WANTED]
        right += len({f"c{row}" for row in best} & {content for content, _ in found})
        wanted += len(best)
    return times, round(right / wanted, 4)


def _by_folder(name: str, times: list[float]) -> dict[str, float]:
    """Medians of searches asked of FOLDERS in turn: the broad one, and the others."""
    return {
        f"{name}_1_in_{parts}_p50_ms": round(median(times[depth :: len(PARTS)]), 2)
        for depth, parts in enumerate(PARTS)
    }


def _ask_while_settling(store: VectorStore, queries: Vectors) -> dict[str, float]:
    """So much has come that it leaves RAM for the index; milliseconds until it has."""
    generator = np.random.default_rng(4)
    rows = RAM_BYTES // (8 * DIMENSION) + 1
    for at in range(0, rows, PART // 10):
        values = _unit(generator.standard_normal((PART // 10, DIMENSION), np.float32))
        store.commit([Embedding(f"more{at}-{n}", v[None], {}) for n, v in enumerate(values)])
    started = time.monotonic()
    times: list[float] = []
    while not store.rest(0):
        times.append(_timed(store, queries[len(times) % len(queries)], FOLDERS[len(times) % 3]))
        time.sleep(BETWEEN)
        if time.monotonic() - started > SETTLING_SECONDS:
            break
    return {
        "settling_p50_ms": round(median(times), 2),
        "settling_p95_ms": round(percentile(times, 95), 2),
        "settling_s": round(time.monotonic() - started, 1),
    }


def _timed(store: VectorStore, query: Vectors, where: Filter | None = None) -> float:
    """Milliseconds of one search, as the engine asks."""
    started = time.perf_counter()
    store.nearest(query, WANTED + OVERSAMPLE, where)
    return 1000 * (time.perf_counter() - started)


def _ask_for(
    seconds: float, store: VectorStore, queries: Vectors, where: Sequence[Filter | None] = (None,)
) -> list[float]:
    """Milliseconds of as many searches as there is time for."""
    times: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number = len(times)
        times.append(_timed(store, queries[number % len(queries)], where[number % len(where)]))
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
                with store._writing():
                    store._optimize()
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
    """Write the rows as photosd does, where it has them; seconds until the index is built."""
    import pyarrow as pa

    store = VectorStore(directory, "bench", DIMENSION)
    store.open()
    settled = images.nbytes > RAM_BYTES
    name = store._names()[settled]
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
    if not settled:
        return 0.0
    place = Ranked(directory, name, DIMENSION)
    place.fold()
    took = time.perf_counter() - started
    time.sleep(KEEP_VERSIONS.total_seconds() + 1)
    place.tidy()  # as the daemon does; it drops what the index has replaced
    return took


def _labels(rows: range, photos: int) -> Any:
    """Of the folder of each row: a thousandth in a tenth in a half of the library."""
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
