"""A library of photos with vectors on axes, and an engine with stand-ins of encoder and pool."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from photosd.core.clock import Deadline
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.messages import Facts
from photosd.decode.pool import Decoded
from photosd.encoder.results import TextVectors
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.index.shared_resources import SharedResources
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.index.worklist import WorkList
from photosd.models.spec import ModelSpec, Preprocess, Strength, Tokenizer, Weights
from photosd.places.gazetteer import Gazetteer
from photosd.protocol.requests import QueryParams
from photosd.search.engine import Engine
from photosd.watch.scanner import Entry

SPEC = ModelSpec(
    1,
    "fake",
    "fake",
    {"embed_dim": 4},
    Preprocess(4, (0, 0, 0), (1, 1, 1)),
    Tokenizer("clip-bpe", 8),
    Weights("w", 1, "x"),
    strength=Strength(0.1, 0.5, 0.9),
)


class FakeEncoder:
    """Answers with the axis its text names; may be away, or never answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.silent = False
        self.unknown: list[str] = []

    def encode_texts(self, texts: list[str], _deadline: Deadline) -> Future[Any]:
        self.asked += 1
        future: Future[Any] = Future()
        if self.error is not None:
            future.set_exception(self.error)
        elif not self.silent:
            vectors = np.zeros((len(texts), 4), np.float32)
            vectors[range(len(texts)), [len(text) % 4 for text in texts]] = 1
            future.set_result(
                TextVectors(
                    vectors, [1.0] * len(texts), [self.unknown] * len(texts), [None] * len(texts)
                )
            )
        return future

    def encode_images(self, pixels: Any, deadline: Deadline | None = None) -> Future[Any]:
        assert deadline is not None
        vector = np.zeros((len(pixels), 4), np.float32)
        vector[:, pixels[0, 0, 0, 0]] = 1
        future: Future[Any] = Future()
        future.set_result(vector)
        return future


class TwoSides:
    """Answers with what is between two axes."""

    def encode_texts(self, texts: list[str], _deadline: Deadline) -> Future[Any]:
        vector = np.array([[0.9, 0.436, 0, 0]] * len(texts), np.float32)
        future: Future[Any] = Future()
        future.set_result(
            TextVectors(vector, [1.0] * len(texts), [[]] * len(texts), [None] * len(texts))
        )
        return future


class FakePool:
    """Reads pictures whose name says which axis they show; others cannot be read."""

    def __init__(self) -> None:
        self.read: list[bytes] = []

    def decode(self, path: bytes, _shape: Any, **_more: Any) -> Future[Any]:
        self.read.append(path)
        future: Future[Any] = Future()
        if not (axis := path[-5:-4]).isdigit():
            future.set_exception(DecodeFailed("damaged", "the file is damaged"))
            return future
        pixels = np.full((1, 1, 1, 3), int(axis), np.uint8)
        identity = {"content_id": "new", "size": 1, "mtime_ns": 1, "inode": 1, "device": 1}
        facts = Facts(width=1, height=1, format="JPEG")
        future.set_result(Decoded(**identity, pixels=pixels, facts=facts))  # type: ignore[arg-type]
        return future


class Library:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.database = Database(directory / "catalog.sqlite3")
        self.catalog, self.worklist = Catalog(self.database), WorkList(self.database)
        self.contents = Contents(self.database)
        self.folders = Folders(self.database, directory / "folders.json")
        self.store = VectorStore(directory / "index", SPEC.fingerprint, 4)
        self.store.open()
        self.encoder, self.pool = FakeEncoder(), FakePool()
        self.gazetteer: Gazetteer | None = None
        self._added: list[tuple[Embedding, dict[str, Any], int, Entry]] = []
        self._together = False
        with self.database.write() as db:
            db.execute("INSERT INTO folders(id, path, state) VALUES(1, ?, 'ok')", (b"/p",))
            db.execute("INSERT INTO folders(id, path, state) VALUES(2, ?, 'offline')", (b"/u",))

    def copy(self, path: str, to: str, folder: int = 1) -> None:
        entry = Entry(to.encode(), 1, 1, hash(to) % 10**9, 1)
        self.catalog.adopt(folder, entry, f"1-{path}")

    def add(
        self,
        path: str,
        axis: int,
        folder: int = 1,
        taken_at: float | None = None,
        also: int | None = None,
        **more: Any,
    ) -> None:
        vector = np.full(4, 0.1, np.float32)
        vector[[axis, axis if also is None else also]] = 1
        self.add_vector(path, vector, folder, taken_at=taken_at, **more)

    def add_vector(self, path: str, towards: Any, folder: int = 1, **facts: Any) -> None:
        vector = np.asarray(towards, np.float32)[None] / np.linalg.norm(towards)
        embedding = Embedding(f"1-{path}", vector, facts, (path.encode(),))
        entry = Entry(path.encode(), 1, 1, hash(path) % 10**9, 1)
        self._added.append((embedding, facts, folder, entry))
        if not self._together:
            self._commit()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What is added within is written at its end, at once: a write takes 10 ms."""
        self._together = True
        yield
        self._together = False
        self._commit()

    def _commit(self) -> None:
        added, self._added = self._added, []
        if not added:
            return
        self.store.commit([embedding for embedding, _, _, _ in added])
        self.contents.record(SPEC.fingerprint, [(one.content, facts) for one, facts, _, _ in added])
        for _, _, folder, entry in added:
            self.catalog.put(folder, entry, due=0)
        self.worklist.done([(entry, one.content) for one, _, _, entry in added])

    def engine(self, spec: ModelSpec = SPEC, encoder: Any = None) -> Engine:
        shared = SharedResources(
            self.directory / "index",
            self.database,
            self.catalog,
            self.contents,
            self.folders,
            self.pool,  # type: ignore[arg-type]
            lambda _path: None,
            gazetteer=self.gazetteer,
        )
        return Engine(spec, encoder or self.encoder, self.store, shared)  # type: ignore[arg-type]


def paths(library: Library, text: str, limit: int = 20, **more: Any) -> list[str]:
    return [hit["path"] for hit in library.engine().query(QueryParams(text, limit, **more))["hits"]]
