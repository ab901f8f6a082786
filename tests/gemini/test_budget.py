"""A month has one budget, whatever becomes of the catalog."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from photosd.core.errors import CloudUnavailable, StorageError
from photosd.gemini.ledger import COPY, Ledger
from photosd.index.database import Database


def test_a_lost_catalog_does_not_reset_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was spent is known all the same; a month later it counts no more."""
    copy = tmp_path / COPY
    with closing(Database(tmp_path / "a.sqlite3")) as database:
        ledger = Ledger(database, copy)
        ledger.end(ledger.begin("rewrite", "m", 1, 1, 1.5, 2.0), "ok", 1.25)
        ledger.end(ledger.begin("rewrite", "m", 1, 1, 0.5, 2.0), "offline", 0.0)
        assert ledger.month().usd == pytest.approx(1.25)
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(Database(tmp_path / "b.sqlite3")) as database:
        ledger = Ledger(database, copy)
        assert ledger.month().usd == pytest.approx(1.25)
        with pytest.raises(CloudUnavailable, match="budget"):
            ledger.begin("rewrite", "m", 1, 1, 0.8, 2.0)
        ledger.end(ledger.begin("rewrite", "m", 1, 1, 0.5, 2.0), "ok")
        assert ledger.month().usd == pytest.approx(1.75)
        monkeypatch.setattr("photosd.gemini.ledger.month_start", lambda: 4e9)
        assert ledger.month().usd == 0


def test_what_was_spent_must_be_written(tmp_path: Path) -> None:
    """Or nothing is sent."""
    with closing(Database(tmp_path / "a.sqlite3")) as database:
        ledger = Ledger(database, tmp_path / "absent" / COPY)
        with pytest.raises(StorageError, match="recorded"):
            ledger.begin("rewrite", "m", 1, 1, 0.5, 2.0)
        assert ledger.calls(10) == []
