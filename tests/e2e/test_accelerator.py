"""An accelerator that fails, through the whole daemon: queries are answered, the CPU takes over."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from photosd.core.errors import ConfigError
from photosd.core.paths import Home
from photosd.doctor.checks import run_checks
from photosd_cli.commands.status import status_lines
from tests.alerts.scenes import write
from tests.chaos.crowd import Crowd
from tests.chaos.test_encoder_faults import assert_all_answered
from tests.conftest import RunningDaemon
from tests.faults import VARIABLE

CLIENTS = 8
PHOTOS = 12
DEADLINE_MS = 30_000  # longer than any start
WAIT_SECONDS = 60.0
# A start that hangs is noticed sooner than for people.
PRELUDE = """
import functools, photosd.encoder.encoder_limits as limits, photosd.runtime.model_runtime as runtime
runtime.EncoderLimits = functools.partial(limits.EncoderLimits, stall=20.0)
"""


class Machine:
    """A daemon on a machine with an accelerator that does what is ordered."""

    def __init__(self, home: Home, place: Path, name: str) -> None:
        self._orders, self.photos = place / "faults.json", place / "photos"
        self.photos.mkdir()
        for number in range(PHOTOS):
            write(self.photos / f"{number}.jpg", ("beach", "forest", "snow")[number % 3])
        self.order(name)
        self.daemon = RunningDaemon(home, {VARIABLE: str(self._orders)}, PRELUDE)

    def order(self, name: str, **orders: object) -> None:
        """What the accelerator does from now on."""
        draft = self._orders.with_suffix(".new")
        draft.write_text(json.dumps({"device": {"name": name, **orders}}))
        draft.replace(self._orders)

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The encoder's part of the status once it is ready and as wanted."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            with self.daemon.client() as client:
                encoder = dict(client.status()["encoder"])
            if encoder["state"] == "ready" and wanted(encoder):
                return encoder
            assert time.monotonic() < end, encoder
            time.sleep(0.05)

    def moments(self, event: str) -> list[float]:
        """When the log says that it happened, Unix seconds."""
        lines = [json.loads(line) for line in self.daemon.log().splitlines()]
        found = [line["timestamp"] for line in lines if line["event"] == event]
        return [datetime.fromisoformat(one.replace("Z", "+00:00")).timestamp() for one in found]


@pytest.fixture
def machine(home: Home, tmp_path: Path) -> Iterator[Callable[[str], Machine]]:
    made: list[Machine] = []

    def make(name: str) -> Machine:
        made.append(Machine(home, tmp_path, name))
        made[0].daemon.wait_until("ready")
        made[0].until(lambda encoder: encoder["device"] == name)
        return made[0]

    yield make
    for one in made:
        one.daemon.stop()


def on_cpu(encoder: dict[str, Any]) -> bool:
    """Whether the CPU has taken over until the user sets the device."""
    takeover = encoder["takeover"] or {"remedy": ""}
    return encoder["device"] == "cpu" and str(takeover["remedy"]).startswith("photosd config set")


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("name", "where", "deed"),
    [
        ("mps", "image", "abort"),
        pytest.param("cuda", "text", "abort", marks=pytest.mark.slow),
        pytest.param("mps", "move", "abort", marks=pytest.mark.slow),
        pytest.param("cuda", "image", "abort", marks=pytest.mark.slow),
        pytest.param("mps", "image", "hang", marks=pytest.mark.slow),
    ],
)
def test_queries_are_answered_while_the_cpu_takes_over(
    machine: Callable[[str], Machine], name: str, where: str, deed: str
) -> None:
    """Each whose deadline allows is, with a new embedding; no photo fails, and the CPU works."""
    struck = machine(name)
    daemon = struck.daemon
    if where == "move":
        daemon.index(struck.photos)  # an encoder on the CPU is warm then
    with Crowd(daemon.home, CLIENTS, DEADLINE_MS) as crowd:
        struck.order(name, **{where: deed})
        if where == "move":
            os.kill(struck.until(lambda _: True)["pid"], signal.SIGKILL)
        folders = [] if where == "move" else [struck.photos]
        assert daemon.index(*folders)["failed"] == 0
        struck.until(on_cpu)
    assert_all_answered(crowd)
    assert set(crowd.kinds()) == {"vector"}
    died, warm = struck.moments("encoder_died")[0], struck.moments("model_warm")
    (given_up,) = struck.moments("accelerator_disabled")
    print(f"warm {min(at for at in warm if at >= died) - died:.3f} s after the first death")
    assert died <= given_up


def test_the_takeover_is_shown_remembered_and_undone(machine: Callable[[str], Machine]) -> None:
    """Status and doctor report it, a restart keeps it, setting the device again ends it."""
    struck = machine("mps")
    daemon = struck.daemon
    struck.order("mps", move="abort", image="abort")
    daemon.index(struck.photos)
    struck.until(on_cpu)
    with daemon.client() as client:
        status = client.status()
    assert any("died on mps 2 times" in warning for warning in status["warnings"])
    assert any("on cpu  instead of mps" in line for line in status_lines(status))
    (found,) = [one for one in run_checks(daemon.home) if "mps" in one.says]
    assert (found.check, found.verdict) == ("model", "warning")
    assert (found.remedy or "").startswith("photosd config set encoder.device auto")
    daemon.stop()
    daemon.restart()
    daemon.wait_until("ready")
    assert struck.until(on_cpu)["restarts"] == 0
    struck.order("mps")
    with daemon.client() as client:
        client.config_set("encoder.device", "auto")
    encoder = struck.until(lambda encoder: encoder["device"] == "mps")
    assert encoder["takeover"] is None
    with daemon.client() as client, pytest.raises(ConfigError, match="cuda"):
        client.config_set("encoder.device", "cuda")
