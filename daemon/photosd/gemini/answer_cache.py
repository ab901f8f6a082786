"""The cache of Gemini's answers, encrypted: rewritten queries and vectors of queries.

Each is found by a keyed hash of the query, and encrypted with a key derived from the same: without
the query, neither it nor the answer can be read.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from photosd.index.store_damage import rename_damaged, sqlite_kind

log = structlog.get_logger()

KEPT = 10_000
FILE = "answers.sqlite3"


class AnswerCache:
    """A small SQLite file. Losing it costs a few calls, so its errors are ignored."""

    def __init__(self, directory: Path, keeps: Callable[[], bool] = lambda: True) -> None:
        """``keeps``: whether the settings allow caching queries."""
        self._directory, self._keeps = directory, keeps
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._salt = b""
        self.generation = 0  # incremented each time everything is deleted

    def get(self, kind: str, question: str) -> bytes | None:
        """The answer to ``question``; ``kind`` includes model and version."""
        with self._lock, contextlib.suppress(sqlite3.Error, OSError):
            if not self._keeps() or (db := self._open(make=False)) is None:
                return None
            key = self._key(kind, question)
            row = db.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
            return None if row is None else self._hide(kind, question, row[0])
        return None

    def put(self, kind: str, question: str, answer: bytes, generation: int) -> None:
        """Store it, unless everything was deleted since it was requested, in ``generation``."""
        with self._lock, contextlib.suppress(sqlite3.Error, OSError):
            if generation != self.generation or not self._keeps():
                return
            if (db := self._open(make=True)) is None:
                return
            hidden = self._hide(kind, question, answer)
            db.execute(
                "INSERT OR REPLACE INTO answers VALUES(?, ?, ?)",
                (self._key(kind, question), hidden, time.time()),
            )
            db.execute(
                "DELETE FROM answers WHERE key IN"
                " (SELECT key FROM answers ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (KEPT,),
            )

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._close()

    def forget(self) -> None:
        """Delete the file, and ignore answers requested before; raises OSError."""
        with self._lock:
            self.generation += 1
            self._close()
            for file in self._directory.glob(f"{FILE}*"):  # damaged ones as well
                file.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def _open(self, *, make: bool) -> sqlite3.Connection | None:
        file = self._directory / FILE
        if self._db is not None or not (make or file.exists()):
            return self._db
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._db, self._salt = _connect(file)
        except sqlite3.DatabaseError as error:
            if sqlite_kind(error) != "damage":
                raise
            kept = rename_damaged(file)
            log.warning(
                "answers_damaged",
                cause=str(error),
                kept_as=str(kept),
                remedy="no action needed: they are fetched again",
            )
            self._db, self._salt = _connect(file)
        return self._db

    def _key(self, kind: str, question: str) -> bytes:
        return self._digest(b"key", kind, question, 16)

    def _hide(self, kind: str, question: str, data: bytes) -> bytes:
        """Encrypts, and decrypts."""
        mask = self._digest(b"mask", kind, question, len(data))
        return bytes(a ^ b for a, b in zip(data, mask, strict=True))

    def _digest(self, use: bytes, kind: str, question: str, size: int) -> bytes:
        parts = (use, self._salt, kind.encode(), question.encode("utf-8", "surrogatepass"))
        whole = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hashlib.shake_256(whole).digest(size)


def _connect(file: Path) -> tuple[sqlite3.Connection, bytes]:
    db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=2)
    try:
        db.executescript(
            "CREATE TABLE IF NOT EXISTS answers("
            "key BLOB PRIMARY KEY, answer BLOB NOT NULL, at REAL NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS salt(value BLOB NOT NULL);"
        )
        row = db.execute("SELECT value FROM salt").fetchone()
        if row is None:
            row = (secrets.token_bytes(16),)
            db.execute("INSERT INTO salt VALUES(?)", row)
    except BaseException:
        db.close()
        raise
    return db, bytes(row[0])
