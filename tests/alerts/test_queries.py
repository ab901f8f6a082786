"""What is kept of alerts."""

from __future__ import annotations

from pathlib import Path

from photosd.alerts.alert_store import AlertOptions, AlertStore
from photosd.core.paths import Home
from photosd.index.database import ERASE, Database

OPTIONS = AlertOptions(
    "a letter from Zebedee", "exec", b"/photos/Zebedee", ("show", "Zebedee"), None
)


def test_the_words_of_a_removed_alert_are_nowhere(home: Home) -> None:
    """They stood in the write-ahead log; where that is being read they go soon after."""
    database = Database(home.catalog)
    queries = AlertStore(database, home.config / "standing.json")
    queries.remove(queries.add(OPTIONS)[0].id)
    assert holding(home, b"Zebedee") == []
    database.set_meta(ERASE, "done")
    number = queries.add(OPTIONS)[0].id
    with database.read() as db:
        db.execute("BEGIN")
        db.execute("SELECT * FROM standing").fetchall()
        queries.remove(number)  # it does not wait for the reader's end
        db.execute("COMMIT")
    database.erase_due()
    assert holding(home, b"Zebedee") == []
    database.close()


def holding(home: Home, word: bytes) -> list[str]:
    """The files that hold it."""
    files = [file for place in (home.state, home.config) for file in place.rglob("*")]
    return [file.name for file in files if file.is_file() and word in file.read_bytes()]


def test_a_linked_list_changes_no_other_file(home: Home, tmp_path: Path) -> None:
    """The list is written through the link; the user's file beside it stays, old drafts go."""
    mine = tmp_path / "standing.new"
    mine.write_text("somebody's own")
    home.config.mkdir(exist_ok=True)
    copy = home.config / "standing.json"
    copy.symlink_to(tmp_path / "standing.json")
    (tmp_path / ".standing.json.draft-x").write_text("of a daemon that was killed")
    database = Database(home.catalog)
    AlertStore(database, copy).add(OPTIONS)
    assert mine.read_text() == "somebody's own" and copy.is_symlink()
    assert {file.name for file in tmp_path.glob("*standing*")} == {"standing.new", "standing.json"}
    assert (tmp_path / "standing.json").stat().st_mode & 0o777 == 0o600
    database.close()
