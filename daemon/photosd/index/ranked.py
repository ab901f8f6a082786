"""Search where RAM should not hold every vector: LanceDB's 5-bit RaBitQ index on disk.

All partitions are probed, because texts lie far from pictures (the modality gap) and pruning loses
recall there, and twice as many rows as wanted are compared exactly: recall@20 was 1.000 at a
million rows (docs/adr/0004).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from photosd.index.filters import Filter, clause, folded
from photosd.index.matrix import Vectors

BITS = 5
ROWS_A_PARTITION = 4000
REFINE = 2
ALL_PARTITIONS = 1 << 16  # more than there ever are
TILES_SPARE = 8  # rows beyond those wanted, since a panorama has three


class Ranked:
    """The same questions as to a Matrix, asked of an indexed table."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._cameras = _cameras(table)

    def __len__(self) -> int:
        """Rows: one a tile."""
        return int(self._table.count_rows())

    def contents(self) -> set[str]:
        """Every content id with a vector, read from disk."""
        found: set[str] = set()
        for batch in self._table.search().select(["content"]).to_batches(65_536):
            found.update(batch.column("content").to_pylist())
        return found

    def note(self, cameras: Iterable[str | None]) -> None:
        """Rows with these (case-folded) have come."""
        self._cameras = self._cameras | {camera for camera in cameras if camera is not None}

    def nearest(
        self, query: Vectors, count: int, where: Filter | None = None
    ) -> list[tuple[str, float]]:
        """The ``count`` nearest contents and their cosine, best first; the best tile counts.

        ``query``: (d,) float32 of unit length. Only contents that pass ``where`` count. Rows that
        are not indexed yet are compared exactly.
        """
        passing = "" if where is None else clause(where, self._cameras)
        if passing is None:
            return []
        take = count + TILES_SPARE
        while True:
            rows = self._rows(query, take, passing)
            found: dict[str, float] = {}
            for content, distance in rows:
                found.setdefault(content, 1.0 - distance)  # LanceDB's dot distance is 1 - dot
            if len(found) >= count or len(rows) < take:
                return list(found.items())[:count]
            take *= 2

    def _rows(self, query: Vectors, take: int, passing: str) -> list[tuple[str, float]]:
        search = (
            self._table.search(query, vector_column_name="vector")
            .distance_type("dot")
            .nprobes(ALL_PARTITIONS)
            .refine_factor(REFINE)
            .limit(take)
            .select(["content", "_distance"])
        )
        answer = (search.where(passing) if passing else search).to_arrow()
        return list(
            zip(answer["content"].to_pylist(), answer["_distance"].to_pylist(), strict=True)
        )


def _cameras(table: Any) -> set[str]:
    """Every camera there is, case-folded."""
    names: set[str | None] = set()
    for batch in table.search().select(["camera"]).to_batches(65_536):
        names.update(batch.column("camera").unique().to_pylist())
    return {name for name in map(folded, names) if name is not None}


def is_ranked(table: Any) -> bool:
    """Whether the table has its index."""
    return any(index.columns == ["vector"] for index in table.list_indices())


def rank(table: Any) -> None:
    """Build the index, anew if there is one: 4 s for 100,000 rows, a minute for a million."""
    from lancedb.index import IvfRq

    partitions = max(1, table.count_rows() // ROWS_A_PARTITION)
    config = IvfRq(distance_type="dot", num_bits=BITS, num_partitions=partitions)
    table.create_index("vector", config=config, replace=True)
    index_traits(table)


def index_traits(table: Any) -> None:
    """Build what filters and writers look up, where it is missing: 2 s for a million rows."""
    from lancedb.index import BTree, LabelList

    wanted = {column: BTree() for column in ("key", "content", "moment", "latitude")}
    there = {tuple(index.columns) for index in table.list_indices()}
    for column, config in {**wanted, "labels": LabelList()}.items():
        if (column,) not in there:
            table.create_index(column, config=config)
