"""A daemon that runs is examined, too: healthy ones are called healthy, sick ones by their name."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import photosd
from photosd.core.paths import Home
from photosd.core.socketpath import VARIABLE
from photosd.doctor import checks, process
from photosd.doctor.context import CheckContext
from photosd.doctor.finding import Findings
from photosd_cli.main import main
from tests.cli.conftest import QUICK, command, environment
from tests.cli.stub import StubDaemon, error, status_result
from tests.conftest import ENCODER_STANDS_IN, RunningDaemon
from tests.doctor.conftest import Doctor


@pytest.fixture
def running(well: Home) -> Iterator[RunningDaemon]:
    """The daemon of the healthy home, ready."""
    yield from begun(RunningDaemon(well))


@pytest.fixture
def spoiled(well: Home) -> Iterator[RunningDaemon]:
    """The same with a stand-in for the encoder, for a test that breaks it."""
    yield from begun(RunningDaemon(well, prelude=ENCODER_STANDS_IN))


@pytest.fixture(scope="module")
def shared(healthy: Path) -> Iterator[RunningDaemon]:
    """One with a stand-in for the encoder, for tests that leave it as it was."""
    directory = tempfile.mkdtemp(prefix="photosd-test-", dir="/tmp")
    shutil.copytree(healthy / "home", directory, dirs_exist_ok=True, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOSD_HOME", directory)
        running = RunningDaemon(Home.from_environment(), prelude=ENCODER_STANDS_IN)
    yield from begun(running)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def quick(
    shared: RunningDaemon, home: Home, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningDaemon]:
    """The shared daemon, in the environment of this test."""
    monkeypatch.setenv("PHOTOSD_HOME", str(shared.home.state.parent))
    yield shared
    os.kill(shared.process.pid, signal.SIGCONT)
    with shared.client() as client:
        client.resume()


def begun(daemon: RunningDaemon) -> Iterator[RunningDaemon]:
    daemon.wait_until("ready")
    yield daemon
    if daemon.process.poll() is None:
        os.kill(daemon.process.pid, signal.SIGCONT)
    daemon.stop()


def test_a_healthy_system_is_called_healthy(running: RunningDaemon, doctor: Doctor) -> None:
    """Exit code 0, not one warning, and every question of the note answered."""
    report = doctor()
    assert (report.code, report.healthy, report.trouble()) == (0, True, []), report.trouble()
    said = {finding["check"]: finding["says"] for finding in report.findings}
    assert "loaded and warm" in said["model"]
    assert re.search(r"cold [\d.]+ ms, warm [\d.]+ ms", said["encode_text"])
    assert "MB free" in said["memory"]
    assert "latin, hebrew, emoji" in said["tokenizer"]
    assert "disabled" in said["hub"]


def test_its_page_for_people(
    quick: RunningDaemon, doctor: Doctor, capfd: pytest.CaptureFixture[str]
) -> None:
    """One marked line a check, nothing on stderr."""
    assert main(["doctor"]) == 0
    sys.stdout.flush()
    out, err = capfd.readouterr()
    assert err == ""
    assert all(line.startswith("✓ ") for line in out.splitlines()), out


def test_ascii_terminals_can_show_it(quick: RunningDaemon) -> None:
    """Marks that every encoding has."""
    done = subprocess.run(
        command("doctor"),
        env={**environment(), "PYTHONIOENCODING": "ascii", "XDG_CONFIG_HOME": "/nowhere"},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith(b"+ ")


def trouble_of(doctor: Doctor, check: str) -> tuple[str, str]:
    """Words and remedy of the trouble that this check found."""
    report = doctor()
    found = [finding for finding in report.trouble() if finding["check"] == check]
    assert found, report.trouble()
    return found[0]["says"], found[0]["remedy"]


def test_a_hung_daemon(quick: RunningDaemon, doctor: Doctor, monkeypatch: Any) -> None:
    """It is there, holds its lock, and does not answer."""
    monkeypatch.setattr("photosd.doctor.context.HELLO_SECONDS", 0.5)
    os.kill(quick.process.pid, signal.SIGSTOP)
    says, remedy = trouble_of(doctor, "daemon")
    assert str(quick.process.pid) in says
    assert "does not answer" in says
    assert remedy == "photosd restart"


def test_a_hung_encoder(running: RunningDaemon, doctor: Doctor) -> None:
    """Encoding is tried, not believed."""
    with running.client() as client:
        encoder = client.status()["encoder"]["pid"]
    assert encoder is not None
    os.kill(encoder, signal.SIGSTOP)
    says, _ = trouble_of(doctor, "encode_text")
    assert "hung" in says or "replaced" in says


def test_a_paused_index(quick: RunningDaemon, doctor: Doctor) -> None:
    """New photos are not found, and nothing is broken."""
    with quick.client() as client:
        client.pause()
    assert trouble_of(doctor, "indexing") == ("paused", "photosd resume")


def test_a_lock_that_was_removed(spoiled: RunningDaemon, doctor: Doctor) -> None:
    """The next start would make a second daemon."""
    spoiled.home.lock.unlink()
    says, remedy = trouble_of(doctor, "daemon")
    assert "holds no lock" in says
    assert remedy.startswith("photosd restart")


def test_a_second_daemon(spoiled: RunningDaemon, doctor: Doctor) -> None:
    """One daemon holds the lock; another answers at the socket."""
    spoiled.home.lock.unlink()
    with spoiled.home.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{os.getpid()}\n{spoiled.home.socket}\n")
        lock.flush()
        says, remedy = trouble_of(doctor, "daemon")
    assert "two daemons" in says
    assert f"kill {spoiled.process.pid}" in remedy


def test_another_runtime_directory(quick: RunningDaemon, doctor: Doctor, monkeypatch: Any) -> None:
    """A shell of `su` looks elsewhere for the socket: that, and where it is, is said."""
    listening = quick.home.socket
    elsewhere = Path("/tmp") / f"photosd-doctor-{os.getpid()}"
    other = Home(quick.home.config, quick.home.state, quick.home.models, elsewhere)
    monkeypatch.setattr(Home, "from_environment", lambda: other)
    says, remedy = trouble_of(doctor, "daemon")
    assert f"it listens on {listening}" in says
    assert VARIABLE in remedy


def test_a_library_that_cannot_open(well: Home, doctor: Doctor) -> None:
    """The daemon runs but serves nothing: a catalog of a newer version."""
    import sqlite3

    with sqlite3.connect(well.catalog) as db:
        db.execute("PRAGMA user_version = 999")
    daemon = RunningDaemon(well, prelude=ENCODER_STANDS_IN)
    try:
        daemon.wait_until("degraded")
        says, remedy = trouble_of(doctor, "catalog")
        assert "newer" in says
        assert "install the newer photosd" in remedy
        assert "newer photosd" in trouble_of(doctor, "daemon")[0]
    finally:
        daemon.stop()


def self_check(**more: Any) -> dict[str, Any]:
    """What a daemon in good health answers."""
    kinds = ("latin", "again", "hebrew", "emoji")
    text = {"ms": 3.0, "understood": 1.0, "error": None, "remedy": None, "unavailable": False}
    texts = [{"kind": kind, **text} for kind in kinds]
    return {"texts": texts, "hub_off": True, "swapped_mb": 0.0, "unwell": {}, **more}


def with_text(kind: str, **more: Any) -> dict[str, Any]:
    """The same, but for one text."""
    texts = [{**t, **more} if t["kind"] == kind else t for t in self_check()["texts"]]
    return self_check(texts=texts)


def encoder_report(**more: Any) -> dict[str, Any]:
    return status_result(encoder={**status_result()["encoder"], **more})


def folder_report(**more: Any) -> dict[str, Any]:
    folder = {"path": "/p", "state": "ok", "photos": 3, "reason": None, "remedy": None}
    return status_result(folders=[{**folder, **more}])


class Sick(NamedTuple):
    """An answer that shows an illness, the check that has to see it, and its words."""

    name: str
    op: str
    answer: Any
    check: str
    says: str
    remedy: str


BROKEN = {"title": "The model cannot be used", "message": "weights differ", "remedy": "pull it"}
SICK = [
    Sick("older daemon", "hello", {"version": "0.0.1"}, "version", "0.0.1", "photosd restart"),
    Sick("newer daemon", "hello", {"version": "99.0"}, "version", "99.0", "PATH"),
    Sick("hub on", "self_check", self_check(hub_off=False), "hub", "may", "photosd restart"),
    Sick("swapped out", "self_check", self_check(swapped_mb=300.0), "memory", "300 MB", "close"),
    Sick("slow", "self_check", with_text("again", ms=900.0), "encode_text", "slow", "busy"),
    Sick("encoding fails", "self_check", with_text("latin", error="boom", remedy="do this"),
         "encode_text", "boom", "do this"),
    Sick("Hebrew fails", "self_check", with_text("hebrew", error="KeyError: ש"), "tokenizer",
         "hebrew text fails", "photosd logs"),
    Sick("emoji fail", "self_check", with_text("emoji", error="KeyError"), "tokenizer",
         "emoji text fails", "photosd logs"),
    Sick("deaf watcher", "self_check", self_check(unwell={"watcher": "no event for 950 s"}),
         "daemon", "no event for 950 s", "photosd restart"),
    Sick("still warming", "self_check", error("warming"), "encode_text", "the cause", "wait"),
    Sick("internal error", "self_check", error("internal"), "encode_text", "the cause",
         "the remedy"),
    Sick("broken encoder", "status", encoder_report(state="broken", error=BROKEN), "model",
         "weights differ", "pull it"),
    Sick("hung encoder", "status", encoder_report(state="hung", last_restart_reason="hung: x"),
         "model", "hung", "photosd logs"),
    Sick("loading", "status", encoder_report(state="loading"), "model", "still loading", "wait"),
    Sick("recycled often", "status",
         encoder_report(restarts=9, last_restart_reason="recycled: it used 900 MB of 800"),
         "model", "9 times", "memory_limit_mb"),
    Sick("folder forbidden", "status",
         folder_report(state="no_permission", reason="may not", remedy="chmod u+rx"),
         "folders", "no permission", "chmod"),
    Sick("folder offline", "status", folder_report(state="offline", reason="not mounted"),
         "folders", "offline", "photosd remove"),
    Sick("watch limit", "status",
         folder_report(state="scan_only", reason="too many", remedy="sudo sysctl"), "folders",
         "scan only", "sysctl"),
    Sick("disk refuses", "status",
         status_result(index={**status_result()["index"], "waiting_for": "disk"}), "indexing",
         "fails", "df"),
]  # fmt: skip


@pytest.mark.parametrize("sick", SICK, ids=lambda sick: sick.name)
def test_what_a_daemon_says_is_understood(sick: Sick, home: Home, doctor: Doctor) -> None:
    """Each symptom leads to one finding with a remedy."""
    stub = StubDaemon(home.socket)
    home.socket.chmod(0o600)
    version = photosd.__version__
    stub.answers["hello"] = {
        "version": version, "protocol": 1, "pid": os.getpid(), "home": "/", "capabilities":
        ["self_check"],
    }  # fmt: skip
    stub.answers["status"] = status_result()
    stub.answers["self_check"] = self_check()
    known = stub.answers[sick.op]
    assert isinstance(known, dict)
    stub.answers[sick.op] = {**known, **sick.answer} if sick.op == "hello" else sick.answer
    home.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with home.lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write(f"{os.getpid()}\n{home.socket}\n")
            lock.flush()
            says, remedy = trouble_of(doctor, sick.check)
    finally:
        stub.close()
    assert sick.says in says
    assert sick.remedy in remedy


def test_an_older_daemon_without_a_self_check(home: Home, doctor: Doctor) -> None:
    """Checks that it does not support are left out; all others run."""
    stub = StubDaemon(home.socket)
    hello = {"version": "0.0.1", "protocol": 1, "pid": 1, "home": "/", "capabilities": ["hello"]}
    stub.answers["hello"] = hello
    stub.answers["status"] = status_result()
    report = doctor()
    stub.close()
    verdicts = {finding["check"]: finding["verdict"] for finding in report.findings}
    assert verdicts["encode_text"] == "unknown"
    assert verdicts["version"] == "fault"
    assert "self_check" not in [request["op"] for request in stub.requests]


def test_fix_carries_out_what_is_safe(
    well: Home, doctor: Doctor, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rights are put right and the daemon is started; then all is well."""
    monkeypatch.setenv("PYTHONPATH", environment(QUICK)["PYTHONPATH"])
    well.state.chmod(0o755)
    try:
        report = doctor("--fix")
        assert (report.code, report.trouble()) == (0, [])
        assert well.state.stat().st_mode & 0o777 == 0o700
    finally:
        main(["stop"])
    for plain in (["doctor"], ["doctor", "--json"]):
        capfd.readouterr()
        assert main(plain) == 1
    assert json.loads(capfd.readouterr().out)["carried_out"] == []


