"""A start that fails is tried again until it works; a disk full for a while costs nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from photosd.core import settings_file
from photosd.core.errors import ModelError, PhotosdError, StorageError, Warming
from photosd.core.paths import Home
from photosd.encoder.encoder_status import EncoderStatus
from photosd.protocol.reports import EncoderReport
from photosd.runtime import daemon as daemons
from photosd.runtime.daemon import Daemon
from tests.household.daemon import StandInDaemon, until

PHOTOS = 120


class FakeLibrary:
    """Cannot be opened as long as there are errors left; every other one fails half-way."""

    errors: list[Exception] = []  # noqa: RUF012 (a test's own)
    closed = opened = built = 0

    def __init__(self, *_: Any) -> None:
        if FakeLibrary.errors and len(FakeLibrary.errors) % 2:
            raise FakeLibrary.errors.pop()
        FakeLibrary.built += 1
        self.engine = self.encoder = self
        self.limits = SimpleNamespace(start=0.0)
        self.warmed_up = threading.Event()

    def open(self) -> None:
        if FakeLibrary.errors:
            raise FakeLibrary.errors.pop()
        FakeLibrary.opened += 1

    def status(self) -> EncoderReport:
        return EncoderStatus("fake", 0.0).report(None)

    def close(self) -> None:
        FakeLibrary.closed += 1

    def warm_up(self, _seconds: float) -> bool:
        return False

    def halt(self) -> None:
        pass


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    monkeypatch.setattr(daemons, "Library", FakeLibrary)
    monkeypatch.setattr(daemons, "RETRY_PAUSES", (0.01, 0.05), raising=False)
    monkeypatch.setattr(daemons, "FORCE_SECONDS", 1e6)  # it would end this process
    FakeLibrary.errors = []
    FakeLibrary.closed = FakeLibrary.opened = FakeLibrary.built = 0
    monkeypatch.setenv("PHOTOSD_HOME", str(tmp_path))
    home = Home.from_environment()
    endpoint: Any = SimpleNamespace(path=home.socket)
    yield Daemon(home, settings_file.read(home.settings), endpoint)


def test_whatever_fails_at_the_start_is_tried_again(daemon: Daemon) -> None:
    """Full disks, models that cannot be read, locked catalogs, defects; nothing half-open stays."""
    FakeLibrary.errors = [
        StorageError("the index cannot be opened: No space left on device"),
        ModelError("model.json cannot be read"),
        sqlite3.OperationalError("database is locked"),
        OSError(24, "Too many open files"),
        RuntimeError("lance error: LanceError(IO)"),
        MemoryError(),
        PermissionError(13, "Permission denied"),
    ]
    daemon.open_library()
    assert FakeLibrary.opened == 1
    assert FakeLibrary.built - FakeLibrary.closed == 1
    assert isinstance(daemon.library(0.0), FakeLibrary)


def test_a_warm_up_that_fails_ends(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system was out of threads: the daemon was "warming" until a restart."""

    def refuse(*_: Any) -> bool:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(FakeLibrary, "warm_up", refuse)
    daemon.open_library()
    library: Any = daemon.library(0.0)
    assert library.warmed_up.wait(30)


def test_requests_during_the_start_get_the_reason(daemon: Daemon) -> None:
    """Also in the status, which says what is waited for; stopping ends it."""
    FakeLibrary.errors = [StorageError("no space left on device")] * 10_000
    opening = threading.Thread(target=daemon.open_library)
    opening.start()
    with pytest.raises(PhotosdError, match="no space left"):
        daemon.library(10.0)
    report = daemon.report()
    assert report["index"]["waiting_for"] == "disk" and report["state"] == "degraded"
    assert "no space left" in report["warnings"][0]
    daemon.request_stop("enough")
    opening.join(30)
    assert not opening.is_alive()


def test_a_start_that_takes_longer_is_not_over_in_0_s(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time to wait that is told."""
    monkeypatch.setattr(daemons, "LIBRARY_SECONDS", 0.0)
    with pytest.raises(Warming) as caught:
        daemon.library(0.0)
    assert caught.value.remedy == "try again in 1 s"


def test_without_room_for_a_thread_it_stops_too(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the first signal nor the second one ended it."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    ended: list[int] = []
    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(os, "_exit", ended.append)
    daemon.request_stop("SIGTERM")
    FakeLibrary.errors = [StorageError("no space left on device")] * 10_000
    daemon.open_library()  # it is not tried again
    assert len(FakeLibrary.errors) == 9_999
    daemon.force_exit("SIGTERM came again")
    assert ended == [0]


@pytest.fixture
def small_disk(home: Home) -> Iterator[Path]:
    """The state directory on a file system of its own, of 24 MB."""
    home.state.mkdir(parents=True)
    options = ["-t", "tmpfs", "-o", "size=24m,mode=700", "none", str(home.state)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield home.state
    subprocess.run(["umount", "-l", str(home.state)], check=True)


def fill(file: Path) -> None:
    """Leave not a byte."""
    with file.open("ab", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    stream.write(b"x" * size)
            except OSError:
                continue


def paint(folder: Path, names: range) -> None:
    folder.mkdir(exist_ok=True)
    for number in names:
        Image.new("RGB", (64, 48), (number % 256, number // 3 % 256, 90)).save(
            folder / f"{number}.jpg"
        )


def ask(daemon: StandInDaemon, read: Callable[[dict[str, Any]], Any]) -> Any:
    with daemon.client() as client:
        return read(client.call("status", {}))


def test_a_disk_that_is_full_at_the_start_and_while_indexing(
    small_disk: Path, home: Home, tmp_path: Path
) -> None:
    """It starts once there is space; no photo in progress is lost when the disk is full again."""
    ballast, folder = small_disk / "ballast", tmp_path / "photos"
    fill(ballast)
    daemon = StandInDaemon(home)
    try:
        daemon.wait_until("degraded")
        assert ask(daemon, lambda status: status["index"]["waiting_for"]) in ("disk", "start")
        ballast.unlink()
        daemon.wait_until("ready")
        paint(folder, range(PHOTOS))
        with daemon.client() as client:
            client.call("add", {"path": str(folder)})
        until(lambda: ask(daemon, lambda s: s["index"]["photos"]) > 0, 20, "nothing was found")
        fill(ballast)
        paint(folder, range(PHOTOS, 2 * PHOTOS))
        until(
            lambda: ask(daemon, lambda s: s["index"]["waiting_for"] or s["index"]["pending"] == 0),
            30,
            "nothing waits for the disk",
        )
        ballast.unlink()
        until(lambda: len(daemon.contents()) == 2 * PHOTOS, 60, "photos were lost")
        assert daemon.failed() == {}
        until(lambda: not ask(daemon, lambda s: s["index"]["waiting_for"]), 10, "still waiting")
    finally:
        daemon.stop()
