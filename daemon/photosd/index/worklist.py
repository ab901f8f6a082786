"""The work list: photos that are due, what is in a worker's hands, what failed and why."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

import msgspec

from photosd.index.database import Database
from photosd.index.photo import Photo, photos
from photosd.watch.scanner import Entry


class Failure(msgspec.Struct, frozen=True):
    """Why a photo could not be indexed; ``retry_at`` null: not before the file changes."""

    reason: str
    remedy: str
    retry_at: float | None = None
    stack: str | None = None


class Work(Protocol):
    """What the pipeline asks of a list of work; see `WorkList`."""

    def due(self, limit: int) -> list[Photo]: ...
    def next_due(self) -> float | None: ...
    def perhaps_known(self, photo: Photo) -> bool: ...
    def done(self, finished: Iterable[tuple[Entry, str]]) -> None: ...
    def failed(self, photo: Photo, failure: Failure, *, deaths: int = 0) -> None: ...
    def postpone(self, photo: Photo, due: float, *, deaths: int | None = None) -> None: ...
    def journal(self, paths: Iterable[bytes]) -> None: ...
    def journaled(self) -> set[bytes]: ...


class WorkList:
    """What is left to do, kept in the catalog and never only in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, limit: int) -> list[Photo]:
        """Up to ``limit`` pending photos that are due, none in an absent folder.

        Newest first; photos that a worker died over wait until there are no others.
        """
        now = time.time()
        with self._database.write() as db:
            db.execute(
                "UPDATE photos SET state = 'pending' WHERE state = 'failed' AND due <= ?", (now,)
            )
        for innocence in ("deaths = 0", "deaths > 0"):
            found = photos(
                self._database,
                f"WHERE state = 'pending' AND due <= ? AND {innocence} AND folder IN"
                " (SELECT id FROM folders WHERE state IN ('ok', 'scan_only'))"
                " ORDER BY due DESC, path LIMIT ?",
                (now, limit),
            )
            if rows := list(found):
                return rows
        return []

    def next_due(self) -> float | None:
        """When the next photo that is not due yet will be, Unix seconds."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT min(due) FROM photos WHERE state IN ('pending', 'failed') AND due > ?",
                (time.time(),),
            ).fetchone()
        return None if row[0] is None else float(row[0])

    def perhaps_known(self, photo: Photo) -> bool:
        """Whether a hash might show that there is nothing to decode: seen in this size before."""
        if photo.content is not None:
            return True  # doubted
        # A content id begins with its size; see decode.
        first, last = f"{photo.size:x}-", f"{photo.size:x}."
        clause = "WHERE content >= ? AND content < ? LIMIT 1"
        return any(photos(self._database, clause, (first, last)))

    def done(self, finished: Iterable[tuple[Entry, str]]) -> None:
        """The vectors of these files (as they were read, with their content id) are committed."""
        with self._database.write() as db:
            for entry, content in finished:
                # Only if the file is still the one that was read; otherwise it stays pending.
                db.execute(
                    "UPDATE photos SET state = 'indexed', content = ?, due = NULL, attempts = 0,"
                    " deaths = 0, inode = ?, device = ?, reason = NULL, remedy = NULL, stack = NULL"
                    " WHERE path = ? AND size = ? AND mtime_ns = ? AND state = 'pending'",
                    (content, entry.inode, entry.device, entry.path, entry.size, entry.mtime_ns),
                )
                db.execute("DELETE FROM journal WHERE path = ?", (entry.path,))

    def failed(self, photo: Photo, failure: Failure, *, deaths: int = 0) -> None:
        """The file as it was in ``photo`` could not be indexed; ``deaths``: workers it killed."""
        with self._database.write() as db:
            db.execute(
                "UPDATE photos SET state = 'failed', due = ?, reason = ?, remedy = ?, stack = ?,"
                " attempts = attempts + 1, deaths = ?"
                " WHERE path = ? AND size = ? AND mtime_ns = ? AND state = 'pending'",
                (
                    failure.retry_at,
                    failure.reason,
                    failure.remedy,
                    failure.stack,
                    deaths,
                    photo.path,
                    photo.size,
                    photo.mtime_ns,
                ),
            )
            db.execute("DELETE FROM journal WHERE path = ?", (photo.path,))

    def postpone(self, photo: Photo, due: float, *, deaths: int | None = None) -> None:
        """Work on the file as it was in ``photo`` no earlier than ``due``; it has not failed."""
        with self._database.write() as db:
            db.execute(
                "UPDATE photos SET due = ?, deaths = coalesce(?, deaths)"
                " WHERE path = ? AND size = ? AND mtime_ns = ? AND state = 'pending'",
                (due, deaths, photo.path, photo.size, photo.mtime_ns),
            )

    def journal(self, paths: Iterable[bytes]) -> None:
        """Note what is about to be handed to a worker, before it is."""
        with self._database.write() as db:
            db.executemany("INSERT OR IGNORE INTO journal VALUES(?)", ((path,) for path in paths))

    def journaled(self) -> set[bytes]:
        """What was in a worker's hands when the last daemon ended."""
        with self._database.read() as db:
            return {row[0] for row in db.execute("SELECT path FROM journal")}

    def unjournal(self, paths: Iterable[bytes]) -> None:
        """These came back."""
        with self._database.write() as db:
            db.executemany("DELETE FROM journal WHERE path = ?", ((path,) for path in paths))

    def retry_failures(self) -> int:
        """Put every failure back on the work list."""
        with self._database.write() as db:
            return db.execute(
                "UPDATE photos SET state = 'pending', due = ?, deaths = 0 WHERE state = 'failed'",
                (time.time(),),
            ).rowcount

    def waiting_retries(self) -> int:
        """Failures that will be tried again by themselves."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT count(*) FROM photos WHERE state = 'failed' AND due IS NOT NULL"
            ).fetchone()
            return int(row[0])
