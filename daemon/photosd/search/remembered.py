"""Remembered query embeddings: a repeated question needs no encoder, even after a restart."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import sqlite3
import threading
import time
import unicodedata
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.core.clock import Deadline
from photosd.core.errors import StorageError
from photosd.index.database import Database

KEPT = 10_000
RECENT = 256  # of them in memory
REFRESH_SECONDS = 86_400.0  # how stale the time of last use may be; spares a write a query


class Meaning(msgspec.Struct, frozen=True):
    """What the encoder made of a query: unit vector (d,) float32, and how much it understood."""

    vector: NDArray[np.float32]
    understood: float
    unknown: list[str]


def normalise(text: str) -> str:
    """The form in which two spellings of one query are the same: NFC, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


class RememberedQueries:
    """Meanings by a salted hash of model and text: the file does not tell what was asked."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self._database = database
        with database.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO meta VALUES('query_salt', ?)", (secrets.token_hex(16),)
            )
            salt = db.execute("SELECT value FROM meta WHERE key = 'query_salt'").fetchone()[0]
        self._key = bytes.fromhex(salt)
        self._person = fingerprint.encode()[:16]
        self._recent: OrderedDict[bytes, Meaning] = OrderedDict()
        self._unsaved: OrderedDict[bytes, Meaning] = OrderedDict()
        self._lock = threading.Lock()
        self._saver = ThreadPoolExecutor(1, "remember")
        self._to_forget = RECENT  # at the first save there may be some

    def get(self, text: str) -> Meaning | None:
        """What is remembered of ``text`` (normalised)."""
        key = self._hash(text)
        if (meaning := self._recent.get(key)) is not None:
            return meaning
        with self._database.read() as db:
            row = db.execute(
                "SELECT vector, understanding, used_at FROM remembered_queries WHERE key = ?",
                (key,),
            ).fetchone()
        if row is None:
            return None
        understood, unknown = msgspec.json.decode(row["understanding"])
        meaning = Meaning(np.frombuffer(row["vector"], np.float32), understood, unknown)
        self._keep_recent(key, meaning)
        if time.time() - row["used_at"] > REFRESH_SECONDS:
            self._save_soon(key, meaning)
        return meaning

    def put(self, text: str, meaning: Meaning) -> None:
        """Remember at once, and on disk soon: no query waits for the disk, or fails when full."""
        key = self._hash(text)
        self._keep_recent(key, meaning)
        self._save_soon(key, meaning)

    def close(self, deadline: Deadline | None = None) -> None:
        """Save what is not saved yet, if that can be done by the deadline."""
        with contextlib.suppress(RuntimeError, TimeoutError):  # closed before; or the disk hangs
            self._saver.submit(self._save).result((deadline or Deadline.to_stop()).remaining)
        self._saver.shutdown(wait=False)

    def _save_soon(self, key: bytes, meaning: Meaning) -> None:
        with self._lock:
            self._unsaved[key] = meaning
            if len(self._unsaved) > RECENT:  # the disk cannot follow; the oldest is forgotten
                self._unsaved.popitem(last=False)
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self._saver.submit(self._save)

    def _save(self) -> None:
        with self._lock:
            unsaved, self._unsaved = self._unsaved, OrderedDict()
        if not unsaved:
            return
        rows = [
            (
                key,
                meaning.vector.tobytes(),
                msgspec.json.encode([meaning.understood, meaning.unknown]).decode(),
                time.time(),
            )
            for key, meaning in unsaved.items()
        ]
        with contextlib.suppress(StorageError), self._database.write(aside=True) as db:
            db.executemany("INSERT OR REPLACE INTO remembered_queries VALUES(?, ?, ?, ?)", rows)
            self._forget_some(db, len(rows))

    def _forget_some(self, db: sqlite3.Connection, saved: int) -> None:
        """Keep KEPT and a few; to find the oldest all are looked at, so not at every save."""
        self._to_forget += saved
        if self._to_forget < RECENT:
            return
        self._to_forget = 0
        db.execute(
            "DELETE FROM remembered_queries WHERE key IN (SELECT key FROM"
            " remembered_queries ORDER BY used_at DESC LIMIT -1 OFFSET ?)",
            (KEPT,),
        )

    def _keep_recent(self, key: bytes, meaning: Meaning) -> None:
        self._recent[key] = meaning
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def _hash(self, text: str) -> bytes:
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"),
            digest_size=16,
            key=self._key,
            person=self._person,
        ).digest()
