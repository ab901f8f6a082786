"""The work list: due photos, photos at workers, failures with reasons and their circumstances.

A failed photo is retried when its file changes (size, time), when its permissions change, and when
the external circumstance of its failure changes.
"""

from __future__ import annotations

import importlib
import importlib.util
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

import msgspec

from photosd.decode.limits import DecodeLimits
from photosd.index.database import UNWRITABLE, Database
from photosd.index.photo import AWAY, Photo, mark_failed, photos, plain
from photosd.watch.scanner import Entry

DEPENDS_ON = {  # codes of DecodeFailed
    "too_large": "limits",
    "memory": "limits",
    "raw_without_preview": "raw reader",
    "jxl_without_reader": "jxl reader",
    "unsupported": "software",
    "damaged": "software",
    "truncated": "software",
    "not_a_picture": "software",
    "internal": "software",
}
SOFTWARE = ("photosd", "pillow", "pillow-heif")

# Until a photo on a silent disk is tried again. If there are many, one is tried every EACH_SECONDS:
# else they keep a core busy, and older photos on other disks never come up.
SILENT_SECONDS, EACH_SECONDS, LONGEST_SILENT = 5.0, 0.02, 300.0
ASK_SECONDS = 10.0  # how often to check whether circumstances have changed
# Maximum seconds that a pending photo, or a failed one, is postponed. A later due time is an error
# of the clock.
LONGEST_WAIT, LONGEST_RETRY = 600.0, 3660.0
CLOCK_STEP = 1.0  # seconds that the clock was set back; less is a correction


class Circumstances:
    """Current circumstances of failures; cheap enough to check before each batch."""

    def __init__(self) -> None:
        # Decoders keep the libraries they started with: another version needs a restart.
        self._software = " ".join(f"{name} {_version(name)}" for name in SOFTWARE)

    def now(self, limits: DecodeLimits) -> dict[str, str]:
        """By code of a failure; ``limits`` are resolved ones."""
        importlib.invalidate_caches()
        by_kind = {
            "limits": f"{limits.max_megapixels} MP, {limits.memory} bytes",
            "raw reader": "yes" if importlib.util.find_spec("rawpy") else "no",
            "jxl reader": "yes" if importlib.util.find_spec("pylibjxl") else "no",
            "software": self._software,
        }
        return {code: by_kind[kind] for code, kind in DEPENDS_ON.items()}


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """The circumstances in ``now`` that have changed."""
    return {code: value for code, value in now.items() if before.get(code) != value}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


class WorkFailure(msgspec.Struct, frozen=True):
    """Why a photo could not be indexed.

    ``retry_at`` None: only after the file changes, or the circumstance of ``code`` (`DEPENDS_ON`).
    """

    reason: str
    remedy: str
    retry_at: float | None = None
    stack: str | None = None
    code: str | None = None


class Work(Protocol):
    """The pipeline's interface of a work list; see `WorkList`."""

    def due(self, limit: int, without: Collection[int] = ()) -> list[Photo]: ...
    def next_due(self) -> float | None: ...
    def perhaps_known(self, photo: Photo) -> bool: ...
    def done(self, finished: Iterable[tuple[Entry, str]]) -> None: ...
    def failed(self, photo: Photo, failure: WorkFailure, *, deaths: int = 0) -> None: ...
    def postpone(self, photo: Photo, due: float, *, deaths: int | None = None) -> None: ...
    def away(self, photo: Photo) -> None: ...
    def journal(self, paths: Iterable[bytes]) -> None: ...
    def journaled(self) -> set[bytes]: ...
    def release(self, paths: Iterable[bytes]) -> None: ...


