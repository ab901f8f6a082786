"""`photosd query`: the best photos for people, the whole truth for programs."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosd_cli import query_run
from photosd_cli.commands import query as query_command
from photosd_cli.query_output import QueryOptions
from photosd_cli.query_run import QueryRequest
from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon, error, hit, query_result
from tests.conftest import ROOT

Process = Callable[..., subprocess.CompletedProcess[bytes]]

SUNSET = hit("/p/IMG_2041.jpg", 0.312, "strong")
HARBOUR = hit("/p/IMG_7.jpg", 0.25, "fair")
WEAK = hit("/p/screenshot.png", 0.11, "weak")


def test_the_table_shows_number_strength_and_path(stub: StubDaemon, photosd: Photosd) -> None:
    """Best first; what was done is told on stderr, so that stdout is only data."""
    stub.answers["query"] = query_result(SUNSET, HARBOUR)
    ran = photosd("query", "sunset", "over", "water")
    assert ran.code == 0
    assert ran.out.splitlines() == ["1  strong  /p/IMG_2041.jpg", "2  fair    /p/IMG_7.jpg"]
    assert ran.err == "2 good matches · 12,408 photos searched · 41 ms · local\n"
    assert stub.params("query") == [{"text": "sunset over water", "deadline_ms": 3000}]


def test_dates_and_offline_disks_are_shown(stub: StubDaemon, photosd: Photosd) -> None:
    """A column of dates as soon as one photo has one."""
    dated = {**SUNSET, "taken_at": 1691841600.0, "offline": True}
    stub.answers["query"] = query_result(dated, HARBOUR)
    assert photosd("query", "sunset").out.splitlines() == [
        "1  strong  2023-08-12  /p/IMG_2041.jpg  (offline)",
        "2  fair                /p/IMG_7.jpg",
    ]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_date_is_that_of_the_place(
    stub: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """What the clock showed there, not what this machine's would have."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        dated = {**SUNSET, "taken": "2020-01-01T00:30:00+02:00", "taken_at": 1_577_831_400.0}
        stub.answers["query"] = query_result(dated)
        out = photosd("query", "sunset").out
    finally:
        monkeypatch.undo()
        time.tzset()
    assert out == "1  strong  2020-01-01  /p/IMG_2041.jpg\n"


def test_an_impossible_date_is_left_out(stub: StubDaemon, photosd: Photosd) -> None:
    """Cameras write anything."""
    stub.answers["query"] = query_result({**SUNSET, "taken_at": 1e300})
    assert photosd("query", "sunset").code == 0


def test_weak_hits_are_counted_not_shown(stub: StubDaemon, photosd: Photosd) -> None:
    """`--weak` shows them."""
    stub.answers["query"] = query_result(SUNSET, WEAK, WEAK)
    ran = photosd("query", "sunset")
    assert "screenshot" not in ran.out
    assert ran.err.startswith("1 good match, 2 weaker, show with --weak · 12,408 photos")
    assert photosd("query", "--weak", "sunset").out.count("screenshot") == 2
    assert "1 good match, 2 weaker · 12,408" in photosd("query", "--weak", "sunset").err


def test_no_good_matches_is_said_and_exits_1(stub: StubDaemon, photosd: Photosd) -> None:
    """Nearest is not the same as right."""
    stub.answers["query"] = query_result(WEAK, WEAK)
    ran = photosd("query", "quantum", "chromodynamics")
    assert (ran.code, ran.out) == (1, "")
    assert "No good matches; 2 weaker, show with --weak" in ran.err
    ran = photosd("query", "--weak", "quantum")
    assert ran.code == 1
    assert ran.out.count("screenshot") == 2


def test_what_was_not_understood_is_said(stub: StubDaemon, photosd: Photosd) -> None:
    """So are the warnings of the daemon."""
    stub.answers["query"] = query_result(
        SUNSET, convincing=False, unknown=["zorble", "שקיעה"], warnings=["model speaks English"]
    )
    ran = photosd("query", "zorble")
    assert "! not understood: zorble, שקיעה" in ran.err
    assert "! model speaks English" in ran.err
    assert (ran.code, ran.out) == (1, "")


def test_an_empty_library_says_what_to_do(stub: StubDaemon, photosd: Photosd) -> None:
    """The first query of a new user."""
    stub.answers["query"] = query_result(
        coverage={"photos": 0, "indexed": 0, "pending": 0, "failed": 0, "offline_folders": []}
    )
    ran = photosd("query", "sunset")
    assert ran.code == 1
    assert "photosd add" in ran.err


