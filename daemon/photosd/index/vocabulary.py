"""The vocabulary of a library: people, tags, places, countries, cameras and folders of its photos.

Triggers of the catalog keep it (migrations.py). A value is known by its kind and its key, see
labels.py; of several spellings the most frequent one is shown. Values without photos are not in it.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from photosd.core import wording
from photosd.index.database import Database, listed

NEAR = 0.6  # likeness of a suggestion, from 0 to 1
WORD = 0.75  # the same of one of its words
LOOKED_AT = 5000  # most frequent values that are compared for suggestions


class Value(msgspec.Struct, frozen=True, gc=False):
    """One value. ``photos``: the contents that have it and an indexed path."""

    kind: str
    key: str
    shown: str
    photos: int


class Vocabulary:
    """Looks values up. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, keys: Collection[str]) -> Mapping[str, Sequence[Value]]:
        """The values of each of these keys (wording.key), of any kind, most photos first."""
        found: dict[str, list[Value]] = {}
        for value in self._values("key IN (SELECT value FROM json_each(?))", (listed(keys),)):
            found.setdefault(value.key, []).append(value)
        return found

    def get(self, kind: str, name: str) -> Value | None:
        """The value of this kind and name; case, accents and blanks make no difference."""
        values = self._values("key = ? AND kind = ?", (wording.key(name), kind))
        return next(iter(values), None)

    def beginning(self, kind: str, text: str, limit: int) -> list[Value]:
        """Values of a kind whose spelling begins with ``text``, most photos first."""
        key = wording.key(text) if text.strip() else ""
        end = key + "\U0010ffff"
        return self._values("key >= ? AND key < ? AND kind = ?", (key, end, kind))[:limit]

    def near(self, kind: str, name: str, limit: int = 3) -> list[str]:
        """Spellings of a kind that resemble this one, or contain it; best first."""
        key = wording.key(name)
        values = self._values("kind = ?", (kind,))[:LOOKED_AT]
        shown = {value.key: value.shown for value in values}
        holding = [other for other in shown if key and key in other]
        words = {other: [wording.key(word) for word in shown[other].split()] for other in shown}
        alike = difflib.get_close_matches(key, shown, limit, NEAR)
        word = [other for other in shown if difflib.get_close_matches(key, words[other], 1, WORD)]
        found = list(dict.fromkeys([*holding, *(alike or word)]))
        return [shown[one] for one in found[:limit]]

    def grows(self) -> bool:
        """Whether places of photos are still to be looked up."""
        with self._database.read() as db:
            found = db.execute("SELECT 1 FROM contents WHERE unplaced > 0 LIMIT 1")
            return found.fetchone() is not None

    def named(self, labels: Iterable[int]) -> dict[int, str | bytes]:
        """The spelling of each of these labels, the path of a folder; without other names of
        places.
        """
        with self._database.read() as db:
            rows = db.execute(
                "SELECT label, shown, max(photos) FROM vocabulary WHERE main = 1"
                " AND label IN (SELECT value FROM json_each(?)) GROUP BY label",
                (msgspec.json.encode(list(labels)).decode(),),
            )
            return {row[0]: row[1] for row in rows}

    def _values(self, clause: str, values: Sequence[str]) -> list[Value]:
        with self._database.read() as db:
            rows = db.execute(
                # With one max(), the other columns are those of its row.
                "SELECT kind, key, shown, sum(photos), max(photos) FROM vocabulary"
                f" WHERE {clause} GROUP BY label ORDER BY sum(photos) DESC, shown",
                values,
            ).fetchall()
        return [Value(*row[:4]) for row in rows]
