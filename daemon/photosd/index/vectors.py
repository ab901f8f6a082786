"""The vectors: durable in LanceDB, one table per model; searched exactly in RAM, or by an index.

Small libraries are searched exactly, as one matrix in RAM; beyond RAM_BYTES an index on disk takes
over (docs/adr/0004-exact-search-in-ram.md).
"""

from __future__ import annotations

import contextlib
import datetime
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from photosd.core.errors import StorageError
from photosd.index.filters import Filter, Traits
from photosd.index.matrix import Matrix, Vectors
from photosd.index.ranked import Ranked, index_traits, is_ranked, rank
from photosd.index.table import (
    FACTS,
    LEAST_CACHE,
    READ_FOR_TRAITS,
    Embedding,
    open_table,
    rows_of,
    sound,
    sweep_staging,
    traits_of,
    traits_table,
)

log = structlog.get_logger()

PREFIX = "vectors_"
COMPACT_EVERY = 40  # commits; each adds a fragment and a manifest (research: 0.15 ms a query each)
RAM_BYTES = 64 << 20  # of vectors held in RAM: 65,000 rows of 256 dimensions
RERANK_GROWTH = 4  # times the rows the index was built for: its partitions have become too large
INDEX_BYTES = 0.7  # of the index for each number of a vector: 5 bits, and a little more
KEEP_VERSIONS = datetime.timedelta(seconds=15)  # for searches that began before a commit


class IndexVanished(StorageError):
    """The index directory was deleted under the running daemon."""


