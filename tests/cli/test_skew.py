"""Command line and daemon of different versions: both say what to do, and nothing is damaged."""

from __future__ import annotations

import hashlib
import io
import sqlite3
from pathlib import Path

import pytest

import photosd as package
from photosd.core.errors import PhotosdError, StorageError
from photosd.core.paths import Home
from photosd.index.database import Database
from photosd.index.migrations import SCHEMA
from photosd.protocol.client import Client
from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon, error, hit, query_result, status_result
from tests.conftest import ENCODER_STANDS_IN, RunningDaemon

HELLO = {"version": "0.0.1", "protocol": 1, "pid": 1, "home": "/", "capabilities": []}


@pytest.mark.parametrize("version", ["0.0.1", "99.0.0"])
def test_the_status_names_both_versions(stub: StubDaemon, photosd: Photosd, version: str) -> None:
    """Whichever is older, restarting the daemon makes them one."""
    stub.answers["status"] = status_result(daemon_version=version)
    ran = photosd("status")
    assert ran.code == 0
    assert version in ran.err
    assert package.__version__ in ran.err
    assert "photosd restart" in ran.err


@pytest.mark.parametrize(
    ("answer", "named"), [({"daemon_version": "0.0.1"}, "version 0.0.1"), ({}, "an older version")]
)
@pytest.mark.parametrize("form", [[], ["--paths"], ["-0"], ["--deadline", "9"]])
def test_a_query_after_an_upgrade_suggests_a_restart(
    stub: StubDaemon, photosd: Photosd, answer: dict[str, str], named: str, form: list[str]
) -> None:
    """Once, on stderr, behind the answer; a daemon of 0.1 does not say its version."""
    result = query_result(hit("/p/a.jpg"))
    del result["daemon_version"]
    stub.answers["query"] = {**result, **answer}
    ran = photosd("query", "sunset", *form)
    assert ran.code == 0 and "a.jpg" in ran.out
    assert ran.err.count("photosd restart") == 1
    assert named in ran.err and f"this command line is {package.__version__}" in ran.err


def test_many_queries_after_an_upgrade_suggest_it_once(
    stub: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many lines are read from stdin."""
    monkeypatch.setattr("sys.stdin", io.StringIO("sunset\nbeach\n"))
    stub.answers["query"] = query_result(hit("/p/a.jpg"), daemon_version="0.0.1")
    ran = photosd("query", "-")
    assert ran.err.count("photosd restart") == 1


def test_equal_versions_cause_no_warning(stub: StubDaemon, photosd: Photosd) -> None:
    """JSON holds the daemon's version; where both are one there is nothing to say."""
    stub.answers["query"] = query_result(hit("/p/a.jpg"))
    assert "restart" not in photosd("query", "sunset").err
    stub.answers["query"] = query_result(hit("/p/a.jpg"), daemon_version="0.0.1")
    ran = photosd("query", "sunset", "--json")
    assert ran.err == "" and '"daemon_version": "0.0.1"' in ran.out


def test_the_daemon_says_its_version_with_every_answer(
    quick_daemon: RunningDaemon, photosd: Photosd
) -> None:
    """A real one, at the first query."""
    quick_daemon.wait_until("ready")
    assert quick_daemon.query("sunset")["daemon_version"] == package.__version__
    assert "restart" not in photosd("query", "sunset").err


def test_an_older_daemon_lacks_an_operation(stub: StubDaemon, photosd: Photosd) -> None:
    """The daemon of today knows what to say about operations of tomorrow."""
    stub.answers["resume"] = error("unknown_op", remedy="photosd restart   (is the daemon older?)")
    ran = photosd("resume")
    assert ran.code == 2
    assert "photosd restart" in ran.err


@pytest.mark.slow
def test_an_operation_of_tomorrow(quick_daemon: RunningDaemon) -> None:
    """A real daemon, asked by a newer client."""
    quick_daemon.wait_until("ready")
    with quick_daemon.client() as client, pytest.raises(PhotosdError) as caught:
        client.call("paint")
    assert caught.value.code == "unknown_op"
    assert "query" in str(caught.value)
    assert "photosd restart" in caught.value.remedy


@pytest.mark.parametrize("gone", ["encoder", "index", "daemon_version"])
def test_an_older_daemon_lacks_a_field(stub: StubDaemon, photosd: Photosd, gone: str) -> None:
    """No traceback: the versions, and what to do."""
    status = status_result()
    del status[gone]
    stub.answers.update(status=status, hello=HELLO)
    ran = photosd("status")
    assert ran.code == 5
    assert "Traceback" not in ran.err
    assert "0.0.1" in ran.err
    assert "photosd restart" in ran.err


def test_a_field_missing_by_our_own_fault_is_not_hidden(stub: StubDaemon, photosd: Photosd) -> None:
    """Where both are of one version it is a defect."""
    stub.answers.update(status={}, hello={**HELLO, "version": package.__version__})
    ran = photosd("status")
    assert ran.code == 5 and "bug in photosd" in ran.err


def test_a_newer_daemon_has_more_fields(stub: StubDaemon, photosd: Photosd) -> None:
    """They are ignored."""
    stub.answers["status"] = status_result(moon="full", daemon_version=package.__version__)
    ran = photosd("status")
    assert (ran.code, ran.err) == (0, "")


def test_a_daemon_of_a_newer_protocol(stub: StubDaemon) -> None:
    """Its answers are not guessed at."""
    stub.answers["hello"] = b'{"v":2,"id":"1","ok":true,"result":{"shape":"another"}}\n'
    with Client() as client, pytest.raises(PhotosdError, match="protocol version 2") as caught:
        client.hello()
    assert "photosd restart" in caught.value.remedy


def digest(directory: Path) -> dict[str, str]:
    """Every file below, by its content; SQLite's shared memory is no data."""
    return {
        str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in directory.rglob("*")
        if file.is_file() and file.name.startswith("catalog") and not file.name.endswith("-shm")
    }


@pytest.fixture
def newer(home: Home) -> Home:
    """A catalog of a newer photosd, with a table that this version does not know."""
    Database(home.catalog).close()
    with sqlite3.connect(home.catalog) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("CREATE TABLE tomorrow(what TEXT)")
        db.execute("INSERT INTO tomorrow VALUES('precious')")
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    return home


def test_a_newer_catalog_is_refused_untouched(newer: Home) -> None:
    """Not one byte changes."""
    before = digest(newer.state)
    with pytest.raises(StorageError, match="newer") as caught:
        Database(newer.catalog)
    assert "install the newer photosd" in caught.value.remedy
    assert digest(newer.state) == before


def test_a_daemon_with_a_newer_catalog_says_so_to_everyone(newer: Home, photosd: Photosd) -> None:
    """It runs, answers with cause and remedy, and leaves the catalog alone to the end."""
    before = digest(newer.state)
    daemon = RunningDaemon(newer, prelude=ENCODER_STANDS_IN)
    try:
        daemon.wait_until("degraded")
        ran = photosd("query", "sunset")
        assert ran.code == 5
        assert "newer photosd" in ran.err
        assert "install the newer photosd" in ran.err
        assert "newer photosd" in photosd("status").err
    finally:
        daemon.stop()
    assert digest(newer.state) == before
