"""The committer: gathers finished photos and writes them, vectors first, then the catalog."""

from __future__ import annotations

import time
from dataclasses import dataclass

from photosd.index.contents import Contents
from photosd.index.filing import Filing
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.index.worklist import Work
from photosd.watch.scanner import Entry

ROWS = 256  # a commit costs some milliseconds and a fragment, however few rows it has
SECONDS = 1.0


@dataclass(frozen=True)
class Finished:
    """A photo that is done: its file as read, its content, and the embedding if it is new."""

    entry: Entry
    content: str
    embedding: Embedding | None


class Committer:
    """Batches commits; what it has committed survives a killed daemon. One thread uses it."""

    def __init__(
        self, store: VectorStore, contents: Contents, worklist: Work, fingerprint: str
    ) -> None:
        self._store, self._contents, self._worklist = store, contents, worklist
        self._fingerprint = fingerprint
        self._filing = Filing(store, contents, fingerprint)
        self._waiting: list[Finished] = []
        self._since = 0.0

    def __len__(self) -> int:
        """Photos that wait to be committed."""
        return len(self._waiting)

    def add(self, finished: Finished) -> None:
        """One more photo for the next commit."""
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(finished)

    def knows(self, content: str) -> bool:
        """Whether this content has a vector, committed or about to be."""
        waiting = any(f.content == content for f in self._waiting)
        return waiting or self._contents.has_embedding(self._fingerprint, content)

    def patience(self) -> float:
        """Seconds until a commit is due at the latest."""
        return max(0.0, self._since + SECONDS - time.monotonic())

    def due(self) -> bool:
        """Whether enough photos, or any long enough, have waited."""
        return len(self._waiting) >= ROWS or bool(self._waiting and self.patience() == 0.0)

    def tidy(self) -> None:
        """While there is nothing else to do."""
        self._filing.run()
        self._store.tidy()

    def commit(self) -> list[bytes]:
        """Commit everything; the paths that are done. Raises StorageError and keeps all of it."""
        embeddings = [f.embedding for f in self._waiting if f.embedding is not None]
        if embeddings:
            self._store.commit(embeddings)
        with self._contents.batch():
            self._contents.record(self._fingerprint, ((e.content, e.facts) for e in embeddings))
            self._worklist.done((finished.entry, finished.content) for finished in self._waiting)
            self._contents.filed(self._fingerprint, {e.content: e.paths for e in embeddings})
        done, self._waiting = [finished.entry.path for finished in self._waiting], []
        self._filing.run()
        return done
