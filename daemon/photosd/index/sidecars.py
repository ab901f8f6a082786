"""Sidecars: facts from files beside photos, stored separately from the photos' own facts.

A comparison records photos whose sidecar has changed; here decoders read them, and the facts are
merged. The photo itself is neither decoded nor encoded again.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import msgspec
import structlog

from photosd.core.background import BackgroundLoop
from photosd.core.query_priority import wait_for_queries
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.messages import SidecarFacts
from photosd.index.database import UNWRITABLE, Database
from photosd.watch.sidecar_stamps import files_of, has_links

log = structlog.get_logger()

BATCH = 500  # sidecars written at once
TURN_SECONDS = 1.0  # then those that were read are written; decoders may be slow
AT_ONCE = 16  # photos of one directory, in one request to a decoder
REQUESTS = 4  # at decoders
READ_SECONDS = 120.0  # decoders have their own limits; this is for a stopped pool
IDLE_SECONDS = 60.0
COPIES = 16  # of one content, whose sidecars are merged


class DuePhoto(msgspec.Struct, frozen=True):
    """A photo whose sidecars must be read. ``former``: the content that had their facts before;
    ``sidecar``: their stamp (see `watch.sidecar_stamps`); None: it has none.
    """

    path: bytes
    number: int
    former: str | None
    content: str | None
    sidecar: str | None


class SidecarReader(Protocol):
    """The decoders' interface."""

    def sidecars(
        self, photo: bytes, files: Sequence[Sequence[bytes]]
    ) -> Future[Sequence[SidecarFacts | None]]: ...


class Sidecars(BackgroundLoop):
    """Reads changed sidecars on each wake."""

    def __init__(
        self,
        database: Database,
        pool: SidecarReader,
        on_facts: Callable[[], None],
        *,
        slow: Callable[[], bool] = lambda: False,
    ) -> None:
        """``on_facts`` is called after facts of contents have changed. ``slow``: whether a share
        is slow; then one sidecar is read at a time, so that photos do not wait for a decoder."""
        super().__init__("sidecars")
        self._database, self._pool, self._on_facts = database, pool, on_facts
        self._slow = slow
        database.changed.add(self.wake)

    def idle(self) -> bool:
        """Whether there is no work."""
        return not self._due(1)

    def work(self) -> float:
        """Read all that are due."""
        while not self.stopping.is_set() and self.turn():
            pass
        return IDLE_SECONDS

    def turn(self) -> bool:
        """Read and apply some of them; False if there were none. Raises StorageError."""
        due = self._due(BATCH)
        if not due:
            return False
        found: list[tuple[DuePhoto, SidecarFacts | None]] = []
        until = time.monotonic() + TURN_SECONDS
        while len(found) < len(due) and (not found or time.monotonic() < until):
            if self.stopping.is_set():
                return False
            at_once = 1 if self._slow() else AT_ONCE * REQUESTS
            found += self._read(due[len(found) : len(found) + at_once])
        if self.stopping.is_set():
            return False
        self._apply(found)
        self._on_facts()
        return True

    def _due(self, limit: int) -> list[DuePhoto]:
        with self._database.read() as db:
            rows = db.execute(
                "SELECT s.path, s.due AS number, s.content AS former,"
                " iif(p.state = 'indexed', p.content, NULL) AS content,"
                " iif(p.state = 'indexed', p.sidecar, NULL) AS sidecar"
                " FROM sidecars s LEFT JOIN photos p USING(path) WHERE s.due > 0 LIMIT ?",
                (limit,),
            ).fetchall()
        return [DuePhoto(*row) for row in rows]

    def _read(self, due: Sequence[DuePhoto]) -> list[tuple[DuePhoto, SidecarFacts | None]]:
        """The facts of each; None if they cannot be read now."""
        found: list[tuple[DuePhoto, SidecarFacts | None]] = [
            (one, {}) for one in due if one.sidecar is None
        ]
        asked = [(some, self._asked(some)) for some in _together(due)]
        until = time.monotonic() + READ_SECONDS
        for some, future in asked:
            try:
                facts = self.result(future, until)
                found += zip(some, facts, strict=True)
            except (DecodeFailed, TimeoutError) as error:
                if isinstance(error, DecodeFailed) and len(some) > 1:  # one may be the cause
                    found += [pair for one in some for pair in self._read([one])]
                else:
                    found += [(one, None) for one in some]
        return found

    def _asked(self, some: Sequence[DuePhoto]) -> Future[Sequence[SidecarFacts | None]]:
        files = [tuple(files_of(one.path, one.sidecar or "")) for one in some]
        return self._pool.sidecars(some[0].path, files)

    def _apply(self, found: Sequence[tuple[DuePhoto, SidecarFacts | None]]) -> None:
        contents: set[str] = set()
        wait_for_queries()  # not within the transaction: they may want to write
        with self._database.write() as db:
            for one, facts in found:
                try:
                    if _keep(db, one, facts):
                        contents.update(filter(None, (one.former, one.content)))
                except UNWRITABLE as error:
                    log.error("sidecar_not_stored", path=one.path, cause=str(error))
                    db.execute("UPDATE sidecars SET due = 0 WHERE path = ?", (one.path,))
            for content in contents:
                try:
                    merge(db, content)
                except UNWRITABLE as error:
                    log.error("facts_not_written", content=content, cause=str(error))


