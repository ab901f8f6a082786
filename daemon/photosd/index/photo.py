"""One row of the catalog, and how rows are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from photosd.index.database import Database, Reader
from photosd.watch.scanner import Entry


class Photo(msgspec.Struct, frozen=True):
    """One row: a path and what is known of it. ``due`` and ``gone_at`` are Unix seconds."""

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

    def matches(self, entry: Entry) -> bool:
        """Whether the file is certainly the one catalogued."""
        return self.looks_like(entry) and (self.inode, self.device) == (entry.inode, entry.device)

    def looks_like(self, entry: Entry) -> bool:
        """Whether size and time agree; the content is then the same unless somebody cheats."""
        return (self.size, self.mtime_ns) == (entry.size, entry.mtime_ns)


def photos(database: Database | Reader, clause: str, values: Sequence[Any]) -> Iterator[Photo]:
    """The rows that ``clause`` (from WHERE on) selects, read at once so that no lock is held."""
    with database.read() as db:
        rows = db.execute(f"SELECT * FROM photos {clause}", values).fetchall()
    return (Photo(**dict(row)) for row in rows)


def range_below(directory: bytes) -> tuple[bytes, bytes]:
    """The open interval of paths below a directory: '0' is the byte after '/'."""
    base = directory.rstrip(b"/")
    return base + b"/", base + b"0"
