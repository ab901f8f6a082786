"""Sidecars: facts that XMP files beside photos add, kept apart from what the photos say themselves.

A comparison notes which photos have another sidecar than before; here they are read, by decoders,
and merged into the facts of the contents. The photo itself is neither decoded nor encoded again.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import msgspec
import structlog

from photosd.core.clock import Deadline
from photosd.core.errors import Busy, StorageError
from photosd.decode.failures import DecodeFailed
from photosd.index.database import UNWRITABLE, Database

log = structlog.get_logger()

BATCH = 500  # sidecars written at once
AT_ONCE = 16  # in decoders' hands
READ_SECONDS = 120.0  # decoders have limits of their own; this is for a pool that is stopped
STOP_LOOK_SECONDS = 0.5
RETRY_SECONDS = 5.0
IDLE_SECONDS = 60.0

Found = dict[str, str | int | float]


class Due(msgspec.Struct, frozen=True):
    """A photo whose sidecar is to be read. ``former``: the content its facts went to before."""

    path: bytes
    number: int
    former: str | None
    content: str | None
    has_one: int


class Reads(Protocol):
    """What is asked of the decoders."""

    def sidecar(self, path: bytes) -> Future[Found]: ...


class Sidecars(threading.Thread):
    """One thread that reads the sidecars that are due, whenever it is woken."""

    def __init__(self, database: Database, pool: Reads, on_facts: Callable[[], None]) -> None:
        """``on_facts`` is called when facts of contents have changed."""
        super().__init__(name="sidecars", daemon=True)
        self._database, self._pool, self._on_facts = database, pool, on_facts
        self._woken = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        """There may be something due; from any thread."""
        self._woken.set()

    def idle(self) -> bool:
        """Whether nothing is due."""
        return not self._due(1)

    def stop(self, deadline: Deadline | None = None) -> None:
        """End the thread; what is in hand stays due."""
        self._stopping.set()
        self._woken.set()
        if self.is_alive():
            self.join((deadline or Deadline.to_stop()).remaining)

    def run(self) -> None:
        """Until stopped."""
        while not self._stopping.is_set():
            self._woken.wait(IDLE_SECONDS)
            self._woken.clear()
            try:
                while not self._stopping.is_set() and self.turn():
                    pass
            except (StorageError, Busy) as error:
                log.warning("sidecars_wait", cause=str(error), remedy=error.remedy)
                self._try_again()
            except Exception:  # a defect here must not end the thread
                log.exception("sidecars_failed")
                self._try_again()

    def _try_again(self) -> None:
        self._stopping.wait(RETRY_SECONDS)
        self._woken.set()

    def turn(self) -> bool:
        """Read and apply some that are due; False when there were none. Raises StorageError."""
        due = self._due(BATCH)
        if not due:
            return False
        found: list[tuple[Due, Found | None]] = []
        for start in range(0, len(due), AT_ONCE):
            if self._stopping.is_set():
                return False
            found += self._read(due[start : start + AT_ONCE])
        if self._stopping.is_set():
            return False
        self._apply(found)
        self._on_facts()
        return True

    def _due(self, limit: int) -> list[Due]:
        with self._database.read() as db:
            rows = db.execute(
                "SELECT s.path, s.due AS number, s.content AS former,"
                " iif(p.state = 'indexed', p.content, NULL) AS content,"
                " p.state = 'indexed' AND p.sidecar IS NOT NULL AS has_one"
                " FROM sidecars s LEFT JOIN photos p USING(path) WHERE s.due > 0 LIMIT ?",
                (limit,),
            ).fetchall()
        return [Due(row[0], row[1], row[2], row[3], row[4] or 0) for row in rows]

    def _read(self, due: Sequence[Due]) -> list[tuple[Due, Found | None]]:
        """What each says; None where it cannot be read now."""
        asked = [(one, self._pool.sidecar(one.path) if one.has_one else None) for one in due]
        until = time.monotonic() + READ_SECONDS
        found: list[tuple[Due, Found | None]] = []
        for one, future in asked:
            try:
                facts = {} if future is None else self._wait(future, until)
                found.append((one, facts))
            except (DecodeFailed, concurrent.futures.TimeoutError):
                found.append((one, None))
        return found

    def _wait(self, future: Future[Found], until: float) -> Found:
        """What it comes to; ends soon when the thread is stopped."""
        while time.monotonic() < until and not self._stopping.is_set():
            with contextlib.suppress(concurrent.futures.TimeoutError):
                return future.result(STOP_LOOK_SECONDS)
        raise concurrent.futures.TimeoutError

    def _apply(self, found: Sequence[tuple[Due, Found | None]]) -> None:
        contents: set[str] = set()
        with self._database.write() as db:
            for one, facts in found:
                try:
                    if _keep(db, one, facts):
                        contents.update(filter(None, (one.former, one.content)))
                except UNWRITABLE as error:
                    log.error("sidecar_set_aside", path=one.path, cause=str(error))
                    db.execute("UPDATE sidecars SET due = 0 WHERE path = ?", (one.path,))
            for content in contents:
                merge(db, content)


def note(db: Any, path: bytes, sidecar: str) -> None:
    """The photo at ``path`` has this sidecar now, or none: it is read soon.

    Of a photo that is not indexed (yet) only what its former sidecar said ends now.
    """
    db.execute("UPDATE photos SET sidecar = ? WHERE path = ?", (sidecar or None, path))
    db.execute(
        "INSERT INTO sidecars(path, due) SELECT path, 1 FROM photos WHERE path = ? AND"
        " (state = 'indexed' OR EXISTS (SELECT 1 FROM sidecars s WHERE s.path = photos.path))"
        " ON CONFLICT(path) DO UPDATE SET due = due + 1",
        (path,),
    )


def _keep(db: Any, one: Due, facts: Found | None) -> bool:
    """Keep what a sidecar says; whether facts of contents have to be merged anew."""
    if facts is None:  # the next comparison finds it different, and it is read again
        db.execute("UPDATE photos SET sidecar = '' WHERE path = ?", (one.path,))
        db.execute("UPDATE sidecars SET due = 0 WHERE path = ?", (one.path,))
        return False
    if not one.has_one:
        db.execute("DELETE FROM sidecars WHERE path = ? AND due = ?", (one.path, one.number))
        db.execute("UPDATE sidecars SET facts = '{}' WHERE path = ?", (one.path,))
        return True
    text = msgspec.json.encode(facts).decode()
    db.execute(
        "UPDATE sidecars SET facts = ?, content = ?, due = iif(due = ?, 0, due) WHERE path = ?",
        (text, one.content, one.number, one.path),
    )
    return True


# What the first path with a sidecar says of a content; what the disk has spoilt says nothing.
OF_SIDECAR = (
    "coalesce((SELECT s.facts FROM sidecars s WHERE s.content = {content} AND s.facts <> '{{}}'"
    " AND json_valid(s.facts) ORDER BY s.path LIMIT 1), '{{}}')"
)


def merge(db: Any, content: str) -> None:
    """Facts of a content: its own, and over them those of a sidecar; label sync tells tables."""
    said = OF_SIDECAR.format(content="contents.content")
    db.execute(
        "UPDATE contents SET own = coalesce(own, facts), facts = json_patch("
        f"iif(json_valid(coalesce(own, facts)), coalesce(own, facts), '{{}}'), {said})"
        " WHERE content = ?",
        (content,),
    )
    db.execute(
        "INSERT INTO unfiled SELECT model, content FROM embedded WHERE content = ?"
        " ON CONFLICT DO NOTHING",
        (content,),
    )
