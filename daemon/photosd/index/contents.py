"""Contents: what each photo's bytes show, and in which model's table their vectors lie."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from photosd.index.database import Database
from photosd.index.sidecars import OF_SIDECAR

PARAMETERS = 500  # of one statement
SAID = OF_SIDECAR.format(content="excluded.content")


class Holding(msgspec.Struct, frozen=True):
    """A content, its facts, and the indexed paths that hold it; ``modified`` is the earliest time
    of a last change to one of them, Unix seconds."""

    content: str
    facts: dict[str, Any]
    paths: tuple[bytes, ...]
    modified: float | None


class Contents:
    """Facts and embeddings by content id; a photo moved, copied or linked shares one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, model: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """The vectors of these contents are committed in ``model``'s table; with their facts."""
        with self._database.write() as db:
            for content, facts in rows:
                db.execute(
                    "INSERT INTO contents(content, facts) VALUES(?, ?)"
                    " ON CONFLICT DO UPDATE SET own = excluded.facts,"
                    f" facts = json_patch(excluded.facts, {SAID})"
                    " WHERE excluded.facts <> '{}'",  # who only finds a vector knows none
                    (content, msgspec.json.encode(facts).decode()),
                )
                db.execute("INSERT OR IGNORE INTO embedded VALUES(?, ?)", (model, content))

    def has_embedding(self, model: str, content: str) -> bool:
        """Whether ``content`` has a committed vector of ``model``."""
        with self._database.read() as db:
            return (
                db.execute(
                    "SELECT 1 FROM embedded WHERE model = ? AND content = ?", (model, content)
                ).fetchone()
                is not None
            )

    def facts_of(self, contents: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What is known of each content (date, camera, size …); at most 1,000 at once."""
        marks = ",".join("?" * len(contents))
        with self._database.read() as db:
            return {
                content: msgspec.json.decode(facts)
                for content, facts in db.execute(
                    f"SELECT content, facts FROM contents WHERE content IN ({marks})", contents
                )
            }

    def embedded(self, model: str) -> set[str]:
        """Every content id with a committed vector of ``model``."""
        with self._database.read() as db:
            return {
                r[0] for r in db.execute("SELECT content FROM embedded WHERE model = ?", (model,))
            }

    def alive(self, contents: Sequence[str]) -> set[str]:
        """Those of these contents that an indexed path holds."""
        found: set[str] = set()
        with self._database.read() as db:
            for start in range(0, len(contents), PARAMETERS):
                part = contents[start : start + PARAMETERS]
                rows = db.execute(
                    "SELECT DISTINCT content FROM photos WHERE state = 'indexed'"
                    f" AND content IN ({','.join('?' * len(part))})",
                    part,
                )
                found.update(str(row[0]) for row in rows)
        return found

    def indexed(self) -> int:
        """How many paths are indexed."""
        with self._database.read() as db:
            found = db.execute("SELECT coalesce(sum(n), 0) FROM counts WHERE state = 'indexed'")
            return int(found.fetchone()[0])

    def some(self, model: str, limit: int) -> list[str]:
        """Content ids with a committed vector of ``model`` and a path, chosen at random."""
        with self._database.read() as db:
            return [
                row[0]
                for row in db.execute(
                    "SELECT content FROM embedded WHERE model = ?"
                    " AND content IN (SELECT content FROM photos WHERE state = 'indexed')"
                    " ORDER BY random() LIMIT ?",
                    (model, limit),
                )
            ]

    def unembed(self, model: str, contents: Iterable[str], *, again: bool = True) -> None:
        """The vectors of these contents are lost; ``again``: their photos are pending again."""
        with self._database.write() as db:
            for content in contents:
                db.execute("DELETE FROM embedded WHERE model = ? AND content = ?", (model, content))
                if not again:
                    continue
                db.execute(
                    "UPDATE photos SET state = 'pending', due = ?"
                    " WHERE content = ? AND state = 'indexed'",
                    (time.time(), content),
                )

    def have_embedded(self, model: str) -> int:
        """Photos that only other models have seen are pending again; how many those are."""
        with self._database.write() as db:
            return db.execute(
                "UPDATE photos SET state = 'pending', due = ? WHERE state = 'indexed'"
                " AND content NOT IN (SELECT content FROM embedded WHERE model = ?)",
                (time.time(), model),
            ).rowcount

    def batch(self) -> contextlib.AbstractContextManager[object]:
        """Many changes as one transaction."""
        return self._database.write()

    def unfiled(self, model: str, limit: int) -> list[Holding]:
        """Contents whose paths have changed since ``model``'s table was told of them."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT u.content, facts, path, mtime_ns FROM"
                " (SELECT content FROM unfiled WHERE model = ? LIMIT ?) u"
                " LEFT JOIN contents USING(content) LEFT JOIN photos ON"
                " photos.content = u.content AND state = 'indexed' ORDER BY u.content, path",
                (model, limit),
            ).fetchall()
        return _holdings(rows)

    def holding(self, contents: Sequence[str]) -> dict[str, Holding]:
        """What is known of these contents; those that no indexed path holds are left out."""
        rows: list[sqlite3.Row] = []
        with self._database.read() as db:
            for start in range(0, len(contents), PARAMETERS):
                part = contents[start : start + PARAMETERS]
                rows += db.execute(
                    "SELECT content, facts, path, mtime_ns FROM photos LEFT JOIN contents"
                    " USING(content) WHERE state = 'indexed'"
                    f" AND content IN ({','.join('?' * len(part))}) ORDER BY content, path",
                    part,
                ).fetchall()
        return {held.content: held for held in _holdings(rows)}

    def filed(self, model: str, told: Mapping[str, Sequence[bytes]]) -> None:
        """``model``'s table knows these paths of each content; what has others stays unfiled."""
        with self._database.write() as db:
            for content, paths in told.items():
                held = db.execute(
                    "SELECT path FROM photos WHERE content = ? AND state = 'indexed'", (content,)
                )
                if {row["path"] for row in held} == set(paths):
                    db.execute(
                        "DELETE FROM unfiled WHERE model = ? AND content = ?", (model, content)
                    )

    def drop_models(self, kept: Iterable[str]) -> None:
        """Forget what models other than these have seen; their tables are gone."""
        kept = list(kept)
        with self._database.write() as db:
            marks = ",".join("?" * len(kept))
            db.execute(f"DELETE FROM embedded WHERE model NOT IN ({marks})", kept)
            db.execute(f"DELETE FROM unfiled WHERE model NOT IN ({marks})", kept)

    def sweep(self) -> list[str]:
        """Forget contents that no path holds any more, and say which they were."""
        with self._database.write() as db:
            orphans = [
                (row[0],)
                for row in db.execute(
                    "SELECT content FROM embedded UNION SELECT content FROM contents"
                    " EXCEPT SELECT content FROM photos"
                )
            ]
            db.executemany("DELETE FROM embedded WHERE content = ?", orphans)
            db.executemany("DELETE FROM contents WHERE content = ?", orphans)
            db.executemany("DELETE FROM unfiled WHERE content = ?", orphans)
        return [content for (content,) in orphans]


def _holdings(rows: Iterable[sqlite3.Row]) -> list[Holding]:
    """Of rows (content, facts, path or null, mtime_ns) in order of content."""
    found = []
    for content, group in itertools.groupby(rows, key=lambda row: str(row["content"])):
        first, *_ = held = list(group)
        files = [row for row in held if row["path"] is not None]
        found.append(
            Holding(
                content,
                msgspec.json.decode(first["facts"] or "{}"),
                tuple(row["path"] for row in files),
                min((row["mtime_ns"] / 1e9 for row in files), default=None),
            )
        )
    return found
