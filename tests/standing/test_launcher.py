"""The launcher: of all that are started with one claim exactly one runs the command."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from photosd.standing.claims import INTERRUPTED, Claims, Running
from tests.standing.scenes import eventually


def launched(claims: Claims, claim: str, script: str, seconds: float = 20.0) -> int:
    """The exit code of a launcher that may run this shell script."""
    launcher = claims.launch(claim, seconds, [b"/bin/sh", b"-c", script.encode()], os.environ)
    return launcher.wait(30)


def test_exactly_one_runs_it(tmp_path: Path) -> None:
    """However many are started, at once or later; the outcome is there for all."""
    claims = Claims(tmp_path / "claims")
    claim = claims.new()
    assert claims.result(claim) is None
    script = [b"/bin/sh", b"-c", f"echo x >> {tmp_path}/ran; sleep 0.3; exit 3".encode()]
    launchers = [claims.launch(claim, 20, script, os.environ) for _ in range(8)]
    assert sorted(launcher.wait(30) for launcher in launchers) == [0] + [75] * 7
    assert launched(claims, claim, f"echo x >> {tmp_path}/ran") == 75
    assert (tmp_path / "ran").read_text() == "x\n"
    assert claims.result(claim) == {"exit": 3, "error": None, "output": ""}
    assert [file.name for file in (tmp_path / "claims").iterdir()] == [claim]
    claims.sweep({"another"})
    assert not list((tmp_path / "claims").iterdir())


def test_a_killed_launcher_is_known(tmp_path: Path) -> None:
    """While it runs, and after it was killed; nobody runs the command again."""
    claims = Claims(tmp_path)
    claim = claims.new()
    launcher = claims.launch(claim, 60, [b"/bin/sleep", b"1"], os.environ)
    eventually((tmp_path / claim).exists)
    with pytest.raises(Running):
        claims.result(claim)
    launcher.kill()
    launcher.wait(10)
    assert claims.result(claim) == INTERRUPTED
    assert launched(claims, claim, f"touch {tmp_path}/ran") == 75
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("script", "code", "error", "output"),
    [
        ("echo hello; echo oops >&2", 0, None, "hello\noops\n"),
        ("kill -9 $$", -9, None, ""),
        ("sleep 30", -15, "it was ended after 0.5 s", ""),
        ("trap '' TERM; sleep 30; sleep 30", -9, "it was ended after 0.5 s", ""),
        ("sleep 2 & exit 0", 0, None, ""),  # what it leaves behind is not waited for
        ("head -c 100000 /dev/zero | tr '\\0' x", 0, None, "x" * 4096),
        ("exec >&- 2>&-; exit 4", 4, None, ""),
    ],
)
def test_how_a_command_ends(
    tmp_path: Path, script: str, code: int, error: str | None, output: str
) -> None:
    """Its exit code, and the last it wrote, bounded in time and size."""
    claims, begun = Claims(tmp_path), time.monotonic()
    launched(claims, claim := claims.new(), script, 0.5)
    assert claims.result(claim) == {"exit": code, "error": error, "output": output}
    assert time.monotonic() - begun < 20


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    """Is an outcome, too."""
    claims = Claims(tmp_path)
    claims.launch(claim := claims.new(), 5, [b"/no/such"], os.environ).wait(20)
    result = claims.result(claim)
    assert result is not None and result["exit"] is None
    assert "cannot be run" in result["error"]
