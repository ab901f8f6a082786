"""The SQLite file of the catalog: opening, migrations, one writer, many readers."""

from __future__ import annotations

import contextlib
import json
import queue
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog

from photosd.core import wording
from photosd.core.errors import StorageError
from photosd.core.listeners import Listeners
from photosd.core.query_priority import holding
from photosd.decode import merging
from photosd.index import labels
from photosd.index.migrations import MIGRATIONS, SCHEMA
from photosd.index.store_damage import Malformed, rename_damaged, sqlite_kind, storage_error

log = structlog.get_logger()

# Errors of writing one row caused by its data, not by the disk or the statement: the transaction
# continues without the row.
UNWRITABLE = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    UnicodeError,
)
READERS = 4  # so that lookups of queries do not wait behind long ones of comparisons
ERASE, ERASE_TRIES = "erase", 20
LOCK_SECONDS = 10  # to wait for a lock
CLOSE_SECONDS = 5.0  # for running statements; then they are interrupted


class Reader:
    """Read-only connections. A separate reader does not wait for others."""

    def __init__(self, file: Path, connections: int = 1) -> None:
        self._every = [connect(file) for _ in range(connections)]
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        for connection in self._every:
            connection.execute("PRAGMA query_only = ON")
            self._idle.put(connection)

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection for one block; it sees everything committed."""
        connection = self._idle.get()  # the one used last: its pages are in memory
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def close(self) -> None:
        """Close all once running statements end; long ones are interrupted."""
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
            self._idle.put(connection)  # later callers get an error that it is closed


class Database:
    """One SQLite file; writes are serialised, reads run in parallel (WAL)."""

    def __init__(self, file: Path) -> None:
        self.file, self._write_lock = file, threading.RLock()
        self.changed = Listeners()  # notified after each commit, in any thread
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._writer = _open(file)
            self._reader = Reader(file, READERS)
        except (sqlite3.Error, OSError, MemoryError) as error:
            kind = sqlite_kind(error)
            raise storage_error(str(file), error, kind, file.parent) from error

    @contextlib.contextmanager
    def write(self, *, quiet: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction: committed at the end of the block, rolled back on errors; may be nested.

        ``quiet``: photos do not change, so listeners are not called.
        """
        with self._write_lock, holding():
            if self._writer.in_transaction:
                yield self._writer
                return
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.commit()
                if not quiet:
                    self.changed.notify()
            except BaseException as error:
                with contextlib.suppress(sqlite3.Error):
                    self._writer.rollback()
                if isinstance(error, sqlite3.Error) and not isinstance(error, UNWRITABLE):
                    raise _refused("written", error) from error
                raise

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A read connection for one block; it sees everything committed. Raises StorageError."""
        try:
            with self._reader.read() as connection:
                yield connection
        except sqlite3.DatabaseError as error:
            if isinstance(error, UNWRITABLE):
                raise
            raise _refused("read", error) from error

    def set_meta(self, key: str, value: str) -> str | None:
        """Store a value of this catalog (``version``, …) and return the previous one."""
        with self.write() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))
        return None if row is None else str(row[0])

    def meta(self, key: str) -> str | None:
        """The value stored by `set_meta`."""
        with self.read() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def erase(self) -> None:
        """Erase deleted data from the files: full-text index, free pages, WAL.

        Takes longer for larger catalogs; reads continue. Raises StorageError; an interrupted run is
        due again: see `erase_due`.
        """
        self.set_meta(ERASE, "due")
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
            self.set_meta(ERASE, "done")

    def erase_due(self) -> None:
        """Run `erase` if it was interrupted, or a migration requests it."""
        if self.meta(ERASE) == "due":
            self.erase()

    def empty_log(self) -> None:
        """Erase deleted data from the write-ahead log: now, or soon by `erase`."""
        with self._write_lock:
            try:
                emptied = self._empty_log()
            except sqlite3.Error:  # the disk is full
                emptied = False
        if not emptied:
            self.set_meta(ERASE, "due")

    def _empty_log(self) -> bool:
        """Whether the write-ahead log was emptied: no reader prevented it.

        SQLite would wait for each reader as long as for a lock, and block all writers meanwhile.
        """
        self._writer.execute("PRAGMA busy_timeout = 0")
        try:
            for _ in range(ERASE_TRIES):
                if self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                    return True
                time.sleep(0.1)
            return False
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {1000 * LOCK_SECONDS}")

    def close(self) -> None:
        """Close all connections once running statements end."""
        with self._write_lock:
            self._reader.close()
            self._writer.close()


def listed(values: Iterable[str]) -> str:
    """One value for ``IN (SELECT value FROM json_each(?))``, however many these are."""
    return json.dumps(list(values))


def _refused(what: str, error: sqlite3.Error) -> StorageError:
    remedy = "check free space and permissions of the state directory"
    # For a missing table, SQLite reports an error in the statement.
    if sqlite_kind(error) == "damage" or _code(error) == sqlite3.SQLITE_ERROR:
        remedy = "photosd restart   (renames a damaged catalog and creates a new one)"
    return StorageError(f"the catalog cannot be {what}: {error}", remedy=remedy)


def _code(error: sqlite3.Error) -> int | None:
    return getattr(error, "sqlite_errorcode", None)


def connect(file: Path) -> sqlite3.Connection:
    # isolation_level=None: transactions are explicit, not implied by the statement.
    connection = sqlite3.connect(
        file, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA secure_delete = ON")  # overwrite deleted data
    for function in (wording.name_words, wording.folder_words, wording.name_key):
        connection.create_function(function.__name__, 1, function, deterministic=True)
    connection.create_function("merged_facts", 2, merging.merged_facts, deterministic=True)
    for name, arguments in labels.SQL_FUNCTIONS.items():
        connection.create_function(name, arguments, getattr(labels, name), deterministic=True)
    return connection


def _open(file: Path) -> sqlite3.Connection:
    """The writing connection; a damaged file is renamed, and a new one filled from the file
    system.
    """
    try:
        return _opened(file)
    except sqlite3.Error as error:
        if sqlite_kind(error) != "damage":
            raise
        kept = rename_damaged(file)
        log.error(
            "catalog_damaged",
            title="The catalog was damaged; it is rebuilt from your photos",
            cause=str(error),
            kept_as=str(kept),
            remedy=f"no action needed; you can delete {kept}",
        )
    return _opened(file)


def _opened(file: Path) -> sqlite3.Connection:
    connection = connect(file)
    try:
        # Check this first, before changing the file.
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA:
            raise StorageError(
                f"{file} was written by a newer photosd (schema {version}, "
                f"this one knows {SCHEMA})",
                remedy="install the newer photosd again; the file was not changed",
            )
        if version and version not in MIGRATIONS:
            raise Malformed(f"no release of photosd has schema {version}")
        _keep_temporary_files_beside(connection, file)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")  # macOS: through the disk's cache
        connection.execute("PRAGMA foreign_keys = ON")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise Malformed("its pages are invalid")
        wanted = _wanted()  # raises if SQLite itself lacks a feature
        with _as_damage():
            _migrate(connection, version)
            if missing := wanted - _names(connection):
                raise Malformed(f"it lacks {', '.join(sorted(missing)[:3])}")
            connection.execute("INSERT INTO names(names) VALUES('integrity-check')")
    except BaseException:
        connection.close()
        raise
    return connection


def _keep_temporary_files_beside(connection: sqlite3.Connection, file: Path) -> None:
    """Have SQLite write temporary files, which hold everything during a VACUUM, to this directory.

    The default is /var/tmp. This applies to the whole process.
    """
    place = str(file.parent.absolute()).replace("'", "''")
    with contextlib.suppress(sqlite3.Error, UnicodeError):  # it is not writable, or not text
        connection.execute(f"PRAGMA temp_store_directory = '{place}'")


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number, script in MIGRATIONS.items():
        if number > version:
            connection.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")


@contextlib.contextmanager
def _as_damage() -> Iterator[None]:
    """A valid statement fails in this file: its schema does not match its version."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_ERROR:
            raise
        raise Malformed(str(error)) from error


def _wanted() -> set[str]:
    """The names in an empty catalog."""
    with contextlib.closing(connect(Path(":memory:"))) as connection:
        _migrate(connection, 0)
        return _names(connection)


def _names(connection: sqlite3.Connection) -> set[str]:
    """Tables, their columns, indexes and triggers."""
    rows = connection.execute(
        "SELECT name FROM sqlite_schema UNION SELECT t.name || '.' || c.name"
        " FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.sql NOT LIKE 'CREATE VIRTUAL%'"
        " AND t.type = 'table'"
    )
    return {str(row[0]) for row in rows}
