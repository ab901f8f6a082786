"""On a terminal: colours, short paths, a progress line. Off it: none of these. Ends are quiet."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from photosd.core.paths import Home
from tests.cli.conftest import command, environment
from tests.cli.stub import StubDaemon, hit, progress, query_result

ESCAPE = b"\x1b["


def on_a_terminal(
    *arguments: str, cwd: Path | None = None, variables: dict[str, str] | None = None
) -> tuple[bytes, bytes, int]:
    """Run `photosd` with stdout and stderr on terminals of their own; what each got, the code."""
    mine, theirs = zip(*(pty.openpty() for _ in range(2)), strict=True)
    running = subprocess.Popen(
        command(*arguments),
        env={**environment(), "TERM": "xterm", "NO_COLOR": "", **(variables or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=theirs[0],
        stderr=theirs[1],
    )
    for end in theirs:
        os.close(end)
    written = {end: b"" for end in mine}
    open_ends = set(mine)
    while open_ends:
        readable, _, _ = select.select(list(open_ends), [], [], 30)
        assert readable, "it neither writes nor ends"
        for end in readable:
            try:
                chunk = os.read(end, 65536)
            except OSError:  # EIO: the other side is closed
                chunk = b""
            written[end] += chunk
            if not chunk:
                open_ends.remove(end)
                os.close(end)
    return written[mine[0]], written[mine[1]], running.wait(30)


def test_colours_are_for_terminals(stub: StubDaemon) -> None:
    """NO_COLOR and dumb terminals are honoured; a pipe gets none (see test_query)."""
    stub.answers["query"] = query_result(hit("/p/a.jpg"))
    out, err, code = on_a_terminal("query", "sunset")
    assert code == 0
    assert ESCAPE + b"32mstrong" in out
    assert ESCAPE + b"2m1 good match" in err
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        out, err, _ = on_a_terminal("query", "sunset", variables=variables)
        assert ESCAPE not in out + err


def test_paths_are_short_on_terminals(stub: StubDaemon, tmp_path: Path) -> None:
    """``~``, or from where one stands; never something that looks like an option."""
    (tmp_path / "sub").mkdir()
    names = ["/p/a.jpg", f"{tmp_path}/b.jpg", f"{tmp_path}/sub/c.jpg", f"{tmp_path}/sub/-d.jpg"]
    stub.answers["query"] = query_result(*(hit(name) for name in names))
    out, _, _ = on_a_terminal(
        "query", "sunset", cwd=tmp_path / "sub", variables={"HOME": str(tmp_path), "NO_COLOR": "1"}
    )
    assert [line.split()[2] for line in out.decode().splitlines()] == [
        "/p/a.jpg",
        "~/b.jpg",
        "c.jpg",
        "./-d.jpg",
    ]


def test_names_are_inert_on_terminals_in_every_form(stub: StubDaemon) -> None:
    """Raw bytes are for pipes; `-0` is raw always, for it is not to be read."""
    stub.answers["query"] = query_result(hit("/p/\x1b[2J.jpg"))
    stub.answers["list"] = [{"paths": [{"path": "/p/\x1b[2J", "state": "indexed"}]}, {"count": 1}]
    for line in (("query", "x", "--paths"), ("list",), ("query", "x")):
        out, _, _ = on_a_terminal(*line, variables={"NO_COLOR": "1"})
        assert b"\x1b" not in out, line
        assert b"\\x1b[2J" in out, line


def test_json_on_a_terminal_is_indented_for_people(stub: StubDaemon) -> None:
    """And still one object."""
    stub.answers["folders"] = {"folders": []}
    out, _, _ = on_a_terminal("folders", "--json")
    assert json.loads(out) == {"version": 1, "folders": []}
    assert out.count(b"\n") > 1


def test_progress_is_drawn_on_a_terminal_and_wiped(stub: StubDaemon) -> None:
    """One line on stderr, replaced by the result."""
    stub.answers["rescan"] = [progress(1204, 11204), progress(12408, 0)]
    out, err, code = on_a_terminal("index", "--wait")
    assert code == 0
    assert "1,204/12,408  38/s  ~5 min left" in err.decode()
    assert err.endswith(b"\r\x1b[K")
    assert b"\x1b" not in out
    ran = subprocess.run(
        command("index", "--wait"), env=environment(), capture_output=True, timeout=30, check=True
    )
    assert ran.stderr == b""


def test_a_closed_pipe_ends_quietly(stub: StubDaemon) -> None:
    """`photosd list | head -1` says nothing else."""
    paths = [{"path": f"/p/{number}.jpg", "state": "indexed"} for number in range(500)]
    stub.answers["list"] = [*({"paths": paths} for _ in range(40)), {"count": 20_000}]
    stub.answers["query"] = query_result(*(hit(f"/p/{'x' * 200}{n}.jpg") for n in range(1000)))
    for line in (("list",), ("query", "x"), ("query", "x", "--json"), ("query", "x", "-0")):
        with subprocess.Popen(
            command(*line), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            running.stdout.read(10)
            running.stdout.close()
            assert running.stderr.read().count(b"Traceback") == 0
            assert running.wait(30) == 0, line


def test_a_full_disk_is_an_error(stub: StubDaemon) -> None:
    """Results that could not be written are not success."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    stub.answers["query"] = query_result(hit("/p/a.jpg"))
    for line in (("query", "x"), ("query", "x", "--json"), ("query", "x", "--deadline", "2")):
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(
                command(*line),
                env=environment(),
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=30,
                check=False,
            )
        assert ran.returncode == 5, line
        assert (b"No space left" in ran.stderr) == ("--json" not in line)
        assert b"Traceback" not in ran.stderr


