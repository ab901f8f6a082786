"""Temporary files of the catalog."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from photosd.index.database import Database


def test_what_a_catalog_holds_is_copied_to_no_other_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite wrote all of it to /var/tmp to take out what was deleted."""
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    directory = tmp_path / "anna's state"
    with closing(Database(directory / "catalog.sqlite3")) as database:
        with database.read() as db:
            (place,) = db.execute("PRAGMA temp_store_directory").fetchone()
        assert place == str(directory)
        database.erase()
    assert not list(directory.glob("etilqs*"))
    with closing(sqlite3.connect(":memory:")) as other:
        other.execute("PRAGMA temp_store_directory = ''")
