"""Row 9: a worker ends with its daemon, even while native code holds the GIL."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

# A worker as a daemon starts it, which then sleeps in native code, with the GIL or without. It
# writes a byte each time it sets its timer.
WORKER = """
import ctypes, faulthandler, sys, time
from photosd.core import worker_setup
turns = open(sys.argv[4], "wb", buffering=0)
again = faulthandler.dump_traceback_later
faulthandler.dump_traceback_later = lambda *how, **more: (again(*how, **more), turns.write(b"x"))
worker_setup.HUNG_SECONDS = float(sys.argv[3])
worker_setup.attach(sys.argv[1:3])
while not turns.tell():
    time.sleep(0.01)
print("ready", flush=True)
{library}(None).sleep(600)
"""
PARENT = """
import os, socket, subprocess, sys, time
ours, theirs = socket.socketpair()
worker = subprocess.Popen(
    [sys.executable, "-c", sys.argv[1], str(theirs.fileno()), str(os.getpid()), *sys.argv[2:]],
    pass_fds=[theirs.fileno()], stdout=subprocess.PIPE,
)
worker.stdout.readline()
print(worker.pid, flush=True)
time.sleep(600)
"""
LONG = 30.0  # seconds in which an orphan must have ended


def start(
    mac: dict[str, str], library: str, hung: float, turns: Path
) -> tuple[subprocess.Popen[str], int]:
    """A parent with one worker, which is in its native call; the parent and the worker's pid."""
    worker = WORKER.format(library=library)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, worker, str(hung), str(turns)],
        env=mac,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


@pytest.mark.parametrize(
    ("library", "hung"),
    [("ctypes.PyDLL", 1.0), ("ctypes.CDLL", 600.0)],
    ids=["holds the GIL", "releases it"],
)
def test_an_orphan_ends(mac: dict[str, str], tmp_path: Path, library: str, hung: float) -> None:
    """PyDLL keeps the GIL: the timer ends it; else the event ends it, long before the timer."""
    parent, worker = start(mac, library, hung, tmp_path / "turns")
    orphan = psutil.Process(worker)
    try:
        parent.kill()
        parent.wait(60)
        _, alive = psutil.wait_procs([orphan], LONG)
        assert not alive
    finally:
        for process in (parent, orphan):
            if process.pid and psutil.pid_exists(process.pid):
                process.kill()


def test_a_healthy_worker_survives_the_timer(mac: dict[str, str], tmp_path: Path) -> None:
    """Its thread sets the timer again each time, four times before it is over."""
    turns = tmp_path / "turns"
    parent, worker = start(mac, "ctypes.CDLL", 0.8, turns)
    try:
        limit = time.monotonic() + LONG
        while turns.stat().st_size < 8:
            assert time.monotonic() < limit
            time.sleep(0.01)
        assert psutil.pid_exists(worker)
        assert psutil.Process(worker).status() != psutil.STATUS_ZOMBIE
    finally:
        psutil.Process(worker).kill()
        parent.kill()
        parent.wait(60)
