"""Contents: facts of each photo's bytes, and which model tables have their vectors."""

from __future__ import annotations

import contextlib
import itertools
import random
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from photosd.decode.messages import Source
from photosd.index.database import UNWRITABLE, Database, listed
from photosd.index.sidecars import OF_SIDECARS, merge

log = structlog.get_logger()

PARAMETERS = 500  # of one statement
SIDECAR_FACTS = OF_SIDECARS.format(content="excluded.content")
DRAWN = 8  # paths per random content: some are deleted, pending or copies


Described = tuple[dict[str, Any], dict[str, Any]]  # facts and place of a content


class Holding(msgspec.Struct, frozen=True):
    """A content, its facts, and the indexed paths that have it; ``modified`` is the earliest of
    their modification times, Unix seconds; ``place``: where it was taken, see placing.py.
    """

    content: str
    facts: dict[str, Any]
    paths: tuple[bytes, ...]
    modified: float | None
    place: dict[str, Any] = {}


class Contents:
    """Facts and embeddings by content id; moved, copied and linked photos share them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._serving = ""  # the model that answers queries

    def record(
        self,
        model: str,
        rows: Iterable[tuple[str, dict[str, Any]]],
        sources: Mapping[str, Source] = {},
    ) -> None:
        """Record that the vectors of these contents are committed in ``model``'s table, and their
        facts. ``sources``: of vectors that do not come from the full picture.
        """
        with self._database.write() as db:
            for content, facts in rows:
                db.execute(
                    "INSERT INTO contents(content, facts) VALUES(?, ?)"
                    " ON CONFLICT DO UPDATE SET"
                    f" own = iif({SIDECAR_FACTS} = '[]', NULL, excluded.facts),"
                    f" facts = merged_facts(excluded.facts, {SIDECAR_FACTS})"
                    " WHERE excluded.facts <> '{}'",  # a shared vector comes without facts
                    (content, msgspec.json.encode(facts).decode()),
                )
                if facts:
                    db.execute("DELETE FROM facts_due WHERE content = ?", (content,))
                db.execute(
                    "INSERT INTO embedded(model, content, source) VALUES(?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET source = excluded.source",
                    (model, content, sources.get(content, "full")),
                )

    def restore(self, model: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Record contents whose vectors are in ``model``'s table but not in the catalog, with the
        facts of the table. The facts of new contents are read again later.
        """
        with self._database.write() as db:
            for content, facts in rows:
                text = msgspec.json.encode(facts).decode()
                new = db.execute(
                    "INSERT OR IGNORE INTO contents(content, facts) VALUES(?, ?)", (content, text)
                )
                if new.rowcount:
                    db.execute("INSERT OR IGNORE INTO facts_due VALUES(?)", (content,))
                db.execute(
                    "INSERT OR IGNORE INTO embedded(model, content) VALUES(?, ?)", (model, content)
                )

    def reread(self, found: Iterable[tuple[str, dict[str, Any] | None]]) -> None:
        """Store facts that were read again. The former ones stay for None, or if writing fails."""
        with self._database.write() as db:
            for content, facts in found:
                db.execute("DELETE FROM facts_due WHERE content = ?", (content,))
                if facts is None:
                    continue
                try:
                    text = msgspec.json.encode(facts).decode()
                    db.execute(
                        "UPDATE contents SET own = iif(own IS NULL, NULL, ?1),"
                        " facts = iif(own IS NULL, ?1, facts) WHERE content = ?2",
                        (text, content),
                    )
                    merge(db, content)
                except UNWRITABLE as error:
                    log.error("facts_not_written", content=content, cause=str(error))

    def has_embedding(self, model: str, content: str) -> bool:
        """Whether ``content`` has a committed vector of ``model``."""
        with self._database.read() as db:
            return (
                db.execute(
                    "SELECT 1 FROM embedded WHERE model = ? AND content = ?", (model, content)
                ).fetchone()
                is not None
            )

    def source(self, content: str) -> Source | None:
        """What the vector comes from that answers queries; None: there is none."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT source FROM embedded WHERE model = ? AND content = ?",
                (self._serving, content),
            ).fetchone()
        return None if row is None else row["source"]

    def facts_of(self, contents: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What is known of each content (date, camera, size …)."""
        with self._database.read() as db:
            return {
                content: _decoded(facts)
                for content, facts in db.execute(
                    "SELECT content, facts FROM contents"
                    " WHERE content IN (SELECT value FROM json_each(?))",
                    (listed(contents),),
                )
            }

    def places_of(self, contents: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Where each content was taken, see placing.py; those without a place are left out."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT content, place FROM contents WHERE place <> '{}'"
                " AND content IN (SELECT value FROM json_each(?))",
                (listed(contents),),
            ).fetchall()
        return {row["content"]: _decoded(row["place"]) for row in rows}

    def unreadable(self) -> list[tuple[bytes, list[str]]]:
        """Indexed paths with metadata that could not be read, and its kinds; by path."""
        with self._database.read() as db:
            rows = db.execute(
                # CROSS: from the few contents to their photos.
                "SELECT path, facts FROM contents CROSS JOIN photos USING(content)"
                """ WHERE instr(facts, '"unreadable":') > 0 AND state = 'indexed' ORDER BY path"""
            ).fetchall()
        found = ((path, _decoded(facts).get("unreadable")) for path, facts in rows)
        return [(path, kinds) for path, kinds in found if kinds]

    def embedded(self, model: str) -> set[str]:
        """Every content id with a committed vector of ``model``."""
        with self._database.read() as db:
            return {
                r[0] for r in db.execute("SELECT content FROM embedded WHERE model = ?", (model,))
            }

    def alive(self, contents: Sequence[str]) -> set[str]:
        """Those of these contents that an indexed path holds."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT content FROM named WHERE content IN (SELECT value FROM json_each(?))",
                (listed(contents),),
            )
            return {str(row[0]) for row in rows}

    def indexed(self) -> int:
        """Number of indexed paths."""
        with self._database.read() as db:
            found = db.execute("SELECT coalesce(sum(n), 0) FROM counts WHERE state = 'indexed'")
            return int(found.fetchone()[0])

    def some(self, model: str, limit: int) -> list[str]:
        """Content ids with a committed vector of ``model`` and a path, drawn at random."""
        with self._database.read() as db:
            last = db.execute("SELECT max(id) FROM named").fetchone()[0] or 0
            drawn = random.sample(range(1, last + 1), min(last, DRAWN * limit))
            found: dict[str, None] = {}
            for start in range(0, len(drawn), PARAMETERS):
                part = drawn[start : start + PARAMETERS]
                rows = db.execute(
                    f"SELECT content FROM named WHERE id IN ({','.join('?' * len(part))})"
                    " AND EXISTS (SELECT 1 FROM embedded"
                    " WHERE model = ? AND embedded.content = named.content)",
                    (*part, model),
                )
                found.update((row[0], None) for row in rows)
                if len(found) >= limit:
                    break
        return list(found)[:limit]

    def unembed(self, model: str, contents: Iterable[str], *, again: bool = True) -> None:
        """The vectors of these contents are lost; ``again``: mark their photos as pending."""
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

    def serve(self, model: str) -> None:
        """``model`` answers queries from now on."""
        self._serving = model
        self.mark_unembedded_pending(model)

    def is_served(self, content: str) -> bool:
        """Whether ``content`` has a vector of the model that answers queries."""
        return self.has_embedding(self._serving, content)

    def mark_unembedded_pending(self, model: str) -> None:
        """Mark photos that only other models have indexed as pending."""
        with self._database.write() as db:
            db.execute(
                "UPDATE photos SET state = 'pending', due = ?"
                " WHERE state = 'indexed' AND NOT EXISTS"
                " (SELECT 1 FROM embedded WHERE model = ? AND embedded.content = photos.content)",
                (time.time(), model),
            )

    def batch(self) -> contextlib.AbstractContextManager[object]:
        """Several changes in one transaction."""
        return self._database.write()

    def mark_labels_due(self, model: str) -> None:
        """Mark all paths as unknown to ``model``'s table."""
        with self._database.write(quiet=True) as db:
            db.execute(
                "INSERT INTO unfiled SELECT model, content FROM embedded WHERE model = ?"
                " ON CONFLICT DO NOTHING",
                (model,),
            )

    def labels_due(self, model: str, limit: int) -> list[Holding]:
        """Contents whose paths have changed since ``model``'s table was updated."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT u.content, facts, contents.place, path, mtime_ns FROM"
                " (SELECT content FROM unfiled WHERE model = ? LIMIT ?) u"
                " LEFT JOIN contents USING(content) LEFT JOIN photos ON"
                " photos.content = u.content AND state = 'indexed' ORDER BY u.content, path",
                (model, limit),
            ).fetchall()
        return _holdings(rows)

    def holding(self, contents: Sequence[str]) -> dict[str, Holding]:
        """Facts and paths of these contents; those without an indexed path are left out."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT content, facts, contents.place, path, mtime_ns FROM photos"
                " LEFT JOIN contents"
                " USING(content) WHERE state = 'indexed'"
                " AND content IN (SELECT value FROM json_each(?)) ORDER BY content, path",
                (listed(contents),),
            ).fetchall()
        return {held.content: held for held in _holdings(rows)}

    def labels_written(
        self,
        model: str,
        written: Mapping[str, Sequence[bytes]],
        described: Mapping[str, Described] | None = None,
    ) -> None:
        """``model``'s table has these paths of each content, and labels of these facts and places;
        contents of which any has changed meanwhile stay marked. None: they have not changed.
        """
        with self._database.write() as db:
            for content, paths in written.items():
                held = db.execute(
                    "SELECT path FROM photos WHERE content = ? AND state = 'indexed'", (content,)
                )
                there = {row["path"] for row in held}
                same = described is None or _described(db, content) == described[content]
                if there == set(paths) and same:
                    db.execute(
                        "DELETE FROM unfiled WHERE model = ? AND content = ?", (model, content)
                    )
                if not there and not _is_held(db, content):  # its folder was removed meanwhile
                    db.execute(
                        "INSERT INTO orphans VALUES(?, 0) ON CONFLICT DO NOTHING", (content,)
                    )

    def drop_models(self, kept: Iterable[str]) -> None:
        """Delete the records of all models except these; their tables were deleted."""
        kept = list(kept)
        with self._database.write() as db:
            marks = ",".join("?" * len(kept))
            db.execute(f"DELETE FROM embedded WHERE model NOT IN ({marks})", kept)
            db.execute(f"DELETE FROM unfiled WHERE model NOT IN ({marks})", kept)

    # -- deleting contents; see retention.py ------------------------------------------------------

    def page(self, after: str, limit: int) -> list[str]:
        """Up to ``limit`` content ids after this one, in order."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT content FROM contents WHERE content > ? ORDER BY content LIMIT ?",
                (after, limit),
            )
            return [str(row[0]) for row in rows]

    def note_orphans(self, contents: Sequence[str], since: float) -> None:
        """Those of these without a path expire 30 days after ``since``."""
        with self._database.write(quiet=True) as db:
            db.executemany(
                "INSERT INTO orphans VALUES(?, ?) ON CONFLICT DO NOTHING",
                ((content, since) for content in contents if not _is_held(db, content)),
            )

    def expire_all_now(self) -> None:
        """Expire all contents without a path now."""
        with self._database.write(quiet=True) as db:
            db.execute("UPDATE orphans SET since = 0")

    def clamp_future_times(self, now: float) -> None:
        """Set times in the future (from a wrong clock) to now."""
        with self._database.write(quiet=True) as db:
            db.execute("UPDATE orphans SET since = ?1 WHERE since > ?1", (now,))
            db.execute("UPDATE photos SET gone_at = ?1 WHERE gone_at > ?1", (now,))

    def take_expired(self, before: float, limit: int, without: Collection[str] = ()) -> list[str]:
        """Up to ``limit`` contents without a path since then (Unix seconds), none of those in
        ``without``. They are removed from the catalog, except for a note that they must be dropped
        everywhere: see `finish_deletion`.
        """
        while True:
            due, gone = self._take_expired(before, limit, without)
            if gone or due < limit:
                return gone

    def _take_expired(
        self, before: float, limit: int, without: Collection[str]
    ) -> tuple[int, list[str]]:
        """How many were looked at, and which of them were removed."""
        with self._database.write(quiet=True) as db:
            due = [
                str(row[0])
                for row in db.execute(
                    "SELECT content FROM orphans WHERE since <= ? AND content NOT IN"
                    " (SELECT value FROM json_each(?)) ORDER BY since LIMIT ?",
                    (before, listed(without), limit),
                )
            ]
            held = {content for content in due if _is_held(db, content)}
            for content in due:
                if content in held:
                    db.execute("DELETE FROM orphans WHERE content = ?", (content,))
                    continue
                db.execute(
                    "DELETE FROM unfiled WHERE content = ? AND model IN"
                    " (SELECT model FROM embedded WHERE content = ?)",
                    (content, content),
                )
                for table in ("embedded", "contents"):
                    db.execute(f"DELETE FROM {table} WHERE content = ?", (content,))
        return len(due), [content for content in due if content not in held]

    def finish_deletion(self, contents: Sequence[str]) -> None:
        """All stores have dropped these. A path that took one up meanwhile is pending again;
        contents committed meanwhile without a path are to be dropped again.
        """
        with self._database.write() as db:
            for content in contents:
                found = db.execute("DELETE FROM embedded WHERE content = ?", (content,)).rowcount
                if found and not _is_held(db, content):
                    continue
                db.execute("DELETE FROM orphans WHERE content = ?", (content,))
                db.execute(
                    "UPDATE photos SET state = 'pending', due = ?"
                    " WHERE content = ? AND state = 'indexed'",
                    (time.time(), content),
                )


def _decoded(facts: str) -> dict[str, Any]:
    """Stored facts; empty if damaged on disk, which affects one photo."""
    try:
        found = msgspec.json.decode(facts)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _described(db: sqlite3.Connection, content: str) -> Described:
    found = db.execute("SELECT facts, place FROM contents WHERE content = ?", (content,)).fetchone()
    return ({}, {}) if found is None else (_decoded(found[0]), _decoded(found[1] or "{}"))


def _is_held(db: sqlite3.Connection, content: str) -> bool:
    found = db.execute("SELECT 1 FROM photos WHERE content = ? LIMIT 1", (content,))
    return found.fetchone() is not None


def _holdings(rows: Iterable[sqlite3.Row]) -> list[Holding]:
    """From rows (content, facts, place, path or null, mtime_ns) ordered by content."""
    found = []
    for content, group in itertools.groupby(rows, key=lambda row: str(row["content"])):
        first, *_ = held = list(group)
        files = [row for row in held if row["path"] is not None]
        found.append(
            Holding(
                content,
                _decoded(first["facts"] or "{}"),
                tuple(row["path"] for row in files),
                min((row["mtime_ns"] / 1e9 for row in files), default=None),
                _decoded(first["place"] or "{}"),
            )
        )
    return found
