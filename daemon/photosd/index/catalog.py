"""The catalog: known photos, their state on disk, and their content."""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from photosd.core.formats import RAW_SUFFIXES, is_raw_name, suffix_of
from photosd.core.pair_names import are_pair, may_be_pair, pictures_of, range_of_pair
from photosd.core.query_priority import after_queries
from photosd.core.sidecar_names import SidecarNames, ranges_of_photos
from photosd.index.database import Database, listed
from photosd.index.photo import AWAY, Photo, forget_journaled, mark_failed, photos, range_below
from photosd.index.sidecars import note
from photosd.watch.scanner import Entry

RAW = ", ".join(f"'{suffix.decode()}'" for suffix in sorted(RAW_SUFFIXES))
IS_RAW = f"CAST(substr(path, -4) AS TEXT) COLLATE NOCASE IN ({RAW})"  # as in the index photos_raw
AWAY_SECONDS = 300.0  # until photos are tried again whose disk may be offline
PAGE = 2000  # rows per transaction, so that other writers do not wait long
NOT_MOVED = (
    " AND NOT EXISTS (SELECT 1 FROM photos AS other WHERE other.inode = photos.inode"
    " AND other.device = photos.device AND other.folder <> photos.folder AND other.state <> 'gone')"
)
PARAMETERS = 200  # values per statement: read at once, so queries wait for them