def test_without_any_output_it_still_works(stub: StubDaemon) -> None:
    """Closed descriptors happen under cron and worse."""
    stub.answers["query"] = query_result(hit("/p/a.jpg"))
    script = f"exec {' '.join(command('query', 'x'))} <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", script], env=environment(), timeout=30).returncode == 0


def test_an_ascii_locale_survives_any_name(stub: StubDaemon) -> None:
    """Characters that cannot be written are spelled out."""
    stub.answers["query"] = query_result(hit("/p/שקיעה.jpg"))
    ran = subprocess.run(
        command("query", "x"),
        env={**environment(), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert b"\\u05e9" in ran.stdout


@pytest.mark.parametrize("line", [("query", "x"), ("query", "x", "--deadline", "30"), ("folders",)])
def test_ctrl_c_exits_130_without_a_traceback(stub: StubDaemon, line: tuple[str, ...]) -> None:
    """While it waits for an answer."""
    stub.answers.update(query=None, folders=None)
    with subprocess.Popen(
        command(*line),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A suite started in the background of a script would hand down an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as running:
        limit = time.monotonic() + 20
        while not stub.requests and time.monotonic() < limit:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
        assert running.returncode == 130
        assert b"Traceback" not in err


def test_a_deleted_working_directory_is_no_problem(stub: StubDaemon, tmp_path: Path) -> None:
    """Queries need none; a relative path cannot be meant."""
    stub.answers["query"] = query_result(hit("/p/a.jpg"))
    script = f'cd "$1" && rmdir "$1" && exec {sys.executable} -m photosd_cli.main '
    for rest, code in (("query x", 0), ("add .", 2)):
        (tmp_path / "gone").mkdir()
        shell = ["sh", "-c", script + rest, "sh", str(tmp_path / "gone")]
        ran = subprocess.run(shell, env=environment(), capture_output=True, timeout=30, check=False)
        assert ran.returncode == code, ran.stderr
        assert b"Traceback" not in ran.stderr


def test_the_home_of_the_test_is_used(home: Home) -> None:
    """No test may speak to the user's own daemon."""
    assert environment()["PHOTOSD_HOME"] == str(home.state.parent)


def test_recent_dates_are_relative_and_long_paths_end_whole(stub: StubDaemon) -> None:
    """On a terminal; the end of a path tells more than its beginning."""
    now = time.time()
    days = [time.strftime("%Y-%m-%dT12:00:00", time.localtime(now - n * 86400)) for n in (0, 1, 3)]
    long = "/p/" + "a long directory/" * 8 + "IMG_2041.jpg"
    hits = [hit(long, taken=day) for day in (*days, "2019-05-01T00:00:00")]
    hits[3] |= {"taken_precision": "month", "path": f"/p/{'x' * 100}.jpg"}
    stub.answers["query"] = query_result(*hits)
    out, _, _ = on_a_terminal("sunset", variables={"NO_COLOR": "1"})
    rows = [line.split(maxsplit=2)[2] for line in out.decode().splitlines()]
    assert rows[0].startswith("today       …/a long directory/") and rows[0].endswith("2041.jpg")
    assert rows[1].startswith("yesterday   …/") and rows[2].startswith("3 days ago  …/")
    assert rows[3].startswith("2019-05     …xxx") and rows[3].endswith("xxx.jpg")
    assert {len(line) for line in out.decode().splitlines()} <= set(range(60, 81))