class WorkList:
    """Pending photos, kept in the catalog and never only in memory."""

    def __init__(
        self, database: Database, circumstances: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        """``circumstances``: current circumstances of failures, by code."""
        self._database, self._circumstances = database, circumstances
        self._known: Mapping[str, str] = {}
        self._ask_at = 0.0
        self._looked_at = 0.0  # when `due` was last called (Unix seconds)
        self._silent_until = 0.0  # when the next photo on a silent disk may be tried (Unix seconds)
        self._clock = _clock()
        # Circumstances when a photo was handed out: a failure is compared with these.
        self._handed_out: dict[bytes, Mapping[str, str]] = {}

    def due(self, limit: int, without: Collection[int] = ()) -> list[Photo]:
        """Up to ``limit`` pending photos that are due, none in an absent folder, or ``without``.

        Newest first; photos that crashed a worker come last.
        """
        if time.monotonic() >= self._ask_at:
            self.reconsider()
        clock, now = _clock(), time.time()
        self._looked_at = now
        back = self._clock - clock > CLOCK_STEP  # later due times are then wrong
        with self._database.write() as db:
            for state, longest in (("pending", LONGEST_WAIT), ("failed", LONGEST_RETRY)):
                db.execute(
                    "UPDATE photos SET due = ?1 WHERE state = ?2 AND due > ?3",
                    (now, state, now if back else now + longest),
                )
            db.execute(
                "UPDATE photos SET state = 'pending' WHERE state = 'failed' AND due <= ?", (now,)
            )
        self._clock = clock
        for crashes in ("deaths = 0", "deaths > 0"):
            found = photos(
                self._database,
                f"WHERE state = 'pending' AND due <= ? AND {crashes} AND +folder IN"
                " (SELECT id FROM folders WHERE state IN ('ok', 'scan_only')"
                " AND id NOT IN (SELECT value FROM json_each(?)))"
                " ORDER BY due DESC, path LIMIT ?",
                (now, msgspec.json.encode(list(without)).decode(), limit),
            )
            if rows := list(found):
                self._handed_out.update((photo.path, self._known) for photo in rows)
                return rows
        if not without:
            self._handed_out.clear()
        return []

    def reconsider(self) -> int:
        """Retry failures whose circumstances have changed; returns how many."""
        self._ask_at = time.monotonic() + ASK_SECONDS
        before, now = self._known, self._circumstances()
        others, self._known = changed(before, now), now
        if not others:
            return 0
        try:
            with self._database.write() as db:
                return sum(
                    db.execute(
                        "UPDATE photos SET state = 'pending', due = ? WHERE state = 'failed'"
                        " AND code = ? AND circumstance IS NOT ? AND deaths = 0",
                        (time.time(), code, circumstance),
                    ).rowcount
                    for code, circumstance in others.items()
                )
        except BaseException:  # as of a full disk: they are retried with the next check
            self._known = before
            raise

    def settle_within(self, seconds: float) -> None:
        """Limit the wait of new photos to this many seconds, after the setting was lowered."""
        latest = time.time() + seconds
        with self._database.write() as db:
            db.execute(
                "UPDATE photos SET due = ?1 WHERE state = 'pending' AND attempts = 0 AND due > ?1",
                (latest,),
            )

    def next_due(self) -> float | None:
        """When the next photo is due that `due` has not seen, Unix seconds; it may be past."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT min(due) FROM photos WHERE state IN ('pending', 'failed') AND due > ?",
                (min(self._looked_at, time.time()),),
            ).fetchone()
        return None if row[0] is None else float(row[0])

    def perhaps_known(self, photo: Photo) -> bool:
        """Whether a hash may avoid decoding: a content of this size is known."""
        if photo.content is not None:
            return True  # the file may have changed
        # A content id begins with its size; see decode.
        first, last = f"{photo.size:x}-", f"{photo.size:x}."
        clause = "WHERE content >= ? AND content < ? LIMIT 1"
        return any(photos(self._database, clause, (first, last)))

    def done(self, finished: Iterable[tuple[Entry, str]]) -> None:
        """The vectors of these files (as read, with their content id) are committed."""
        with self._database.write() as db:
            for entry, content in finished:
                self._handed_out.pop(entry.path, None)
                try:
                    _done(db, entry, content)
                except UNWRITABLE as error:  # one bad row must not block others
                    mark_failed(db, entry.path, error)
                db.execute("DELETE FROM journal WHERE path = ?", (entry.path,))

    def failed(self, photo: Photo, failure: WorkFailure, *, deaths: int = 0) -> None:
        """The file as it was in ``photo`` could not be indexed; ``deaths``: crashes of workers.

        If its circumstance has changed since it was handed out, it is retried once at once.
        """
        circumstance = self._handed_out.pop(photo.path, self._known).get(failure.code or "")
        still = circumstance == self._known.get(failure.code or "")
        with self._database.write() as db:
            try:
                db.execute(
                    "UPDATE photos SET state = iif(access = ? AND ?, 'failed', 'pending'),"
                    " due = iif(access = ? AND ?, ?, 0), reason = ?, remedy = ?, stack = ?,"
                    " code = ?, circumstance = ?, attempts = attempts + 1, deaths = ?"
                    " WHERE path = ? AND size = ? AND mtime_ns = ? AND state = 'pending'",
                    (
                        photo.access,
                        still,
                        photo.access,
                        still,
                        failure.retry_at,
                        plain(failure.reason),
                        plain(failure.remedy),
                        None if failure.stack is None else plain(failure.stack),
                        failure.code,
                        circumstance,
                        deaths,
                        photo.path,
                        photo.size,
                        photo.mtime_ns,
                    ),
                )
            except UNWRITABLE as error:
                mark_failed(db, photo.path, error)
            db.execute("DELETE FROM journal WHERE path = ?", (photo.path,))

    def postpone(self, photo: Photo, due: float, *, deaths: int | None = None) -> None:
        """Process the file as it was in ``photo`` no earlier than ``due``; not a failure.

        Postponed by LONGEST_WAIT at most.
        """
        due = min(due, time.time() + LONGEST_WAIT)
        with self._database.write() as db:
            db.execute(
                "UPDATE photos SET due = ?, deaths = coalesce(?, deaths)"
                " WHERE path = ? AND size = ? AND mtime_ns = ? AND state = 'pending'",
                (due, deaths, photo.path, photo.size, photo.mtime_ns),
            )

    def away(self, photo: Photo) -> None:
        """Its disk does not respond: it is tried again soon, or once a comparison finds it, and
        nothing waits for it.
        """
        now = time.time()
        due = max(now + SILENT_SECONDS, self._silent_until + EACH_SECONDS)
        self._silent_until = due = min(due, now + LONGEST_SILENT)
        with self._database.write() as db:
            db.execute(
                "UPDATE photos SET due = ?, code = ?"
                " WHERE path = ? AND size = ? AND mtime_ns = ? AND state = 'pending'",
                (due, AWAY, photo.path, photo.size, photo.mtime_ns),
            )

    def journal(self, paths: Iterable[bytes]) -> None:
        """Record photos before they are sent to a worker."""
        with self._database.write() as db:
            db.executemany("INSERT OR IGNORE INTO journal VALUES(?)", ((path,) for path in paths))

    def journaled(self) -> set[bytes]:
        """Photos that were at workers when the last daemon ended."""
        with self._database.read() as db:
            return {row[0] for row in db.execute("SELECT path FROM journal")}

    def release(self, paths: Iterable[bytes]) -> None:
        """The pipeline releases these; nothing to do here."""
        for path in paths:
            self._handed_out.pop(path, None)

    def retry_failures(self) -> int:
        """Retry all failures."""
        with self._database.write() as db:
            return db.execute(
                "UPDATE photos SET state = 'pending', due = ?, deaths = 0 WHERE state = 'failed'",
                (time.time(),),
            ).rowcount


def _done(db: sqlite3.Connection, entry: Entry, content: str) -> None:
    """Mark as indexed if the file is unchanged since it was read; otherwise it stays pending."""
    db.execute(
        "UPDATE photos SET state = 'indexed', content = ?, due = NULL, attempts = 0,"
        " deaths = 0, inode = ?, device = ?, reason = NULL, remedy = NULL, stack = NULL,"
        " code = NULL, circumstance = NULL"
        " WHERE path = ? AND size = ? AND mtime_ns = ? AND state = 'pending'",
        (content, entry.inode, entry.device, entry.path, entry.size, entry.mtime_ns),
    )


def _clock() -> float:
    """Difference between the wall clock and the monotonic clock, seconds."""
    return time.time() - time.monotonic()