class Catalog:
    """Photos by path. Every method is one transaction and safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, path: bytes) -> Photo | None:
        """The row of ``path``, deleted or not."""
        return next(iter(self._photos("WHERE path = ?", (path,))), None)

    def rows(self, paths: Sequence[bytes]) -> dict[bytes, Photo]:
        """The rows of these paths, deleted or not; a path without a row is left out."""
        found: dict[bytes, Photo] = {}
        for start in range(0, len(paths), PARAMETERS):
            part = paths[start : start + PARAMETERS]
            clause = f"WHERE path IN ({','.join('?' * len(part))})"
            found.update((one.path, one) for one in after_queries(self._photos(clause, part)))
        return found

    def below(self, directory: bytes) -> Iterator[Photo]:
        """Rows of existing files below ``directory``, by path."""
        low, high = range_below(directory)
        clause = "WHERE path > ? AND path < ? AND state <> 'gone' ORDER BY path LIMIT ?"
        while page := list(self._photos(clause, (low, high, PAGE))):
            yield from page
            low = page[-1].path

    def paths_below(self, directory: bytes, folder: int) -> Iterator[bytes]:
        """Paths of existing files of the folder of this id below ``directory``, in order."""
        low, high = range_below(directory)
        statement = (
            "SELECT path FROM photos WHERE path > ? AND path < ? AND state <> 'gone'"
            " AND +folder = ? ORDER BY path LIMIT ?"
        )
        while True:
            with self._database.read() as db:
                page = db.execute(statement, (low, high, folder, PAGE)).fetchall()
            if not page:
                return
            yield from (path for (path,) in page)
            low = page[-1][0]

    def same_file(self, entry: Entry) -> Photo | None:
        """A row (deleted ones included) of the same file under any name: it was moved or linked."""
        rows = self._photos(
            "WHERE inode = ? AND device = ? AND size = ? AND mtime_ns = ? AND content IS NOT NULL",
            (entry.inode, entry.device, entry.size, entry.mtime_ns),
        )
        return next(iter(rows), None)

    def links(self, photos: Iterable[Photo]) -> list[bytes]:
        """Existing files of the same inodes, these included: links, or new names."""
        return self._of_inodes("p.state <> 'gone'", photos)

    def outdated_links(self, entries: Iterable[Entry | Photo]) -> list[bytes]:
        """Rows of the same inodes as these files that differ from them, or were deleted."""
        return self._of_inodes(
            "(p.state = 'gone' OR p.size <> json_extract(k.value, '$[2]')"
            " OR p.mtime_ns <> json_extract(k.value, '$[3]'))",
            entries,
        )

    def _of_inodes(self, condition: str, files: Iterable[Entry | Photo]) -> list[bytes]:
        numbers = [(one.inode, one.device, one.size, one.mtime_ns) for one in files]
        with self._database.read() as db:
            rows = db.execute(
                # CROSS: from the few inodes to their rows.
                "SELECT DISTINCT p.path FROM json_each(?) k CROSS JOIN photos p"
                " ON p.inode = json_extract(k.value, '$[0]')"
                f" AND p.device = json_extract(k.value, '$[1]') WHERE {condition}",
                (json.dumps(numbers),),
            ).fetchall()
        return [path for (path,) in rows]

    def put(self, folder: int, entry: Entry, *, due: float, content: str | None = None) -> None:
        """Set the state of a path on disk; it is pending until changed."""
        with self._database.write() as db:
            db.execute(
                "INSERT INTO photos"
                " (path, folder, size, mtime_ns, inode, device, place, access, content, state, due)"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?) ON CONFLICT(path) DO UPDATE SET"
                " folder = excluded.folder, size = excluded.size, mtime_ns = excluded.mtime_ns,"
                " inode = excluded.inode, device = excluded.device, place = excluded.place,"
                " access = excluded.access, content = excluded.content, state = 'pending',"
                " due = excluded.due, attempts = 0, deaths = 0, reason = NULL, remedy = NULL,"
                " stack = NULL, code = NULL, circumstance = NULL, gone_at = NULL",
                (
                    entry.path,
                    folder,
                    entry.size,
                    entry.mtime_ns,
                    entry.inode,
                    entry.device,
                    entry.place,
                    entry.access,
                    content,
                    due,
                ),
            )

    def adopt(self, folder: int, entry: Entry, content: str) -> None:
        """Give this path an already indexed content: it was moved, linked or restored."""
        with self._database.write() as db:
            self.put(folder, entry, due=0, content=content)
            db.execute(
                "UPDATE photos SET state = 'indexed', due = NULL WHERE path = ?", (entry.path,)
            )

    def restat(self, entry: Entry) -> None:
        """The same photo with other numbers: its disk was remounted, or its permissions changed."""
        with self._database.write() as db:
            db.execute(
                "UPDATE photos SET inode = ?, device = ?, place = ?, access = ? WHERE path = ?",
                (entry.inode, entry.device, entry.place, entry.access, entry.path),
            )

    def mark_failed(self, folder: int, path: bytes, error: Exception) -> None:
        """The row of ``path`` cannot be written; it counts as failed, with the reason."""
        with self._database.write() as db:
            mark_failed(db, path, error, folder)

    def note_sidecar(self, entry: Entry) -> None:
        """Record the photo's sidecar, or that it has none."""
        with self._database.write() as db:
            note(db, entry.path, entry.sidecar)

    def beside(self, sidecar: bytes) -> list[bytes]:
        """The existing photos that a sidecar of this path may belong to."""
        directory, slash, name = sidecar.rpartition(b"/")
        names, found = SidecarNames([name]), dict[bytes, None]()
        last = b""
        with self._database.read() as db:
            for low, high in sorted(ranges_of_photos(sidecar)):
                if high <= last:  # in the range before
                    continue
                last = high
                rows = db.execute(
                    "SELECT path FROM photos WHERE state <> 'gone' AND path >= ? AND path < ?",
                    (low, high),
                )
                found.update((path, None) for (path,) in rows)
        return [path for path in found if _belongs(path, directory + slash, names)]

    def batch(self) -> contextlib.AbstractContextManager[object]:
        """Several changes in one transaction."""
        return self._database.write()

    def forget(self, paths: Iterable[bytes]) -> None:
        """Mark these files as deleted; their content is kept for a possible return."""
        now = time.time()
        with self._database.write() as db:
            db.executemany(
                "UPDATE photos SET state = 'gone', gone_at = ?, due = NULL"
                " WHERE path = ? AND state <> 'gone'",
                ((now, path) for path in paths),
            )

    def note_away(self, paths: Iterable[bytes]) -> None:
        """The disks of these pending photos may be offline: they are tried again later, or once
        a comparison finds them, and nothing waits for them.
        """
        due = time.time() + AWAY_SECONDS
        with self._database.write() as db:
            db.executemany(
                "UPDATE photos SET due = ?, code = ? WHERE path = ? AND state = 'pending'",
                ((due, AWAY, path) for path in paths),
            )

    def has_pending(self, folder: int) -> bool:
        """Whether a photo of this folder is pending that is not `note_away`'s."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT 1 FROM photos WHERE state = 'pending' AND due IS NOT NULL"
                " AND code IS NOT ? AND +folder = ? LIMIT 1",
                (AWAY, folder),
            )
            return found.fetchone() is not None

    def lost(
        self,
        folder: int,
        gone_since: float = float("inf"),
        counts: Callable[[Photo], bool] = lambda _: True,
        *,
        moved: bool = True,
    ) -> int:
        """The number of photos that a folder has lost if it is empty now: its rows, and those
        deleted at ``gone_since`` (Unix seconds) or later. ``counts``: which of them to count.
        ``moved``: leave out those that were moved to another folder.
        """
        found = self._photos(
            "WHERE folder = ?1 AND (state <> 'gone' OR gone_at >= ?2)" + NOT_MOVED * moved,
            (folder, gone_since),
        )
        return sum(map(counts, found))

    def paths_elsewhere(self, folder: int, gone_since: float, limit: int) -> list[bytes]:
        """Some paths in other folders of photos of a folder that exist, or were deleted at
        ``gone_since`` (Unix seconds) or later: links, or where they were moved.
        """
        with self._database.read() as db:
            rows = db.execute(
                "SELECT other.path FROM photos CROSS JOIN photos AS other"
                " ON other.inode = photos.inode AND other.device = photos.device"
                " AND other.folder <> photos.folder AND other.state <> 'gone'"
                " WHERE photos.folder = ? AND (photos.state <> 'gone' OR photos.gone_at >= ?)"
                " LIMIT ?",
                (folder, gone_since, limit),
            ).fetchall()
        return [path for (path,) in rows]

    def restore_deleted(self, folder: int, gone_since: float, *, moved: bool = True) -> None:
        """Mark photos of a folder deleted at ``gone_since`` (Unix seconds) or later as existing;
        ``moved``: leave out those that were moved to another folder.
        """
        with self._database.write() as db:
            db.execute(
                "UPDATE photos SET gone_at = NULL, due = iif(known, NULL, ?3),"
                " state = iif(known, 'indexed', 'pending') FROM"
                " (SELECT path AS one, EXISTS(SELECT 1 FROM embedded"
                "   WHERE embedded.content = photos.content) AS known FROM photos"
                f"  WHERE folder = ?1 AND state = 'gone' AND gone_at >= ?2{NOT_MOVED * moved})"
                " WHERE path = one",
                (folder, gone_since, time.time()),
            )

    def paths_of(self, contents: Sequence[str]) -> dict[str, list[tuple[bytes, int]]]:
        """Indexed paths (with their folder) of each content id, by path."""
        found: dict[str, list[tuple[bytes, int]]] = {}
        with self._database.read() as db:
            for content, path, folder in db.execute(
                "SELECT content, path, folder FROM photos WHERE state = 'indexed'"
                " AND content IN (SELECT value FROM json_each(?)) ORDER BY path",
                (listed(contents),),
            ):
                found.setdefault(content, []).append((path, folder))
        return found

    def partners(self, path: bytes) -> list[tuple[bytes, str]]:
        """Indexed files, and their contents, that are the same photo as the one at ``path``: the
        picture of a camera raw file, JPEG first; its raw files.
        """
        with self._database.read() as db:
            return partners(db, path)

    def partners_of(self, paths: Iterable[bytes]) -> dict[bytes, list[bytes]]:
        """The paths of `partners` of each of these that has any."""
        with self._database.read() as db:
            if not _has_raw(db):
                return {}
            found = ((path, partners(db, path)) for path in paths)
            return {path: [other for other, _ in every] for path, every in found if every}

    def pictures(self, contents: Sequence[str]) -> dict[str, tuple[bytes, bytes, str]]:
        """The path of each of these that is a camera raw file with a picture beside it, and the
        path and content of that.
        """
        found: dict[str, tuple[bytes, bytes, str]] = {}
        with self._database.read() as db:
            if not _has_raw(db):
                return {}
            raw = db.execute(
                "SELECT content, path FROM named WHERE content IN (SELECT value FROM json_each(?))"
                f" AND {IS_RAW}",
                (listed(contents),),
            ).fetchall()
            for content, path in raw:
                for picture, other in partners(db, path)[:1]:
                    found.setdefault(content, (path, picture, other))
        return found

    def of_video(self, video: bytes) -> bytes | None:
        """The indexed photo beside a video of this path that it may be a part of."""
        with self._database.read() as db:
            for start in pictures_of(video):
                rows = db.execute(
                    "SELECT path FROM photos WHERE path > ? AND path < ? AND state = 'indexed'"
                    " ORDER BY path",
                    (start, start[:-1] + b"/"),
                )
                for (path,) in rows:
                    if b"." not in path[len(start) :]:
                        return bytes(path)
        return None

    def has_below(self, directory: bytes) -> bool:
        """Whether any existing file is in this directory or below."""
        with self._database.read() as db:
            return (
                db.execute(
                    "SELECT 1 FROM photos WHERE path > ? AND path < ? AND state <> 'gone' LIMIT 1",
                    range_below(directory),
                ).fetchone()
                is not None
            )

    def counts(self) -> dict[int, dict[str, int]]:
        """Photos by folder and state."""
        with self._database.read() as db:
            found: dict[int, dict[str, int]] = {}
            for folder, state, number in db.execute("SELECT folder, state, n FROM counts"):
                found.setdefault(folder, {})[state] = number
            return found

    def totals(self) -> dict[str, int]:
        """Photos by state, over all folders."""
        total: Counter[str] = Counter()
        for states in self.counts().values():
            total.update(states)
        return dict(total)

    def in_state(self, state: str) -> Iterator[Photo]:
        """Rows of one state, or of all but deleted ones if ``state`` is empty, by path."""
        if state:
            return self._photos("WHERE state = ? ORDER BY path", (state,))
        return self._photos("WHERE state <> 'gone' ORDER BY path", ())

    def read_again(self, below: bytes | None) -> int:
        """Mark photos as pending and unseen: one path, a folder, or all."""
        where = "state <> 'gone'"
        values: tuple[bytes, ...] = ()
        if below is not None:
            where += " AND (path = ? OR (path > ? AND path < ?))"
            values = (below, *range_below(below))
        with self._database.write() as db:
            db.execute(
                "DELETE FROM embedded WHERE content IN"
                f" (SELECT content FROM photos WHERE {where} AND content IS NOT NULL)",
                values,
            )
            return db.execute(
                "UPDATE photos SET state = 'pending', due = ?, content = NULL, attempts = 0,"
                f" deaths = 0, reason = NULL, remedy = NULL, stack = NULL WHERE {where}",
                (time.time(), *values),
            ).rowcount

    def sweep(self, gone_before: float) -> None:
        """Delete the rows of files deleted before then (Unix seconds)."""
        swept = PAGE
        while swept == PAGE:  # other writers get their turn in between
            with self._database.write() as db:
                swept = db.execute(
                    "DELETE FROM photos WHERE path IN"
                    " (SELECT path FROM photos WHERE state = 'gone' AND gone_at < ? LIMIT ?)",
                    (gone_before, PAGE),
                ).rowcount
                forget_journaled(db)

    def _photos(self, clause: str, values: Sequence[object]) -> Iterator[Photo]:
        return photos(self._database, clause, values)


def _belongs(path: bytes, directory: bytes, sidecars: SidecarNames) -> bool:
    name = path[len(directory) :]
    return b"/" not in name and bool(sidecars.of(name))


def _has_raw(db: sqlite3.Connection) -> bool:
    """Whether any camera raw file is indexed: without any, no photo has a partner."""
    statement = f"SELECT 1 FROM photos WHERE state = 'indexed' AND {IS_RAW} LIMIT 1"
    return db.execute(statement).fetchone() is not None


def partners(db: sqlite3.Connection, path: bytes) -> list[tuple[bytes, str]]:
    """See `Catalog.partners`."""
    if not may_be_pair(path):
        return []
    rows = db.execute(
        "SELECT path, content FROM photos WHERE path > ? AND path < ? AND path <> ?"
        " AND state = 'indexed'",
        (*range_of_pair(path), path),
    )
    found = [(other, str(content)) for other, content in rows if are_pair(path, other)]
    return sorted(found, key=lambda one: (not suffix_of(one[0]).startswith(b".jp"), one))


def known_photos(counts: Mapping[str, int]) -> int:
    """The number of existing photos in these counts by state."""
    return sum(number for state, number in counts.items() if state != "gone")


class Copies:
    """Queries the catalog for indexed photos by content; ``below``: only in that directory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def repeated(self, below: bytes | None) -> Iterator[list[Photo]]:
        """The photos of each content with several paths, largest files first."""
        where, values = _indexed(below)
        rows = photos(
            self._database,
            f"WHERE {where} AND content IN (SELECT content FROM photos WHERE {where}"
            " GROUP BY content HAVING count(*) > 1) ORDER BY size DESC, content, path",
            values * 2,
        )
        for _, group in itertools.groupby(rows, key=lambda photo: photo.content):
            yield list(group)

    def largest_first(self, below: bytes | None) -> list[str]:
        """All contents, by pixels and then by bytes."""
        where, values = _indexed(below)
        with self._database.read() as db:
            return [
                content
                for (content,) in db.execute(
                    f"SELECT content FROM photos JOIN contents USING(content) WHERE {where}"
                    " GROUP BY content ORDER BY json_extract(facts, '$.width')"
                    " * json_extract(facts, '$.height') DESC, size DESC, content",
                    values,
                )
            ]

    def raw_files(self, below: bytes | None) -> set[str]:
        """Contents of camera raw files that are the same photo as a picture beside them."""
        where, values = _indexed(below)
        with self._database.read() as db:
            rows = db.execute(f"SELECT path, content FROM photos WHERE {where}", values)
            raw = [(path, str(content)) for path, content in rows if is_raw_name(path)]
            return {content for path, content in raw if partners(db, path)}

    def holding(self, contents: Sequence[str], below: bytes | None) -> dict[str, list[Photo]]:
        """The photos of each of these contents, in order of path."""
        found: dict[str, list[Photo]] = {}
        where, values = _indexed(below)
        clause = f"WHERE {where} AND content IN (SELECT value FROM json_each(?)) ORDER BY path"
        for photo in photos(self._database, clause, (*values, listed(contents))):
            found.setdefault(photo.content or "", []).append(photo)
        return found


def _indexed(below: bytes | None) -> tuple[str, tuple[bytes, ...]]:
    """The condition for indexed photos in a directory, and its values."""
    if below is None:
        return "state = 'indexed'", ()
    return "state = 'indexed' AND path > ? AND path < ?", range_below(below)
