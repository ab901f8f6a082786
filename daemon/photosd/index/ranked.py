"""Search where RAM should not hold every vector: a table of its own with LanceDB's 5-bit index.

All partitions are probed, because texts lie far from pictures (the modality gap) and pruning loses
recall there, and twice as many rows as wanted are compared exactly: recall@20 was 1.000 at a
million rows (docs/adr/0004). Filters are looked up in indexes first, and only what passes is
compared.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from photosd.index.filters import Filter, clause, folded
from photosd.index.matrix import Vectors
from photosd.index.table import LEAST_CACHE, has_index, open_table, quoted

BITS = 5
ROWS_A_PARTITION = 4000
REFINE = 2
ALL_PARTITIONS = 1 << 16  # more than there ever are
TILES_SPARE = 8  # rows beyond those wanted, since a panorama has three
INDEX_BYTES = 0.7  # of the index for each number of a vector: 5 bits, and a little more
INDEXED = ("content", "labels", "moment", "latitude")
GROWTH = 4  # times the rows the index was built for: its partitions have become too large
KEEP_VERSIONS = datetime.timedelta(seconds=15)  # for searches that began before a commit


class Ranked:
    """The same questions as to a Matrix, asked of an indexed table. Any thread may ask."""

    def __init__(
        self, directory: Path, name: str, dimension: int, built_for: int | None = None
    ) -> None:
        self.table = open_table(directory, name, dimension)
        rows = self.table.count_rows()
        # Room for its index, and for the next one beside it: a cache too small is read anew for
        # each query, which took 14 times as long at a million rows.
        cache = int(2 * INDEX_BYTES * rows * dimension)
        if cache > LEAST_CACHE:
            self.table = open_table(directory, name, dimension, cache)
        self.built_for = rows if built_for is None else built_for
        self._cameras = _cameras(self.table)
        self.complete = self._is_complete()

    def _is_complete(self) -> bool:
        """Whether the indexes know every row, so that nobody need look beside them."""
        names = {index.columns[0]: index.name for index in self.table.list_indices()}
        return names.keys() >= {"vector", *INDEXED} and not any(
            self.table.index_stats(name).num_unindexed_rows for name in names.values()
        )

    @property
    def ready(self) -> bool:
        """Whether it has its index."""
        return has_index(self.table)

    def __len__(self) -> int:
        """Rows: one a tile."""
        return int(self.table.count_rows())

    def contents(self) -> set[str]:
        """Every content id with a vector, read from disk."""
        found: set[str] = set()
        for batch in self.table.search().select(["content"]).to_batches(65_536):
            found.update(batch.column("content").to_pylist())
        return found

    # -- writing; one thread at a time --------------------------------------------------------

    def absorb(self, rows: Any) -> None:
        """Take these rows of another table (a batch); its own of the same contents are gone by now:
        the tiles of one content may come in two batches."""
        import pyarrow as pa

        self.table.add(pa.Table.from_batches([rows]).select(self.table.schema.names))

    def remove(self, contents: Sequence[str]) -> None:
        """Drop the rows of these contents."""
        for part in quoted(contents):
            if self.table.count_rows(f"content IN ({part})"):
                self.table.delete(f"content IN ({part})")

    def taken_out(self, contents: Sequence[str]) -> Any:
        """The whole rows of these contents, as an Arrow table; they stay until removed."""
        import pyarrow as pa

        found = [
            self.table.search().where(f"content IN ({p})").to_arrow() for p in quoted(contents)
        ]
        return pa.concat_tables(found)

    def relabel(self, changes: Any) -> None:
        """Set columns of many contents: an Arrow table, see `table.traits_table`. Filters read
        them slowly until they are folded."""
        self.complete = False
        self.table.merge_insert("content").when_matched_update_all().execute(changes)

    def fold(self) -> None:
        """Bring what has come into the indexes: a minute for a million rows, less for fewer.

        Whoever searches or writes meanwhile is not held up.
        """
        if not self.ready or len(self) >= GROWTH * self.built_for:
            self.table.optimize(cleanup_older_than=KEEP_VERSIONS)
            self._build()
        self._index_traits()
        self.tidy()

    def tidy(self) -> None:
        """Merge fragments and drop what nobody has read for a while."""
        self.table.optimize(cleanup_older_than=KEEP_VERSIONS)
        self.complete = self._is_complete()

    def _build(self) -> None:
        from lancedb.index import IvfRq

        partitions = max(1, len(self) // ROWS_A_PARTITION)
        config = IvfRq(distance_type="dot", num_bits=BITS, num_partitions=partitions)
        self.table.create_index("vector", config=config, replace=True)
        self.built_for = len(self)

    def _index_traits(self) -> None:
        """Index what filters and writers look up, where that is missing."""
        from lancedb.index import BTree, LabelList

        there = {tuple(index.columns) for index in self.table.list_indices()}
        for column in INDEXED:
            if (column,) not in there:
                config = LabelList() if column == "labels" else BTree()
                self.table.create_index(column, config=config)

    # -- reading ------------------------------------------------------------------------------

    def vectors_of(self, contents: Sequence[str]) -> dict[str, Vectors]:
        """The vectors (tiles, d) of those of these contents that have any."""
        found: dict[str, list[Vectors]] = {}
        for part in quoted(contents):
            search = self.table.search().where(f"content IN ({part})")
            rows = search.select(["content", "vector"]).to_arrow()
            flat = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            for content, vector in zip(
                rows["content"].to_pylist(), flat.reshape(len(rows), -1), strict=True
            ):
                found.setdefault(content, []).append(vector)
        return {content: np.stack(tiles) for content, tiles in found.items()}

    def nearest(
        self,
        query: Vectors,
        count: int,
        where: Filter | None = None,
        hidden: Callable[[str], bool] = lambda _content: False,
    ) -> list[tuple[str, float]]:
        """The ``count`` nearest contents and their cosine, best first; the best tile counts.

        ``query``: (d,) float32 of unit length. Only contents that pass ``where`` and are not
        ``hidden`` count.
        """
        passing = "" if where is None else clause(where, self._cameras)
        if passing is None:
            return []
        take = count + TILES_SPARE
        while True:
            rows = self._rows(query, take, passing)
            found: dict[str, float] = {}
            for content, distance in rows:
                if not hidden(content):
                    found.setdefault(content, 1.0 - distance)  # LanceDB's distance is 1 - dot
            if len(found) >= count or len(rows) < take:
                return list(found.items())[:count]
            take *= 2

    def _rows(self, query: Vectors, take: int, passing: str) -> list[tuple[str, float]]:
        search = (
            self.table.search(query, vector_column_name="vector")
            .distance_type("dot")
            .nprobes(ALL_PARTITIONS)
            .refine_factor(REFINE)
            .limit(take)
            .select(["content", "_distance"])
        )
        if passing:
            search = search.where(passing)
        if self.complete:
            search = search.fast_search()
        answer = search.to_arrow()
        return list(
            zip(answer["content"].to_pylist(), answer["_distance"].to_pylist(), strict=True)
        )


def _cameras(table: Any) -> set[str]:
    """Every camera there is, case-folded."""
    names: set[str | None] = set()
    for batch in table.search().select(["camera"]).to_batches(65_536):
        names.update(batch.column("camera").unique().to_pylist())
    return {name for name in map(folded, names) if name is not None}