def _together(due: Sequence[DuePhoto]) -> Iterator[list[DuePhoto]]:
    """Those with sidecars, for one request each: in one directory, so on one disk; links, which may
    lead to another disk, alone.
    """
    yield from ([one] for one in due if has_links(one.sidecar or ""))
    some = [one for one in due if one.sidecar is not None and not has_links(one.sidecar)]
    for _, every in itertools.groupby(some, lambda one: one.path.rpartition(b"/")[0]):
        while part := list(itertools.islice(every, AT_ONCE)):
            yield part


def note(db: Any, path: bytes, sidecar: str) -> None:
    """The photo at ``path`` has this sidecar now, or none: it is read soon.

    For a photo that is not indexed, only the facts of its former sidecar are deleted now.
    """
    db.execute("UPDATE photos SET sidecar = ? WHERE path = ?", (sidecar or None, path))
    db.execute(
        "INSERT INTO sidecars(path, due) SELECT path, 1 FROM photos WHERE path = ? AND"
        " (state = 'indexed' OR EXISTS (SELECT 1 FROM sidecars s WHERE s.path = photos.path))"
        " ON CONFLICT(path) DO UPDATE SET due = due + 1",
        (path,),
    )


def _keep(db: Any, one: DuePhoto, facts: SidecarFacts | None) -> bool:
    """Store a sidecar's facts; returns whether facts of contents must be merged again."""
    if facts is None:  # the next comparison finds a difference, and it is read again
        db.execute("UPDATE photos SET sidecar = '' WHERE path = ?", (one.path,))
        db.execute("UPDATE sidecars SET due = 0 WHERE path = ?", (one.path,))
        return False
    if one.sidecar is None:
        db.execute("DELETE FROM sidecars WHERE path = ? AND due = ?", (one.path, one.number))
        db.execute("UPDATE sidecars SET facts = '{}' WHERE path = ?", (one.path,))
        return True
    text = msgspec.json.encode(facts).decode()
    db.execute(
        "UPDATE sidecars SET facts = ?, content = ?, due = iif(due = ?, 0, due) WHERE path = ?",
        (text, one.content, one.number, one.path),
    )
    return True


# The facts of the sidecars of a content's photos, in order of their paths, as a JSON list. Damaged
# ones are left out.
OF_SIDECARS = (
    "(SELECT json_group_array(json(said)) FROM (SELECT s.facts AS said FROM sidecars s"
    " WHERE s.content = {content} AND s.facts <> '{{}}' AND json_valid(s.facts)"
    f" ORDER BY s.path LIMIT {COPIES}))"
)


def merge(db: Any, content: str) -> None:
    """Merge the facts of a content and of its sidecars; label sync then updates the tables."""
    db.execute(
        "UPDATE contents SET own = iif(said = '[]', NULL, coalesce(own, facts)),"
        " facts = merged_facts(coalesce(own, facts), said)"
        f" FROM (SELECT {OF_SIDECARS.format(content='?1')} AS said) WHERE content = ?1",
        (content,),
    )
    db.execute(
        "INSERT INTO unfiled SELECT model, content FROM embedded WHERE content = ?"
        " ON CONFLICT DO NOTHING",
        (content,),
    )
