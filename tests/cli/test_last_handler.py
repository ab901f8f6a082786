"""Whatever goes wrong in a command: one plain error, its exit code, JSON where it was asked for."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd.core.socketpath import expanded
from photosd_cli import logfile, text
from tests.cli.conftest import ROOT, Photosd, command, environment
from tests.cli.stub import StubDaemon, hit, query_result, status_result


def test_a_defect_is_no_traceback(stub: StubDaemon, photosd: Photosd) -> None:
    stub.answers.update(folders=lambda _: {"folders": 7}, hello={"version": "0.0.1"})
    ran = photosd("folders")
    assert ran.code == 5
    assert "Traceback" not in ran.err and "photosd bugreport" in ran.err
    ran = photosd("folders", "--json", "--nothing")
    assert ran.code == 2 and json.loads(ran.out)["error"]["code"] == "bad_request"


def test_a_defect_is_json_under_json(
    photosd: Photosd, stub: StubDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photosd.protocol.client.Client.folders", lambda _: 1 / 0)
    ran = photosd("folders", "--json")
    error = json.loads(ran.out)["error"]
    assert (ran.code, error["code"]) == (5, "internal")
    assert "ZeroDivisionError" in error["message"]


@pytest.mark.parametrize("words", [["query", "-"], ["query", "-", "--json"], ["cloud", "forget"]])
def test_a_closed_stdin(home: Home, words: list[str]) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command(*words)],
        env=environment(),
        capture_output=True,
        timeout=60,
    )
    assert b"Traceback" not in done.stderr + done.stdout
    assert done.returncode in (2, 3)


def closed(words: list[str], stream: int) -> subprocess.CompletedProcess[bytes]:
    """Run it without this stream, as cron and services may."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {stream}>&-', "sh", *command(*words)],
        env=environment(),
        capture_output=True,
        timeout=60,
    )


def test_an_alert_from_a_closed_stdin_is_refused(stub: StubDaemon) -> None:
    done = closed(["on", "-", "--json"], 0)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["message"] == "stdin is closed"


@pytest.mark.parametrize(
    "words",
    [
        ["query", "dog", "--preview=blocks"],
        ["query", "dog", "--preview=kitty"],
        ["preview", "/p/dog.jpg"],
        ["status"],
        ["doctor"],
    ],
)
def test_a_closed_stdout(stub: StubDaemon, words: list[str]) -> None:
    small = {"width": 1, "height": 1, "form": "rgb", "data_b64": "AAAA", "content_id": "c"}
    stub.answers.update(
        query=query_result(hit("/p/dog.jpg")),
        thumbnail=small,
        show={"facts": {}},
        status=status_result(),
    )
    done = closed(words, 1)
    assert b"inside photosd" not in done.stderr, done.stderr
    assert done.returncode in (0, 1)


def test_json_is_ascii_where_stdout_is_not_utf8(stub: StubDaemon) -> None:
    """In older locales, what has no letter there must still be JSON."""
    name = "/p/caf\u00e9 \U0001f436.jpg"
    stub.answers["query"] = query_result(hit(name))
    for encoding in ("latin-1", "ascii", "utf-8"):
        for form in ("--json", "--jsonl"):
            done = subprocess.run(
                command("query", "dog", form),
                env={**environment(), "PYTHONIOENCODING": encoding},
                capture_output=True,
                check=True,
            )
            assert json.loads(done.stdout)["hits"][0]["path"] == name


def test_no_home_is_no_defect() -> None:
    """pathlib's expanduser raises where there is no such user, and in a container without one."""
    for place in ("cli", "daemon"):
        for file in (ROOT / place).rglob("*.py"):
            assert ").expanduser()" not in file.read_text(), f"{file}: use core.socketpath.expanded"
    assert expanded("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")


