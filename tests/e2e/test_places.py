"""Names of places through the whole daemon: the table is made, whatever ends on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.protocol.client import Client
from tests.conftest import ENCODER_STANDS_IN, RunningDaemon
from tests.docs.examples import painted
from tests.household.daemon import until

SECONDS = 240.0  # the process has the lowest priority, beside other tests


@pytest.fixture
def bare_daemon(home: Home) -> Iterator[RunningDaemon]:
    """A daemon without a table."""
    running = RunningDaemon(home, prelude=ENCODER_STANDS_IN, places=False)
    yield running
    running.stop()


def builders(daemon: RunningDaemon) -> list[psutil.Process]:
    """Processes that make this daemon's table."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(daemon.home.places) in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def found(daemon: RunningDaemon, **where: Any) -> dict[str, Any] | None:
    """The first photo in a place and what it tells; None while the table is being made."""
    with Client(daemon.home.socket, timeout=30) as client:
        try:
            answer = client.query("beach", where=where)  # type: ignore[arg-type]
        except PhotosdError as error:
            assert error.code in ("places", "not_found"), error
            return None
    return dict(answer["hits"][0]) if answer["hits"] else None


@pytest.mark.slow  # the process has a low priority, and other tests keep all cores busy
@pytest.mark.timeout(2 * SECONDS)
def test_a_daemon_killed_while_the_table_is_made(
    bare_daemon: RunningDaemon, tmp_path: Path
) -> None:
    """The process ends with it; the next start makes the table, and photos are found by place."""
    painted(tmp_path / "photos", "beach", place=(29.55, 34.95))
    painted(tmp_path / "photos", "snow")
    bare_daemon.wait_until("ready")
    bare_daemon.index(tmp_path / "photos")
    until(lambda: builders(bare_daemon), 60, "the process")
    assert found(bare_daemon, places=["אילת"]) is None
    bare_daemon.kill()
    until(lambda: not builders(bare_daemon), 60, "its end")
    assert not bare_daemon.home.places.exists()
    bare_daemon.restart()
    bare_daemon.wait_until("ready")
    limit = time.monotonic() + SECONDS
    while (hit := found(bare_daemon, places=["אילת"])) is None:
        assert time.monotonic() < limit, bare_daemon.log()[-2000:]
        time.sleep(0.5)
    assert Path(hit["path"]).name == "beach.jpg"
    assert (hit["place"]["city"], hit["place"]["hebrew"]) == ("Eilat", "אילת")
    near = found(bare_daemon, near_place="Aqaba", near_km=20)
    assert near is not None and near["path"] == hit["path"]
    assert found(bare_daemon, near_place="Haifa") is None
    with bare_daemon.client() as client:
        assert client.call("show", {"path": hit["path"]})["place"]["country"] == "Israel"
    left = bare_daemon.home.places.parent.glob(".places*")
    assert list(left) == []
