"""Reads facts of indexed photos again, after photosd has learned to read more of them.

A thread decodes only the metadata of contents in the table ``facts_due``, and encodes nothing. It
waits while photos are being indexed. What is interrupted, or offline, stays in the table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol

import msgspec
import structlog

from photosd.core.background import BackgroundLoop
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.messages import FACTS_VERSION, ReadFacts
from photosd.index.contents import Contents
from photosd.index.database import Database, listed
from photosd.index.folders import PRESENT

log = structlog.get_logger()

VERSION = "facts_version"  # of the facts in the catalog
BATCH = 100  # contents written at once
AT_ONCE = 2  # at decoders, so that others do not wait long
READ_SECONDS = 120.0  # decoders have their own limits; this is for a stopped pool
BUSY_SECONDS = 2.0  # between checks whether photos are still being indexed
RETRY_SECONDS = 600.0  # until photos that could not be read are tried again
LONGEST_SECONDS = 3600.0  # the same, if none could be read, as when all are only in iCloud


class DueContent(NamedTuple):
    """A content to be decoded again, and one of its paths, with size and time of the file."""

    content: str
    path: bytes
    size: int
    mtime_ns: int


class FactsReader(Protocol):
    """The decoders' interface."""

    def facts(self, path: bytes) -> Future[ReadFacts]: ...


class Rereading(BackgroundLoop):
    """Reads facts again while photosd is otherwise idle; a wake begins another round."""

    def __init__(
        self,
        database: Database,
        contents: Contents,
        pool: FactsReader,
        on_facts: Callable[[], object],
        *,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """``on_facts`` is called after facts have changed. ``busy``: whether photos are being
        indexed, or indexing is paused.
        """
        super().__init__("rereading")
        self._database, self._contents, self._pool = database, contents, pool
        self._on_facts, self._busy = on_facts, busy
        self._after = ""  # the last content of this round
        self._read = 0
        self.retry_seconds = RETRY_SECONDS  # until the next round

    def work(self) -> float:
        """One round."""
        self._note_version()
        while not self.stopping.is_set() and self.turn():
            pass
        return self.retry_seconds

    def _note_version(self) -> None:
        """All facts are due once, if an older photosd has read them."""
        with self._database.write(quiet=True) as db:
            before = self._database.meta(VERSION)
            if before == str(FACTS_VERSION):
                return
            if before is not None:  # else the migration has done it, or the catalog is new
                db.execute("INSERT OR IGNORE INTO facts_due SELECT content FROM contents")
            db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (VERSION, str(FACTS_VERSION)))

    def turn(self) -> bool:
        """Read some of them; False at the end of a round. Raises StorageError, Busy."""
        while self._busy():
            if self.stopping.wait(BUSY_SECONDS):
                return False
        due = self._due()
        if not due:
            if self._read:
                log.info("facts_read_again", photos=self._read)
            none = self._after and not self._read
            self.retry_seconds = (
                min(2 * self.retry_seconds, LONGEST_SECONDS) if none else RETRY_SECONDS
            )
            self._after, self._read = "", 0
            return False
        found: list[tuple[str, dict[str, Any] | None]] = []
        for place in range(0, len(due), AT_ONCE):
            if self.stopping.is_set() or (place and self._busy()):  # new photos come first
                break
            found += self._facts(due[place : place + AT_ONCE])
            self._after = due[min(place + AT_ONCE, len(due)) - 1].content
        self._contents.reread(found)
        self._read += len(found)
        if found:
            self._on_facts()
        return True

    def _due(self) -> list[DueContent]:
        """The next contents with a path in a folder that is not offline."""
        with self._database.read() as db:
            rows = db.execute(
                # The columns without min() are of the same row. CROSS: from due contents to
                # their photos, in order; otherwise each batch goes through all photos.
                "SELECT d.content, min(p.path), p.size, p.mtime_ns FROM facts_due d"
                " CROSS JOIN photos p ON p.content = d.content AND p.state = 'indexed'"
                " CROSS JOIN folders f ON f.id = p.folder"
                " AND f.state IN (SELECT value FROM json_each(?))"
                " WHERE d.content > ? GROUP BY d.content ORDER BY d.content LIMIT ?",
                (listed(PRESENT), self._after, BATCH),
            ).fetchall()
        return [DueContent(*row) for row in rows]

    def _facts(self, due: Sequence[DueContent]) -> list[tuple[str, dict[str, Any] | None]]:
        """The facts of those that could be read; None: the former ones stay."""
        asked = [(one, self._pool.facts(one.path)) for one in due]
        until = time.monotonic() + READ_SECONDS
        found: list[tuple[str, dict[str, Any] | None]] = []
        for one, future in asked:
            try:
                read = self.result(future, until)
            except DecodeFailed as error:
                if not error.transient:
                    found.append((one.content, None))
            except TimeoutError:
                pass
            else:
                # Otherwise the file has changed since.
                if (read.size, read.mtime_ns) == (one.size, one.mtime_ns):
                    found.append((one.content, msgspec.to_builtins(read.facts)))
        return found
