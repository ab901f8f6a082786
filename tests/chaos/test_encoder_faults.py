"""Fifty clients query while the encoder is struck: each is answered in time, come what may."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from photosd.core.paths import Home
from photosd.models.spec import STARTER
from tests.chaos.crowd import Crowd
from tests.conftest import RunningDaemon

CLIENTS = 50
WAIT_SECONDS = 90.0  # seconds: beside fifty clients and on a busy machine, imports alone took 30
# Shorter than for people, so that a test sees the whole story: (stall, breaker_pause) seconds.
PRELUDE = """
import functools
import photosd.encoder.encoder_limits as limits, photosd.runtime.model_runtime as model_runtime
model_runtime.EncoderLimits = functools.partial(
    limits.EncoderLimits, stall=6.0, breaker_pause=2.0, start=200.0
)
"""
ALLOWED = {
    "vector",
    "cached_embedding",
    "text_match",
    "warming",
    "encoder_unavailable",
    "deadline_exceeded",
}


class Struck:
    """A running daemon on a copy of the starter, and the means to strike its encoder."""

    def __init__(self, daemon: RunningDaemon, orders: Path, model: Path) -> None:
        self.daemon, self.model, self._orders = daemon, model, orders
        self.family: set[psutil.Process] = set()

    def order(self, **orders: object) -> None:
        """Faults that encoders meet from now on."""
        draft = self._orders.with_suffix(".new")
        named = {key.replace("_", " "): value for key, value in orders.items()}
        draft.write_text(json.dumps({"encoder": named}))
        draft.replace(self._orders)

    def encoder(self) -> dict[str, Any]:
        """The encoder's part of the status; remembers every process there was."""
        with contextlib.suppress(psutil.Error):
            self.family |= set(psutil.Process(self.daemon.process.pid).children(recursive=True))
        with self.daemon.client() as client:
            return dict(client.call("status", {})["encoder"])

    def signal(self, number: signal.Signals) -> None:
        """Send the encoder a signal."""
        if (pid := self.encoder()["pid"]) is not None:
            os.kill(pid, number)

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any]:
        """The status once it is as wanted."""
        end = time.monotonic() + seconds
        while not wanted(status := self.encoder()):
            assert time.monotonic() < end, status
            time.sleep(0.05)
        return status

    def deaths(self) -> list[dict[str, Any]]:
        """What the log says of encoders that died or failed to come up."""
        lines = [json.loads(line) for line in self.daemon.log().splitlines()]
        return [line for line in lines if line["event"] in ("encoder_died", "model_failed")]


@pytest.fixture
def struck(home: Home, tmp_path: Path) -> Iterator[Struck]:
    model = home.models / "copy"
    shutil.copytree(STARTER, model)
    home.config.mkdir(parents=True)
    home.settings.write_text('[encoder]\nmodel = "copy"\nmemory_limit_mb = 900\n')
    orders = tmp_path / "faults.json"
    orders.write_text("{}")
    running = RunningDaemon(home, {"PHOTOSD_TEST_FAULTS": str(orders)}, PRELUDE)
    struck = Struck(running, orders, model)
    running.wait_until("ready")
    yield struck
    struck.encoder()
    running.stop()
    _gone, alive = psutil.wait_procs(struck.family, timeout=5)
    assert not alive, f"left behind: {alive}"


def kill(struck: Struck) -> None:
    struck.signal(signal.SIGKILL)


def stop(struck: Struck) -> None:
    struck.signal(signal.SIGSTOP)


def crash(struck: Struck) -> None:
    struck.signal(signal.SIGSEGV)


def once(**orders: object) -> Callable[[Struck], None]:
    """A fault that the next encoder does not meet again."""

    def strike(struck: Struck) -> None:
        restarts = struck.encoder()["restarts"]
        struck.order(**orders)
        struck.until(lambda status: status["restarts"] > restarts, WAIT_SECONDS)
        struck.order()

    return strike


