"""`start`, `stop`, `restart`: afterwards a daemon surely runs, or surely does not.

These run real daemons with stand-ins for their encoders.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from photosd.core.daemon_lock import lock_holder
from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.core.socketpath import VARIABLE
from photosd.protocol.client import Client
from photosd_cli import lifecycle
from tests.cli.conftest import QUICK, Photosd, command, environment
from tests.cli.stub import StubDaemon, error, status_result

Process = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(autouse=True)
def no_daemon_is_left(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test starts is ended after it."""
    monkeypatch.setenv("PYTHONPATH", environment(QUICK)["PYTHONPATH"])
    yield
    monkeypatch.setattr(lifecycle, "ANSWER_SECONDS", 2.0)
    lifecycle.stop()


def pid_of_daemon() -> int:
    """Who answers."""
    with Client() as client:
        return client.hello()["pid"]


def runs(pid: int) -> bool:
    """Whether this process has not ended; an ended one may still be listed."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_start_stop_restart(photosd: Photosd, home: Home) -> None:
    """The whole life, from the command line."""
    ran = photosd("start")
    assert ran.code == 0, ran
    first = pid_of_daemon()
    assert f"photosd is running (pid {first})" in ran.out
    assert f"photosd is running already (pid {first})" in photosd("start").out
    assert photosd("restart").code == 0
    second = pid_of_daemon()
    assert second != first
    assert not runs(first)
    assert json.loads(photosd("stop", "--json").out) == {"version": 1, "stopped": "stopped"}
    assert not runs(second)
    assert not home.socket.exists()
    ran = photosd("stop")
    assert (ran.code, ran.out) == (0, "photosd was not running\n")
    assert photosd("query", "sunset").code == 3


def test_the_daemon_is_on_its_own(photosd: Photosd) -> None:
    """The daemon keeps no terminal, directory or stream of the process that started it."""
    assert photosd("start").code == 0
    daemon = psutil.Process(pid_of_daemon())
    assert daemon.cwd() == "/"
    assert daemon.terminal() is None
    assert os.getsid(daemon.pid) == daemon.pid
    if sys.platform == "linux":
        streams = {
            os.fspath(Path(f"/proc/{daemon.pid}/fd/{number}").readlink()) for number in range(3)
        }
        assert streams == {"/dev/null"}


def test_a_relative_home_is_the_one_meant_here(
    process: Process, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the daemon itself runs in ``/``."""
    root = home.state.parent
    monkeypatch.chdir(root.parent)
    monkeypatch.setenv("PHOTOSD_HOME", root.name)
    ran = process("start", "--json")
    assert ran.returncode == 0, ran.stderr
    monkeypatch.setenv("PHOTOSD_HOME", str(root))
    assert json.loads(ran.stdout)["pid"] == pid_of_daemon()


