"""Making the table: in a process that may fail, be killed, or find no package."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from photosd.core.errors import PlacesUnavailable
from photosd.places import building, gazetteer
from photosd.places.gazetteer import Gazetteer
from tests.household.daemon import until
from tests.places.world import write_world

NEVER = threading.Event()


@pytest.fixture
def places(world: Path, tmp_path: Path) -> Iterator[Gazetteer]:
    """The gazetteer of a small world; nothing is made yet."""
    made = Gazetteer(tmp_path / "state" / "places.sqlite3", world)
    yield made
    made.close()


def left(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


def test_it_is_made_when_asked_for(places: Gazetteer, tmp_path: Path) -> None:
    """Until then the error tells to wait; the file is complete, private, with nothing beside it."""
    asked: list[int] = []
    places.on_asked = lambda: asked.append(1)
    with pytest.raises(PlacesUnavailable, match="being made") as refused, places.reading():
        pass
    assert refused.value.retry_after_ms and places.asked.is_set() and asked == [1]
    assert places.make(NEVER) and not places.asked.is_set()
    with places.reading() as table:
        assert table.find("אילת")[0].name == "Eilat"
    assert left(tmp_path / "state") == ["places.sqlite3"]
    assert (tmp_path / "state" / "places.sqlite3").stat().st_mode & 0o777 == 0o600


def test_it_is_made_once(places: Gazetteer, world: Path, tmp_path: Path) -> None:
    """Another start opens the same file."""
    assert places.make(NEVER)
    before = (tmp_path / "state" / "places.sqlite3").stat()
    other = Gazetteer(tmp_path / "state" / "places.sqlite3", world)
    assert other.ready and other.make(NEVER)
    assert (tmp_path / "state" / "places.sqlite3").stat().st_ino == before.st_ino
    other.close()


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"SQLite format 3\0" + bytes(4096)])
def test_a_damaged_table_is_made_again(places: Gazetteer, tmp_path: Path, damage: bytes) -> None:
    """Whatever is in the file."""
    file = tmp_path / "state" / "places.sqlite3"
    file.parent.mkdir()
    file.write_bytes(damage)
    assert not places.ready and places.make(NEVER) and places.ready


def test_damage_while_it_is_read(
    places: Gazetteer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The query that meets it reports it, and the table is deleted for the next one."""
    monkeypatch.setattr("photosd.places.table.CACHE_KB", 1)  # so that pages are read again
    assert places.make(NEVER)
    file = tmp_path / "state" / "places.sqlite3"
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (file.stat().st_size - 4096))
    with pytest.raises(PlacesUnavailable, match="damaged"), places.reading() as table:
        for latitude in range(-80, 80):
            table.nearest(latitude, 34.8)
        table.find("Haifa")
        table.beginning("H")
    assert not file.exists()
    assert places.make(NEVER) and places.ready


def test_a_table_that_was_closed_or_replaced_is_not_damaged(
    places: Gazetteer, tmp_path: Path
) -> None:
    """A stop closes it while a query reads; two queries meet the damage of the former one."""
    file = tmp_path / "state" / "places.sqlite3"
    assert places.make(NEVER)
    for again in (False, True):
        with pytest.raises(PlacesUnavailable, match="replaced"), places.reading() as table:
            places.close()
            assert places.ready or not again
            table.beginning("H")
        assert file.exists()
    assert places.ready


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_NOMEM])
def test_a_table_that_cannot_be_read_now_is_kept(
    places: Gazetteer, tmp_path: Path, code: int
) -> None:
    """Only damage deletes it: a disk may answer again, memory may be free again."""
    assert places.make(NEVER)
    error = sqlite3.OperationalError("not now")
    error.sqlite_errorcode = code
    with pytest.raises(PlacesUnavailable, match="cannot be read: not now"), places.reading():
        raise error
    assert (tmp_path / "state" / "places.sqlite3").exists() and places.ready


def test_another_version_of_the_package(places: Gazetteer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is made again from it."""
    assert places.make(NEVER)
    places.close()
    monkeypatch.setattr("photosd.places.table.package_version", lambda: "3.9.9")
    assert not places.ready


def test_without_the_package(places: Gazetteer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names it and the remedy; so does the next query."""
    monkeypatch.setattr(building, "PACKAGE", "photosd_has_no_such_package")
    for _ in range(2):
        with pytest.raises(PlacesUnavailable, match="not installed") as refused:
            places.make(NEVER)
        assert "pip install" in refused.value.remedy
    with pytest.raises(PlacesUnavailable, match="not installed"), places.reading():
        pass


def test_a_package_of_another_format(tmp_path: Path) -> None:
    """No half table: the error says how many places could be read."""
    world = write_world(tmp_path / "world")
    text = (world / "cities500.json").read_text().replace('"timezone": "UTC"', '"timezone": {}', 1)
    (world / "cities500.json").write_text(text)
    places = Gazetteer(tmp_path / "places.sqlite3", world)
    with pytest.raises(PlacesUnavailable, match="another format"):
        places.make(NEVER)
    assert left(tmp_path) == ["world"]


def test_a_full_disk(places: Gazetteer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is written."""
    monkeypatch.setattr(building, "FREE_BYTES", 1 << 62)
    with pytest.raises(PlacesUnavailable, match="are free") as refused:
        building.build(tmp_path / "places.sqlite3")
    assert "free some space" in refused.value.remedy and left(tmp_path) == []


def slow_world(directory: Path) -> Path:
    """One that takes minutes: a file that never ends."""
    world = write_world(directory)
    (world / "cities500.json").unlink()
    os.mkfifo(world / "cities500.json")
    return world


def builders() -> list[psutil.Process]:
    """The processes that this one started; daemons of other tests have their own."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            if "photosd.places" in child.cmdline():
                found.append(child)
    return found


def test_a_killed_process_is_started_again(tmp_path: Path, world: Path) -> None:
    """Its draft is removed by the next one."""
    slow = Gazetteer(tmp_path / "state" / "places.sqlite3", slow_world(tmp_path / "slow"))
    failures: list[PlacesUnavailable] = []

    def make() -> None:
        try:
            slow.make(NEVER)
        except PlacesUnavailable as error:
            failures.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    until(lambda: (tmp_path / "state").is_dir() and left(tmp_path / "state"), 60, "a draft")
    until(builders, 60, "the process")
    os.kill(builders()[0].pid, signal.SIGKILL)
    thread.join(60)
    assert not thread.is_alive() and "ended early" in str(failures[0])
    assert left(tmp_path / "state") != []
    places = Gazetteer(tmp_path / "state" / "places.sqlite3", world)
    assert places.make(NEVER)
    assert left(tmp_path / "state") == ["places.sqlite3"]
    places.close()


def test_a_stop_ends_the_process(tmp_path: Path) -> None:
    """At once, and nothing is kept."""
    stopping, done = threading.Event(), threading.Event()
    slow = Gazetteer(tmp_path / "places.sqlite3", slow_world(tmp_path / "slow"))

    def make() -> None:
        assert not slow.make(stopping)
        done.set()

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    until(builders, 60, "the process")
    stopping.set()
    assert done.wait(60) and not slow.ready
    until(lambda: not builders(), 60, "its end")


def test_a_hung_process_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its limit."""
    monkeypatch.setattr(gazetteer, "BUILD_SECONDS", 1.0)
    slow = Gazetteer(tmp_path / "places.sqlite3", slow_world(tmp_path / "slow"))
    with pytest.raises(PlacesUnavailable, match="took more than"):
        slow.make(NEVER)
    until(lambda: not builders(), 60, "its end")
