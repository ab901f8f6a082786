"""Every other command: what it asks of the daemon, and how it shows the answer."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from photosd.core.paths import Home
from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon, error, progress, status_result

Process = Callable[..., subprocess.CompletedProcess[bytes]]

FOLDER = {"path": "/p/Pictures", "state": "ok", "photos": 5, "reason": None, "remedy": None}
OFFLINE = {
    "path": "/media/card",
    "state": "offline",
    "photos": 2,
    "reason": "the disk is not there",
    "remedy": "connect it",
}
FAILURE = {
    "path": "/p/broken.heic",
    "reason": "the file is cut off",
    "remedy": "copy it again",
    "attempts": 2,
    "quarantined": True,
    "stack": "frame one",
}
DAMAGED = {"path": "/p/a.jpg", "unreadable": ["exif", "xmp"]}
TOLD = {
    "taken": "2019-08-01T00:00:00", "taken_from": "folder name", "taken_precision": "month",
    "taken_at": 1.0, "tags": ["beach", "חוף"], "people": [],
}  # fmt: skip
SHOWN = {
    "path": "/p/a.jpg",
    "state": "failed",
    "reason": "the file is cut off",
    "remedy": "copy it again",
    "folder": "/p",
    "content_id": "abc",
    "size": 12_345,
    "modified_at": 1691841600.0,
    "attempts": 2,
    "facts": {"camera": "Leica", "taken_at": 1691841600.0, "lens": None},
}
SIDECARS = [{"path": "/p/a.jpg.xmp"}, {"path": "/p/a.xmp"}]
REFUSED = {"refused_dates": ["exif original: 2099:01:01 10:00:00 (in the future)"]}
SETTING = {
    "name": "search.limit",
    "value": 30,
    "default": 20,
    "type": "whole number",
    "description": "Photos in an answer",
}
LISTED: list[dict[str, Any]] = [
    {"paths": [{"path": "/p/a.jpg", "state": "indexed"}]},
    {"paths": [{"path": "/p/\\xff.jpg", "state": "indexed", "path_b64": "L3Av/y5qcGc="}]},
    {"count": 2},
]
LISTED_OBJECT = {"count": 2, "paths": [LISTED[0]["paths"][0], LISTED[1]["paths"][0]]}

# Command line, operation, answer, parameters, expected line of output, expected JSON.
HAPPY: list[tuple[str, str, Any, dict[str, Any], str, dict[str, Any]]] = [
    (
        "add /p/Pictures --exclude *.tmp",
        "add",
        {"path": "/p/Pictures", "state": "ok", "reason": None},
        {"path": "/p/Pictures", "exclude": ["*.tmp"], "cloud": None},
        "watching /p/Pictures",
        {"folders": [{"path": "/p/Pictures", "state": "ok", "reason": None}]},
    ),
    (
        "remove /p/Pictures",
        "remove",
        {"path": "/p/Pictures", "photos": 5},
        {"path": "/p/Pictures"},
        "no longer watching /p/Pictures (5 photos)",
        {"removed": [{"path": "/p/Pictures", "photos": 5}]},
    ),
    (
        "folders",
        "folders",
        {"folders": [FOLDER, OFFLINE]},
        {},
        "/media/card  offline  2 photos",
        {"folders": [FOLDER, OFFLINE]},
    ),
    (
        "index --wait",
        "rescan",
        [progress(1, 9), progress(9, 0, failed=1)],
        {"wait": True},
        "9 photos indexed, 1 failed (see: photosd failures)",
        progress(9, 0, failed=1),
    ),
    (
        "index",
        "rescan",
        progress(1, 9),
        {"wait": False},
        "1 photo indexed, 9 to go",
        progress(1, 9),
    ),
    ("reindex", "reindex", {"marked": 7}, {}, "7 photos will be read again", {"marked": 7}),
    (
        "reindex /p/a.jpg",
        "reindex",
        {"marked": 1},
        {"path": "/p/a.jpg"},
        "1 photo will be read again",
        {"marked": 1},
    ),
    ("list", "list", LISTED, {"state": "indexed"}, "/p/a.jpg", LISTED_OBJECT),
    ("list --state all", "list", LISTED, {"state": ""}, "/p/a.jpg", LISTED_OBJECT),
    (
        "show /p/a.jpg",
        "show",
        SHOWN,
        {"path": "/p/a.jpg"},
        "reason      the file is cut off",
        SHOWN,
    ),
    ("show /p/a.jpg", "show", SHOWN, {"path": "/p/a.jpg"}, "camera      Leica", SHOWN),
    (
        "show /p/a.jpg",
        "show",
        {**SHOWN, "facts": {"country_code": "ISR"}},
        {"path": "/p/a.jpg"},
        "country code ISR",
        {**SHOWN, "facts": {"country_code": "ISR"}},
    ),
    (
        "failures",
        "failures",
        {"failures": [FAILURE], "retried": 0},
        {"retry": False},
        "  the file is cut off  [2 attempts]  (quarantined: it crashed a worker)",
        {"failures": [FAILURE], "retried": 0},
    ),
    (
        "failures",
        "failures",
        {"failures": [], "retried": 0, "metadata": [DAMAGED]},
        {"retry": False},
        "  indexed; metadata that cannot be read: exif, xmp",
        {"failures": [], "retried": 0, "metadata": [DAMAGED]},
    ),
    (
        "show /p/a.jpg",
        "show",
        {**SHOWN, "sidecars": SIDECARS},
        {"path": "/p/a.jpg"},
        "sidecars    a.jpg.xmp, a.xmp",
        {**SHOWN, "sidecars": SIDECARS},
    ),
    (
        "show /p/a.jpg",
        "show",
        {**SHOWN, "facts": REFUSED},
        {"path": "/p/a.jpg"},
        "refused dates exif original: 2099:01:01 10:00:00 (in the future)",
        {**SHOWN, "facts": REFUSED},
    ),
    (
        "show /p/a.jpg",
        "show",
        {**SHOWN, "facts": TOLD},
        {"path": "/p/a.jpg"},
        "taken       2019-08 (from: folder name)",
        {**SHOWN, "facts": TOLD},
    ),
    (
        "show /p/a.jpg",
        "show",
        {**SHOWN, "facts": TOLD},
        {"path": "/p/a.jpg"},
        "tags        beach, חוף",
        {**SHOWN, "facts": TOLD},
    ),
    (
        "failures --retry",
        "failures",
        {"failures": [FAILURE], "retried": 1},
        {"retry": True},
        "  copy it again",
        {"failures": [FAILURE], "retried": 1},
    ),
    (
        "purge",
        "purge",
        {"removed": 1200},
        {"queries": False},
        "1,200 photos forgotten",
        {"removed": 1200},
    ),
    (
        "pause",
        "pause",
        {"paused": True, "paused_until": None},
        {"seconds": None},
        "Indexing paused. Resume with: photosd resume",
        {"paused": True, "paused_until": None},
    ),
    (
        "pause --for 1h30m",
        "pause",
        {"paused": True, "paused_until": None},
        {"seconds": 5400.0},
        "Indexing paused. Resume with: photosd resume",
        {"paused": True, "paused_until": None},
    ),
    (
        "resume",
        "resume",
        {"paused": False, "paused_until": None},
        {},
        "Indexing resumed.",
        {"paused": False, "paused_until": None},
    ),
    (
        "config get",
        "config",
        {"settings": [SETTING]},
        {},
        "search.limit = 30   (default: 20)",
        {"settings": [SETTING]},
    ),
    (
        "config get search.limit",
        "config",
        {"settings": [SETTING]},
        {},
        "30",
        {"settings": [SETTING]},
    ),
    (
        "config set search.limit 30",
        "config_set",
        {"name": "search.limit", "value": 30},
        {"name": "search.limit", "value": "30"},
        "search.limit = 30",
        {"name": "search.limit", "value": 30},
    ),
    (
        "config set watch.settle_seconds -1",
        "config_set",
        {"name": "watch.settle_seconds", "value": True},
        {"name": "watch.settle_seconds", "value": "-1"},
        "watch.settle_seconds = yes",
        {"name": "watch.settle_seconds", "value": True},
    ),
    (
        "status",
        "status",
        status_result(),
        {},
        "photosd 0.1.0  ready  pid 4121  up 3 d 2 h  120 MB",
        status_result(),
    ),
]


@pytest.mark.parametrize(
    ("line", "op", "answer", "params", "words", "result"), HAPPY, ids=[row[0] for row in HAPPY]
)
def test_a_command_asks_and_shows(
    stub: StubDaemon,
    photosd: Photosd,
    line: str,
    op: str,
    answer: Any,
    params: dict[str, Any],
    words: str,
    result: dict[str, Any],
) -> None:
    """In words for people; with `--json` as exactly one object and nothing else."""
    stub.answers[op] = answer
    ran = photosd(*line.split())
    assert ran.code == 0
    assert words in ran.out.splitlines()
    assert stub.params(op) == [params]
    ran = photosd(*line.split(), "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == {"version": 1, **result}


# Every command line that talks to the daemon, and its operation.
TALKING = [(row[0], row[1]) for row in HAPPY if "--" not in row[0]] + [("query sunset", "query")]


@pytest.mark.parametrize(("line", "op"), sorted(set(TALKING)))
@pytest.mark.parametrize("as_json", [False, True])
def test_errors_keep_their_remedy_on_every_command(
    stub: StubDaemon, photosd: Photosd, line: str, op: str, as_json: bool
) -> None:
    """One clear error: words on stderr, or one object on stdout."""
    stub.answers[op] = error("storage", retry_after_ms=2000)
    ran = photosd(*line.split(), *(["--json"] if as_json else []))
    assert ran.code == 5
    if as_json:
        assert json.loads(ran.out)["error"]["remedy"] == "the remedy"
        assert ran.err == ""
    else:
        assert ran.out == ""
        assert ran.err.splitlines() == [
            "photosd cannot use its files: the cause",
            "  the remedy",
            "  try again in 2 s",
        ]


@pytest.mark.parametrize(
    "left", ["ask again in 2 s", "ask again in 2 s, or wait longer: --deadline 4"]
)
def test_when_to_ask_again_is_said_once(stub: StubDaemon, photosd: Photosd, left: str) -> None:
    """The first query after a start said it in two ways."""
    stub.answers["query"] = error("warming", remedy=left, retry_after_ms=2000)
    ran = photosd("query", "sunset")
    assert ran.code == 4
    assert ran.err.splitlines()[1:] == [f"  {left}"]


def test_without_a_daemon_everything_says_so(photosd: Photosd) -> None:
    """Commands exit with 3; only those that need no daemon work without one."""
    for line, op in TALKING:
        if not op.startswith("config"):
            assert photosd(*line.split()).code == 3, line


# -- paths ----------------------------------------------------------------------------------------


def test_relative_paths_are_made_absolute_but_not_resolved(
    stub: StubDaemon, photosd: Photosd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A symlinked folder keeps the name its owner knows."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    stub.answers["add"] = {"path": "/x", "state": "ok", "reason": None}
    monkeypatch.chdir(tmp_path / "link")
    monkeypatch.setenv("PWD", str(tmp_path / "link"))
    photosd("add", ".", "../link/./sub", "--", "-odd")
    monkeypatch.setenv("PWD", "/somewhere/else")
    photosd("add", ".")
    assert [params["path"] for params in stub.params("add")] == [
        str(tmp_path / "link"),
        str(tmp_path / "link/sub"),
        str(tmp_path / "link/-odd"),
        str(tmp_path / "real"),
    ]


def test_a_path_that_is_not_utf8_is_asked_by_its_bytes(stub: StubDaemon, photosd: Photosd) -> None:
    """As the shell hands it over."""
    stub.answers["show"] = SHOWN
    photosd("show", os.fsdecode(b"/p/\xff.jpg"))
    assert stub.params("show") == [{"path": "/p/\\xff.jpg", "path_b64": "L3Av/y5qcGc="}]


def test_list_writes_raw_bytes(stub: StubDaemon, process: Process) -> None:
    """`-0` for xargs."""
    stub.answers["list"] = LISTED
    assert process("list", "-0").stdout == b"/p/a.jpg\0/p/\xff.jpg\0"
    assert process("list").stdout == b"/p/a.jpg\n/p/\xff.jpg\n"


def test_several_folders_are_added_until_one_is_refused(stub: StubDaemon, photosd: Photosd) -> None:
    """Those before it are watched, and said to be."""

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        if params["path"] == "/bad":
            return error("folder")
        return {"path": params["path"], "state": "scan_only", "reason": "it is on a network disk"}

    stub.answers["add"] = answer
    ran = photosd("add", "/good", "/bad", "/never")
    assert ran.code == 1
    assert ran.out == "watching /good\n"
    assert "! it is on a network disk" in ran.err
    assert "Cannot use this folder: the cause" in ran.err
    assert [params["path"] for params in stub.params("add")] == ["/good", "/bad"]


@pytest.mark.parametrize(
    ("words", "op", "key"),
    [
        (["add", "/p/1", "/p/2"], "add", "folders"),
        (["remove", "/p/1", "/p/2"], "remove", "removed"),
        (["on", "--remove", "1", "--remove", "2"], "standing_remove", "removed"),
    ],
)
def test_what_was_done_before_an_error_is_said_in_json(
    stub: StubDaemon, photosd: Photosd, words: list[str], op: str, key: str
) -> None:
    """One object with both; where nothing was done the error alone."""
    entry = {"path": "/p/1", "id": 1, "photos": 3, "reason": None}
    replies = [{"removed": entry} if op == "standing_remove" else entry, error("not_found")]
    stub.answers[op] = lambda _params: replies.pop(0)
    ran = photosd(*words, "--json")
    told = json.loads(ran.out)
    assert (ran.code, told[key], told["error"]["code"]) == (1, [entry], "not_found")
    replies.append(error("not_found"))
    assert list(json.loads(photosd(*words, "--json").out)) == ["error"]


@pytest.mark.parametrize("words", [["cloud", "preview", "/p/1.jpg"], ["bugreport"]], ids=" ".join)
def test_two_things_cannot_both_be_on_stdout(
    stub: StubDaemon, photosd: Photosd, words: list[str]
) -> None:
    """Nothing is asked, the error is JSON, and `-` is no file."""
    ran = photosd(*words, "-o", "-", "--json")
    assert ran.code == 2 and json.loads(ran.out)["error"]["code"] == "bad_request"
    assert not stub.requests and not Path("-").exists()


# -- status ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "code"), [("ready", 0), ("stopping", 3), ("warming", 4), ("degraded", 5), ("new", 5)]
)
def test_status_exits_by_state(stub: StubDaemon, photosd: Photosd, state: str, code: int) -> None:
    """`until photosd status; do sleep 1; done` works."""
    stub.answers["status"] = status_result(state)
    assert photosd("status").code == code
    assert photosd("status", "--json").code == code


def test_status_tells_what_is_going_on(stub: StubDaemon, photosd: Photosd) -> None:
    """Loading, restarts, what indexing waits for, folders in trouble, another version."""
    status = status_result("warming", daemon_version="0.0.9", warnings=["low memory"])
    status["warnings"].append(f"{OFFLINE['path']}: {OFFLINE['reason']}")
    status["encoder"].update(
        state="loading", phase="weights", eta_s=2.6, restarts=2, last_restart_reason="no answer"
    )
    status["index"].update(pending=120, rate_per_s=38.04, eta_s=300, waiting_for="the model")
    status["index"]["previews"] = 1
    status["folders"] = [FOLDER, OFFLINE]
    stub.answers["status"] = status
    ran = photosd("status")
    assert "starter loading (weights) about 3 s to go" in ran.out
    assert "restarted 2 times (no answer)" in ran.out
    assert "120 waiting · 38.0/s · ~5 min left · waiting for the model · 3 failed" in ran.out
    assert "1 photo indexed by a preview, in full when idle" in ran.out
    assert (ran.out + ran.err).count(str(OFFLINE["reason"])) == 1
    assert "connect it" in ran.out
    assert "! low memory" in ran.err
    assert "! the daemon is version 0.0.9" in ran.err


def test_status_watch_continues_when_the_daemon_ends(
    stub: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until Ctrl-C."""
    stub.answers["status"] = status_result()
    rounds = []

    def sleep(_seconds: float) -> None:
        rounds.append(1)
        stub.close()
        if len(rounds) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("photosd_cli.commands.status.time.sleep", sleep)
    ran = photosd("status", "--watch")
    assert ran.code == 130
    assert ran.out.count("photosd 0.1.0") == 1
    assert ran.err.count("not running") == 2


# -- without a daemon -----------------------------------------------------------------------------


def test_settings_can_be_read_and_changed_without_a_daemon(photosd: Photosd, home: Home) -> None:
    """It reads them when it starts."""
    assert photosd("config", "set", "search.limit", "30").out == "search.limit = 30\n"
    again = photosd("config", "set", "search.limit", "30")
    assert (again.code, again.out) == (0, "search.limit = 30   (unchanged)\n")
    assert photosd("config", "get", "search.limit").out == "30\n"
    assert "log.level = info" in photosd("config", "get").out
    assert photosd("config", "path").out == f"{home.settings}\n"
    for line in ("get no.such", "set no.such 1", "set search.limit many"):
        assert photosd("config", *line.split()).code == 2, line


def test_sockname_is_where_clients_connect(photosd: Photosd, home: Home) -> None:
    """For nc and socat."""
    assert photosd("sockname").out == f"{home.socket}\n"
    assert json.loads(photosd("sockname", "--json").out) == {
        "version": 1,
        "socket": str(home.socket),
    }
