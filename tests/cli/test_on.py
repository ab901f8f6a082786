"""`photosd on`: what is asked of the daemon, and how its answers read."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from photosd.core.paths import Home
from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon, error


def report(**more: Any) -> dict[str, Any]:
    """One standing query."""
    return {
        "id": 3,
        "text": "receipt",
        "kind": "stream",
        "argv": [],
        "directory": None,
        "below": None,
        "created_at": 1.0,
        "matches": 12,
        "waiting": 0,
        "failed": 0,
        "last_failure": None,
        "trouble": None,
        "acknowledged": 0,
        **more,
    }


def match(cursor: int, path: str) -> dict[str, Any]:
    """One photo that matched."""
    return {
        "match": {
            "cursor": cursor,
            "standing": 3,
            "query": "receipt",
            "path": path,
            "content_id": "1-a",
            "score": 0.3,
            "strength": "fair",
            "matched_at": 1.0,
        }
    }


@pytest.fixture(autouse=True)
def answers(stub: StubDaemon) -> None:
    """A daemon where query 3 stands."""
    stub.answers.update(
        standing_add={"standing": report(), "new": True, "warnings": ["not understood: xyz"]},
        standing={"standing": [report()]},
        standing_remove={"removed": report()},
        acknowledge=lambda params: {"acknowledged": params["cursor"]},
        subscribe=[{}, match(7, "/p/a\x1b.jpg"), {}, match(9, "/p/b.jpg"), {"cursor": 9}],
    )


def test_a_command_is_taken_apart_here(
    stub: StubDaemon, photosd: Photosd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a shell's rules, its program found on this PATH, directories made absolute."""
    monkeypatch.chdir(tmp_path)
    ran = photosd("on", "my", "receipts", "--in", "pics", "--exec", "cp -t '/back up' {}")
    assert ran.code == 0
    (params,) = stub.params("standing_add")
    assert params["text"] == "my receipts"
    assert params["kind"] == "exec"
    assert params["argv"] == [shutil.which("cp"), "-t", "/back up", "{}"]
    assert params["below"] == os.fspath(tmp_path / "pics")
    assert "Saved alert 3. Remove it with: photosd on --remove 3" in ran.err
    assert "not understood: xyz" in ran.err
    assert not ran.out
    assert photosd("on", "receipt", "--link", "album").code == 0
    assert stub.params("standing_add")[-1]["directory"] == os.fspath(tmp_path / "album")
    assert photosd("on", "receipt", "--notify").code == 0


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (["x", "--exec", "no-such-program {}"], "no such program"),
        (["x", "--exec", "a 'b"], "quotation"),
        (["x", "--exec", ""], "empty"),
        (["x", "--exec", "cp", "--notify"], "cannot be one"),
        (["x", "--link", "d", "--jsonl"], "printed"),
        (["x", "--list"], "TEXT"),
        (["--in", "d"], "TEXT"),
        (["--jsonl"], "TEXT"),
    ],
)
def test_what_makes_no_sense_is_refused(
    stub: StubDaemon, photosd: Photosd, line: list[str], cause: str
) -> None:
    """As usage, before the daemon is asked, with a remedy."""
    ran = photosd("on", *line, *(["--json"] if "--jsonl" not in line else []))
    assert ran.code == 2
    refusal = json.loads(ran.out)["error"]
    assert cause.lower() in (refusal["title"] + refusal["message"]).lower()
    assert refusal["remedy"]
    assert not stub.params("standing_add")


def test_matches_are_printed_and_acknowledged(stub: StubDaemon, photosd: Photosd) -> None:
    """Each before the next; what wants no waiting ends."""
    ran = photosd("on", "receipt", "--no-wait")
    assert "Waiting" not in ran.err
    assert (ran.code, ran.out) == (0, "/p/a\x1b.jpg\n/p/b.jpg\n")  # raw into a pipe
    assert stub.params("subscribe") == [{"id": 3, "after": None, "wait": False}]
    assert [params["cursor"] for params in stub.params("acknowledge")] == [7, 9]
    ran = photosd("on", "receipt", "--jsonl", "--no-wait")
    assert [json.loads(line)["cursor"] for line in ran.out.splitlines()] == [7, 9]


def test_a_reader_waits_for_a_daemon_that_went(
    home: Home, stub: StubDaemon, photosd: Photosd
) -> None:
    """It continues after the last match it printed; it ends when the alert is removed."""
    stub.answers["subscribe"] = lambda params: (
        error("not_found") if params["after"] == 7 else _cut_after(match(7, "/p/a.jpg"))
    )
    ran = photosd("on", "receipt")
    assert ran.code == 1
    assert "Waiting for photos that match; Ctrl-C ends it" in ran.err
    assert ran.out == "/p/a.jpg\n"
    assert [params["after"] for params in stub.params("subscribe")] == [None, 7]


