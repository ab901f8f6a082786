"""A panic in LanceDB, which is no Exception, ends no thread: it counts as an error of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lancedb.table import LanceTable

from photosd.core.errors import StorageError
from photosd.index.dropping import drop_from_tables
from photosd.index.maintenance import Maintenance
from photosd.index.table import Embedding
from photosd.index.table_inspection import inspect_table
from photosd.index.vectors import VectorStore

DIMENSION = 8
PHOTO = Embedding("1-a", np.eye(DIMENSION, dtype=np.float32)[[0]], {}, (b"/a.jpg",))


class PanicException(BaseException):
    """As pyo3 names it, and derives it."""


def panic(*_: Any, **__: Any) -> Any:
    raise PanicException("index out of bounds")


@pytest.fixture
def store(tmp_path: Path) -> VectorStore:
    """One photo."""
    store = VectorStore(tmp_path, "test", DIMENSION)
    store.open()
    store.commit([PHOTO])
    return store


@pytest.mark.parametrize("deed", ["commit", "remove", "compact"])
def test_writers_get_an_error_that_is_retried(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    """The pipeline's thread ended with it, and nothing was indexed until a restart."""
    calls = {
        "commit": lambda: store.commit([PHOTO]),
        "remove": lambda: store.remove(["1-a"]),
        "compact": store.compact,
    }
    with monkeypatch.context() as patch:
        for name in ("merge_insert", "delete", "optimize"):
            patch.setattr(LanceTable, name, panic)
        with pytest.raises(StorageError, match="index out of bounds"):
            calls[deed]()
    calls[deed]()


def test_maintenance_rests_after_one() -> None:
    """As after any failure, instead of being repeated at each commit."""
    keeper, done = Maintenance(), list[int]()

    def work() -> int:
        done.append(1)
        return 0

    keeper.begin(panic)
    assert keeper.wait_idle(10)
    keeper.begin(work)
    assert keeper.wait_idle(10)
    assert not done


def test_a_table_that_panics_stops_no_others(
    store: VectorStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the deletion of photos from other tables, nor the doctor."""
    del store
    monkeypatch.setattr(LanceTable, "count_rows", panic)
    with pytest.raises(StorageError):
        inspect_table(tmp_path, "test")
    drop_from_tables(tmp_path, ["1-a"], [])
    assert not list(tmp_path.glob("*.lance"))  # renamed
