"""What a person is told: counts, the next step, pages that follow, logs without noise."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from photosd_cli import logfile
from tests.cli.conftest import Photosd, command, environment
from tests.cli.stub import StubDaemon, hit, query_result, status_result
from tests.cli.test_wrapping import on_80_columns


def folder(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "state": "ok", "photos": 3, "reason": None, "remedy": None, **more}


def test_folders_stand_in_columns(stub: StubDaemon, photosd: Photosd) -> None:
    """Under their titles on a terminal, also where names are wide."""
    stub.answers["folders"] = {
        "folders": [
            folder("/p/日本語"),
            folder("/p/holidays", photos=121, failed=3, pending=2),
            folder("/q", state="scan_only"),
        ]
    }
    heading, *lines = on_80_columns("folders").splitlines()
    assert re.split(r"\s{2,}", heading.rstrip()) == ["folder", "state", "photos"]
    assert lines[1].index("ok") == heading.index("state") == lines[2].index("scan_only")
    assert lines[0].index("ok") == heading.index("state") - 3  # of three wide characters
    assert lines[1].endswith("121 photos, 2 waiting, 3 failed")
    assert "folder  state" not in photosd("folders").out


def test_add_says_what_it_found_and_what_is_next(stub: StubDaemon, photosd: Photosd) -> None:
    stub.answers.update(
        add={"path": "/p", "state": "ok", "reason": None, "cloud": False},
        status=status_result(folders=[folder("/p", photos=118), folder("/q", photos=7)]),
    )
    ran = photosd("add", "/p")
    assert ran.code == 0
    assert "118 photos found so far" in ran.err and "photosd status --watch" in ran.err


def test_add_does_not_wait_for_a_folder_without_photos(
    stub: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photosd_cli.commands.add.LOOK_SECONDS", 0.2)
    stub.answers.update(
        add={"path": "/p", "state": "ok", "reason": None, "cloud": False},
        status=status_result(folders=[folder("/p", photos=0)]),
    )
    assert "0 photos found so far" in photosd("add", "/p").err
    stub.answers["status"] = {"error": {"code": "busy", "message": "x"}}
    ran = photosd("add", "/p")
    assert ran.code == 0 and "Indexing in the background" in ran.err


def test_the_next_page_is_asked_for_as_this_one_was(stub: StubDaemon, photosd: Photosd) -> None:
    stub.answers["query"] = query_result(hit("/p/a.jpg"), cursor="c.20")
    ran = photosd("query", "dog", "--weak", "--deadline", "9", "--hyperlink", "never")
    more = next(line for line in ran.err.splitlines() if line.startswith("more: "))
    words = more.removeprefix("more: ").split()
    assert {"--weak", "--hyperlink=never"} <= set(words)
    again = photosd(*words[1:], "-n", "7")
    assert again.code == 0, again.err
    expected = {"cursor": "c.20", "deadline_ms": 9000, "limit": 7, "text": ""}
    assert expected.items() <= stub.params("query")[-1].items()
    assert "--no-weak" in photosd("query", "dog", "--no-weak").err
    plain = photosd("query", "dog").err
    assert "more: photosd query --cursor c.20\n" in plain


def test_streams_that_meet_keep_their_lines(stub: StubDaemon) -> None:
    """Notes and rows in one pipe."""
    words = "No answer within the deadline: matched words in file names instead"
    stub.answers["query"] = query_result(hit("/p/a.jpg"), warnings=[words], unknown=["🐶"])
    done = subprocess.run(
        command("query", "dog"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("1  strong") and lines[0].endswith("/p/a.jpg")
    assert lines[1:3] == [f"! {words}", "! not understood: 🐶"]


def test_watching_redraws_on_a_terminal(stub: StubDaemon, tmp_path: Path) -> None:
    """On the alternate screen; the last page stays visible."""
    import pty

    stub.answers["status"] = status_result()
    mine, theirs = pty.openpty()
    watching = subprocess.Popen(
        command("status", "--watch"),
        env={**environment(), "TERM": "xterm"},
        stdout=theirs,
        stderr=theirs,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    os.close(theirs)
    written = b""
    while written.count(b"  pid 4121  ") < 2:
        written += os.read(mine, 65536)
    watching.send_signal(signal.SIGINT)
    try:
        while piece := os.read(mine, 65536):
            written += piece
    except OSError:
        pass
    os.close(mine)
    assert watching.wait(30) == 130
    assert written.startswith(b"\x1b[?1049h\x1b[H")
    assert written.count(b"\x1b[H") == written.count(b"\x1b[J")
    before, left, after = written.partition(b"\x1b[?1049l")
    assert before and left and b"model" in after and b"\x1b[H" not in after


def test_watching_into_a_pipe_is_pages_with_a_line_between(stub: StubDaemon) -> None:
    """Why there is none for a moment goes where errors go."""
    full = {"error": {"code": "busy", "message": "full", "remedy": "wait"}}
    answers = [status_result(), full, status_result()]
    stub.answers["status"] = lambda _params: answers.pop(0) if len(answers) > 1 else answers[0]
    watching = subprocess.Popen(
        command("status", "--watch"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert watching.stdout is not None
    shown = ""
    while shown.count("  pid 4121  ") < 2:
        shown += watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    rest, errors = watching.communicate(timeout=30)
    assert "\x1b" not in shown + rest and "full" in errors
    assert all(page.startswith("photosd ") for page in shown.split("\n\n") if page)


def test_logs_leave_out_what_is_empty() -> None:
    event = {
        "timestamp": "2026-01-02T03:04:05Z",
        "level": "info",
        "event": "folder_ok",
        "cause": None,
        "remedy": None,
        "stack": "",
        "pending": 0,
        "cloud": False,
        "path": "/p",
    }
    shown = logfile.readable(json.dumps(event))
    assert shown.endswith("folder_ok  pending=0  cloud=False  path=/p")


def test_the_remedies_for_a_silent_daemon_end_in_a_restart(
    stub: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query proposes the status, which does not propose itself."""
    stub.answers.update(query=None, status=None)
    ran = photosd("query", "dog", "--deadline", "0.1")
    assert ran.code == 5 and "photosd status" in ran.err
    monkeypatch.setattr("photosd_cli.commands.status.STATUS_SECONDS", 0.3)
    ran = photosd("status")
    assert ran.code == 5 and "has not answered for 0.3 s" in ran.err
    assert "photosd restart" in ran.err and "photosd status" not in ran.err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("purge", "No deleted photos to forget"),
        ("purge --queries", "No cached queries to forget"),
        ("failures", "No photo has failed"),
        ("failures --retry", "No photos to retry"),
    ],
)
def test_nothing_to_do_is_said_in_words(
    stub: StubDaemon, photosd: Photosd, line: str, told: str
) -> None:
    """Not as a number, nor that every photo is indexed: others may be waiting."""
    stub.answers.update(purge={"removed": 0, "queries": 0}, failures={"failures": [], "retried": 0})
    ran = photosd(*line.split())
    assert ran.code == 0 and (ran.out + ran.err).splitlines() == [told]
