"""Cached query embeddings: a repeated query needs no encoder, even after a restart."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import sqlite3
import struct
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from photosd.core.clock import Deadline
from photosd.core.errors import StorageError
from photosd.encoder.tokenizer import words_of
from photosd.index.database import Database

log = structlog.get_logger()

KEPT = 10_000
RECENT = 256  # of them in memory
SAVE_SECONDS = 10.0  # to write pending ones to disk
SALT, SALT_BYTES = "queries.salt", 16  # stored beside the catalog, not in it
OLDER_SALT, OLDER = "query_salt", 2  # as stored in the catalog; see its migrations
REFRESH_SECONDS = 86_400.0  # precision of the time of last use; saves a write per query


class QueryEmbedding(msgspec.Struct, frozen=True):
    """The embedding of a query: unit vector (d,) float32, and how much was understood."""

    vector: NDArray[np.float32]
    understood: float
    unknown: list[str]
    words_used: int | None = None  # of a text that the model truncates


def normalise(text: str) -> str:
    """The form in which equal queries are equal: NFC, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


class QueryCache:
    """Embeddings by a salted hash of model and text, each encrypted with a key derived from the
    same.

    The catalog contains no word of a query; decrypting its vector takes the query and the salt,
    which is in a separate file. ``keeps``: whether anything is stored on disk. ``earlier``: the
    fingerprint of an older model whose vectors are the same for texts that it understood entirely.
    """

    def __init__(
        self,
        database: Database,
        fingerprint: str,
        keeps: Callable[[], bool] = lambda: True,
        earlier: str | None = None,
    ) -> None:
        self._database, self._keeps = database, keeps
        self._key = _salt(database)
        self._person = _person(fingerprint)
        self._earlier = None if earlier in (None, fingerprint) else _person(earlier or "")
        self._recent: OrderedDict[bytes, QueryEmbedding] = OrderedDict()
        self._unsaved: OrderedDict[bytes, tuple[bytes, bool]] = OrderedDict()
        self._lock = threading.Lock()
        self._saver = ThreadPoolExecutor(1, "remember")
        self._to_forget = RECENT  # there may be some at the first save
        self.generation = 0  # incremented by each deletion

    def get(self, text: str) -> QueryEmbedding | None:
        """The cached embedding of ``text`` (normalised)."""
        key, generation = self._hash(text), self.generation
        if (embedding := self._recent.get(key)) is not None:
            return embedding
        if not self._keeps():
            return None
        row = self._stored(key)
        if row is None:
            return self._of_earlier(text, generation)
        unsaved: tuple[bytes, bool] | None
        embedding = self._shown(text, row)
        if row["cloud"] == OLDER:
            unsaved = self._hide(text, _packed(text, embedding)), True
        else:
            stale = time.time() - row["used_at"] > REFRESH_SECONDS
            unsaved = (row["hidden"], bool(row["cloud"])) if stale else None
        self._keep(key, embedding, unsaved, generation)
        return embedding

    def _stored(self, key: bytes) -> sqlite3.Row | None:
        with self._database.read() as db:
            row: sqlite3.Row | None = db.execute(
                "SELECT hidden, cloud, used_at FROM remembered_queries WHERE key = ?", (key,)
            ).fetchone()
        return row

    def _of_earlier(self, text: str, generation: int) -> QueryEmbedding | None:
        if self._earlier is None:
            return None
        row = self._stored(self._hash(text, self._earlier))
        embedding = None if row is None else self._shown(text, row, self._earlier)
        if row is None or embedding is None or embedding.understood < 1:
            return None
        self.put(text, embedding, generation, cloud=bool(row["cloud"]))
        return embedding

    def _shown(self, text: str, row: sqlite3.Row, person: bytes | None = None) -> QueryEmbedding:
        if row["cloud"] == OLDER:  # all of it was understood
            return QueryEmbedding(np.frombuffer(row["hidden"], np.float32), 1.0, [])
        return _unpacked(text, self._hide(text, row["hidden"], person))

    def put(
        self,
        text: str,
        embedding: QueryEmbedding,
        generation: int | None = None,
        *,
        cloud: bool = False,
    ) -> None:
        """Cache at once, and write to disk soon: queries do not wait for the disk, nor fail if it
        is full.

        ``cloud``: the text is Gemini's. Ignored if requested in an earlier ``generation``.
        """
        hidden = (self._hide(text, _packed(text, embedding)), cloud) if self._keeps() else None
        self._keep(self._hash(text), embedding, hidden, generation)

    def forget(self, *, cloud_only: bool = False) -> None:
        """Delete all cached embeddings of any model; or Gemini's captions.

        `Database.erase` then erases them from disk. Raises StorageError.
        """
        with self._lock:
            self.generation += 1
            self._recent.clear()
            kept = {k: v for k, v in self._unsaved.items() if cloud_only and not v[1]}
            self._unsaved = OrderedDict(kept)
        self._after_saving()
        with self._database.write(quiet=True) as db:
            db.execute("DELETE FROM remembered_queries WHERE cloud OR NOT ?", (cloud_only,))

    def close(self, deadline: Deadline | None = None) -> None:
        """Save pending ones, if possible by the deadline."""
        with contextlib.suppress(RuntimeError, TimeoutError):  # closed before; or the disk hangs
            self._saver.submit(self._save).result((deadline or Deadline.to_stop()).remaining)
        self._saver.shutdown(wait=False)

    def _after_saving(self) -> None:
        """Run after the current save has finished or failed."""
        with contextlib.suppress(RuntimeError, TimeoutError):
            self._saver.submit(lambda: None).result(SAVE_SECONDS)

    def _keep(
        self,
        key: bytes,
        embedding: QueryEmbedding,
        unsaved: tuple[bytes, bool] | None,
        generation: int | None,
    ) -> None:
        """Keep in memory, and queue ``unsaved`` ones for the disk; unless deleted since."""
        with self._lock:
            if generation not in (None, self.generation):
                return
            self._recent[key] = embedding
            while len(self._recent) > RECENT:
                self._recent.popitem(last=False)
            if unsaved is None:
                return
            self._unsaved[key] = unsaved
            if len(self._unsaved) > RECENT:  # the disk is too slow; drop the oldest
                self._unsaved.popitem(last=False)
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self._saver.submit(self._save)

    def _save(self) -> None:
        with self._lock:
            unsaved, self._unsaved = self._unsaved, OrderedDict()
        if not unsaved:
            return
        now = time.time()
        rows = [(key, hidden, cloud, now) for key, (hidden, cloud) in unsaved.items()]
        with contextlib.suppress(StorageError), self._database.write(quiet=True) as db:
            if not self._keeps():
                return
            db.executemany("INSERT OR REPLACE INTO remembered_queries VALUES(?, ?, ?, ?)", rows)
            self._forget_some(db, len(rows))

    def _forget_some(self, db: sqlite3.Connection, saved: int) -> None:
        """Keep KEPT and a few more; finding the oldest reads all, so not at every save."""
        self._to_forget += saved
        if self._to_forget < RECENT:
            return
        self._to_forget = 0
        db.execute(
            "DELETE FROM remembered_queries WHERE key IN (SELECT key FROM"
            " remembered_queries ORDER BY used_at DESC LIMIT -1 OFFSET ?)",
            (KEPT,),
        )

    def _hash(self, text: str, person: bytes | None = None) -> bytes:
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"),
            digest_size=16,
            key=self._key,
            person=person or self._person,
        ).digest()

    def _hide(self, text: str, data: bytes, person: bytes | None = None) -> bytes:
        """Encrypts, and decrypts."""
        parts = (self._key, person or self._person, text.encode("utf-8", "surrogatepass"))
        whole = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        mask = hashlib.shake_256(b"mask" + whole).digest(len(data))
        return (np.frombuffer(data, np.uint8) ^ np.frombuffer(mask, np.uint8)).tobytes()


