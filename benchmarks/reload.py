"""How long from the encoder's death to a warm one."""

from __future__ import annotations

import json
import os
import signal
import time

from benchmarks.bench import BenchDaemon
from benchmarks.statistics import median


def reload_seconds(daemon: BenchDaemon, runs: int = 3) -> float:
    """Median seconds from SIGKILL to ready. Deaths far apart, so that none is held back."""
    times = []
    daemon.wait_ready()
    for _ in range(runs):
        before = daemon.status()["encoder"]
        started = time.monotonic()
        os.kill(before["pid"], signal.SIGKILL)
        daemon.wait_ready(restarts=before["restarts"] + 1)
        times.append(time.monotonic() - started - before_pause(daemon))
    return round(median(times), 2)


def before_pause(daemon: BenchDaemon) -> float:
    """Seconds the last restart was held back on purpose (the log says)."""
    log = (daemon.home / "state" / "logs" / "photosd.log").read_text().splitlines()
    lines = [json.loads(line) for line in log if '"encoder_died"' in line]
    return float(lines[-1]["next_start_s"]) if lines else 0.0
