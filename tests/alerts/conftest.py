"""Fixtures of the tests of standing queries: one daemon for most, a folder for each."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd.protocol.client import Client
from tests.alerts.scenes import recorder, write
from tests.conftest import RunningDaemon

NOTIFIER = "osascript" if sys.platform == "darwin" else "notify-send"


@pytest.fixture(scope="package")
def desktop() -> Iterator[Path]:
    """A directory of programs: a notifier that notes what it is told."""
    directory = Path(tempfile.mkdtemp(prefix="photosd-test-", dir="/tmp"))
    recorder(directory, NOTIFIER)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="package")
def warm(desktop: Path) -> Iterator[RunningDaemon]:
    """A daemon that is started once."""
    home = desktop / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOSD_HOME", os.fspath(home))
        patch.delenv("PHOTOSD_SOCKET", raising=False)
        patch.setenv("PATH", f"{desktop}{os.pathsep}{os.environ['PATH']}")
        running = RunningDaemon(Home.from_environment())
    yield running
    running.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one old sunset."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    write(folder / "old.jpg", "sunset")
    return folder


@pytest.fixture
def client(warm: RunningDaemon, folder: Path) -> Iterator[Client]:
    """A client of the warm daemon, which watches that folder and has no standing query."""
    warm.wait_until("ready")
    warm.index(folder)
    with warm.client() as client:
        yield client
        for query in client.standing()["standing"]:
            client.standing_remove(query["id"])
        client.remove(os.fspath(folder))
