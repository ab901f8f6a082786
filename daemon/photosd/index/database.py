"""The SQLite file behind the catalog: opening, migrating, one writer, many readers."""

from __future__ import annotations

import contextlib
import functools
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from photosd.core.errors import StorageError
from photosd.index import wording
from photosd.index.trouble import Malformed, set_aside, sqlite_kind, storage_error

log = structlog.get_logger()

# Each entry brings the schema from its position to the next; never edit one that has shipped.
MIGRATIONS = (
    """
    CREATE TABLE folders(
      id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, device INTEGER, inode INTEGER,
      mount_point BLOB NOT NULL DEFAULT x'', state TEXT NOT NULL, reason TEXT, remedy TEXT,
      excludes TEXT NOT NULL DEFAULT '[]'
    );
    -- state: pending | indexed | failed | gone. due: when to work on it (pending) or try again
    -- (failed); null: only when the file changes. A gone row remembers its content for a return.
    CREATE TABLE photos(
      path BLOB PRIMARY KEY, folder INTEGER NOT NULL REFERENCES folders ON DELETE CASCADE,
      size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
      device INTEGER NOT NULL, content TEXT, state TEXT NOT NULL, due REAL,
      attempts INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,
      reason TEXT, remedy TEXT, stack TEXT, gone_at REAL
    ) WITHOUT ROWID;
    CREATE INDEX photos_work ON photos(state, due);
    CREATE INDEX photos_content ON photos(content);
    CREATE INDEX photos_inode ON photos(inode, device);
    CREATE INDEX photos_folder ON photos(folder, state);
    CREATE TABLE counts(
      folder INTEGER NOT NULL, state TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(folder, state)
    ) WITHOUT ROWID;
    CREATE TRIGGER photos_born AFTER INSERT ON photos BEGIN
      INSERT INTO counts VALUES(NEW.folder, NEW.state, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER photos_moved AFTER UPDATE OF state, folder ON photos
      WHEN OLD.state <> NEW.state OR OLD.folder <> NEW.folder BEGIN
      UPDATE counts SET n = n - 1 WHERE folder = OLD.folder AND state = OLD.state;
      INSERT INTO counts VALUES(NEW.folder, NEW.state, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER photos_died AFTER DELETE ON photos BEGIN
      UPDATE counts SET n = n - 1 WHERE folder = OLD.folder AND state = OLD.state;
    END;
    -- What each content shows (EXIF and the like), and in which model's table its vector lies.
    CREATE TABLE contents(content TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE embedded(
      model TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY(model, content)
    ) WITHOUT ROWID;
    -- Paths handed to a worker; still here after a crash: try each of them alone.
    CREATE TABLE journal(path BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE remembered_queries(
      key BLOB PRIMARY KEY, vector BLOB NOT NULL, understanding TEXT NOT NULL, used_at REAL NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    -- Contents whose paths are not those that a model's table filters by: each change of paths
    -- writes them here, and filing (filing.py) removes them again.
    CREATE TABLE unfiled(
      model TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY(model, content)
    ) WITHOUT ROWID;
    CREATE INDEX embedded_content ON embedded(content);
    CREATE TRIGGER photos_refiled AFTER UPDATE OF state, content ON photos
      WHEN (OLD.state = 'indexed' OR NEW.state = 'indexed')
      AND (OLD.state <> NEW.state OR OLD.content IS NOT NEW.content) BEGIN
      -- Not OR IGNORE: in a trigger the outer statement's conflict clause takes its place.
      INSERT INTO unfiled SELECT model, content FROM embedded
        WHERE content IN (OLD.content, NEW.content) ON CONFLICT DO NOTHING;
    END;
    CREATE TRIGGER photos_unfiled AFTER DELETE ON photos WHEN OLD.state = 'indexed' BEGIN
      INSERT INTO unfiled SELECT model, content FROM embedded
        WHERE content = OLD.content ON CONFLICT DO NOTHING;
    END;
    INSERT INTO unfiled SELECT model, content FROM embedded;
    """,
    """
    -- Words of paths, for search by name; `named` gives each path the number that FTS5 needs.
    CREATE TABLE named(id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
    CREATE VIRTUAL TABLE names USING fts5(
      path, content='', detail='none', columnsize=0,
      tokenize='porter unicode61 remove_diacritics 2'
    );
    CREATE TRIGGER photos_named AFTER INSERT ON photos BEGIN
      INSERT OR IGNORE INTO named(path) VALUES(NEW.path);
      INSERT INTO names(rowid, path)
        SELECT id, CAST(path AS TEXT) FROM named WHERE path = NEW.path;
    END;
    CREATE TRIGGER photos_unnamed AFTER DELETE ON photos BEGIN
      INSERT INTO names(names, rowid, path)
        SELECT 'delete', id, CAST(path AS TEXT) FROM named WHERE path = OLD.path;
      DELETE FROM named WHERE path = OLD.path;
    END;
    INSERT INTO named(path) SELECT path FROM photos;
    INSERT INTO names(rowid, path) SELECT id, CAST(path AS TEXT) FROM named;
    """,
    """
    -- Standing queries. kind: exec | link | notify | stream. awake: 0 after the catalog was lost,
    -- until its photos are known again; restored: that was so. model: whose judgement an album
    -- rests on.
    CREATE TABLE standing(
      id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, kind TEXT NOT NULL,
      filter TEXT NOT NULL, argv TEXT NOT NULL, directory BLOB,
      created_at REAL NOT NULL, awake INTEGER NOT NULL DEFAULT 1,
      restored INTEGER NOT NULL DEFAULT 0,
      acknowledged INTEGER NOT NULL DEFAULT 0, matches INTEGER NOT NULL DEFAULT 0, model TEXT
    );
    -- Contents that no verdict has been spoken on yet: written with the content itself, so that
    -- none is ever missed, and removed with what the verdict leads to, so that none counts twice.
    CREATE TABLE candidates(
      content TEXT NOT NULL, standing INTEGER NOT NULL REFERENCES standing ON DELETE CASCADE,
      PRIMARY KEY(content, standing)
    ) WITHOUT ROWID;
    CREATE TRIGGER contents_born AFTER INSERT ON contents BEGIN
      INSERT INTO candidates SELECT NEW.content, id FROM standing WHERE awake = 1
        ON CONFLICT DO NOTHING;
    END;
    -- state: waiting | started | done | failed | gone. claim: names the file by which exactly one
    -- process may run the command.
    CREATE TABLE matches(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      standing INTEGER NOT NULL REFERENCES standing ON DELETE CASCADE, content TEXT NOT NULL,
      path BLOB NOT NULL, score REAL NOT NULL, strength TEXT NOT NULL, matched_at REAL NOT NULL,
      state TEXT NOT NULL, claim TEXT, outcome TEXT, ended_at REAL
    );
    CREATE INDEX matches_standing ON matches(standing, state);
    CREATE INDEX matches_state ON matches(state);
    -- What albums hold: the link's own path and where it leads, null while there is none. They
    -- outlive their query, until the links are removed.
    CREATE TABLE links(
      content TEXT NOT NULL, standing INTEGER NOT NULL, wanted INTEGER NOT NULL DEFAULT 1,
      link BLOB, target BLOB, PRIMARY KEY(content, standing)
    ) WITHOUT ROWID;
    CREATE INDEX links_link ON links(link);
    CREATE TRIGGER contents_died AFTER DELETE ON contents BEGIN
      DELETE FROM candidates WHERE content = OLD.content;
      DELETE FROM links WHERE content = OLD.content AND link IS NULL;
    END;
    """,
    """
    ALTER TABLE folders ADD COLUMN cloud INTEGER NOT NULL DEFAULT 0;
    -- Every call to Gemini, written before it is made; and what is not to be sent again.
    CREATE TABLE cloud_calls(
      id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL,
      items INTEGER NOT NULL, bytes INTEGER NOT NULL, usd REAL NOT NULL, outcome TEXT NOT NULL
    );
    CREATE INDEX cloud_calls_at ON cloud_calls(at);
    CREATE TABLE cloud_refused(
      model TEXT NOT NULL, content TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY(model, content)
    ) WITHOUT ROWID;
    """,
    """
    -- place: the device of the name (null: that of the file); access: see core/filestat.py.
    -- code: what kind of failure it was, circumstance: what that depends on, as it was then.
    ALTER TABLE photos ADD COLUMN place INTEGER;
    ALTER TABLE photos ADD COLUMN access INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE photos ADD COLUMN code TEXT;
    ALTER TABLE photos ADD COLUMN circumstance TEXT;
    """,
    """
    -- What filters compare dates with is a wall clock now: filing tells every table anew.
    INSERT INTO unfiled SELECT model, content FROM embedded WHERE 1 ON CONFLICT DO NOTHING;
    """,
    """
    -- Words of the paths of indexed photos, folded (wording.py), and the key of each file's own
    -- name. Photos that were removed are not here.
    DROP TRIGGER photos_named;
    DROP TRIGGER photos_unnamed;
    DROP TABLE names;
    DROP TABLE named;
    CREATE TABLE named(
      id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, content TEXT, key TEXT NOT NULL
    );
    CREATE INDEX named_key ON named(key);
    CREATE VIRTUAL TABLE names USING fts5(
      name, folders, content='', detail='column', columnsize=0, tokenize='porter ascii'
    );
    CREATE TRIGGER photos_named AFTER INSERT ON photos WHEN NEW.state = 'indexed' BEGIN
      INSERT INTO named(path, content, key) VALUES(NEW.path, NEW.content, name_key(NEW.path));
      INSERT INTO names(rowid, name, folders)
        SELECT id, name_words(path), folder_words(path) FROM named WHERE path = NEW.path;
    END;
    CREATE TRIGGER photos_renamed AFTER UPDATE OF state, content ON photos
      WHEN (OLD.state = 'indexed') <> (NEW.state = 'indexed')
      OR (NEW.state = 'indexed' AND OLD.content IS NOT NEW.content) BEGIN
      INSERT INTO names(names, rowid, name, folders)
        SELECT 'delete', id, name_words(path), folder_words(path) FROM named WHERE path = OLD.path;
      DELETE FROM named WHERE path = OLD.path;
      INSERT INTO named(path, content, key)
        SELECT NEW.path, NEW.content, name_key(NEW.path) WHERE NEW.state = 'indexed';
      INSERT INTO names(rowid, name, folders)
        SELECT id, name_words(path), folder_words(path) FROM named WHERE path = NEW.path;
    END;
    CREATE TRIGGER photos_unnamed AFTER DELETE ON photos WHEN OLD.state = 'indexed' BEGIN
      INSERT INTO names(names, rowid, name, folders)
        SELECT 'delete', id, name_words(path), folder_words(path) FROM named WHERE path = OLD.path;
      DELETE FROM named WHERE path = OLD.path;
    END;
    INSERT INTO named(path, content, key)
      SELECT path, content, name_key(path) FROM photos WHERE state = 'indexed';
    INSERT INTO names(rowid, name, folders)
      SELECT id, name_words(path), folder_words(path) FROM named;
    """,
    """
    -- sidecar: which XMP a photo has beside it, as the last comparison saw it; see scanner.py.
    -- own: facts without any sidecar's; null: no sidecar was ever merged into them.
    ALTER TABLE photos ADD COLUMN sidecar TEXT;
    ALTER TABLE contents ADD COLUMN own TEXT;
    -- What sidecars say, by the path of the photo, and of which content; due: above 0 while it is
    -- to be read, higher each time that something has happened.
    CREATE TABLE sidecars(
      path BLOB PRIMARY KEY, facts TEXT NOT NULL DEFAULT '{}', content TEXT,
      due INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX sidecars_due ON sidecars(path) WHERE due > 0;
    CREATE INDEX sidecars_content ON sidecars(content, path);
    CREATE TRIGGER photos_sidecar AFTER UPDATE OF state, content ON photos
      WHEN NEW.sidecar IS NOT NULL AND NEW.state IN ('indexed', 'gone')
      AND (OLD.state <> NEW.state OR OLD.content IS NOT NEW.content) BEGIN
      INSERT INTO sidecars(path, due) VALUES(NEW.path, 1)
        ON CONFLICT(path) DO UPDATE SET due = due + 1;
    END;
    CREATE TRIGGER photos_sidecar_died AFTER DELETE ON photos WHEN OLD.sidecar IS NOT NULL BEGIN
      UPDATE sidecars SET due = due + 1 WHERE path = OLD.path;
    END;
    """,
    """
    -- Nearly every photo is indexed, so an index that begins with the state must not be open to
    -- look-ups by content: SQLite, without statistics, prefers it. Rows that are never due are not
    -- in it.
    DROP INDEX photos_work;
    CREATE INDEX photos_work ON photos(state, due DESC) WHERE due IS NOT NULL;
    DROP INDEX photos_content;
    CREATE INDEX photos_content ON photos(content, state, folder);
    DROP INDEX photos_folder;
    CREATE INDEX photos_folder ON photos(folder);
    CREATE INDEX photos_failed ON photos(state) WHERE state = 'failed';
    CREATE INDEX photos_gone ON photos(gone_at) WHERE gone_at IS NOT NULL;
    -- Contents that a path has let go of, and when (Unix seconds; 0: nobody is to wait for their
    -- return). What was derived from them ends unless another path holds them (retention.py).
    CREATE TABLE orphans(content TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
    CREATE INDEX orphans_since ON orphans(since);
    CREATE TRIGGER photos_orphaned AFTER DELETE ON photos WHEN OLD.content IS NOT NULL BEGIN
      INSERT INTO orphans VALUES(OLD.content, 0) ON CONFLICT DO UPDATE SET since = 0;
    END;
    CREATE TRIGGER photos_changed AFTER UPDATE OF content ON photos
      WHEN OLD.content IS NOT NULL AND OLD.content IS NOT NEW.content BEGIN
      INSERT INTO orphans VALUES(OLD.content, CAST(strftime('%s', 'now') AS REAL))
        ON CONFLICT DO UPDATE SET since = excluded.since;
    END;
    INSERT INTO orphans SELECT content, CAST(strftime('%s', 'now') AS REAL)
      FROM (SELECT content FROM contents UNION SELECT content FROM embedded) AS known
      WHERE NOT EXISTS (SELECT 1 FROM photos WHERE photos.content = known.content);
    """,
    """
    -- Remembered queries hold nothing that tells what was asked (search/remembered.py); cloud: 1
    -- where the text was Gemini's, 2 of older vectors, of which nobody knows, and which are not
    -- hidden. The words that they had beside them are taken off the disk once the daemon runs.
    ALTER TABLE remembered_queries RENAME TO older_queries;
    CREATE TABLE remembered_queries(
      key BLOB PRIMARY KEY, hidden BLOB NOT NULL, cloud INTEGER NOT NULL, used_at REAL NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO remembered_queries SELECT key, vector, 2, used_at FROM older_queries
      WHERE iif(json_valid(understanding), json_extract(understanding, '$[0]'), 0) = 1;
    DROP TABLE older_queries;
    INSERT OR REPLACE INTO meta VALUES('erase', 'due');
    """,
    """
    -- Of each content a small grey picture; see sketches.py.
    CREATE TABLE sketches(content TEXT PRIMARY KEY, greys BLOB NOT NULL) WITHOUT ROWID;
    CREATE TRIGGER contents_unsketched AFTER DELETE ON contents BEGIN
      DELETE FROM sketches WHERE content = OLD.content;
    END;
    """,
)

