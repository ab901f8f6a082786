"""The table of Gemini's vectors of photos, separate from CLIP's and not comparable with them."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from photosd.core.config import CloudSettings
from photosd.gemini.worker_messages import Vectors
from photosd.index.dropping import drop_from_tables
from photosd.index.table import Embedding
from photosd.index.vectors import IndexVanished, VectorStore

FORGOTTEN = ".forgotten"
UPKEEP_SECONDS = 60.0


class GeminiTable:
    """The vectors of one embedding model at one size; another model or size has another table.

    Any thread may use it. Nothing is on disk before the first vector.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.RLock()  # held while writing to disk: queries must not take it
        self._opened: tuple[str, VectorStore] | None = None
        self.generation = 0  # incremented each time everything is deleted

    def ready(self, settings: CloudSettings) -> VectorStore | None:
        """The table for these settings if it is open; returns at once."""
        opened = self._opened
        return opened[1] if opened is not None and opened[0] == table_name(settings) else None

    def open(self, settings: CloudSettings, *, make: bool = False) -> VectorStore | None:
        """The table for these settings; None if there is none and none is to be created."""
        name = table_name(settings)
        if (store := self.ready(settings)) is not None:
            return store
        with self._lock:
            if self._opened is not None and self._opened[0] == name:
                return self._opened[1]
            if not make and not (self._directory / f"vectors_{name}.lance").is_dir():
                return None
            store = VectorStore(self._directory, name, settings.dimensions)
            store.open()
            self._opened = name, store
            return store

    def commit(
        self, settings: CloudSettings, contents: Sequence[str], vectors: Vectors, generation: int
    ) -> bool:
        """Store these vectors (len(contents), d); False if everything was deleted since they were
        sent.

        Raises StorageError.
        """
        embeddings = [
            Embedding(content, vector[None, :], {})
            for content, vector in zip(contents, vectors, strict=True)
        ]
        with self._lock:
            if generation != self.generation:
                return False
            for last in (False, True):
                store = self.open(settings, make=True)
                try:
                    if store is not None:
                        store.commit(embeddings)
                    break
                except IndexVanished:
                    self._opened = None
                    if last:
                        raise
        return True

    def remove(self, contents: Sequence[str]) -> None:
        """Delete the vectors of deleted photos, from the tables of every model and size."""
        with self._lock:
            opened = [] if self._opened is None else [self._opened[0]]
            if self._opened is not None:
                with contextlib.suppress(IndexVanished):
                    self._opened[1].remove(contents)
                    self._opened[1].compact()
            drop_from_tables(self._directory, contents, opened)

    def contents(self, settings: CloudSettings) -> set[str]:
        """Every content with a vector."""
        store = self.open(settings)
        return set() if store is None else store.contents()

    def tidy(self) -> None:
        """Delete files replaced by a compaction."""
        with self._lock:
            if self._opened is not None:
                with contextlib.suppress(IndexVanished):
                    self._opened[1].tidy()

    def tidy_others(self) -> None:
        """Erase deleted rows of tables that are not open; raises StorageError."""
        with self._lock:
            opened = [] if self._opened is None else [self._opened[0]]
            drop_from_tables(self._directory, [], opened)

    def forget(self) -> None:
        """Delete the whole directory: every model's vectors, and all cached answers.

        It is renamed first, so that a crash in between leaves nothing that would be opened again.
        """
        with self._lock:
            self.generation += 1
            opened, self._opened = self._opened, None
            doomed = self._directory.with_name(self._directory.name + FORGOTTEN)
            shutil.rmtree(doomed, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                self._directory.rename(doomed)
            if opened is not None:  # its maintenance may have created files since the renaming
                opened[1].wait_idle(UPKEEP_SECONDS)
                shutil.rmtree(self._directory, ignore_errors=True)
            finish_forgetting(self._directory)


def finish_forgetting(directory: Path) -> None:
    """Delete what a crash left of `GeminiTable.forget`; raises OSError if impossible."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(directory.with_name(directory.name + FORGOTTEN))


def table_name(settings: CloudSettings) -> str:
    """Model and size, as the name of a table."""
    return f"{settings.embedding_model.replace('.', '_')}-{settings.dimensions}"
