"""Queries through the whole daemon over a large library: every part has its real size.

Files, rows of the catalog, words of names, labels and dates are as indexing leaves them; only the
vectors are made up. ``python -m benchmarks.whole 100000`` measures one size, with the starter;
``--described`` gives photos people, tags, places and captions.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench import BenchDaemon, running
from benchmarks.large import Row, fill_catalog, rows_of
from benchmarks.queries import first_and_next
from benchmarks.statistics import median, percentile
from photosd.index.database import Database
from photosd.index.filters import traits
from photosd.index.flushed import KEEP_VERSIONS, FlushedTable
from photosd.index.folders import Folders
from photosd.index.table import open_table
from photosd.index.vectors import FLUSHED, PREFIX, RAM_BYTES
from photosd.models.spec import STARTER, read_model

QUERY = "sunset over the harbour"  # words of some names, too
QUERIES, FACETS, PASSES = 200, 30, 20
PAUSE_SECONDS = 0.02
BUSY_SECONDS = 20.0
PART = 50_000
CLUSTERS = 2000
READY_SECONDS, UPDATED_SECONDS = 600.0, 3600.0


def whole(rows: int, model: Path | None = None, *, described: bool = False) -> dict[str, float]:
    """Milliseconds in the daemon (`timings_ms.total`) and round trip of a repeated query among so
    many photos: at rest, in folders, while places are looked up, and while all of them are compared
    with the disk; and the first query after the start beside the next ones."""
    started = time.perf_counter()
    with running(model, lambda home: fill(home, model, rows, described)) as daemon:
        filled = time.perf_counter() - started
        ready = daemon.wait_ready(seconds=READY_SECONDS)
        first = first_and_next(daemon)
        updating = _while_updating(daemon)
        daemon.wait_calm()
        compared = _compare(daemon)
        rest, trips, answer = _ask(daemon, lambda asked: asked < QUERIES)
        inside = [
            median(_ask(daemon, lambda asked: asked < QUERIES // 4, {"below": below})[0])
            for below in _folders(daemon.home / "photos")
        ]
        busy, comparisons = _while_comparing(daemon)
        assert answer["coverage"]["indexed"] == rows, answer["coverage"]
        return {
            "dimensions": read_model(model or STARTER).dimension,
            "ready_s": round(ready, 1),
            "first_ms": first["first_ms"],
            "first_ratio": first["ratio"],
            **updating,
            "server_p50_ms": round(median(rest), 2),
            "server_p95_ms": round(percentile(rest, 95), 2),
            "round_trip_p50_ms": round(median(trips), 2),
            "half_p50_ms": round(inside[0], 2),
            "folder_p50_ms": round(inside[1], 2),
            "comparing_p50_ms": round(median(busy), 2),
            "comparing_p95_ms": round(percentile(busy, 95), 2),
            "comparing_ratio": round(median(busy) / median(rest), 2),
            "comparisons": comparisons,
            "compare_s": round(compared, 1),
            "fill_s": round(filled, 1),
            "pass_ms": _one_pass(rows, read_model(model or STARTER).dimension),
            **_facets(daemon),
            "daemon_mb": daemon.status()["rss_mb"],
        }


def _one_pass(rows: int, dimension: int) -> float:
    """Milliseconds to read so many 8-bit numbers from memory once with two threads: the limit of
    every exact search on this machine.
    """
    numbers = np.ones((rows, dimension), np.int8)
    parts = np.array_split(numbers.reshape(-1).view(np.int64), 2)
    times = []
    with ThreadPoolExecutor(2) as threads:
        for _ in range(PASSES):
            started = time.perf_counter()
            list(threads.map(np.max, parts))
            times.append(1000 * (time.perf_counter() - started))
    return round(median(times), 2)


def _facets(daemon: BenchDaemon) -> dict[str, float]:
    """Round trips of facets, milliseconds: of all photos, of a filter, and of a query."""
    asked: dict[str, dict[str, Any]] = {
        "facets_ms": {},
        "facets_filtered_ms": {"where": {"since": "2010", "until": "2016"}},
        "facets_query_ms": {"text": QUERY},
    }
    found = {}
    with daemon.client() as client:
        for name, params in asked.items():
            times = []
            for _ in range(FACETS):
                time.sleep(PAUSE_SECONDS)
                started = time.perf_counter()
                client.call("facets", {**params, "deadline_ms": 30_000})
                times.append(1000 * (time.perf_counter() - started))
            found[name] = round(median(times), 2)
    return found


def _folders(photos: Path) -> tuple[list[str], list[str]]:
    """Half of the years; one folder."""
    years = sorted(photos.iterdir())
    return [str(year) for year in years[: len(years) // 2 + 1]], [str(next(years[0].iterdir()))]


def _ask(
    daemon: BenchDaemon, more: Callable[[int], bool], where: dict[str, Any] | None = None
) -> tuple[list[float], list[float], dict[str, Any]]:
    server: list[float] = []
    trips: list[float] = []
    asked = {"text": QUERY, "deadline_ms": 30_000, **({"where": where} if where else {})}
    with daemon.client() as client:
        answer = dict(client.call("query", asked))
        while more(len(server)):
            time.sleep(PAUSE_SECONDS)
            started = time.perf_counter()
            answer = dict(client.call("query", asked))
            trips.append(1000 * (time.perf_counter() - started))
            server.append(answer["timings_ms"]["total"])
            assert answer["answered_by"] == "cached_embedding", answer["answered_by"]
    return server, trips, answer


def _while_updating(daemon: BenchDaemon) -> dict[str, float]:
    """Queries while places are looked up and labels updated, as after an upgrade; and how long
    that took: until then nothing is at rest.
    """
    started = time.monotonic()

    def outdated() -> bool:
        if time.monotonic() > started + UPDATED_SECONDS:
            raise TimeoutError("places or labels are not up to date")
        with contextlib.closing(sqlite3.connect(daemon.home / "state/catalog.sqlite3")) as db:
            (due,) = db.execute(
                "SELECT EXISTS (SELECT 1 FROM contents WHERE unplaced > 0)"
                " OR EXISTS (SELECT 1 FROM unfiled)"
            ).fetchone()
        return bool(due)

    server, _, _ = _ask(daemon, lambda asked: asked % QUERIES > 0 or outdated())
    return {
        "updating_p50_ms": round(median(server), 2),
        "updating_s": round(time.monotonic() - started, 1),
    }


def _while_comparing(daemon: BenchDaemon) -> tuple[list[float], int]:
    over, comparisons = threading.Event(), 0

    def compare() -> None:
        nonlocal comparisons
        while not over.is_set():
            _compare(daemon)
            comparisons += 1

    thread = threading.Thread(target=compare)
    thread.start()
    time.sleep(1)
    end = time.monotonic() + BUSY_SECONDS
    server, _, _ = _ask(daemon, lambda _: time.monotonic() < end)
    over.set()
    thread.join(READY_SECONDS)
    return server, comparisons


def _compare(daemon: BenchDaemon) -> float:
    started = time.perf_counter()
    with daemon.client() as client:
        for _ in client.stream("rescan", {"wait": True}):
            pass
    return time.perf_counter() - started


def fill(home: Path, model: Path | None, count: int, described: bool = False) -> None:
    """Files, catalog and index, as if all had been indexed."""
    spec = read_model(model or STARTER)
    photos = home / "photos"
    photos.mkdir()
    rows = list(rows_of(photos, count, on_disk=True, described=described))
    (home / "state").mkdir(mode=0o700, exist_ok=True)
    database = Database(home / "state" / "catalog.sqlite3")
    folder = Folders(database, home / "config" / "folders.json").add(os.fsencode(photos))
    fill_catalog(database, folder.id, spec.fingerprint, rows)
    database.close()
    fill_index(home / "state" / "index", spec.fingerprint, spec.dimension, rows)


def fill_index(directory: Path, fingerprint: str, dimension: int, rows: Sequence[Row]) -> None:
    """The table that a library of this size has: in RAM, or flushed with its index."""
    directory.mkdir(mode=0o700)
    contents = list({row.content: row for row in rows}.values())
    flushed = len(contents) * dimension * 4 > RAM_BYTES
    name = f"{PREFIX}{fingerprint}{FLUSHED if flushed else ''}"
    table = open_table(directory, name, dimension)
    for part, vectors in _parts(contents, dimension):
        table.add(_table(part, vectors, dimension))
    if flushed:
        place = FlushedTable(directory, name, dimension)
        place.compact()
        time.sleep(KEEP_VERSIONS.total_seconds() + 1)
        place.tidy()


def _parts(
    rows: Sequence[Row], dimension: int
) -> Iterator[tuple[Sequence[Row], NDArray[np.float32]]]:
    """Rows with vectors in clusters, as photos are."""
    generator = np.random.default_rng(1)
    centres = generator.standard_normal((CLUSTERS, dimension), np.float32)
    for at in range(0, len(rows), PART):
        part = rows[at : at + PART]
        around = centres[generator.integers(0, CLUSTERS, len(part))]
        vectors = around + 0.7 * generator.standard_normal((len(part), dimension), np.float32)
        yield part, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _table(rows: Sequence[Row], vectors: NDArray[np.float32], dimension: int) -> Any:
    import pyarrow as pa

    found = [traits(json.loads(row.facts), (row.path,), row.mtime_ns / 1e9) for row in rows]
    contents = [row.content for row in rows]
    return pa.table(
        {
            "key": [f"{content}#0" for content in contents],
            "content": contents,
            "tile": pa.array([0] * len(rows), pa.int32()),
            "taken_at": [row.taken_at for row in rows],
            "camera": [row.camera for row in rows],
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dimension),
            "labels": [one.labels for one in found],
            "moment": [one.moment for one in found],
        }
    )


if __name__ == "__main__":
    for size in filter(str.isdecimal, sys.argv[1:]):
        figures = whole(int(size), described="--described" in sys.argv)
        print(size, json.dumps(figures), flush=True)