class VectorStore:
    """Vectors of one model by content id: durable in LanceDB, searched in memory.

    Any thread may search; changes are serialised. Raises StorageError when the disk refuses.
    """

    def __init__(self, directory: Path, fingerprint: str, dimension: int) -> None:
        self._directory, self._dimension = directory, dimension
        self._name = f"{PREFIX}{fingerprint}"
        self._search: Matrix | Ranked = Matrix(dimension)
        self._ranking: threading.Thread | None = None
        self._ranked_rows = 0
        self._untidy_at: float | None = None
        self._lock = threading.RLock()  # one writer at a time; searches need none
        self._commits = 0
        self._table: Any = None

    # -- life ---------------------------------------------------------------------------------

    def open(self) -> None:
        """Open or make the table and load its vectors; a damaged table is set aside and remade."""
        sweep_staging(self._directory)
        try:
            self._load()
        except Exception as error:  # LanceDB raises RuntimeError, ValueError, OSError for damage
            damaged = self._directory / f"{self._name}.lance"
            log.error(
                "index_damaged",
                title="The index was damaged; it is rebuilt from your photos",
                cause=str(error)[:500],
                remedy="nothing to do",
            )
            shutil.rmtree(damaged, ignore_errors=True)
            try:
                self._load()
            except Exception as again:
                raise StorageError(
                    f"the index in {self._directory} cannot be opened: {again}",
                    remedy=f"check free space and permissions of {self._directory}",
                ) from again

    def _load(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._table = open_table(self._directory, self._name, self._dimension)
        rows = self._table.count_rows()
        self._enlarge_cache(rows)
        if self._too_many(rows) and is_ranked(self._table):
            index_traits(self._table)  # version 0.1.0 had none
            self._search, self._ranked_rows = Ranked(self._table), rows
            return
        matrix = Matrix(self._dimension, capacity=rows)
        damaged: set[str] = set()
        columns = self._table.search().select(["content", "vector", *READ_FOR_TRAITS])
        for batch in columns.to_batches(8192):
            flat = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
            contents, vectors = (
                batch.column("content").to_pylist(),
                flat.reshape(-1, self._dimension),
            )
            matrix.append(contents, vectors, traits_of(batch))
            damaged.update(contents[row] for row in np.flatnonzero(~sound(vectors)))
        self._search = matrix
        if damaged:
            log.error("vectors_damaged", contents=len(damaged), remedy="they are made again")
            self.remove(sorted(damaged))
        self._rank_if_due()

    # -- writing ------------------------------------------------------------------------------

    def commit(self, embeddings: Sequence[Embedding]) -> None:
        """Write these, replacing rows of the same content; durable against a killed process.

        Raises StorageError, or IndexVanished when the directory is not there any more.
        """
        table = rows_of(embeddings, self._dimension)
        with self._writing():
            (
                self._table.merge_insert("key")
                .when_matched_update_all()
                .when_not_matched_insert_all()
                .execute(table)
            )
            self._commits += 1
            if self._commits % COMPACT_EVERY == 0:
                self._optimize()
            if isinstance(self._search, Matrix):
                self._search.drop({embedding.content for embedding in embeddings})
                _append(self._search, embeddings)
            else:
                self._search.note(e.traits.camera for e in embeddings)
        self._rank_if_due()

    def relabel(self, contents: Mapping[str, Traits]) -> None:
        """Give the rows of these contents other labels and another moment; unknown ones have none.

        Columns are written, not rows: the vectors and their index stay as they are.
        """
        with self._writing():
            changes = traits_table(contents)
            self._table.merge_insert("content").when_matched_update_all().execute(changes)
            self._commits += 1
            if isinstance(self._search, Matrix):
                self._search.relabel(contents)

    def remove(self, contents: Sequence[str]) -> None:
        """Drop the vectors of these contents."""
        with self._writing():
            for start in range(0, len(contents), 500):
                part = ", ".join(f"'{content}'" for content in contents[start : start + 500])
                self._table.delete(f"content IN ({part})")
            if isinstance(self._search, Matrix):
                self._search.drop(set(contents))

    def compact(self) -> None:
        """Merge fragments and drop old versions, so that neither time nor disk grows."""
        with self._writing():
            self._optimize()

    def tidy(self) -> None:
        """Drop the files that the last compaction replaced, once nobody can be reading them."""
        if self._untidy_at is not None and time.monotonic() > self._untidy_at:
            with self._writing():
                self._table.optimize(cleanup_older_than=KEEP_VERSIONS)
                self._untidy_at = None

    def _optimize(self) -> None:
        self._table.optimize(cleanup_older_than=KEEP_VERSIONS)
        self._untidy_at = time.monotonic() + KEEP_VERSIONS.total_seconds()

    # -- beyond RAM ---------------------------------------------------------------------------

    def _too_many(self, rows: int) -> bool:
        return rows * self._dimension * 4 > RAM_BYTES

    def _rank_if_due(self) -> None:
        """Build the index in a thread of its own; searches go on as they were meanwhile."""
        rows = len(self._search)
        due = self._too_many(rows) and rows >= RERANK_GROWTH * self._ranked_rows
        if due and (self._ranking is None or not self._ranking.is_alive()):
            self._ranking = threading.Thread(target=self._rank, name="ranking", daemon=True)
            self._ranking.start()

    def _enlarge_cache(self, rows: int) -> None:
        """Open the table anew with room for its index, and for the next one beside it.

        A cache too small is read anew for each query (14 times as slow at a million rows); one too
        large fills up with indexes that are no more.
        """
        cache = int(2 * INDEX_BYTES * rows * self._dimension)
        if cache > LEAST_CACHE:
            self._table = open_table(self._directory, self._name, self._dimension, cache)

    def _rank(self) -> None:
        started = time.monotonic()
        try:
            with self._writing():  # commits wait; queries do not
                rank(self._table)
                self._enlarge_cache(self._table.count_rows())
                self._search, self._ranked_rows = Ranked(self._table), self._table.count_rows()
        except StorageError as error:
            log.error("ranking_failed", cause=str(error), remedy=error.remedy)
            return
        seconds = round(time.monotonic() - started, 1)
        log.info("vectors_ranked", rows=self._ranked_rows, seconds=seconds)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time; whatever LanceDB raises becomes a StorageError."""
        with self._lock:
            if not (self._directory / f"{self._name}.lance" / "_versions").is_dir():
                # LanceDB would "succeed" and leave a table that refers to files that are gone.
                raise IndexVanished(
                    f"{self._directory} has vanished", remedy="nothing to do: it is made again"
                )
            try:
                yield
            except Exception as error:
                raise StorageError(
                    f"vectors cannot be written: {error}",
                    remedy=f"check free space and permissions of {self._directory}",
                ) from error

    # -- reading ------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Rows: one a tile."""
        return len(self._search)

    def contents(self) -> set[str]:
        """Every content id with a vector."""
        return self._search.contents()

    def facts(self, contents: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """What the table still knows of these contents, when the catalog knows nothing."""
        for batch in self._table.search().select(["content", *FACTS]).to_batches(8192):
            for row in batch.to_pylist():
                if (content := row.pop("content")) in contents:
                    yield content, {fact: value for fact, value in row.items() if value is not None}

    def nearest(
        self, query: Vectors, count: int, where: Filter | None = None
    ) -> list[tuple[str, float]]:
        """The ``count`` nearest contents that pass ``where`` and their cosine, best first; see
        Matrix.nearest."""
        return self._search.nearest(query, count, where)

    def bytes_on_disk(self) -> int:
        """Size of the table's files."""
        total = 0
        for file in (self._directory / f"{self._name}.lance").rglob("*"):
            try:
                total += file.stat().st_size
            except OSError:
                continue  # compaction removed it while we looked
        return total


def drop_tables(directory: Path, kept: Iterable[str]) -> int:
    """Delete the tables of models other than these fingerprints; how many there were."""
    names = {f"{PREFIX}{fingerprint}" for fingerprint in kept}
    doomed = [
        t for t in directory.glob(f"{PREFIX}*.lance") if t.name[: -len(".lance")] not in names
    ]
    for table in doomed:
        shutil.rmtree(table, ignore_errors=True)
    return len(doomed)


def _append(matrix: Matrix, embeddings: Sequence[Embedding]) -> None:
    """All at once: what lies beside the rows is copied each time."""
    contents = [e.content for e in embeddings for _ in e.vectors]
    traits = [found for e in embeddings for found in [e.traits] * len(e.vectors)]
    matrix.append(contents, np.concatenate([e.vectors for e in embeddings]), traits)
