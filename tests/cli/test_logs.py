"""`photosd logs`: the daemon's log made readable, also through its rotation."""

from __future__ import annotations

import json

import pytest

from photosd.core.paths import Home
from tests.cli.conftest import Photosd, Ran


def write_log(home: Home, *lines: object) -> None:
    """Add lines to the daemon's log."""
    home.log.parent.mkdir(parents=True, exist_ok=True)
    with home.log.open("a") as log:
        for line in lines:
            log.write((line if isinstance(line, str) else json.dumps(line)) + "\n")


def test_logs_are_made_readable(photosd: Photosd, home: Home) -> None:
    """Also what is no JSON, and nothing of it reaches the terminal raw."""
    event = {
        "timestamp": "2026-11-23T19:02:11Z",
        "level": "error",
        "event": "failed",
        "path": "/p/\x1b[2J",
        "exception": "Traceback\n  line",
    }
    write_log(home, event, "not json \x1b[2J")
    ran = photosd("logs")
    assert "error    failed  path=/p/\\x1b[2J\n    Traceback\n      line\n" in ran.out
    assert "not json \\x1b[2J" in ran.out
    assert photosd("logs", "-n", "1").out == "not json \\x1b[2J\n"
    assert json.loads(photosd("logs", "--json").out)["lines"] == [
        event,
        {"event": "not json \x1b[2J"},
    ]


def test_no_log_is_a_plain_answer(photosd: Photosd) -> None:
    """It never ran here."""
    ran = photosd("logs")
    assert ran.code == 1
    assert "photosd start" in ran.err


def test_logs_follow_through_a_rotation(
    photosd: Photosd, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next file is read from its beginning."""
    write_log(home, "old")

    def sleep(_seconds: float) -> None:
        if not rounds:
            raise KeyboardInterrupt
        rounds.pop(0)()

    def rotate() -> None:
        write_log(home, "last words")
        home.log.rename(home.log.with_suffix(".1"))
        write_log(home, "after rotation")

    rounds = [lambda: write_log(home, "new"), rotate]
    monkeypatch.setattr("photosd_cli.logfile.time.sleep", sleep)
    ran: Ran = photosd("logs", "-f")
    assert ran.code == 130
    assert ran.out.splitlines() == ["old", "new", "last words", "after rotation"]


def test_logs_go_back_beyond_a_rotation(photosd: Photosd, home: Home) -> None:
    """The wanted number of lines, oldest first."""
    write_log(home, "one", "two")
    home.log.rename(home.log.with_name(f"{home.log.name}.1"))
    write_log(home, "three")
    assert photosd("logs", "-n", "2").out.splitlines() == ["two", "three"]
    assert photosd("logs").out.splitlines() == ["one", "two", "three"]


def test_logs_of_some_importance(photosd: Photosd, home: Home) -> None:
    """Less than asked for is left out."""
    write_log(home, *({"event": level, "level": level} for level in ("info", "warning", "error")))
    lines = json.loads(photosd("logs", "--level", "warning", "--json").out)["lines"]
    assert [line["event"] for line in lines] == ["warning", "error"]