# What writing one row raises when the row is at fault, not the disk and not the statement: the
# transaction goes on without it.
UNWRITABLE = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    UnicodeError,
)
READERS = 4  # so that a query's look-ups never wait behind a comparison's long ones
ERASE, ERASE_TRIES = "erase", 20
CLOSE_SECONDS = 5.0  # for statements that run; then they are interrupted


class Reader:
    """Connections that only read. One with a connection of its own keeps out of others' way."""

    def __init__(self, file: Path, connections: int = 1) -> None:
        self._every = [_connect(file) for _ in range(connections)]
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        for connection in self._every:
            connection.execute("PRAGMA query_only = ON")
            self._idle.put(connection)

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection, for a moment; it sees everything committed."""
        connection = self._idle.get()  # the one used last: its pages are in memory
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def close(self) -> None:
        """Close them once running statements are done; those that take long are interrupted."""
        until = time.monotonic() + CLOSE_SECONDS
        for _ in self._every:
            try:
                connection = self._idle.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            connection.close()
        for connection in self._every:
            with contextlib.suppress(sqlite3.ProgrammingError):  # closed
                connection.interrupt()
            self._idle.put(connection)  # whoever comes now is told that it is closed


class Database:
    """One SQLite file; writes are serialised, reads run beside them (WAL)."""

    def __init__(self, file: Path) -> None:
        self.file, self._write_lock = file, threading.RLock()
        self.on_commit: Callable[[], None] = lambda: None  # something has changed; in any thread
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._writer = _open(file)
            self._reader = Reader(file, READERS)
        except (sqlite3.Error, OSError, MemoryError) as error:
            kind = sqlite_kind(error)
            raise storage_error(str(file), error, kind, file.parent) from error

    @contextlib.contextmanager
    def write(self, *, aside: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction: committed when the block ends well, undone otherwise; may be nested.

        ``aside``: nothing about photos changes, so nobody is told.
        """
        with self._write_lock:
            if self._writer.in_transaction:
                yield self._writer
                return
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.commit()
                if not aside:
                    self.on_commit()
            except BaseException as error:
                with contextlib.suppress(sqlite3.Error):
                    self._writer.rollback()
                if isinstance(error, sqlite3.Error) and not isinstance(error, UNWRITABLE):
                    raise _refused("written", error) from error
                raise

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A read connection, for a moment; it sees everything committed. Raises StorageError."""
        try:
            with self._reader.read() as connection:
                yield connection
        except sqlite3.DatabaseError as error:
            if isinstance(error, UNWRITABLE):
                raise
            raise _refused("read", error) from error

    def swap(self, key: str, value: str) -> str | None:
        """Record a fact about this catalog (``version``, …) and return what it was before."""
        with self.write() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))
        return None if row is None else str(row[0])

    def fact(self, key: str) -> str | None:
        """What `swap` has recorded last."""
        with self.read() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def erase(self) -> None:
        """Leave nothing in the files of what was deleted: in the words of names, free pages, WAL.

        The larger the catalog, the longer; reads go on meanwhile. Raises StorageError; what a kill
        or an error cuts short is due again: see `erase_due`.
        """
        self.swap(ERASE, "due")
        with self._write_lock:
            try:
                self._writer.execute("INSERT INTO names(names) VALUES('optimize')")
                self._writer.execute("VACUUM")
                emptied = self._empty_log()
            except sqlite3.Error as error:
                raise storage_error(
                    str(self.file), error, sqlite_kind(error), self.file.parent
                ) from error
        if emptied:
            self.swap(ERASE, "done")

    def erase_due(self) -> None:
        """`erase` if one was begun and not ended, or a migration asks for it."""
        if self.fact(ERASE) == "due":
            self.erase()

    def _empty_log(self) -> bool:
        """Whether the write-ahead log could be emptied: no reader was in its way."""
        for _ in range(ERASE_TRIES):
            if self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                return True
            time.sleep(0.1)
        return False

    def close(self) -> None:
        """Close every connection once running statements are done."""
        with self._write_lock:
            self._reader.close()
            self._writer.close()


def _refused(what: str, error: sqlite3.Error) -> StorageError:
    remedy = "check free space and permissions of the state directory"
    # Of a table that is missing SQLite says that the statement is wrong.
    if sqlite_kind(error) == "damage" or _code(error) == sqlite3.SQLITE_ERROR:
        remedy = "photosd restart   (it sets a damaged catalog aside and makes another)"
    return StorageError(f"the catalog cannot be {what}: {error}", remedy=remedy)


def _code(error: sqlite3.Error) -> int | None:
    return getattr(error, "sqlite_errorcode", None)


def _connect(file: Path) -> sqlite3.Connection:
    # isolation_level=None: transactions are ours, not implied by the statement's first word.
    connection = sqlite3.connect(file, timeout=10, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
    for function in (wording.name_words, wording.folder_words, wording.name_key):
        connection.create_function(function.__name__, 1, function, deterministic=True)
    return connection


def _open(file: Path) -> sqlite3.Connection:
    """The connection that writes; a damaged file is set aside, and a new one filled from the file
    system."""
    try:
        return _opened(file)
    except sqlite3.Error as error:
        if sqlite_kind(error) != "damage":
            raise
        kept = set_aside(file)
        log.error(
            "catalog_damaged",
            title="The catalog was damaged; it is rebuilt from your photos",
            cause=str(error),
            kept_as=str(kept),
            remedy=f"nothing to do; delete {kept} when you like",
        )
    return _opened(file)


def _opened(file: Path) -> sqlite3.Connection:
    connection = _connect(file)
    try:
        # First of all, before anything could change a file that is not ours to change.
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StorageError(
                f"{file} was written by a newer photosd (schema {version}, "
                f"this one knows {len(MIGRATIONS)})",
                remedy="install the newer photosd again; the file was not touched",
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise Malformed("its pages make no sense")
        wanted = _names(_in_memory(MIGRATIONS))  # raises where SQLite itself lacks something
        with _as_damage():
            _migrate(connection, version)
            if missing := wanted - _names(connection):
                raise Malformed(f"it lacks {', '.join(sorted(missing)[:3])}")
            connection.execute("INSERT INTO names(names) VALUES('integrity-check')")
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")


@contextlib.contextmanager
def _as_damage() -> Iterator[None]:
    """A statement that is right makes no sense in this file: it is not what its version says."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_ERROR:
            raise
        raise Malformed(str(error)) from error


@functools.cache
def _in_memory(_migrations: tuple[str, ...]) -> sqlite3.Connection:
    """An empty catalog as it should be."""
    connection = _connect(Path(":memory:"))
    _migrate(connection, 0)
    return connection


def _names(connection: sqlite3.Connection) -> set[str]:
    """Tables, their columns, indexes and triggers."""
    rows = connection.execute(
        "SELECT name FROM sqlite_schema UNION SELECT t.name || '.' || c.name"
        " FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.sql NOT LIKE 'CREATE VIRTUAL%'"
        " AND t.type = 'table'"
    )
    return {str(row[0]) for row in rows}
