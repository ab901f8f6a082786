"""``python -m benchmarks``: measure and print a table; ``--json FILE`` keeps the figures."""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import queries
from benchmarks.arriving import arriving
from benchmarks.bench import running
from benchmarks.indexing import indexing
from benchmarks.loading import loading
from benchmarks.models import random_model
from benchmarks.phones import phones
from benchmarks.photos import make_photos
from benchmarks.plot import SIZES
from benchmarks.progress import Progress
from benchmarks.rclip import beside_rclip
from benchmarks.recall import recall
from benchmarks.reload import reload_seconds
from benchmarks.whole import whole


def main() -> None:
    """Measure with the starter and a ViT-B-32 of random weights."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer photos and seconds")
    arguments.add_argument(
        "--curve",
        action="store_true",
        help="also 1k, 10k and 1m photos, memory at each size, and what loading costs",
    )
    arguments.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    chosen = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left behind
    settings = {
        "photos": 200 if chosen.quick else 400,
        "seconds": 10 if chosen.quick else 40,
        "curve": chosen.curve,
    }
    # Results are stored beside FILE until complete: an interrupted run continues.
    progress = Progress(chosen.json and chosen.json.with_suffix(".partial"), settings)
    found = measure(progress, **settings)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(found, indent=1) + "\n")
    progress.over()
    for name, values in found.items():
        print(f"{name:18} {json.dumps(values)}")


def measure(progress: Progress, photos: int, seconds: float, curve: bool) -> dict[str, Any]:
    """Every figure there is, from so many photos and so many seconds of queries."""
    folder = Path(tempfile.mkdtemp(prefix="photosd-bench-photos-"))
    try:
        starter = progress.part("starter", lambda: _one_model(None, folder, photos, seconds))
        vit = progress.part(
            "ViT-B-32", lambda: _one_model(random_model("ViT-B-32"), folder, photos, seconds)
        )
        peer = progress.part("rclip", lambda: _peer(folder, photos))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found: dict[str, Any] = {
        name: {"starter": starter[name], "ViT-B-32": vit[name]} for name in vit
    }
    found["rclip"] = peer
    some = functools.partial(phones, photos // 10, photos // 2)
    found["phones"] = progress.part("phones", some)
    if curve:
        found["loading"] = progress.part("loading", lambda: loading("ViT-B-32"))
    sizes = SIZES if curve else {"100k": SIZES["100k"]}
    found["whole"], found["index"] = {}, {}
    for name, rows in sizes.items():
        model = random_model("ViT-B-32")
        found["whole"][name] = progress.part(f"whole {name}", functools.partial(whole, rows, model))
        found["index"][name] = progress.part(
            f"index {name}", functools.partial(recall, rows, curve)
        )
    updates = 100_000 if curve else 20_000
    found["memory_mb"]["100k"] = progress.part("memory", lambda: _index_memory(100_000, updates))
    found["query_under_load"] = {**starter["query_under_load"], "ViT-B-32": vit["query_under_load"]}
    found["whole_command"] = progress.part("command", queries.whole_command)
    found["machine"] = progress.machine()
    return found


def _filled(folder: Path, count: int) -> Path:
    """The folder, with that many photos in it; made when they are wanted for the first time."""
    if not any(folder.iterdir()):
        print("making photos …", file=sys.stderr, flush=True)
        make_photos(folder, count)
    return folder


def _peer(folder: Path, count: int) -> dict[str, Any]:
    return beside_rclip(_filled(folder, count), count)


def _index_memory(rows: int, updates: int) -> dict[str, float]:
    """In a process of its own, so that nothing of this one is counted."""
    command = [sys.executable, "-m", "benchmarks.memory", str(rows), str(updates)]
    ran = subprocess.run(command, check=True, capture_output=True, timeout=600)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def _one_model(model: Path | None, folder: Path, photos: int, seconds: float) -> dict[str, Any]:
    _filled(folder, photos)
    with running(model) as daemon:
        ready = daemon.wait_ready()
        found = {
            "start_s": round(ready, 2),
            "first_query": queries.first_and_next(daemon),
            "query_under_load": queries.under_load(daemon, folder, seconds),
            "reload_s": reload_seconds(daemon),
            "memory_mb": _memory(daemon.status()),
        }
    rates = indexing(model, folder)
    return {"indexing": rates, "arriving": arriving(model, folder, rates["limit"]), **found}


def _memory(status: dict[str, Any]) -> dict[str, float]:
    return {"daemon": status["rss_mb"], "encoder": status["encoder"]["rss_mb"]}


if __name__ == "__main__":
    main()
