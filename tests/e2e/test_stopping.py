"""Stopping takes ten seconds at most, whatever hangs; nothing is lost and no process is left."""

from __future__ import annotations

import contextlib
import json
import os
import plistlib
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from photosd.core.clock import STOP_SECONDS, Deadline
from photosd.core.config import Settings
from photosd.core.errors import NotFound, StorageError
from photosd.core.paths import Home
from photosd.encoder.supervisor import Supervisor
from photosd.index.database import Database
from photosd.index.maintenance import Maintenance
from photosd.models import registry
from photosd.protocol.client import Client
from photosd.runtime.library import Library
from photosd.runtime.model_switch import ModelSwitch
from photosd.search.query_cache import QueryCache, QueryEmbedding
from photosd_cli import lifecycle
from tests.alerts.scenes import eventually, write
from tests.conftest import ENCODER_STANDS_IN, ROOT, RunningDaemon

# -- parts, in this process --------------------------------------------------------------------


@pytest.fixture
def library(home: Home, monkeypatch: pytest.MonkeyPatch) -> Library:
    """All parts, none started."""
    monkeypatch.setattr(Supervisor, "start", lambda _: None)
    return Library(home, Settings())


PARTS: dict[str, tuple[Callable[[Library], object], str, str]] = {
    "gemini": (lambda lib: lib.gemini, "close", "gemini"),
    "alerts": (lambda lib: lib.alerts, "stop", "alerts"),
    "reconciler": (lambda lib: lib.reconciler, "stop", "reconciler"),
    "watcher": (lambda lib: lib.watcher, "stop", "watcher"),
    "model switch": (lambda lib: lib.model_switcher, "stop", "model switch"),
    "pipeline": (lambda lib: lib.pipeline, "stop", "pipeline"),
    "decoders": (lambda lib: lib.pool, "stop", "decoders"),
    "encoder": (lambda lib: lib.encoder, "stop", "encoder"),
    "queries to remember": (lambda lib: lib.engine, "close", "queries"),
    "maintenance": (lambda lib: lib.serving.store, "close", "maintenance"),
    "catalog": (lambda lib: lib.database, "close", "catalog"),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_hangs_delays_neither_the_others_nor_the_exit(
    library: Library, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It is named; every other one is asked, with a deadline that is no later than the whole."""
    without_end, given = threading.Event(), dict[str, Any]()
    for other, (part, method, _) in PARTS.items():

        def stop(*deadline: Deadline, other: str = other) -> None:
            given[other] = deadline
            if other == name:
                without_end.wait()

        monkeypatch.setattr(part(library), method, stop)
    whole = Deadline.after(2.0)
    assert library.close(whole) == [PARTS[name][2]]
    assert set(given) == set(PARTS) - ({"catalog"} if name != "catalog" else set())
    for name_, deadline in given.items():
        assert name_ == "catalog" or deadline[0].at <= whole.at
    without_end.set()


def test_healthy_parts_end_at_once(library: Library) -> None:
    """No part waits until the deadline, which is later than the time limit of the test."""
    assert library.close(Deadline.after(3600)) == []


@pytest.mark.parametrize(
    "broken",
    [
        "runtime.model_runtime.VectorStore",
        "runtime.model_runtime.Engine",
        "runtime.model_runtime.Pipeline",
    ],
)
def test_a_model_that_cannot_be_built_leaves_no_encoder(
    home: Home, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """The process that was started for it ends, and the catalog is closed."""
    assert _ended_after(home, monkeypatch, broken) == ["start", "stop", "closed"]


@pytest.mark.parametrize(
    "broken", ["runtime.library.Alerts", "runtime.library.Traces", "runtime.library.Retention"]
)
def test_a_library_that_cannot_be_built_leaves_no_encoder(
    home: Home, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A start that is tried again would have two."""
    assert _ended_after(home, monkeypatch, broken) == ["start", "stop", "closed"]


def _ended_after(home: Home, monkeypatch: pytest.MonkeyPatch, broken: str) -> list[str]:
    happened: list[str] = []

    def fail(*_: object, **__: object) -> None:
        raise StorageError("broken")

    close = Database.close
    monkeypatch.setattr(Supervisor, "start", lambda _: happened.append("start"))
    monkeypatch.setattr(Supervisor, "stop", lambda *_: happened.append("stop"))

    def closed(database: Database) -> None:
        happened.append("closed")
        close(database)

    monkeypatch.setattr(Database, "close", closed)
    monkeypatch.setattr(f"photosd.{broken}", fail)
    with pytest.raises(StorageError):
        Library(home, Settings())
    return happened


def test_queries_are_not_saved_without_limit(home: Home) -> None:
    """While the disk hangs; else they are saved."""
    import numpy as np

    home.state.mkdir()
    database = Database(home.catalog)
    kept = QueryCache(database, "m")
    embedding = QueryEmbedding(np.ones(4, np.float32), 1.0, [])
    release, held = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write():
            held.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    kept.put("dog", embedding)
    kept.close(Deadline.after(0.3))
    release.set()
    thread.join()
    other = QueryCache(database, "m")
    other.put("cat", embedding)
    other.close(Deadline.after(10))
    assert QueryCache(database, "m").get("cat") is not None
    database.close()


def test_maintenance_that_hangs_is_left_behind_and_nothing_more_begun() -> None:
    """A version of the table is whole or not there."""
    release, again = threading.Event(), threading.Event()
    maintenance = Maintenance()
    maintenance.begin(lambda: int(release.wait()))
    maintenance.close(Deadline.after(0.2))
    release.set()
    maintenance.wait_idle(10)
    maintenance.begin(lambda: again.set() or 0)  # type: ignore[func-returns-value]
    assert maintenance.wait_idle(1) and not again.is_set()


def test_a_replaced_model_ends_with_the_daemon(library: Library) -> None:
    """It waits for its last queries only while the daemon runs."""
    closed, released = threading.Event(), threading.Event()
    leaving: Any = SimpleNamespace(close=closed.set, release=released.set)
    library.model_switcher.close_later(leaving, leaving)
    assert not closed.is_set()  # it lingers for LINGER_SECONDS
    library.model_switcher.stop(Deadline.after(60))
    assert closed.is_set() and released.is_set()
    library.close()


def test_a_switch_that_hangs_does_not_hold_the_end(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the lock of the switcher; that is left to it."""
    held, release = threading.Event(), threading.Event()

    def find(*_: object) -> None:
        held.set()
        release.wait()
        raise NotFound("no such model")

    monkeypatch.setattr(registry, "find", find)
    threading.Thread(target=library.model_switcher.follow, args=("next",), daemon=True).start()
    held.wait(60)
    library.close(Deadline.after(2))
    release.set()


def test_a_switch_whose_model_never_opens_is_given_up(home: Home) -> None:
    """Between two models, on a disk that hangs: its encoder is ended all the same."""
    opening, release, released = threading.Event(), threading.Event(), threading.Event()
    closed: list[float] = []

    class Target:
        spec = SimpleNamespace(name="next")
        pipeline = SimpleNamespace(stop=lambda: None)

        def open(self, *, serving: bool) -> None:
            opening.set()
            release.wait()

        def work_on(self, _: object) -> None:
            pass

        def close(self, deadline: Deadline) -> None:
            closed.append(deadline.remaining)

    fill = SimpleNamespace(close=released.set, left=lambda: 1, exhausted=lambda: False)
    switch = ModelSwitch(Target(), fill, lambda _: None)  # type: ignore[arg-type]
    switch.start()
    opening.wait(60)
    switch.stop(Deadline.after(1))
    assert released.is_set() and closed and closed[0] <= 0.6
    release.set()


def test_service_managers_wait_longer_than_a_stop_takes() -> None:
    """The command, systemd and launchd; and none of them much longer."""
    unit = (ROOT / "systemd/photosd.service").read_text()
    agent = plistlib.loads((ROOT / "launchd/org.photosd.daemon.plist").read_bytes())
    found = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M)
    assert found is not None
    for seconds in (float(found[1]), agent["ExitTimeOut"], lifecycle.ENDED_SECONDS):
        assert STOP_SECONDS + 2 <= seconds <= 2 * STOP_SECONDS


def test_no_wait_of_a_stop_has_no_end() -> None:
    """A thread is joined for so long, an executor is not waited for."""
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in sorted((ROOT / "daemon/photosd").rglob("*.py"))
        for line in file.read_text().splitlines()
        if re.search(r"[a-z]\.join\(\)|\.shutdown\((cancel_futures=True)?\)|to_thread\(", line)
        and "logging.shutdown" not in line
    ]
    assert found == []


# -- the whole, from outside -------------------------------------------------------------------


def ends(running: RunningDaemon, *signals: int) -> str:
    """Send the signals; it ends, with 0, and every process with it. What it has logged.

    What hangs would hang forever.
    """
    theirs = ("command_runner.py", "sleep")  # a command of a standing query, and who waits for it
    family = [
        process
        for process in psutil.Process(running.process.pid).children(recursive=True)
        if not any(one in word for word in _command(process) for one in theirs)
    ]
    before = len(running.log())
    for number in signals:
        running.process.send_signal(number)
        eventually(lambda: '"stopping"' in running.log()[before:])
    assert running.process.wait(60) == 0, running.log()[-2000:]
    psutil.wait_procs(family, timeout=30)
    left = [" ".join(_command(process)) for process in family if process.is_running()]
    assert [words for words in left if words] == []
    return running.log()


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


# Parts are left behind sooner than for people.
HURRY = """
import photosd.runtime.daemon as daemon
daemon.ENDING_SECONDS, daemon.OWN_CLIENTS_SECONDS, daemon.FORCE_SECONDS = 3.0, 1.0, 4.0
"""


@contextlib.contextmanager
def started(home: Home, prelude: str = "", **environment: str) -> Iterator[RunningDaemon]:
    """A daemon that is killed at the latest when the test is over."""
    running = RunningDaemon(home, environment, HURRY + prelude)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()


def serving(running: RunningDaemon) -> None:
    """Wait until it answers, whatever its state is."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(Exception), running.client() as client:
            client.hello()
            return
        time.sleep(0.05)
    raise AssertionError(running.log())


HANGS = """
import threading
from photosd.{module} import {name}
{name}.{method} = lambda *_: threading.Event().wait()
"""


def test_during_the_start(home: Home) -> None:
    """While the index is opened, on a disk that hangs; and the model is loaded."""
    with started(
        home, HANGS.format(module="runtime.library", name="Library", method="open")
    ) as running:
        serving(running)
        assert "opening" in ends(running, signal.SIGTERM)


def test_when_a_part_never_ends_and_nothing_is_lost(home: Home, photos: Path) -> None:
    """The next daemon has all that this one had."""
    folder = home.state.parent / "photos"
    folder.mkdir()
    for file in sorted((photos / "library").glob("*.jpg"))[:3]:
        shutil.copy(file, folder)
    hangs = HANGS.format(module="index.reconciler", name="Reconciler", method="stop")
    with started(home, ENCODER_STANDS_IN + hangs) as running:
        running.wait_until()
        assert running.index(folder)["indexed"] == 3
        log = ends(running, signal.SIGTERM)
        assert "reconciler" in log and "stop_forced" in log
        running.restart()
        serving(running)
        eventually(lambda: _indexed(running) == 3)
        ends(running, signal.SIGINT)


def _indexed(running: RunningDaemon) -> int:
    with running.client() as client:
        return client.status()["index"]["indexed"]


def test_a_second_signal_forces_it(home: Home) -> None:
    """The second Ctrl-C ends it at once."""
    hangs = HANGS.format(module="runtime.library", name="Library", method="close")
    with started(home, hangs) as running:
        serving(running)
        assert "came again" in ends(running, signal.SIGINT, signal.SIGINT)


def test_with_everything_hanging_at_once(home: Home, tmp_path: Path) -> None:
    """An encoder and a decoder, a command of a standing query, a client that waits."""
    folder, orders, pid = tmp_path / "photos", tmp_path / "faults.json", tmp_path / "pid"
    program = tmp_path / "hangs"
    program.write_text(f"#!/bin/sh\necho $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 60")
    program.chmod(0o755)
    folder.mkdir()
    write(folder / "old.jpg", "sunset")
    orders.write_text("{}")
    with started(home, PHOTOSD_TEST_FAULTS=str(orders)) as running:
        running.wait_until()
        running.index(folder)
        with running.client() as client:
            client.standing_add("sunset", "exec", argv=[str(program)])
        write(folder / "new.jpg", "sunset")
        eventually(pid.exists)
        hangs = {"start": None, "files": [{"name": "hangs*", "do": "hang_gil"}]}
        orders.write_text(json.dumps({"encoder": {"text": "hang_gil"}, "decode": hangs}))
        write(folder / "hangs.jpg", "snow")
        stuck = Client(home.socket, timeout=30)
        asking = threading.Thread(target=lambda: _quietly(lambda: stuck.query("dog")), daemon=True)
        asking.start()
        eventually(lambda: len(_decoders(running)) > 0)
        ends(running, signal.SIGTERM)
        asking.join(10)
        stuck.close()
        assert "sleep" in _command(psutil.Process(int(pid.read_text())))  # it is left to end
        os.kill(int(pid.read_text()), signal.SIGKILL)


def _decoders(running: RunningDaemon) -> list[psutil.Process]:
    family = psutil.Process(running.process.pid).children(recursive=True)
    return [process for process in family if "photosd.decode" in _command(process)]


def _quietly(action: Callable[[], object]) -> None:
    with contextlib.suppress(Exception):
        action()