@pytest.mark.parametrize("starts", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_any_number_of_starts_at_once_make_one_daemon(home: Home, starts: int) -> None:
    """And each of them succeeds."""
    running = [
        subprocess.Popen(
            command("start", "--json"),
            env=environment(QUICK),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(starts)
    ]
    ends = [(*process.communicate(timeout=100), process.returncode) for process in running]
    assert {code for _, _, code in ends} == {0}, ends
    assert len({json.loads(out)["pid"] for out, _, _ in ends}) == 1
    assert [json.loads(out)["already_running"] for out, _, _ in ends].count(False) == 1


def test_a_daemon_that_cannot_begin_says_why(photosd: Photosd, home: Home) -> None:
    """Even if it could not write a log yet."""
    home.runtime.parent.mkdir(parents=True, exist_ok=True)
    home.runtime.write_text("in the way")
    ran = photosd("start")
    assert ran.code == 5
    assert "the daemon ended at once (exit code 5)" in ran.err
    assert "cannot be created" in ran.err
    assert json.loads(photosd("start", "--json").out)["error"]["code"] == "start_failed"
    home.runtime.unlink()


def test_a_daemon_that_dies_shows_the_end_of_its_log(
    photosd: Photosd, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the lines of this start."""
    home.log.parent.mkdir(parents=True)
    home.log.write_text('{"event": "long ago"}\n')
    line = json.dumps({"event": "no space", "level": "error"})
    script = f"open({str(home.log)!r}, 'a').write({line + chr(10)!r}); raise SystemExit(9)"
    monkeypatch.setattr(lifecycle, "daemon_command", lambda: [sys.executable, "-c", script])
    ran = photosd("start")
    assert ran.code == 5
    assert "exit code 9" in ran.err
    assert "no space" in ran.err
    assert "long ago" not in ran.err


def test_a_home_that_cannot_be_written_is_said(
    photosd: Photosd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the place and the way out."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PHOTOSD_HOME", str(tmp_path / "file"))
    ran = photosd("start")
    assert ran.code == 5
    assert "PHOTOSD_HOME" in ran.err
    monkeypatch.undo()


def test_a_daemon_that_never_answers_is_given_up(
    photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the limit."""
    script = "import time; time.sleep(20)"
    monkeypatch.setattr(lifecycle, "daemon_command", lambda: [sys.executable, "-c", script])
    monkeypatch.setattr(lifecycle, "START_SECONDS", 0.5)
    ran = photosd("start")
    assert ran.code == 5
    assert "does not answer" in ran.err
    for child in psutil.Process().children():
        if child.cmdline()[-1] == script:
            child.kill()


def test_a_hung_daemon_is_killed(photosd: Photosd, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found by the lock it holds, asked, told, and ended."""
    assert photosd("start").code == 0
    pid = pid_of_daemon()
    monkeypatch.setattr(lifecycle, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(lifecycle, "SIGNAL_SECONDS", 0.5)
    os.kill(pid, signal.SIGSTOP)
    ran = photosd("start")
    assert ran.code == 5
    assert "photosd restart" in ran.err
    ran = photosd("stop")
    assert (ran.code, ran.out) == (0, f"{lifecycle.STOPPED_IN_WORDS['killed']}\n")
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_pid_in_a_lock_file_that_is_not_held_is_ignored(home: Home) -> None:
    """Only a held lock means a living daemon; the recorded pid belongs to another process now."""
    home.state.mkdir(parents=True)
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        home.lock.write_text(f"{bystander.pid}\n")
        assert lifecycle.stop() == "not_running"
        assert bystander.poll() is None
        with home.lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert lock_holder(home) == bystander.pid
    finally:
        bystander.kill()
        bystander.wait(60)


def test_wait_until_warm_shows_the_warm_state(
    stub: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`start --wait` on a daemon that is there already."""
    states = ["warming", "warming", "ready"]
    stub.answers["hello"] = {"version": "0.1.0", "protocol": 1, "pid": 0}
    stub.answers["status"] = lambda _params: status_result(states.pop(0))
    ran = photosd("start", "--wait")
    assert (ran.code, states) == (0, [])
    stub.answers["status"] = status_result("warming")
    monkeypatch.setattr(lifecycle, "WARM_SECONDS", 0.1)
    assert photosd("start", "--wait").code == 4
    stub.answers["status"] = status_result("degraded")
    assert photosd("start", "--wait").code == 5
    assert photosd("start").code == 0
    stub.answers["hello"] = error("not_running")


def test_stop_waits_for_the_end_not_for_the_answer(
    stub: StubDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are free again when it returns."""
    ending = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    stub.answers["hello"] = {"pid": ending.pid}
    asked: list[float] = []

    def stop(_params: object) -> bytes:
        asked.append(time.monotonic())
        assert ending.stdin is not None
        ending.stdin.close()
        return b""  # a daemon may be gone before its answer

    stub.answers["stop"] = stop
    assert lifecycle.stop() == "stopped"
    assert asked
    assert ending.wait(30) == 0
    stub.answers["hello"] = error("not_running")


def test_what_cannot_be_killed_is_said(stub: StubDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command does not wait without limit for a process in uninterruptible sleep."""
    stub.answers.update(hello={"pid": os.getpid()}, stop={"stopping": True})
    monkeypatch.setattr(lifecycle, "has_ended", lambda _process, _seconds: False)
    monkeypatch.setattr(psutil.Process, "terminate", lambda _self: None)
    monkeypatch.setattr(psutil.Process, "kill", lambda _self: None)
    with pytest.raises(PhotosdError, match="cannot be killed"):
        lifecycle.stop()
    stub.answers["hello"] = error("not_running")


def test_a_start_during_a_stop_waits_for_its_end(photosd: Photosd) -> None:
    """Whichever command comes first: neither fails, and there are never two daemons."""
    assert photosd("start").code == 0
    for _ in range(3):
        stopping = subprocess.Popen(command("stop"), env=environment(QUICK), stdout=subprocess.PIPE)
        starting = [
            subprocess.Popen(command("start"), env=environment(QUICK), stderr=subprocess.PIPE)
            for _ in range(3)
        ]
        ends = [(process.communicate(timeout=90)[1], process.returncode) for process in starting]
        assert {code for _, code in ends} <= {0, 3, 5}, ends  # 3, 5: it was stopped after that
        stopping.communicate(timeout=90)
        assert photosd("start").code == 0
        assert _serving(os.environ["PHOTOSD_HOME"]) == {pid_of_daemon()}


def _serving(home: str) -> set[int]:
    """Daemons of this home. A worker looks like its daemon between its fork and its exec."""
    found = {process.pid: process for process in psutil.process_iter() if _serves(process, home)}
    with contextlib.suppress(psutil.NoSuchProcess):
        return {pid for pid, process in found.items() if process.ppid() not in found}
    return set(found)


def _serves(process: psutil.Process, home: str) -> bool:
    try:
        is_daemon = process.status() != psutil.STATUS_ZOMBIE and process.cmdline()[-2:] == [
            "-m",
            "photosd",
        ]
        return is_daemon and process.environ().get("PHOTOSD_HOME") == home
    except psutil.Error:
        return False


def test_a_daemon_that_listens_elsewhere_is_not_doubled(
    photosd: Photosd, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell with another XDG_RUNTIME_DIR must not start a second writer of the same index."""
    assert photosd("start").code == 0
    elsewhere = home.state.parent / "elsewhere"
    other = Home(home.config, home.state, home.models, elsewhere)
    with monkeypatch.context() as patch:
        patch.setattr(Home, "from_environment", lambda: other)
        ran = photosd("start")
    assert ran.code == 5
    assert str(home.socket) in ran.err
    assert VARIABLE in ran.err