def test_cloud_forget_asks_before_it_deletes(
    stub: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal there is no question, and nothing is deleted."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    stub.answers.update(cloud_forget={"removed": 3})
    for words in (["cloud", "forget"], ["cloud", "forget", "--json"]):
        ran = photosd(*words)
        assert ran.code == 2
        assert "cloud forget --yes" in ran.err + ran.out
    assert not stub.params("cloud_forget")
    assert photosd("cloud", "forget", "--yes").code == 0


def test_an_empty_option_is_refused(photosd: Photosd) -> None:
    """A script's unset variable must not remove a filter."""
    for option in ("--camera", "--type", "--in", "--since", "--near", "--like", "--plus"):
        ran = photosd("query", "dog", option, "")
        assert ran.code == 2, option
        assert "empty" in ran.err


def test_logs_filter_before_they_are_cut(home: Home, photosd: Photosd) -> None:
    """An error is found however many lines came after it, and in rotated files."""
    home.log.parent.mkdir(parents=True, exist_ok=True)
    lines = ['{"event":"bad","level":"error"}'] + ['{"event":"x","level":"info"}'] * 50_000
    home.log.write_text("\n".join(lines) + "\n")
    home.log.with_name(home.log.name + ".1").write_text('{"event":"older","level":"error"}\n')
    ran = photosd("logs", "--level", "error", "--json")
    assert [line["event"] for line in json.loads(ran.out)["lines"]] == ["older", "bad"]


def test_the_tail_of_a_log_is_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However its pieces fall."""
    monkeypatch.setattr(logfile, "TAIL_BYTES", 7)
    file = tmp_path / "log"
    lines = ["a" * number + "é" for number in range(1, 40)]
    file.write_text("\n".join(lines) + "\n")
    for count in range(45):
        assert logfile.tail(file, count) == lines[max(0, len(lines) - count) :]


def test_a_time_far_away_has_a_day() -> None:
    assert text.until(None) == ""
    assert len(text.until(4102444800.0)) > len(" until 23:59")


def test_a_linked_model_is_unlinked(home: Home, photosd: Photosd, tmp_path: Path) -> None:
    """Its files lie elsewhere and stay."""
    real = tmp_path / "real"
    real.mkdir()
    (real / "model.json").write_text("{}")
    home.models.mkdir(parents=True)
    (home.models / "mine").symlink_to(real)
    ran = photosd("model", "remove", "mine")
    assert ran.code == 0, ran.err
    assert not list(home.models.iterdir()) and (real / "model.json").exists()


def test_a_pause_is_shown(stub: StubDaemon, photosd: Photosd) -> None:
    """`index --wait` ends and says why; so does `status`."""
    progress = {
        "photos": 126,
        "indexed": 125,
        "pending": 1,
        "failed": 2,
        "rate_per_s": 0.0,
        "eta_s": None,
        "paused": True,
        "paused_until": None,
    }
    stub.answers["rescan"] = [progress]
    ran = photosd("index", "--wait")
    assert ran.code == 0
    assert ran.out == (
        "125 photos indexed, 1 to go, 2 failed (see: photosd failures); "
        "indexing is paused, resume with: photosd resume\n"
    )
    index = {**progress, "bytes": 0, "waiting_for": "resume"}
    stub.answers["status"] = status_result(index=index)
    assert "paused, resume with: photosd resume" in photosd("status").out
    index |= {"paused": False, "pending": 0, "waiting_for": "disk"}
    stub.answers["status"] = status_result(index=index)
    assert "the disk cannot be written, see: photosd doctor" in photosd("status").out


@pytest.mark.parametrize(("state", "said"), [("offline", True), ("scan_only", False)])
def test_a_folder_that_was_not_checked_is_named(
    stub: StubDaemon, photosd: Photosd, state: str, said: bool
) -> None:
    """`index --wait` does not end as if all photos were checked."""
    progress = {"indexed": 1, "pending": 0, "failed": 0, "photos": 1, "rate_per_s": 0.0}
    stub.answers["rescan"] = [progress | {"eta_s": None, "paused": False, "paused_until": None}]
    stub.answers["folders"] = {"folders": [{"path": "/nas", "state": state}, {"state": "ok"}]}
    ran = photosd("index", "--wait")
    assert (ran.code, ran.out) == (0, "1 photo indexed\n")
    assert ("1 folder could not be checked, see: photosd folders" in ran.err) is said


def test_status_claims_no_empty_library_while_it_is_opened(
    stub: StubDaemon, photosd: Photosd
) -> None:
    index = {
        "photos": 0,
        "indexed": 0,
        "pending": 0,
        "failed": 0,
        "rate_per_s": 0.0,
        "eta_s": None,
        "bytes": 0,
        "waiting_for": "start",
    }
    stub.answers["status"] = status_result(state="warming", folders=[], index=index)
    ran = photosd("status")
    assert "opening the library" in ran.out and "photosd add" not in ran.out