def _person(fingerprint: str) -> bytes:
    return fingerprint.encode()[:16]


def _packed(text: str, embedding: QueryEmbedding) -> bytes:
    """How much was understood, the positions of unknown words in the text, the vector."""
    words = words_of(text)
    places = [words.index(word) for word in embedding.unknown if word in words][:255]
    head = struct.pack(f"<fB{len(places)}H", embedding.understood, len(places), *places)
    return head + embedding.vector.astype(np.float32).tobytes()


def _unpacked(text: str, data: bytes) -> QueryEmbedding:
    understood, count = struct.unpack_from("<fB", data)
    places = struct.unpack_from(f"<{count}H", data, 5)
    words = words_of(text)
    unknown = [words[place] for place in places if place < len(words)]
    vector = np.frombuffer(data[5 + 2 * count :], np.float32)
    return QueryEmbedding(vector, round(float(understood), 6), unknown)


def _salt(database: Database) -> bytes:
    """The key of all hashes, in a private file; a lost one is re-created.

    If it cannot be written, cached queries are lost when the daemon ends. Older versions stored it
    in the catalog.
    """
    file = database.file.with_name(SALT)
    with contextlib.suppress(OSError):
        if SALT_BYTES <= len(salt := file.read_bytes()) <= hashlib.blake2b.MAX_KEY_SIZE:
            return salt
    older = database.meta(OLDER_SALT)
    salt = bytes.fromhex(older) if older else secrets.token_bytes(SALT_BYTES)
    try:
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(salt)
        with database.write(quiet=True) as db:
            db.execute("DELETE FROM meta WHERE key = ?", (OLDER_SALT,))
    except OSError as error:
        log.warning("query_salt_not_saved", cause=str(error), remedy=f"free space for {file}")
    return salt
