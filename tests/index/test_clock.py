"""A clock that was ahead for a while keeps no photo waiting until it gets there again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.index.pipeline import TRANSIENT_RETRIES
from photosd.index.worklist import LONGEST_WAIT, WorkFailure, WorkList
from photosd.watch.scanner import Entry

Shift = Callable[[float], None]


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch) -> Shift:
    """Sets the clock ahead by so many seconds."""
    now = time.time

    def shift(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: now() + seconds)

    return shift


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "catalog.sqlite3")
    with database.write() as db:
        db.execute("INSERT INTO folders(id, path, state) VALUES(1, ?, 'ok')", (b"/p",))
    yield database
    database.close()


def _find(database: Database, due: float) -> None:
    Catalog(database).put(1, Entry(b"/p/a.jpg", 1, 1, 1, 1), due=due)


@pytest.mark.parametrize("ahead", [120.0, 7200.0, 400 * 86_400.0])
def test_what_was_found_then_is_due_once_the_clock_is_right(
    database: Database, shift: Shift, ahead: float
) -> None:
    """Whether a photo was new, or was to be tried again."""
    worklist = WorkList(database)
    shift(ahead)
    _find(database, time.time())
    assert worklist.due(9)
    worklist.failed(worklist.due(9)[0], WorkFailure("io", "wait", retry_at=time.time() + 5))
    shift(0)
    assert [photo.path for photo in worklist.due(9)] == [b"/p/a.jpg"]


def test_also_when_the_daemon_ended_meanwhile(database: Database, shift: Shift) -> None:
    """Another operating system was started meanwhile, with a clock two hours ahead."""
    shift(7200)
    _find(database, time.time())
    shift(0)
    assert WorkList(database).due(9)


def test_what_was_put_off_waits(database: Database, shift: Shift) -> None:
    """A right clock, and one that is corrected by half a second, hurry nothing."""
    worklist = WorkList(database)
    _find(database, time.time() + LONGEST_WAIT - 10)
    assert worklist.due(9) == []
    shift(-0.5)
    assert worklist.due(9) == []
    shift(LONGEST_WAIT)
    assert worklist.due(9)


@pytest.mark.parametrize("pause", TRANSIENT_RETRIES)
def test_what_failed_is_tried_again_when_it_is_due_and_not_before(
    database: Database, shift: Shift, pause: float
) -> None:
    """The longest pause, too: a photo that was tried all the time would end no queue."""
    worklist = WorkList(database)
    _find(database, time.time())
    (photo,) = worklist.due(9)
    worklist.failed(photo, WorkFailure("io", "wait", retry_at=time.time() + pause))
    assert worklist.due(9) == []
    shift(pause - 2)
    assert worklist.due(9) == []
    shift(pause + 1)
    assert worklist.due(9)


@pytest.mark.parametrize("pause", TRANSIENT_RETRIES)
def test_what_is_postponed_waits_ten_minutes_at_most(
    database: Database, shift: Shift, pause: float
) -> None:
    """And not less, where a longer pause is asked for."""
    worklist = WorkList(database)
    _find(database, time.time())
    (photo,) = worklist.due(9)
    worklist.postpone(photo, time.time() + pause)
    shift(min(pause, LONGEST_WAIT) - 2)
    assert worklist.due(9) == []
    shift(min(pause, LONGEST_WAIT) + 1)
    assert worklist.due(9)
