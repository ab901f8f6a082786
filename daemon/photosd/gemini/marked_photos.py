"""Which photos may be sent: only those with a path in a folder marked by the user."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from photosd.index.database import Database

MARKED = "folders.cloud = 1 AND folders.state IN ('ok', 'scan_only')"
PRESENT = f"photos.state = 'indexed' AND {MARKED}"
SCAN = 2000


class MarkedPhoto(msgspec.Struct, frozen=True):
    """One content, and its path in a marked folder."""

    content: str
    path: bytes


class MarkedPhotos:
    """Reads the catalog; records there refusals by Gemini or the decoders."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cursor = ""

    def due(self, count: int, done: set[str], model: str) -> list[MarkedPhoto]:
        """Up to ``count`` that are neither done nor refused; cycles through the catalog
        in pieces.
        """
        found: list[MarkedPhoto] = []
        begun = self._cursor
        while len(found) < count:
            rows = self._after(self._cursor, model)
            for row in rows:
                self._cursor = row.content
                if row.content not in done:
                    found.append(row)
                    if len(found) == count:
                        return found
            if len(rows) < SCAN:  # the end of the catalog
                self._cursor = ""
                if not begun:
                    return found
                begun = ""
                if found:
                    return found
        return found

    def still(self, contents: Sequence[str]) -> set[str]:
        """Those of ``contents`` that may be sent now."""
        marks = ",".join("?" * len(contents))
        with self._database.read() as db:
            return {
                row[0]
                for row in db.execute(
                    "SELECT DISTINCT content FROM photos JOIN folders ON folders.id = photos.folder"
                    f" WHERE {PRESENT} AND content IN ({marks})",
                    list(contents),
                )
            }

    def count(self) -> int:
        """The number of photos that may be sent; includes copies, which are sent once."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT coalesce(sum(counts.n), 0) FROM counts"
                " JOIN folders ON folders.id = counts.folder"
                f" WHERE counts.state = 'indexed' AND {MARKED}"
            ).fetchone()
        return int(row[0])

    def holds(self, path: bytes) -> str | None:
        """The content of this path, if it may be sent."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT content FROM photos JOIN folders ON folders.id = photos.folder"
                f" WHERE {PRESENT} AND photos.path = ?",
                (path,),
            ).fetchone()
        return None if row is None else str(row[0])

    def refuse(self, content: str, model: str, reason: str) -> None:
        """Never send this content to this model again, unless everything is deleted."""
        with self._database.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO cloud_refused VALUES(?, ?, ?)", (model, content, reason)
            )

    def refused(self, model: str) -> int:
        """The number of refused contents."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT count(*) FROM cloud_refused WHERE model = ?", (model,)
            ).fetchone()
        return int(row[0])

    def forget(self) -> None:
        """Delete all refusals."""
        with self._database.write() as db:
            db.execute("DELETE FROM cloud_refused")

    def remove(self, contents: Sequence[str]) -> None:
        """Delete the refusals of these."""
        with self._database.write(quiet=True) as db:
            models = [row[0] for row in db.execute("SELECT DISTINCT model FROM cloud_refused")]
            db.executemany(
                "DELETE FROM cloud_refused WHERE model = ? AND content = ?",
                itertools.product(models, contents),
            )

    def _after(self, content: str, model: str) -> list[MarkedPhoto]:
        with self._database.read() as db:
            rows = db.execute(
                "SELECT content, min(photos.path) AS path FROM photos"
                f" JOIN folders ON folders.id = photos.folder WHERE {PRESENT}"
                " AND content > ? AND content NOT IN"
                " (SELECT content FROM cloud_refused WHERE model = ?)"
                " GROUP BY content ORDER BY content LIMIT ?",
                (content, model, SCAN),
            ).fetchall()
        return [MarkedPhoto(row["content"], row["path"]) for row in rows]
