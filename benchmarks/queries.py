"""Queries: the first beside the next, the whole command, and under load."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.bench import BenchDaemon
from benchmarks.statistics import median, percentile

PAUSE_SECONDS = 0.05
WORDS = ("dog beach snow car child tree river bird house boat city night flower horse food").split()  # noqa: SIM905 (readable)


def first_and_next(daemon: BenchDaemon) -> dict[str, float]:
    """The first query after ready against the median of the next twenty, all different.

    Each comes after a pause: without one the later ones find every cache hot, as no person's do.
    """
    times = []
    for number in range(21):
        time.sleep(PAUSE_SECONDS)
        times.append(_encode_ms(daemon, f"a photo of a {_words(number)}"))
    return {
        "first_ms": round(times[0], 2),
        "next_median_ms": round(median(times[1:]), 2),
        "ratio": round(times[0] / median(times[1:]), 2),
    }


def under_load(daemon: BenchDaemon, folder: Path, seconds: float = 20) -> dict[str, Any]:
    """p95 of fresh queries, idle and while the photos of ``folder`` are indexed again and again."""
    idle = _fresh(daemon, seconds / 2, "idle")
    daemon.index(folder)
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            with daemon.client() as client:
                client.call("reindex", {})
                for _ in client.stream("rescan", {"wait": True}):
                    pass

    thread = threading.Thread(target=keep_busy)
    thread.start()
    time.sleep(1)
    busy = _fresh(daemon, seconds, "busy")
    stop.set()
    thread.join(120)
    idle_p95, busy_p95 = percentile(idle, 95), percentile(busy, 95)
    return {
        "idle_p95_ms": round(idle_p95, 2),
        "busy_p95_ms": round(busy_p95, 2),
        "ratio": round(busy_p95 / idle_p95, 2),
        "queries": len(idle) + len(busy),
    }


def whole_command(runs: int = 15) -> dict[str, float]:
    """`photosd query` as a process against a socket that answers at once, milliseconds."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "s"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(8)
        threading.Thread(target=_answer, args=(listener,), daemon=True).start()
        command = [str(Path(sys.executable).parent / "photosd"), "query", "sunset"]
        environment = {**os.environ, "PHOTOSD_SOCKET": str(path)}
        times = []
        for _ in range(runs + 2):
            started = time.perf_counter()
            subprocess.run(command, env=environment, capture_output=True, timeout=30, check=True)
            times.append(1000 * (time.perf_counter() - started))
        listener.close()
    bare = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True, timeout=30)
        bare.append(1000 * (time.perf_counter() - started))
    return {"p50_ms": round(median(times[2:]), 1), "bare_python_ms": round(median(bare), 1)}


def _fresh(daemon: BenchDaemon, seconds: float, tag: str) -> list[float]:
    """Round trips of queries never asked before, milliseconds."""
    times, number, end = [], 0, time.monotonic() + seconds
    with daemon.client() as client:
        while time.monotonic() < end:
            number += 1
            text = f"{tag} {_words(number)} {number}"
            started = time.perf_counter()
            client.call("query", {"text": text, "deadline_ms": 30_000})
            times.append(1000 * (time.perf_counter() - started))
            time.sleep(PAUSE_SECONDS)
    return times


def _encode_ms(daemon: BenchDaemon, text: str) -> float:
    with daemon.client() as client:
        started = time.perf_counter()
        client.call("query", {"text": text, "deadline_ms": 30_000})
        return 1000 * (time.perf_counter() - started)


def _words(number: int) -> str:
    return f"{WORDS[number % len(WORDS)]} and a {WORDS[(number * 7 + 3) % len(WORDS)]}"


def _answer(listener: socket.socket) -> None:
    hit = {
        "rank": 1,
        "path": "/p/a.jpg",
        "score": 0.5,
        "strength": "strong",
        "sources": ["clip"],
        "taken_at": None,
        "offline": False,
    }
    result = {
        "version": 1,
        "query": "sunset",
        "mode_used": "local",
        "fallback_reason": None,
        "model": "starter",
        "answered_by": "vector",
        "convincing": True,
        "understood": 1.0,
        "unknown": [],
        "hits": [hit],
        "coverage": {"photos": 1, "indexed": 1, "pending": 0, "failed": 0, "offline_folders": []},
        "timings_ms": {"encode": 1, "search": 1, "total": 2},
        "warnings": [],
    }
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rw") as lines:
            for line in lines:
                reply = {"v": 1, "id": json.loads(line)["id"], "ok": True, "result": result}
                lines.write(json.dumps({**reply, "warnings": []}) + "\n")
                lines.flush()
