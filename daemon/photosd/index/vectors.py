"""The vectors: durable in LanceDB, two tables per model: recent and flushed rows.

Recent rows are searched as one matrix in RAM. Above RAM_BYTES (half of that once there are flushed
rows) all move in the background to the flushed table, which is searched by codes
(docs/adr/0004-exact-search-in-ram.md). Recent rows take precedence.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from photosd.core.clock import Deadline
from photosd.core.errors import StorageError
from photosd.core.heap import trim
from photosd.index.counting import Counts
from photosd.index.filters import Filter, Traits
from photosd.index.flushed import KEEP_VERSIONS, FlushedTable
from photosd.index.maintenance import Maintenance
from photosd.index.matrix import Alive, Matrix, Measure, Vectors
from photosd.index.passing import Passing
from photosd.index.store_damage import lance_kind, rename_damaged, repair_table, storage_error
from photosd.index.table import (
    FACTS,
    READ_FOR_TRAITS,
    Embedding,
    errors_of_lance,
    force_rewrite,
    has_index,
    open_table,
    quoted,
    relabelled,
    rows_of,
    sound,
    sweep_staging,
    traits_of,
    traits_table,
)

log = structlog.get_logger()

PREFIX, FLUSHED = "vectors_", "_settled"  # of the tables' names on disk
# Commits; each adds a fragment and a manifest (measured: 0.15 ms per query each).
COMPACT_EVERY = 40
RAM_BYTES = 64 << 20  # of vectors held in RAM: 65,000 rows of 256 dimensions
# A recent row costs a query four times as much as a flushed one: CALM_SECONDS after the last write,
# rows are flushed if they take this share of RAM_BYTES, before that if they take half.
CALM_SECONDS, CALM_SHARE = 10.0, 16
MOVED_AT_ONCE = 10_000  # flushed contents that become recent when relabelled
BATCH = 8192  # rows
COMPACTIONS = 2  # after a flush: merge flushed rows, then drop replaced files


class IndexVanished(StorageError):
    """The index directory was deleted under the running daemon."""


class VectorStore:
    """Vectors of one model, ``dimension`` numbers each, by content id: durable in LanceDB, recent
    ones searched in RAM.

    Any thread may search; changes are serialised. Raises StorageError if the disk fails.
    """

    def __init__(self, directory: Path, fingerprint: str, dimension: int) -> None:
        self._directory, self.dimension = directory, dimension
        self._name = f"{PREFIX}{fingerprint}"
        self._table: Any = None  # recent rows
        self._matrix = Matrix(dimension)  # the same rows, in RAM
        self._flushed: FlushedTable | None = None
        self._maintenance = Maintenance()
        self._lock = threading.RLock()  # one writer at a time; searches need none
        self._flushing = False  # rows are being moved to the flushed table, or that has failed
        self._changed: set[str] = set()  # contents changed since the move began
        self._removed: set[str] = set()  # those of them that were removed
        self._commits, self._written_at = 0, 0.0
        self._untidy_at: float | None = None
        self._compactions, self._compact_at = 0, 0.0  # pending; when the next one is due
        self.unsure: set[str] = set()  # contents written but not yet in the catalog
        self.rolled_back = False  # rolled back to an older version: labels may be outdated

    # -- opening -----------------------------------------------------------------------------

    def open(self) -> None:
        """Open or create the tables and load the vectors.

        A damaged table is rolled back to its latest readable version (see `rolled_back`), or
        re-created. Other errors raise StorageError and change nothing.
        """
        self.rolled_back = False
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            sweep_staging(self._directory)
            try:
                with errors_of_lance():
                    self._load()
            except Exception as error:
                self._repair(error)
                with errors_of_lance():
                    self._load()
        except StorageError:
            raise
        except Exception as error:
            what = f"the index in {self._directory}"
            kind = lance_kind(error, self._directory)
            raise storage_error(what, error, kind, self._directory) from error
        self._start_maintenance()

    def _repair(self, error: Exception) -> None:
        """Repair damaged tables; raise the error if none is damaged."""
        repaired = 0
        for path in map(self._path, self._names()):
            if path.is_file():
                log.warning("table_damaged", table=path.stem, kept_as=str(rename_damaged(path)))
                repaired += 1
            if not path.is_dir():
                continue
            read = functools.partial(self._read_all, path.stem)
            try:
                read()
            except Exception as found:
                if lance_kind(found, path) != "damage":
                    raise
                log.warning("table_damaged", table=path.stem, cause=str(found)[:500])
                self.rolled_back |= repair_table(path, read)
                repaired += 1
        if not repaired:
            raise error

    def _read_all(self, name: str) -> int:
        """Rows of a table; raises if any cannot be read."""
        with errors_of_lance():
            table = open_table(self._directory, name, self.dimension)
            columns = ["content", "vector", *READ_FOR_TRAITS]
            batches = table.search().select(columns).to_batches(BATCH)
            return sum(len(batch) for batch in batches)

    def _names(self) -> tuple[str, str]:
        return self._name, self._name + FLUSHED

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.lance"

    def _load(self) -> None:
        recent, flushed = self._names()
        self._table = open_table(self._directory, recent, self.dimension)
        if has_index(self._table):  # version 0.1.0 had one table
            self._path(recent).rename(self._path(flushed))
            self._table = open_table(self._directory, recent, self.dimension)
        self._flushed = None
        if self._path(flushed).is_dir():
            found = self._flushed_table()
            if found.ready or found.contents() - self._recent_contents():
                found.open()
                self._flushed = found
                if found.outdated:
                    self._compact_soon()
            else:  # killed while it was flushed for the first time: all rows are still recent
                shutil.rmtree(self._path(flushed))
        self._load_matrix()

    def _recent_contents(self) -> set[str]:
        batches = self._table.search().select(["content"]).to_batches(BATCH)
        return {content for batch in batches for content in batch.column("content").to_pylist()}

    def _load_matrix(self) -> None:
        matrix = Matrix(self.dimension, capacity=self._table.count_rows())
        damaged: set[str] = set()
        columns = self._table.search().select(["content", "vector", *READ_FOR_TRAITS])
        for batch in columns.to_batches(BATCH):
            contents, vectors = batch.column("content").to_pylist(), self._vectors(batch)
            matrix.append(contents, vectors, traits_of(batch))
            damaged.update(contents[row] for row in np.flatnonzero(~sound(vectors)))
        self._matrix = matrix
        if damaged:
            log.error(
                "vectors_damaged",
                contents=len(damaged),
                remedy="no action needed: they are re-created",
            )
            self.remove(sorted(damaged))

    def _vectors(self, rows: Any) -> Vectors:
        flat = rows.column("vector").flatten().to_numpy(zero_copy_only=False)
        found: Vectors = flat.reshape(-1, self.dimension)
        return found

    # -- writing ------------------------------------------------------------------------------

    def commit(self, embeddings: Sequence[Embedding]) -> None:
        """Write these, replacing rows of the same content; survives a killed process.

        Raises StorageError, or IndexVanished if the directory was deleted.
        """
        contents = [e.content for e in embeddings for _ in e.vectors]
        traits = [found for e in embeddings for found in [e.traits] * len(e.vectors)]
        with self._writing():
            self._upsert(rows_of(embeddings, self.dimension))
            # All at once: neighbouring rows are copied each time.
            self._matrix.drop(set(contents))
            self._matrix.append(contents, np.concatenate([e.vectors for e in embeddings]), traits)
        self._start_maintenance()

    def relabel(self, contents: Mapping[str, Traits]) -> None:
        """Change the traits of the rows of these contents.

        For recent rows only columns are written. Flushed rows become recent again, up to
        MOVED_AT_ONCE contents. Contents without rows are ignored.
        """
        with self._writing():
            recent = {one: found for one, found in contents.items() if one in self._matrix}
            flushed = {one: contents[one] for one in contents.keys() - recent.keys()}
            if recent:
                changes = traits_table(recent)
                self._table.merge_insert("content").when_matched_update_all().execute(changes)
                self._committed(recent)
                self._matrix.relabel(recent)
            if flushed and self._flushed is not None:
                self._relabel_flushed(self._flushed, flushed)
        self._start_maintenance()

    def _relabel_flushed(self, place: FlushedTable, contents: Mapping[str, Traits]) -> None:
        if len(contents) > MOVED_AT_ONCE:
            place.relabel(traits_table(contents))
            self._compact_soon()
            return
        rows = relabelled(place.full_rows(list(contents)), contents)
        self._upsert(rows)
        for batch in rows.to_batches():
            names = batch.column("content").to_pylist()
            self._matrix.append(names, self._vectors(batch), [contents[name] for name in names])

    def remove(self, contents: Sequence[str]) -> None:
        """Delete the vectors of these contents."""
        with self._writing():
            for part in quoted(contents):
                self._table.delete(f"content IN ({part})")
            self._matrix.drop(set(contents))
            if self._flushing:
                self._removed.update(contents)
            if self._flushed is not None:
                self._flushed.remove(contents)

    def _upsert(self, rows: Any) -> None:
        if not len(rows):
            return
        merge = self._table.merge_insert("key")
        merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)
        self._committed(rows.column("content").to_pylist())

    def _committed(self, contents: Iterable[str]) -> None:
        if self._flushing:
            self._changed.update(contents)
            self._removed.difference_update(contents)
        self._commits += 1
        self._written_at = time.monotonic()
        if self._commits % COMPACT_EVERY == 0:
            self._optimize()

    def compact(self) -> None:
        """Merge fragments and drop old versions; of flushed rows, as soon as possible.

        Deleted rows are soon erased from disk; flushed ones, once they are a tenth.
        """
        with self._writing():
            force_rewrite(self._table)
            self._optimize()
        self._compactions, self._compact_at = COMPACTIONS, 0.0
        self._start_maintenance()

    def tidy(self) -> None:
        """Delete the files that the last compaction replaced, once they are unused."""
        if self._untidy_at is not None and time.monotonic() > self._untidy_at:
            with self._writing():
                self._table.optimize(cleanup_older_than=KEEP_VERSIONS)
                self._untidy_at = None
            trim()
        self._start_maintenance()

    def wait_idle(self, seconds: float) -> bool:
        """Wait for background writes, up to this time; False if one is still running."""
        return self._maintenance.wait_idle(seconds)

    def close(self, deadline: Deadline) -> None:
        """Stop background writes."""
        self._maintenance.close(deadline)

    def _optimize(self) -> None:
        self._table.optimize(cleanup_older_than=KEEP_VERSIONS)
        self._untidy_at = time.monotonic() + KEEP_VERSIONS.total_seconds()

    # -- flushing, in a background thread --------------------------------------------------------

    def _start_maintenance(self) -> None:
        """Start a flush or a compaction in the background, if one is due."""
        calm = time.monotonic() - self._written_at > CALM_SECONDS
        room = RAM_BYTES // (1 if self._flushed is None else CALM_SHARE if calm else 2)
        if len(self._matrix) * self.dimension * 4 > room:
            self._maintenance.begin(self._flush)
        elif self._compactions and time.monotonic() >= self._compact_at:
            self._maintenance.begin(self._compact)

    def _flush(self) -> int:
        """Copy recent rows, build codes of them, and only then delete the recent ones."""
        try:
            return self._flush_recent()
        finally:
            if self._flushed is None and not self._maintenance.abandoned:  # all are recent
                shutil.rmtree(self._path(self._names()[1]), ignore_errors=True)

    def _flush_recent(self) -> int:
        with self._lock:
            left = self._removed if self._flushing else set()  # since an attempt that failed
            self._flushing, self._changed, self._removed = True, set(), left
        place = self._flushed or self._flushed_table()
        place.remove(sorted(self._recent_contents() | left))
        for batch in self._table.search().to_batches(BATCH):
            place.append(batch)
        place.compact()
        if self._maintenance.abandoned:
            return 0
        with self._writing():
            place.remove(sorted(left))
            self._flushed = place
            kept = ", ".join(f"'{content}'" for content in self._changed)
            self._table.delete(f"content NOT IN ({kept})" if kept else "true")
            self._matrix.drop(self._matrix.contents() - self._changed)
            self._flushing = False
            self._optimize()
        self._compact_soon()
        return len(self)

    def _compact_soon(self) -> None:
        """Merge flushed rows, and then drop replaced files; not while they are read."""
        self._compactions = COMPACTIONS
        self._compact_at = time.monotonic() + KEEP_VERSIONS.total_seconds()

    def _compact(self) -> int:
        if self._flushed is not None:
            self._flushed.compact()
        self._compactions -= 1
        self._compact_at = time.monotonic() + KEEP_VERSIONS.total_seconds()
        return len(self)

    def _flushed_table(self) -> FlushedTable:
        return FlushedTable(self._directory, self._names()[1], self.dimension)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time; LanceDB's errors become StorageError."""
        with self._lock:
            kept = self._names() if self._flushed is not None else self._names()[:1]
            if not all((self._path(name) / "_versions").is_dir() for name in kept):
                # LanceDB would "succeed" and leave a table that refers to missing files.
                vanished = f"{self._directory} has vanished"
                raise IndexVanished(vanished, remedy="no action needed: it is re-created")
            try:
                with errors_of_lance():
                    yield
            except Exception as error:
                raise StorageError(
                    f"vectors cannot be written: {error}",
                    remedy=f"check free space and permissions of {self._directory}; if they are "
                    "right: photosd restart   (repairs a damaged index)",
                ) from error

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """LanceDB's errors become StorageError: a query has a fallback."""
        try:
            with errors_of_lance():
                yield
        except Exception as error:
            raise StorageError(
                f"the index cannot be read: {str(error)[:300]}",
                remedy="photosd doctor; if it is damaged: photosd restart",
            ) from error

    # -- reading ------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Rows: one a tile."""
        if self._flushed is None:
            return len(self._matrix)
        with self._reading():
            return len(self._matrix) + len(self._flushed)

    def contents(self) -> set[str]:
        """Every content id with a vector."""
        recent = self._matrix.contents()
        if self._flushed is None:
            return recent
        with self._reading():
            return recent | self._flushed.contents()

    def facts(self, contents: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Facts of these contents in the tables, if the catalog has none."""
        tables = [self._table] if self._flushed is None else [self._table, self._flushed.table]
        for table in tables:
            with self._reading():
                batches = table.search().select(["content", *FACTS]).to_batches(BATCH)
                for batch in batches:
                    for row in batch.to_pylist():
                        if (content := row.pop("content")) in contents:
                            yield content, {fact: v for fact, v in row.items() if v is not None}

    def nearest(
        self, query: Vectors, count: int, where: Filter | None = None
    ) -> list[tuple[str, float]]:
        """The ``count`` nearest contents that pass ``where`` with their cosine, best first."""
        # In this order: rows that are flushed meanwhile are in both, never in none.
        found = self._matrix.nearest(query, count, where)
        if self._flushed is None:
            return found
        seen = {content for content, _ in found}
        with self._reading():
            found += self._flushed.nearest(
                query, count, where, lambda content: content in seen or content in self._matrix
            )
        return sorted(found, key=lambda one: -one[1])[:count]

    def counts(self, where: Filter | None, contents: Collection[str] | None = None) -> Counts:
        """Counts of photos with a path that pass ``where`` and are in ``contents``, if not None."""
        found = self._matrix.counts(where, contents)  # first, as in `nearest`
        if self._flushed is None:
            return found
        with self._reading():
            hidden = sorted(self._matrix.contents())
            return found.joined(self._flushed.counts(where, contents, hidden))

    def passing(self, where: Filter) -> Passing:
        """The contents that pass ``where``."""
        recent = self._matrix.passing(where)
        with self._reading():
            more = [] if self._flushed is None else [self._flushed.passing(where)]
        return Passing([recent, *more])

    def latest(
        self,
        count: int,
        where: Filter,
        among: Collection[str] | None = None,
        *,
        oldest: bool = False,
    ) -> list[str]:
        """The ``count`` contents taken last of those that pass ``where`` and are in ``among`` if
        not None, the last one first; with ``oldest`` those taken first, the first one first.
        """
        found = self._matrix.latest(count, where, among, oldest=oldest)
        if self._flushed is not None:
            with self._reading():
                hidden = self._matrix.__contains__
                more = self._flushed.latest(count, where, among, hidden, oldest=oldest)
            found = sorted([*found, *more], key=lambda one: -one[1])
        return list(dict.fromkeys(content for content, _ in found))[:count]

    def best(
        self, queries: Vectors, alive: Alive, measure: Measure = np.inner
    ) -> tuple[Vectors, int]:
        """The best score of each query (n, d) with any row of a content that has a path, -1 without
        any: (n,) float32; and the number of those rows.
        """
        found, rows = self._matrix.best(queries, alive, measure)
        if self._flushed is None:
            return found, rows

        def living(contents: Sequence[str]) -> set[str]:
            return {content for content in alive(contents) if content not in self._matrix}

        flushed, more = self._flushed.best(queries, living, measure)
        return np.maximum(found, flushed), rows + more

    def vectors_of(self, contents: Sequence[str]) -> dict[str, Vectors]:
        """The vectors (tiles, d) of those of these contents that have any."""
        found = self._matrix.vectors_of(contents)
        missing = [content for content in contents if content not in found]
        if missing and self._flushed is not None:
            with self._reading():
                found |= self._flushed.vectors_of(missing)
        return found

    def bytes_on_disk(self) -> int:
        """Size of the tables' files."""
        total = 0
        for name in self._names():
            for directory, _, files in os.walk(self._path(name)):
                for file in files:
                    with contextlib.suppress(OSError):  # it was removed while we looked
                        total += Path(directory, file).stat().st_size
        return total
