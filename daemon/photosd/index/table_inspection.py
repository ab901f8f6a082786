"""Inspects the tables of vectors from another process, read-only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from photosd.core.errors import StorageError
from photosd.index.table import errors_of_lance, import_lancedb
from photosd.index.vectors import FLUSHED, PREFIX

VECTORS_TRIED = 100_000
BATCH = 8192
LENGTH_TOLERANCE = 0.01


class TableFacts(msgspec.Struct, frozen=True):
    """Content of the tables; ``odd_vectors`` of the sampled ones do not have unit length."""

    contents: set[str]
    rows: int
    fragments: int
    odd_vectors: int


def inspect_table(directory: Path, fingerprint: str) -> TableFacts | None:
    """The facts of one model's tables; None when there is none. Raises StorageError for damage."""
    names = [f"{PREFIX}{fingerprint}{end}" for end in ("", FLUSHED)]
    names = [name for name in names if (directory / f"{name}.lance").is_dir()]
    if not names:
        return None
    import_lancedb()
    try:
        with errors_of_lance():
            return _facts(directory, names)
    except Exception as error:  # LanceDB raises RuntimeError, ValueError, OSError for damage
        raise StorageError(
            f"the table in {directory} cannot be read: {str(error)[:300]}",
            remedy="photosd restart   (renames it and rebuilds it from your photos)",
        ) from error


def _facts(directory: Path, names: Sequence[str]) -> TableFacts:
    connection: Any = import_lancedb().connect(directory)
    contents: set[str] = set()
    rows = fragments = odd = 0
    for name in names:
        table = connection.open_table(name)
        for batch in table.search().select(["content"]).to_batches(BATCH):
            contents.update(batch.column("content").to_pylist())
        fragments += int(table.stats()["fragment_stats"]["num_fragments"])
        rows += table.count_rows()
        odd += _odd_vectors(table)
    return TableFacts(contents, rows, fragments, odd)


def _odd_vectors(table: Any) -> int:
    odd = 0
    for batch in table.search().select(["vector"]).limit(VECTORS_TRIED).to_batches(BATCH):
        column = batch.column("vector")
        flat = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
        with np.errstate(all="ignore"):  # damaged numbers may be huge
            lengths = np.linalg.norm(flat, axis=1)
        odd += int((~(np.abs(lengths - 1) < LENGTH_TOLERANCE)).sum())  # NaN is odd, too
    return odd
