"""A row of the catalog, and how rows are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import structlog

from photosd.index.database import UNWRITABLE, Database, Reader
from photosd.watch.scanner import Entry

log = structlog.get_logger()

AWAY = "away"  # the code of a pending photo that is not there: its disk may be offline
REPORT = "photosd bugreport   (this should not happen: please report it)"


class Photo(msgspec.Struct, frozen=True):
    """One row: a path and its data. ``due`` and ``gone_at`` are Unix seconds."""

    path: bytes
    folder: int
    size: int
    mtime_ns: int
    inode: int
    device: int
    content: str | None
    state: str
    due: float | None
    attempts: int
    deaths: int
    reason: str | None
    remedy: str | None
    stack: str | None
    gone_at: float | None
    place: int | None = None
    access: int = 0
    code: str | None = None
    circumstance: str | None = None
    sidecar: str | None = None

    @property
    def name_device(self) -> int:
        """The device of the name: for a link not always that of the file."""
        return self.device if self.place is None else self.place

    def looks_like(self, entry: Entry) -> bool:
        """Whether size and time are equal; the content is then assumed to be the same."""
        return (self.size, self.mtime_ns) == (entry.size, entry.mtime_ns)


COLUMNS = ", ".join(Photo.__struct_fields__)


def photos(database: Database | Reader, clause: str, values: Sequence[Any]) -> Iterator[Photo]:
    """The rows that ``clause`` (from WHERE on) selects, read at once so that no lock is held."""
    with database.read() as db:
        rows = db.execute(f"SELECT {COLUMNS} FROM photos {clause}", values).fetchall()
    return (Photo(*row) for row in rows)


def range_below(directory: bytes) -> tuple[bytes, bytes]:
    """The open interval of paths below a directory: '0' is the byte after '/'."""
    base = directory.rstrip(b"/")
    return base + b"/", base + b"0"


def mark_failed(
    db: sqlite3.Connection, path: bytes, error: Exception, folder: int | None = None
) -> None:
    """Mark the photo at ``path`` as failed because its row cannot be written.

    ``folder``: create a row if there is none. If that fails there will be no row, and the next
    comparison retries.
    """
    log.error("photo_marked_failed", path=path, cause=str(error), remedy=REPORT)
    try:
        if folder is not None:
            db.execute(
                "INSERT OR IGNORE INTO photos(path, folder, size, mtime_ns, inode, device, state)"
                " VALUES(?, ?, 0, 0, 0, 0, 'failed')",
                (path, folder),
            )
        db.execute(
            "UPDATE photos SET state = 'failed', due = NULL, reason = ?, remedy = ?,"
            " code = 'catalog', attempts = attempts + 1 WHERE path = ?",
            (plain(f"the catalog cannot hold it: {error}"), REPORT, path),
        )
    except UNWRITABLE:
        db.execute("DELETE FROM photos WHERE path = ?", (path,))


def forget_journaled(db: sqlite3.Connection) -> None:
    """Delete the journal entries, left by a crashed daemon, of paths that no longer exist."""
    db.execute("DELETE FROM journal WHERE path NOT IN (SELECT path FROM photos)")


def plain(text: str) -> str:
    """``text`` as SQLite can store it, without lone surrogates (of file names, for example)."""
    return text.encode("utf-8", "backslashreplace").decode()
