"""Remembered query embeddings: a repeated question needs no encoder, even after a restart."""

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
SAVE_SECONDS = 10.0  # for what is on its way to the disk
SALT, SALT_BYTES = "queries.salt", 16  # beside the catalog, not in it
OLDER_SALT, OLDER = "query_salt", 2  # as they stand in the catalog; see its migrations
REFRESH_SECONDS = 86_400.0  # how stale the time of last use may be; spares a write a query


class QueryEmbedding(msgspec.Struct, frozen=True):
    """What the encoder made of a query: unit vector (d,) float32, and how much it understood."""

    vector: NDArray[np.float32]
    understood: float
    unknown: list[str]
    words_used: int | None = None  # of a text that the model reads only the beginning of


def normalise(text: str) -> str:
    """The form in which two spellings of one query are the same: NFC, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


class RememberedQueries:
    """Meanings by a salted hash of model and text, each hidden by a key made of the same.

    The catalog holds no word of a query, and its vector only for who knows salt and query; the salt
    is a file of its own. ``keeps``: whether anything is remembered on the disk.
    """

    def __init__(
        self, database: Database, fingerprint: str, keeps: Callable[[], bool] = lambda: True
    ) -> None:
        self._database, self._keeps = database, keeps
        self._key = _salt(database)
        self._person = fingerprint.encode()[:16]
        self._recent: OrderedDict[bytes, QueryEmbedding] = OrderedDict()
        self._unsaved: OrderedDict[bytes, tuple[bytes, bool]] = OrderedDict()
        self._lock = threading.Lock()
        self._saver = ThreadPoolExecutor(1, "remember")
        self._to_forget = RECENT  # at the first save there may be some
        self.generation = 0  # one more each time that something is forgotten

    def get(self, text: str) -> QueryEmbedding | None:
        """What is remembered of ``text`` (normalised)."""
        key, generation = self._hash(text), self.generation
        if (embedding := self._recent.get(key)) is not None:
            return embedding
        if not self._keeps():
            return None
        with self._database.read() as db:
            row = db.execute(
                "SELECT hidden, cloud, used_at FROM remembered_queries WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return None
        unsaved: tuple[bytes, bool] | None
        if row["cloud"] == OLDER:  # all of it was understood
            embedding = QueryEmbedding(np.frombuffer(row["hidden"], np.float32), 1.0, [])
            unsaved = self._hide(text, _packed(text, embedding)), True
        else:
            embedding = _unpacked(text, self._hide(text, row["hidden"]))
            stale = time.time() - row["used_at"] > REFRESH_SECONDS
            unsaved = (row["hidden"], bool(row["cloud"])) if stale else None
        self._keep(key, embedding, unsaved, generation)
        return embedding

    def put(
        self,
        text: str,
        embedding: QueryEmbedding,
        generation: int | None = None,
        *,
        cloud: bool = False,
    ) -> None:
        """Remember at once, and on disk soon: no query waits for the disk, or fails when full.

        ``cloud``: the text is Gemini's. Nothing is remembered that was asked for in an earlier
        ``generation`` than this one.
        """
        hidden = (self._hide(text, _packed(text, embedding)), cloud) if self._keeps() else None
        self._keep(self._hash(text), embedding, hidden, generation)

    def forget(self, *, cloud_only: bool = False) -> None:
        """Remember nothing of what was asked until now, by any model; or of Gemini's captions.

        `Database.erase` then takes it off the disk. Raises StorageError.
        """
        with self._lock:
            self.generation += 1
            self._recent.clear()
            kept = {k: v for k, v in self._unsaved.items() if cloud_only and not v[1]}
            self._unsaved = OrderedDict(kept)
        self._after_saving()
        with self._database.write(aside=True) as db:
            db.execute("DELETE FROM remembered_queries WHERE cloud OR NOT ?", (cloud_only,))

    def close(self, deadline: Deadline | None = None) -> None:
        """Save what is not saved yet, if that can be done by the deadline."""
        with contextlib.suppress(RuntimeError, TimeoutError):  # closed before; or the disk hangs
            self._saver.submit(self._save).result((deadline or Deadline.to_stop()).remaining)
        self._saver.shutdown(wait=False)

    def _after_saving(self) -> None:
        """What is being saved at this moment is on the disk, or never will be."""
        with contextlib.suppress(RuntimeError, TimeoutError):
            self._saver.submit(lambda: None).result(SAVE_SECONDS)

    def _keep(
        self,
        key: bytes,
        embedding: QueryEmbedding,
        unsaved: tuple[bytes, bool] | None,
        generation: int | None,
    ) -> None:
        """In memory, and on the disk soon what is ``unsaved``; unless all was forgotten since."""
        with self._lock:
            if generation not in (None, self.generation):
                return
            self._recent[key] = embedding
            while len(self._recent) > RECENT:
                self._recent.popitem(last=False)
            if unsaved is None:
                return
            self._unsaved[key] = unsaved
            if len(self._unsaved) > RECENT:  # the disk cannot follow; the oldest is forgotten
                self._unsaved.popitem(last=False)
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self._saver.submit(self._save)

    def _save(self) -> None:
        with self._lock:
            unsaved, self._unsaved = self._unsaved, OrderedDict()
        if not unsaved or not self._keeps():
            return
        now = time.time()
        rows = [(key, hidden, cloud, now) for key, (hidden, cloud) in unsaved.items()]
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

    def _hash(self, text: str) -> bytes:
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"),
            digest_size=16,
            key=self._key,
            person=self._person,
        ).digest()

    def _hide(self, text: str, data: bytes) -> bytes:
        """Hidden data in clear, and clear data hidden."""
        parts = (self._key, self._person, text.encode("utf-8", "surrogatepass"))
        whole = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        mask = hashlib.shake_256(b"mask" + whole).digest(len(data))
        return (np.frombuffer(data, np.uint8) ^ np.frombuffer(mask, np.uint8)).tobytes()


def _packed(text: str, embedding: QueryEmbedding) -> bytes:
    """How much was understood, the places of unknown words among those of the text, the vector."""
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
    """The key of all hashes, in a file that is its owner's alone; a lost one is made anew.

    Where that cannot be written, what is remembered is found until the daemon ends. Older versions
    had it in the catalog.
    """
    file = database.file.with_name(SALT)
    with contextlib.suppress(OSError):
        if SALT_BYTES <= len(salt := file.read_bytes()) <= hashlib.blake2b.MAX_KEY_SIZE:
            return salt
    older = database.fact(OLDER_SALT)
    salt = bytes.fromhex(older) if older else secrets.token_bytes(SALT_BYTES)
    try:
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(salt)
        with database.write(aside=True) as db:
            db.execute("DELETE FROM meta WHERE key = ?", (OLDER_SALT,))
    except OSError as error:
        log.warning("salt_not_kept", cause=str(error), remedy=f"make room for {file}")
    return salt
