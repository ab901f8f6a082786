"""The monitor notifies the watchdog while all checks pass, and only then."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd.protocol.endpoint import open_endpoint
from photosd.runtime import liveness
from photosd.runtime.liveness import LivenessMonitor
from photosd.service.notify import SystemdNotifier
from tests.conftest import ENCODER_STANDS_IN, ROOT, RunningDaemon


class Told(SystemdNotifier):
    """Keeps what a service manager would be told."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, str]] = []

    def send(self, **fields: str) -> None:
        self.messages.append(fields)


def listening_at(path: Path) -> socket.socket:
    """Another process's socket, as it were."""
    found = socket.socket(socket.AF_UNIX)
    found.bind(os.fspath(path))
    found.listen()
    return found


def test_the_watchdog_is_notified_only_while_all_checks_pass() -> None:
    """One failed check is enough; the others still run."""
    told, wrong = Told(), ["broken"]
    beating = LivenessMonitor(
        told, {"good": lambda: None, "bad": lambda: wrong[0]}, lambda: "ready"
    )
    assert not beating.run_checks()
    assert told.messages == []
    wrong[0] = ""
    assert beating.run_checks()
    assert told.messages == [{"WATCHDOG": "1"}]


def test_a_sign_that_raises_is_a_complaint() -> None:
    """The monitor keeps running."""
    told = Told()
    beating = LivenessMonitor(told, {"sign": lambda: str(1 // 0)}, lambda: str(1 // 0))
    assert not beating.run_checks()
    assert "division" in beating.report_state()
    assert told.messages == [{"STATUS": beating.report_state()}]


def test_the_beat_in_progress_is_waited_for() -> None:
    """A beat in progress is not started twice; the daemon is ended only when that beat is late."""
    asked, asking, answer = [], threading.Event(), threading.Event()

    def slow() -> None:
        asking.set()
        assert answer.wait(60)
        asked.append("slow")

    told = Told()
    beating = LivenessMonitor(
        told, {"slow": slow, "next": lambda: asked.append("next")}, lambda: "ready"
    )
    beating.start()
    assert asking.wait(60)
    threading.Timer(0.2, answer.set).start()
    beating.stop()
    assert asked == ["slow"]
    assert {"WATCHDOG": "1"} not in told.messages


def test_the_state_is_reported_when_it_changes() -> None:
    """Not again and again."""
    told, words = Told(), ["warming", "warming", "ready"]
    beating = LivenessMonitor(told, {}, lambda: words.pop(0))
    for _ in range(3):
        beating.report_state()
    assert told.messages == [{"STATUS": "warming"}, {"STATUS": "ready"}]


@pytest.mark.parametrize(("period", "every"), [("60000000", 20.0), ("3000000", 1.0), ("", 20.0)])
def test_it_is_faster_than_the_watchdog(
    period: str, every: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three beats in its time, and never rarer than every 20 s."""
    monkeypatch.setenv("WATCHDOG_USEC", period)
    assert LivenessMonitor(SystemdNotifier(), {}, str).every == every


def test_a_hung_event_loop_is_a_missing_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback in the loop computes without end."""
    monkeypatch.setattr(liveness, "LOOP_SECONDS", 0.2)
    loop, release = asyncio.new_event_loop(), threading.Event()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    assert liveness.loop_turns(loop) is None
    loop.call_soon_threadsafe(release.wait)
    assert "has not run" in str(liveness.loop_turns(loop))
    release.set()
    assert liveness.loop_turns(loop) is None
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()
    assert liveness.loop_turns(loop) is None  # leaving is not hanging


def test_a_thread_without_signs_is_missed() -> None:
    """Supervisor and watcher each say when they last turned."""
    assert liveness.recent("no turn", time.monotonic() - 3, 5) is None
    assert liveness.recent("no turn", time.monotonic() - 9, 5) == "no turn for 9 s"


def test_a_socket_without_an_answer_is_a_missing_sign(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket listens, but no call is accepted."""
    monkeypatch.setattr(liveness, "ANSWER_SECONDS", 0.2)
    endpoint = open_endpoint(home)
    assert "not answer" in str(liveness.socket_is_ours(home.socket))
    endpoint.close()
    endpoint.release()
    assert "no socket" in str(liveness.socket_is_ours(home.socket))


def test_a_stolen_socket_is_noticed(quick_daemon: RunningDaemon) -> None:
    """Another process answers at the socket."""
    quick_daemon.wait_until("ready")
    assert str(quick_daemon.process.pid) in str(liveness.socket_is_ours(quick_daemon.home.socket))


FAILING = """
import sys, time
from photosd.runtime import liveness
from photosd.service.notify import SystemdNotifier
liveness.LONGEST_FAILING = 0.2
alone = sys.argv[1] == "1"
monitor = liveness.LivenessMonitor
beating = monitor(SystemdNotifier(), {"loop": lambda: "stuck"}, str, exit_when_failing=alone)
beating.every = 0.05
beating.start()
time.sleep(1.5)
"""


@pytest.mark.parametrize(("alone", "code"), [("1", liveness.SELF_CHECK_FAILED), ("0", 0)])
def test_without_a_watchdog_it_exits(alone: str, code: int) -> None:
    """launchd restarts it; with a watchdog, or without a service manager, it only reports."""
    done = subprocess.run(
        [sys.executable, "-c", FAILING, alone],
        env={**os.environ, "PYTHONPATH": str(ROOT / "daemon")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert ("most recent call first" in done.stderr) == bool(code)


@pytest.fixture
def quick(home: Home) -> Iterator[RunningDaemon]:
    """A daemon whose monitor looks every 0.3 s."""
    running = RunningDaemon(home, {"WATCHDOG_USEC": "1000000"}, ENCODER_STANDS_IN)
    yield running
    running.stop()


@pytest.mark.parametrize("how", ["removed", "replaced", "with its directory"])
def test_a_socket_that_went_missing_is_made_again(quick: RunningDaemon, how: str) -> None:
    """While the daemon runs, and connections that are open stay so."""
    status = quick.wait_until("ready")
    with quick.client() as before:
        before.hello()
        if how == "with its directory":
            for file in sorted(quick.home.runtime.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
            quick.home.runtime.rmdir()
        else:
            quick.home.socket.unlink()
        if how == "replaced":
            listening_at(quick.home.socket).close()
        assert quick.wait_until("ready")["pid"] == status["pid"]
        assert before.hello()["pid"] == status["pid"]


def test_a_foreign_file_in_the_socket_s_place_is_left(home: Home) -> None:
    """A socket of the service manager's above all: it is neither removed nor bound over."""
    endpoint = open_endpoint(home)
    home.socket.unlink()
    theirs = listening_at(home.socket)
    endpoint.inherited = True
    inode = home.socket.stat().st_ino
    assert not endpoint.renew(home)
    endpoint.close()
    assert home.socket.stat().st_ino == inode
    theirs.close()
    endpoint.release()


@pytest.mark.slow
def test_a_daemon_whose_home_was_taken_over_leaves(quick: RunningDaemon) -> None:
    """Its lock file was removed and another daemon runs: both would write to one index."""
    quick.wait_until("ready")
    os.kill(quick.process.pid, signal.SIGSTOP)
    quick.home.lock.unlink()
    quick.home.socket.unlink()
    other = RunningDaemon(quick.home)
    try:
        other.wait_until("ready")
        os.kill(quick.process.pid, signal.SIGCONT)
        assert quick.process.wait(30) == 0
        with Client(quick.home.socket) as client:
            assert client.hello()["pid"] == other.process.pid
    finally:
        other.stop()