def test_an_incomplete_library_is_admitted(stub: StubDaemon, photosd: Photosd) -> None:
    """What is not indexed cannot be found yet."""
    stub.answers["query"] = query_result(
        SUNSET,
        coverage={
            "photos": 20,
            "indexed": 10,
            "pending": 10,
            "failed": 0,
            "offline_folders": ["/media/card"],
        },
    )
    told = photosd("query", "sunset").err.rstrip().split(" · ")
    assert told[:2] == ["1 good match", "10 photos searched"]
    assert told[-2:] == ["10 still to be indexed", "1 folder offline"]


def test_no_matches_yet_while_photos_are_indexed(stub: StubDaemon, photosd: Photosd) -> None:
    """That nothing was found says nothing as long as little was looked at."""
    nothing = {"photos": 125, "indexed": 0, "pending": 125, "failed": 0, "offline_folders": []}
    stub.answers["query"] = query_result(coverage=nothing)
    ran = photosd("query", "sunset")
    assert ran.code == 1
    assert "No good matches yet: 125 of 125 photos are still being indexed" in ran.err


def test_figures_are_shown_on_request(stub: StubDaemon, photosd: Photosd) -> None:
    """They depend on the model and order looks only."""
    stub.answers["query"] = query_result(SUNSET, HARBOUR)
    for arguments in (["--scores"], ["--scores", "--deadline", "2"]):
        rows = photosd("query", "sunset", *arguments).out.splitlines()
        assert rows == ["1  strong  0.312  /p/IMG_2041.jpg", "2  fair    0.250  /p/IMG_7.jpg"]


def test_a_name_is_told(stub: StubDaemon, photosd: Photosd) -> None:
    """It decides the place."""
    named = {**hit("/p/beach.jpg", -0.123, "fair"), "sources": ["clip", "name"]}
    stub.answers["query"] = query_result(named, SUNSET)
    assert photosd("query", "beach").out.splitlines() == [
        "1  fair    name  /p/beach.jpg",
        "2  strong        /p/IMG_2041.jpg",
    ]


def test_json_is_the_daemons_object(stub: StubDaemon, photosd: Photosd) -> None:
    """Exactly one, weak hits included."""
    stub.answers["query"] = query_result(SUNSET, WEAK)
    ran = photosd("query", "sunset", "--json", "-n", "7")
    assert json.loads(ran.out) == stub.answers["query"]
    assert ran.err == ""
    assert stub.params("query")[0]["limit"] == 7


def test_paths_are_bytes_as_the_file_system_has_them(stub: StubDaemon, process: Process) -> None:
    """For xargs and fzf: newlines and bytes that are not UTF-8 survive."""
    odd = {**WEAK, "path": "/p/\\xff.jpg", "path_b64": "L3Av/y5qcGc="}
    stub.answers["query"] = query_result(SUNSET, hit("/p/two\nlines.jpg"), odd)
    assert process("query", "sunset", "-0").stdout == (
        b"/p/IMG_2041.jpg\0/p/two\nlines.jpg\0/p/\xff.jpg\0"
    )
    assert process("query", "sunset", "--paths").stdout == (
        b"/p/IMG_2041.jpg\n/p/two\nlines.jpg\n/p/\xff.jpg\n"
    )


def test_names_cannot_command_the_terminal(stub: StubDaemon, photosd: Photosd) -> None:
    """Escapes, line breaks and text that runs backwards are spelled out."""
    stub.answers["query"] = query_result(hit("/p/\x1b]0;x\x07\n\u202egpj.exe\x9b2J\udcff.jpg"))
    ran = photosd("query", "sunset")
    assert ran.out == "1  strong  /p/\\x1b]0;x\\x07\\x0a\\u202egpj.exe\\x9b2J\\xff.jpg\n"


def test_names_in_other_scripts_are_left_as_they_are(stub: StubDaemon, photosd: Photosd) -> None:
    """Hebrew, and the marks and joiners that languages need."""
    stub.answers["query"] = query_result(hit("/p/שקיעה בים\u200f 🌅.jpg"))
    assert "שקיעה בים\u200f 🌅.jpg" in photosd("query", "sunset").out


# -- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [[], [""], ["   "], ["", "\t"]])
def test_an_empty_query_is_a_usage_error(
    stub: StubDaemon, photosd: Photosd, words: list[str]
) -> None:
    """Nothing is asked of the daemon."""
    ran = photosd("query", *words)
    assert ran.code == 2
    assert "the query is empty" in ran.err
    assert 'photosd query "sunset"' in ran.err
    assert json.loads(photosd("query", "--json", *words).out)["error"]["code"] == "bad_request"
    assert not stub.requests


