"""What is kept of alerts."""

from __future__ import annotations

import time

from photosd.core.paths import Home
from photosd.index.database import ERASE, LOCK_SECONDS, Database
from photosd.standing.queries import StandingQueries, Wish

WISH = Wish("a letter from Zebedee", "exec", b"/photos/Zebedee", ("show", "Zebedee"), None)


def test_the_words_of_a_removed_alert_are_nowhere(home: Home) -> None:
    """They stood in the write-ahead log; where that is being read they go soon after."""
    database = Database(home.catalog)
    queries = StandingQueries(database, home.config / "standing.json")
    queries.remove(queries.add(WISH)[0].id)
    assert holding(home, b"Zebedee") == []
    database.swap(ERASE, "done")
    number = queries.add(WISH)[0].id
    with database.read() as db:
        db.execute("BEGIN")
        db.execute("SELECT * FROM standing").fetchall()
        begun = time.monotonic()
        queries.remove(number)
        assert time.monotonic() - begun < LOCK_SECONDS
        db.execute("COMMIT")
    database.erase_due()
    assert holding(home, b"Zebedee") == []
    database.close()


def holding(home: Home, word: bytes) -> list[str]:
    """The files that hold it."""
    files = [file for place in (home.state, home.config) for file in place.rglob("*")]
    return [file.name for file in files if file.is_file() and word in file.read_bytes()]
