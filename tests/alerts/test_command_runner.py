"""The runner: of all that are started with one lease exactly one runs the command."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from photosd.alerts import command_runner
from photosd.alerts.delivery import INTERRUPTED, CommandLeases, StillRunning
from tests.alerts.scenes import eventually


def launched(leases: CommandLeases, lease: str, script: str, seconds: float = 20.0) -> int:
    """The exit code of a runner that may run this shell script."""
    runner = leases.launch(lease, seconds, [b"/bin/sh", b"-c", script.encode()], os.environ)
    return runner.wait(30)


def running(leases: CommandLeases, lease: str) -> bool:
    """Whether a runner, or what it is just starting, holds the lease."""
    try:
        leases.result(lease)
    except StillRunning:
        return True
    return False


def test_exactly_one_runs_it(tmp_path: Path) -> None:
    """However many are started, at once or later; the outcome is there for all."""
    leases = CommandLeases(tmp_path / "leases")
    lease = leases.new()
    assert leases.result(lease) is None
    script = [b"/bin/sh", b"-c", f"echo x >> {tmp_path}/ran; sleep 0.3; exit 3".encode()]
    runners = [leases.launch(lease, 20, script, os.environ) for _ in range(8)]
    assert sorted(runner.wait(30) for runner in runners) == [0] + [75] * 7
    assert launched(leases, lease, f"echo x >> {tmp_path}/ran") == 75
    assert (tmp_path / "ran").read_text() == "x\n"
    assert leases.result(lease) == {"exit": 3, "error": None, "output": ""}
    assert [file.name for file in (tmp_path / "leases").iterdir()] == [lease]
    leases.sweep({"another"})
    assert not list((tmp_path / "leases").iterdir())


def test_a_killed_runner_is_known(tmp_path: Path) -> None:
    """The lease of a killed runner counts as interrupted; the command is not run again."""
    leases = CommandLeases(tmp_path)
    lease = leases.new()
    runner = leases.launch(lease, 60, [b"/bin/sleep", b"1"], os.environ)
    eventually((tmp_path / lease).exists)
    with pytest.raises(StillRunning):
        leases.result(lease)
    runner.kill()
    runner.wait(10)
    eventually(lambda: not running(leases, lease))  # the command, if it was just being started
    assert leases.result(lease) == INTERRUPTED
    assert launched(leases, lease, f"touch {tmp_path}/ran") == 75
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("script", "code", "error", "output"),
    [
        ("echo hello; echo oops >&2", 0, None, "hello\noops\n"),
        ("kill -9 $$", -9, None, ""),
        ("sleep 90", -15, "killed after 0.5 s", ""),
        ("trap '' TERM; sleep 90; sleep 90", -9, "killed after 0.5 s", ""),
        ("sleep 2 & exit 0", 0, None, ""),  # what it leaves behind is not waited for
        ("head -c 100000 /dev/zero | tr '\\0' x", 0, None, "x" * 4096),
        ("exec >&- 2>&-; exit 4", 4, None, ""),
    ],
)
def test_how_a_command_ends(
    tmp_path: Path, script: str, code: int, error: str | None, output: str
) -> None:
    """Its exit code, and the last it wrote, bounded in time and size."""
    leases = CommandLeases(tmp_path)
    launched(leases, lease := leases.new(), script, 0.5)
    assert leases.result(lease) == {"exit": code, "error": error, "output": output}


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    """Is an outcome, too."""
    leases = CommandLeases(tmp_path)
    leases.launch(lease := leases.new(), 5, [b"/no/such"], os.environ).wait(20)
    result = leases.result(lease)
    assert result is not None and result["exit"] is None
    assert "cannot be run" in result["error"]


def test_a_group_that_has_ended_and_is_not_reaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS does not permit a signal to it, which is not the end of the runner."""
    kill = os.killpg

    def killed_before(group: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it is reaped by now
            kill(group, signal.SIGKILL)
        raise PermissionError

    monkeypatch.setattr(os, "killpg", killed_before)
    result = command_runner.run(["sleep", "600"], 0.1)
    assert result == {"exit": -signal.SIGKILL, "error": "killed after 0.1 s", "output": ""}