@pytest.mark.parametrize(
    "arguments",
    [["-n", "0"], ["-n", "1001"], ["-n", "x"], ["-n", ""], ["--deadline", "0"], ["--nonsense"]],
)
def test_bad_options_are_usage_errors(
    stub: StubDaemon, photosd: Photosd, arguments: list[str]
) -> None:
    """Exit code 2, and an object when JSON is wanted."""
    ran = photosd("query", "sunset", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: photosd query" in ran.err
    assert json.loads(photosd("query", "--json", "sunset", *arguments).out)["error"]["message"]


def test_an_argument_that_is_not_utf8_is_sent_with_replacements(
    stub: StubDaemon, photosd: Photosd
) -> None:
    """A lone surrogate would be refused by any JSON parser."""
    stub.answers["query"] = query_result(SUNSET)
    assert photosd("query", "caf\udce9").code == 0
    assert stub.params("query")[0]["text"] == "caf\ufffd"


def test_no_daemon_means_exit_3_and_two_commands(photosd: Photosd) -> None:
    """No command starts a daemon by itself."""
    ran = photosd("query", "sunset")
    assert ran.code == 3
    lines = ran.err.splitlines()
    assert lines[0].startswith("photosd is not running: there is no socket at ")
    assert [line.split(":")[1].strip() for line in lines[1:]] == [
        "photosd start",
        "photosd run",
    ]


def test_a_daemon_that_is_stopped_costs_two_seconds_more(
    stub: StubDaemon, photosd: Photosd
) -> None:
    """README and the page on hanging state this; a stopped daemon keeps no deadline itself."""
    stub.answers["query"] = None
    began = time.monotonic()
    ran = photosd("query", "dog", "--deadline", "0.1")
    assert time.monotonic() - began > 2
    assert ran.code == 5 and "did not answer" in ran.err
    readme, page = (ROOT / name for name in ("README.md", "docs/explanation/never-hangs.md"))
    assert "gives up two seconds later" in readme.read_text()
    assert "gives up two seconds after its deadline" in page.read_text()


# -- many queries ---------------------------------------------------------------------------------


def test_queries_from_stdin_one_a_line(stub: StubDaemon, process: Process) -> None:
    """One failing does not keep the next from its answer; the worst exit code is returned."""

    def answer(params: dict[str, str]) -> object:
        if params["text"] == "bad":
            return error("deadline_exceeded")
        return query_result(SUNSET, query=params["text"])

    stub.answers["query"] = answer
    ran = process("query", "-", "--jsonl", stdin="cat\n\n  bad \nשקיעה\n".encode())
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [line["query"] for line in lines] == ["cat", "bad", "שקיעה"]
    assert "error" in lines[1]
    assert ran.returncode == 5
    one = json.loads(process("query", "-", "--json", stdin=b"cat\nbad\n").stdout)
    assert [result["query"] for result in one["results"]] == ["cat", "bad"]
    table = process("query", "-", stdin=b"cat\nbad\n")
    assert table.stdout.decode().splitlines() == ["cat", "1  strong  /p/IMG_2041.jpg"]


def test_queries_from_stdin_stop_when_stdout_is_closed(process: Process) -> None:
    """Without a daemon the error is printed once, not once per query."""
    ran = process("query", "-", stdin=b"cat\ndog\n")
    assert ran.returncode == 3
    assert ran.stderr.count(b"is not running") == 1


# -- the quick way --------------------------------------------------------------------------------

WORDS = st.sampled_from(["cat", "on a mat", "שקיעה", "", "-", "3"])
FLAGS = st.sampled_from(
    ["--json", "--jsonl", "--paths", "-0", "--weak", "-n", "5", "1000", "1001", "-n3", "--", "-h"]
)


@given(st.lists(st.one_of(WORDS, FLAGS), max_size=5))
def test_the_quick_way_understands_as_click_does(arguments: list[str]) -> None:
    """Whatever it accepts, it reads exactly as the full parser; the rest it leaves alone."""
    plain = query_run.plain_query(arguments)
    if plain is None:
        return
    context = query_command.command.make_context("query", list(arguments))
    read = context.params
    assert plain == (
        QueryRequest(" ".join(read["text"])),
        QueryOptions(read["limit"], round(read["deadline"] * 1000), read["form"], read["weak"]),
    )


def test_the_quick_way_is_taken(stub: StubDaemon) -> None:
    """The plain forms must not fall back: they are what has to be fast."""
    assert query_run.plain_query(["sunset"]) == (QueryRequest("sunset"), QueryOptions())
    assert query_run.plain_query(["a", "b", "-n", "5", "--json"]) == (
        QueryRequest("a b"),
        QueryOptions(limit=5, form="json"),
    )