def _cut_after(progress: dict[str, Any]) -> bytes:
    return json.dumps({"v": 1, "id": "1", "progress": progress}).encode() + b"\n"


def test_a_reader_survives_a_restart(home: Home, stub: StubDaemon, photosd: Photosd) -> None:
    """It waits while there is no daemon, and reports that."""
    stub.answers["subscribe"] = lambda _: _leave(stub)

    def come_back() -> None:
        time.sleep(1.0)
        again = StubDaemon(home.socket.with_name("again"))
        again.answers.update(subscribe=error("not_found"))
        again.path.rename(home.socket)

    threading.Thread(target=come_back, daemon=True).start()
    ran = photosd("on", "receipt")
    assert ran.code == 1
    assert "waiting for it to restart" in ran.err


def _leave(stub: StubDaemon) -> bytes:
    stub.close()
    return b""


def test_the_list_says_how_each_goes(stub: StubDaemon, photosd: Photosd) -> None:
    """What it does, how often it did, what went wrong; also without `--list`."""
    stub.answers["standing"] = {
        "standing": [
            report(kind="exec", argv=["cp", "-t", "/back up"], below="/p/in", failed=1, waiting=2),
            report(id=4, kind="link", directory="/album", trouble="the disk is away"),
            report(id=5, kind="notify", last_failure="/p/a\x1b.jpg: exit code 3"),
        ]
    }
    ran = photosd("on")
    assert ran.out == photosd("on", "--list").out
    assert ran.out.splitlines() == [
        "  3  receipt   in /p/in   runs cp -t '/back up'   12 photos, 2 waiting, 1 failed",
        "  4  receipt   album /album   12 photos",
        "     the disk is away",
        "  5  receipt   notifies   12 photos",
        "     last failure: /p/a\\x1b.jpg: exit code 3",
    ]
    stub.answers["standing"] = {"standing": []}
    assert "No alerts" in photosd("on").err
    assert json.loads(photosd("on", "--json").out) == {"version": 1, "standing": []}


def test_removing_names_what_went(stub: StubDaemon, photosd: Photosd) -> None:
    """One or several; an unknown number is an error."""
    ran = photosd("on", "--remove", "3", "--remove", "4")
    assert [params["id"] for params in stub.params("standing_remove")] == [3, 4]
    assert ran.out.startswith("removed:   3  receipt")
    assert len(json.loads(photosd("on", "--remove", "3", "--json").out)["removed"]) == 1
    stub.answers["standing_remove"] = error("not_found")
    assert photosd("on", "--remove", "9").code == 1


def test_words_are_read_from_stdin_or_a_file(
    stub: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`ps` shows a command line to every user of the machine."""
    file = tmp_path / "words"
    file.write_text("my  secret\nwords\n")
    for arguments in (["-"], ["--from", "-"], ["--from", str(file)]):
        monkeypatch.setattr("sys.stdin", io.StringIO("my secret  words\n"))
        photosd("on", *arguments, "--notify")
        assert stub.params("standing_add")[-1]["text"] == "my secret words"
    monkeypatch.setattr("sys.stdin", io.StringIO(" \n"))
    assert photosd("on", "-").code == 2
    assert photosd("on", "words", "--from", str(file)).code == 2
    assert photosd("on", "--from", str(tmp_path / "nowhere")).code != 0
    file.write_text("word " * 3000)
    monkeypatch.setattr("sys.stdin", io.StringIO("word " * 3000))
    for arguments in (["-"], ["--from", str(file)]):  # an alert for the beginning is another one
        assert "longer than" in photosd("on", *arguments).err
    monkeypatch.setattr("sys.stdin", io.StringIO("caf\udce9"))
    photosd("on", "-", "--notify")
    assert stub.params("standing_add")[-1]["text"] == "caf\ufffd"


def test_paths_of_an_alert_need_not_be_utf8(stub: StubDaemon, photosd: Photosd) -> None:
    photosd("on", "dog", "--in", "/p/caf\udce9", "--link", "/q/\udcff")
    asked = stub.params("standing_add")[-1]
    assert base64.b64decode(asked["below_b64"]) == b"/p/caf\xe9"
    assert base64.b64decode(asked["directory_b64"]) == b"/q/\xff"


def test_a_repeated_run_without_waiting_prints_only_photos(
    stub: StubDaemon, photosd: Photosd
) -> None:
    """By cron, which mails what a program prints; the first run tells how to remove the alert."""
    assert "Saved alert 3" in photosd("on", "receipt", "--no-wait").err
    stub.answers["standing_add"] = {"standing": report(), "new": False, "warnings": ["w"]}
    ran = photosd("on", "receipt", "--no-wait")
    assert ran.out and not ran.err