@pytest.mark.slow
def test_fix_restarts_a_hung_daemon(
    spoiled: RunningDaemon, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop, if need be by force, and start."""
    monkeypatch.setattr("photosd.doctor.context.HELLO_SECONDS", 0.5)
    monkeypatch.setattr("photosd.doctor.crashes.DAYS", 0)
    monkeypatch.setenv("PYTHONPATH", environment(QUICK)["PYTHONPATH"])
    os.kill(spoiled.process.pid, signal.SIGSTOP)
    try:
        report = doctor("--fix")
        assert report.code == 0, report.trouble()
    finally:
        main(["stop"])


def hanging(_context: CheckContext) -> Findings:
    time.sleep(30)
    yield from ()


def defective(_context: CheckContext) -> Findings:
    raise ZeroDivisionError("oops")


@pytest.mark.parametrize(
    ("check", "says"), [(hanging, "did not finish"), (defective, "ZeroDivisionError: oops")]
)
def test_no_check_stops_the_others(
    check: Callable[[CheckContext], Findings], says: str, home: Home, monkeypatch: Any
) -> None:
    """One that hangs or fails is a finding itself; the others are made all the same."""
    monkeypatch.setattr(checks, "CHECK_SECONDS", 0.3)
    monkeypatch.setattr(checks, "CHECKS", {"first": check, "daemon": process.daemon})
    first, second = checks.run_checks(home)
    assert says in first.says
    assert second.check == "daemon"
