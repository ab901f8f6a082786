"""Remembered queries: the newest are kept, and their number has a limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from photosd.index.database import Database
from photosd.search import remembered
from photosd.search.remembered import Meaning, RememberedQueries


def meaning(number: int) -> Meaning:
    return Meaning(np.full(4, number, np.float32), 1.0, [])


def test_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are asked, a few more than KEPT stay on disk, and all that were asked last."""
    monkeypatch.setattr(remembered, "KEPT", 20)
    monkeypatch.setattr(remembered, "RECENT", 5)
    database = Database(tmp_path / "catalog.sqlite3")
    queries = RememberedQueries(database, "model")
    for number in range(200):
        queries.put(f"query {number}", meaning(number))
        if number % 3 == 0 or number > 150:  # after a few in a row, a restart
            queries.close()
            queries = RememberedQueries(database, "model")
    queries.close()
    with database.read() as db:
        count = db.execute("SELECT count(*) FROM remembered_queries").fetchone()[0]
    assert 20 <= count <= 20 + 5
    queries = RememberedQueries(database, "model")
    found = [queries.get(f"query {number}") for number in range(190, 200)]
    queries.close()
    assert [int(one.vector[0]) for one in found if one] == list(range(190, 200))