def in_the_next(**orders: object) -> Callable[[Struck], None]:
    """A fault in the one encoder that follows this one's death."""

    def strike(struck: Struck) -> None:
        restarts = struck.encoder()["restarts"]
        struck.order(**orders)
        kill(struck)
        struck.until(lambda status: status["restarts"] > restarts + 1, WAIT_SECONDS)
        struck.order()

    return strike


ONE_FAULT = {
    "stopped": (stop, "hung|in the middle of a message"),
    "killed": (kill, "SIGKILL"),
    "segfault": (crash, "SIGSEGV"),
    "hang": (once(text="hang"), "hung"),
    "hang_gil": (once(text="hang_gil"), "hung"),
    "memory": (once(text="memory:500"), "recycled"),
    "exit_loading": (in_the_next(load_weights="exit"), "code 1"),
    "stall_loading": (in_the_next(load_weights="hang"), "stalled"),
    "out_of_memory_loading": (in_the_next(load_weights="out_of_memory"), "memory"),
    "killed_loading": (in_the_next(load_weights="kill"), "SIGKILL"),
}
QUICK = ("killed", "hang_gil")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "fault",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.chaos) for name in ONE_FAULT],
)
def test_one_fault(struck: Struck, fault: str) -> None:
    """Every query is answered in time, the encoder comes back, the log names the cause once."""
    strike, reason = ONE_FAULT[fault]
    with Crowd(struck.daemon.home, CLIENTS) as crowd:
        time.sleep(1)
        before = len(struck.deaths())
        strike(struck)
        struck.until(
            lambda status: status["state"] == "ready" and status["restarts"] > 0, WAIT_SECONDS
        )
        time.sleep(1)
    deaths = [death for death in struck.deaths()[before:] if re.search(reason, json.dumps(death))]
    assert_all_answered(crowd)
    assert len(deaths) == (2 if fault == "killed_loading" else 1), struck.deaths()
    assert deaths[0]["remedy"]


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_slow_loading_that_moves_is_left_alone(struck: Struck) -> None:
    """120 s of loading with signs of life, where 6 s without one are too many."""
    with Crowd(struck.daemon.home, CLIENTS) as crowd:
        struck.order(load_weights="slow:120")
        kill(struck)
        status = struck.until(lambda s: s["restarts"] == 1 and s["state"] == "ready", 200)
    assert status["restarts"] == 1
    assert_all_answered(crowd)


def truncate(struck: Struck) -> None:
    file = struck.model / "weights.safetensors"
    os.truncate(file, file.stat().st_size // 2)


def corrupt(struck: Struck) -> None:
    file = struck.model / "weights.safetensors"
    file.write_bytes(b"\xff" * file.stat().st_size)


def lie(struck: Struck) -> None:
    struck.order(canary="wrong")


LASTING = {"truncated": truncate, "corrupt": corrupt, "canary": lie}


@pytest.mark.chaos
@pytest.mark.timeout(200)
@pytest.mark.parametrize("fault", list(LASTING))
def test_a_lasting_fault_opens_the_breaker(struck: Struck, fault: str) -> None:
    """The reason is in status and in every refusal; once the cause is gone, it comes back."""
    with Crowd(struck.daemon.home, CLIENTS) as crowd:
        time.sleep(1)
        LASTING[fault](struck)
        kill(struck)
        status = struck.until(lambda s: s["state"] == "broken", 60)
        assert status["error"]["title"] and status["error"]["remedy"]
        time.sleep(3)
        struck.order()
        shutil.copytree(STARTER, struck.model, dirs_exist_ok=True)
        struck.until(lambda s: s["state"] == "ready", 60)
    assert_all_answered(crowd)
    assert any(line["event"] == "model_failed" and line["remedy"] for line in struck.deaths())


def assert_all_answered(crowd: Crowd) -> None:
    """Each query had an answer or a typed error with a remedy."""
    print(len(crowd.endings), crowd.kinds(), f"slowest {crowd.slowest:.2f} s")
    assert not crowd.broken, crowd.broken[:3]
    assert len(crowd.endings) > CLIENTS
    assert set(crowd.kinds()) <= ALLOWED, crowd.kinds()
    assert all(ending.remedy for ending in crowd.endings if ending.title)
