"""Every option of every command, given hostile values: a plain refusal, never a traceback."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from photosd.core.paths import Home
from photosd_cli import group
from photosd_cli.main import main
from tests.cli.conftest import Photosd
from tests.conftest import ENCODER_STANDS_IN, RunningDaemon

HOSTILE = [
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "0",
    "99999999999999999999",
    "9" * 5000,
    "00001" + "9" * 5000,
    "0x10",
    ",",
    " , ",
    "2:",
    "0:dog",
    "1000:dog",
    "2000000,1,1",
    "~nobody-of-this-name/x",
    "\udcff\udcfe",  # bytes that are not UTF-8
    "\x1b[31m",
    "a" * 100_000,
    "../../../../etc/passwd",
    "%s%n{}",
    "נועה",
    "🐶",
    "-",
    "--",
    "NaN,inf,1",
    "1,2",
    "0000-00-00",
    "9999999999d",
]
CODES = {0, 1, 2, 3, 4, 5, 6}
# They start processes, change the machine, or run until they are stopped.
NOT_RUN = {"run", "start", "restart", "stop", "demo", "mcp", "web", "service", "completion"}
DEADLY = {"stop", "purge"}


def commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that is no group, with the words that name it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and name not in NOT_RUN:
                yield from commands(below, (*path, name))
    else:
        yield path, command


def takes_json(command: click.Command) -> bool:
    return any("--json" in parameter.opts for parameter in command.params)


def lines() -> Iterator[list[str]]:
    """A command line for every option that takes a value, the value left out."""
    for path, command in commands(group.cli):
        words = [
            "x"
            for parameter in command.params
            if isinstance(parameter, click.Argument) and (parameter.required or "on" in path)
        ]
        json_flag = ["--json"] if takes_json(command) else []
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not (parameter.is_flag or parameter.count):
                yield [*path, *json_flag, *words, parameter.opts[0]]
            elif isinstance(parameter, click.Argument):
                yield [*path, *json_flag, "--"]


LINES = list(lines())


def check(ran_code: int, out: str, err: str, line: list[str]) -> None:
    shown = [word[:60] for word in line]
    assert ran_code in CODES, shown
    assert "Traceback" not in err + out, shown
    assert '"internal"' not in out and "inside photosd" not in err, (shown, out[:500], err[:500])
    if "--json" in line and ran_code != 0:
        try:
            answer = json.loads(out)
        except ValueError:
            answer = None
        assert isinstance(answer, dict), (shown, ran_code, out[:300], err[:300])
        assert "error" in answer or ran_code == 1, shown


def test_there_are_options_to_try() -> None:
    assert len(LINES) > 60
    assert any(line[0] == "query" for line in LINES)


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(line))
def test_without_a_daemon(
    photosd: Photosd, line: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("\0\udcff\n"))
    for value in HOSTILE:
        ran = photosd(*line, value)
        check(ran.code, ran.out, ran.err, [*line, value])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """One daemon for all lines, on a home of its own."""
    before = os.environ.get("PHOTOSD_HOME")
    directory = tmp_path_factory.mktemp("h")
    os.environ["PHOTOSD_HOME"] = str(directory)
    daemon = RunningDaemon(Home.from_environment(), prelude=ENCODER_STANDS_IN)
    try:
        daemon.wait_until("ready")
        yield daemon
    finally:
        daemon.stop()
        if before is None:
            del os.environ["PHOTOSD_HOME"]
        else:
            os.environ["PHOTOSD_HOME"] = before


@pytest.mark.timeout(600)  # two thousand commands, on a machine that may be busy
@pytest.mark.parametrize("share", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_with_a_daemon(
    running: RunningDaemon,
    share: int,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the command lets through the daemon has to refuse as plainly."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("\0\udcff\n"))
    for number, line in enumerate(LINES):
        if line[0] in DEADLY:
            continue
        for value in HOSTILE[number % share :: share]:
            capfd.readouterr()
            code = main([*line, value])
            check(code, *capfd.readouterr(), [*line, value])
    assert running.process.poll() is None
    assert "request_failed" not in running.home.log.read_text(errors="replace")
