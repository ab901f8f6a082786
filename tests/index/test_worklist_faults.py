"""What the work list noticed while the catalog could not be written is not forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from photosd.core.errors import StorageError
from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.index.worklist import LONGEST_SILENT, SILENT_SECONDS, WorkFailure, WorkList
from photosd.watch.scanner import Entry


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A folder with one photo, which is due."""
    database = Database(tmp_path / "catalog.sqlite3")
    with database.write() as db:
        db.execute("INSERT INTO folders(id, path, state) VALUES(1, ?, 'ok')", (b"/p",))
    Catalog(database).put(1, Entry(b"/p/a.jpg", 1, 1, 1, 1), due=0)
    yield database
    database.close()


def refused(database: Database, patch: pytest.MonkeyPatch, call: Callable[[], Any]) -> None:
    """Call it while the disk is full."""

    def refuse(**_: Any) -> Any:
        raise StorageError("the catalog cannot be written", remedy="free space")

    with patch.context() as full:
        full.setattr(database, "write", refuse)
        with pytest.raises(StorageError):
            call()


def test_a_circumstance_that_changed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit was raised, as the remedy says: until a restart the photo stayed failed."""
    circumstances = {"too_large": "40 MP"}
    worklist = WorkList(database, lambda: dict(circumstances))
    (photo,) = worklist.due(9)
    worklist.failed(photo, WorkFailure("too large", "raise the limit", code="too_large"))
    assert worklist.due(9) == []
    circumstances["too_large"] = "99 MP"
    refused(database, monkeypatch, worklist.reconsider)
    assert worklist.reconsider() == 1
    assert [photo.path for photo in worklist.due(9)] == [b"/p/a.jpg"]


def test_a_clock_that_was_set_back(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Due times in the future, by less than the longest wait, are wrong all the same."""
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 300)
    worklist = WorkList(database)
    (photo,) = worklist.due(9)
    worklist.postpone(photo, time.time())
    monkeypatch.setattr(time, "time", now)
    refused(database, monkeypatch, lambda: worklist.due(9))
    assert [photo.path for photo in worklist.due(9)] == [b"/p/a.jpg"]


def test_many_photos_on_a_silent_disk_are_not_tried_all_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share mounted below the folder, with 20,000 photos: they were tried every five seconds,
    the last ones first, so that others were never read. Later than others none is tried for long.
    """
    worklist, catalog, now = WorkList(database), Catalog(database), time.time
    with database.write():
        for number in range(2000):
            catalog.put(1, Entry(b"/p/share/%d.jpg" % number, 1, 1, number, 1), due=now())
    for photo in worklist.due(9999):
        if b"/share/" in photo.path:
            worklist.away(photo)
    monkeypatch.setattr(time, "time", lambda: now() + SILENT_SECONDS + 1)
    tried = [photo.path for photo in worklist.due(9999)]
    assert b"/p/a.jpg" in tried and 10 < len(tried) < 1000
    monkeypatch.setattr(time, "time", lambda: now() + LONGEST_SILENT + 1)
    assert len(worklist.due(9999)) == 2001
