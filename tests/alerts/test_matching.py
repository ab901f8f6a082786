"""Which new photos are judged, and when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from photosd.alerts.alert_store import AlertOptions, AlertStore
from photosd.alerts.matching import Matcher
from photosd.search.judging import Match
from tests.index.test_vocabulary import Shelf


class Engine:
    """Each content is a good match."""

    spec = SimpleNamespace(fingerprint="m")

    def __init__(self) -> None:
        self.judged: list[str] = []

    def match(self, _question: Any, contents: Sequence[str], _deadline: Any) -> dict[str, Match]:
        self.judged += contents
        return {content: Match(1.0, "strong") for content in contents}


@pytest.mark.parametrize(
    "waits",
    [
        "UPDATE contents SET unplaced = 1 WHERE content = 'new'",
        "INSERT INTO sidecars(path, due) VALUES(CAST('/p/new.jpg' AS BLOB), 1)",
    ],
)
def test_words_of_sidecars_and_places_come_first(tmp_path: Path, waits: str) -> None:
    """They are looked up after indexing, and may be what the alert is for; others do not wait."""
    shelf, engine = Shelf(tmp_path), Engine()
    store = AlertStore(shelf.database, tmp_path / "standing.json")
    store.add(AlertOptions("Tel Aviv", "stream", None))
    matcher = Matcher(shelf.database, shelf.catalog, store, lambda: engine)  # type: ignore[arg-type, return-value]
    for content, facts in (("new", {"latitude": 32.08}), ("other", {"width": 1})):
        shelf.say(content, **facts)
        shelf.put(content)
    with shelf.database.write() as db:
        db.execute("UPDATE contents SET unplaced = 0 WHERE content = 'new'")
        db.execute("UPDATE contents SET facts = '{\"lat' WHERE content = 'other'")  # damaged
        db.execute(waits)
    assert matcher.decide() == 1 and engine.judged == ["other"]
    with shelf.database.write() as db:
        db.execute("UPDATE contents SET unplaced = 2")  # the table cannot be read
        db.execute("DELETE FROM sidecars")
    assert matcher.decide() == 1 and engine.judged == ["other", "new"]
    shelf.database.close()
