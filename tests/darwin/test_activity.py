"""Whether a worker works or waits for a disk: macOS calls both running."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace

import psutil
import pytest

from photosd.core import child
from photosd.core.child import Activity

SLEEPS = "import time; print(flush=True); time.sleep(600)"
WORKS = "print(flush=True)\nwhile True: pass"


@pytest.fixture
def begin() -> Iterator[object]:
    """Starts a Python that runs a program; returns its pid once that has begun."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str) -> int:
        started.append(
            subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        )
        assert started[-1].stdout is not None
        started[-1].stdout.readline()
        return started[-1].pid

    yield start
    for process in started:
        process.kill()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_worker_that_waits_does_not_work(
    begin: object, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    """A share that hangs was noticed after a minute, since its reader counted as busy."""
    assert callable(begin)
    monkeypatch.setattr(child, "sys", SimpleNamespace(platform=platform))
    if platform == "darwin":
        monkeypatch.setattr(psutil.Process, "status", lambda _: psutil.STATUS_RUNNING)
    elif sys.platform == "darwin":
        pytest.skip("this system calls both running")
    waiting, working = Activity(begin(SLEEPS)), Activity(begin(WORKS))
    until = time.monotonic() + 30
    while not working.works():
        assert time.monotonic() < until
        time.sleep(0.05)
    waiting.works()  # what it did before it slept
    time.sleep(0.3)
    assert not waiting.works()
    gone = Activity(begin("print()"))
    until = time.monotonic() + 30
    while gone.works():
        assert time.monotonic() < until
        time.sleep(0.05)
