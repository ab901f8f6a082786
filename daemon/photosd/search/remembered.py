"""Remembered query embeddings: a repeated question needs no encoder, even after a restart."""

from __future__ import annotations

import hashlib
import secrets
import time
import unicodedata
from collections import OrderedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.core.errors import StorageError
from photosd.index.database import Database

KEPT = 10_000
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
            self._store(key, meaning)
        return meaning

    def put(self, text: str, meaning: Meaning) -> None:
        """Remember; a full disk is no reason for a query to fail."""
        key = self._hash(text)
        self._keep_recent(key, meaning)
        self._store(key, meaning)

    def _store(self, key: bytes, meaning: Meaning) -> None:
        understanding = msgspec.json.encode([meaning.understood, meaning.unknown]).decode()
        try:
            with self._database.write() as db:
                db.execute(
                    "INSERT OR REPLACE INTO remembered_queries VALUES(?, ?, ?, ?)",
                    (key, meaning.vector.tobytes(), understanding, time.time()),
                )
                db.execute(
                    "DELETE FROM remembered_queries WHERE key IN (SELECT key FROM"
                    " remembered_queries ORDER BY used_at DESC LIMIT -1 OFFSET ?)",
                    (KEPT,),
                )
        except StorageError:
            return

    def _keep_recent(self, key: bytes, meaning: Meaning) -> None:
        self._recent[key] = meaning
        while len(self._recent) > 256:
            self._recent.popitem(last=False)

    def _hash(self, text: str) -> bytes:
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"),
            digest_size=16,
            key=self._key,
            person=self._person,
        ).digest()
