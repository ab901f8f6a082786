"""A folder that has just been added: its first photo, and how soon a handful of them are indexed.

A model that has never met a library begins to calibrate its scores meanwhile, which may hold up
neither.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bench import BenchDaemon, running

PHOTOS = 96
LOOK_SECONDS = 0.05
WAIT_SECONDS = 300.0


def arriving(model: Path | None, folder: Path, limit: float) -> dict[str, Any]:
    """Seconds from `add` until a query finds the first photo, and until all of PHOTOS are indexed;
    ``share``: times what they take at ``limit`` photos a second (see `indexing`)."""
    with tempfile.TemporaryDirectory(prefix="photosd-bench-few-", dir=folder.parent) as few:
        for file in sorted(folder.iterdir())[:PHOTOS]:
            os.link(file, Path(few) / file.name)
        count = len(list(Path(few).iterdir()))
        with running(model) as daemon:
            daemon.wait_ready()
            first, whole = _times(daemon, few, count)
    return {
        "photos": count,
        "first_found_s": round(first, 2),
        "all_s": round(whole, 2),
        "share": round(whole * limit / count, 3),
    }


def _times(daemon: BenchDaemon, folder: str, count: int) -> tuple[float, float]:
    started = time.monotonic()
    with daemon.client() as client:
        client.call("add", {"path": folder})
    while not daemon.query("a photo")["hits"]:
        _rest(started)
    first = time.monotonic() - started
    while daemon.status()["index"]["indexed"] < count:
        _rest(started)
    return first, time.monotonic() - started


def _rest(started: float) -> None:
    time.sleep(LOOK_SECONDS)
    if time.monotonic() - started > WAIT_SECONDS:
        raise TimeoutError("the photos are not indexed")
