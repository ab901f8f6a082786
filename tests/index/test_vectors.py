"""Vectors survive kills, searches are exact, and a vanished index is noticed."""

from __future__ import annotations

import datetime
import errno
import gc
import os
import shutil
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pytest

from photosd.core.errors import StorageError
from photosd.index.dropping import drop_from_tables
from photosd.index.matrix import Matrix
from photosd.index.table import Embedding
from photosd.index.vectors import IndexVanished, VectorStore

DIMENSION = 32
generator = np.random.default_rng(1)


def embedding(content: str, tiles: int = 1) -> Embedding:
    vectors = generator.normal(size=(tiles, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Embedding(content, vectors, {"taken_at": 1.5, "width": 4000})


def opened(directory: Path) -> VectorStore:
    store = VectorStore(directory, "test", DIMENSION)
    store.open()
    return store


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    """A second store over the same directory finds every vector, tiles too, and only once."""
    store = opened(tmp_path)
    photos = [embedding(f"{number}-x", tiles=1 + number % 3) for number in range(30)]
    store.commit(photos)
    store.commit(photos[:5])  # an upsert, as after a kill between the two commits
    again = opened(tmp_path)
    assert len(again) == len(store) == sum(len(p.vectors) for p in photos)
    for photo in photos:
        for tile in photo.vectors:
            assert again.nearest(tile, 1)[0][0] == photo.content


COMMIT = """
import sys
from pathlib import Path
import numpy as np
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore

store = VectorStore(Path(sys.argv[1]), "test", 4)
store.open()
store.commit([Embedding("1-x", np.eye(1, 4, dtype=np.float32), {})])
"""


def test_a_commit_ends_whatever_the_environment_says_of_threads(tmp_path: Path) -> None:
    """With one thread for input and output Lance waits for itself without limit."""
    subprocess.run(
        [sys.executable, "-c", COMMIT, str(tmp_path)],
        env=os.environ | {"LANCE_IO_THREADS": "1"},
        timeout=30,
        check=True,
    )


def test_removed_contents_are_gone(tmp_path: Path) -> None:
    """Removal reaches memory and disk."""
    store = opened(tmp_path)
    photos = [embedding(f"{number}-x") for number in range(10)]
    store.commit(photos)
    store.remove([photos[3].content])
    assert photos[3].content not in store.contents()
    assert photos[3].content not in opened(tmp_path).contents()


def test_what_was_removed_is_taken_off_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lance kept the vector, camera and place of a deleted photo in its file permanently."""
    for module in ("vectors", "dropping"):
        briefly = datetime.timedelta(milliseconds=1)
        monkeypatch.setattr(f"photosd.index.{module}.KEEP_VERSIONS", briefly)
    store = opened(tmp_path)
    store.commit([embedding(f"{number:03}-marked") for number in range(40)])
    assert held(tmp_path, "007-marked")
    store.remove(["007-marked"])
    store.compact()
    time.sleep(0.01)
    store.tidy()
    assert not held(tmp_path, "007-marked")
    assert len(store) == len(opened(tmp_path)) == 39
    drop_from_tables(tmp_path, ["008-marked"], [])  # of a model that is not at work
    time.sleep(0.01)
    drop_from_tables(tmp_path, [], [])
    assert not held(tmp_path, "008-marked") and held(tmp_path, "009-marked")
    assert len(opened(tmp_path)) == 38


def test_metadata_of_older_versions_has_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LanceDB caches metadata of every version of a table, also of those that are deleted."""
    sessions: list[Any] = []
    make = lancedb.Session

    def recorded(**sizes: int) -> Any:
        sessions.append(make(**sizes))
        return sessions[-1]

    monkeypatch.setattr(lancedb, "Session", recorded)
    store = opened(tmp_path)
    for number in range(120):
        store.commit([embedding(f"{number}-x")])
    assert sum(session.size_bytes for session in sessions) < 2_000_000  # it was 8.7 MB


class Name(str):
    """A string that takes weak references."""


def test_a_removed_content_is_not_remembered(tmp_path: Path) -> None:
    """The store kept the ids of all contents that were ever written or removed."""
    store = opened(tmp_path)
    store.commit([embedding("1-x")])
    name = Name("1-x")
    kept = weakref.ref(name)
    store.remove([name])
    del name
    gc.collect()
    assert kept() is None


def held(directory: Path, content: str) -> bool:
    """Whether a file below ``directory`` holds it."""
    files = [file for file in directory.rglob("*") if file.is_file()]
    return any(content.encode() in file.read_bytes() for file in files)


def test_an_index_deleted_while_running_is_noticed(tmp_path: Path) -> None:
    """LanceDB would recreate the directory with a table that misses its data."""
    store = opened(tmp_path / "index")
    store.commit([embedding("1-x")])
    shutil.rmtree(tmp_path / "index")
    with pytest.raises(IndexVanished):
        store.commit([embedding("2-x")])


def test_what_cannot_be_read_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a start needs it, which would be called a defect otherwise."""
    from lancedb.table import LanceTable

    def refuse(*_given: object, **_named: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    store = opened(tmp_path)
    store.commit([embedding("1-x")])
    assert [content for content, _ in store.facts({"1-x"})] == ["1-x"]
    monkeypatch.setattr(LanceTable, "search", refuse)
    with pytest.raises(StorageError):
        list(store.facts({"1-x"}))


def test_a_damaged_table_is_remade(tmp_path: Path) -> None:
    """Truncated data must not keep the daemon from starting."""
    store = opened(tmp_path)
    store.commit([embedding(f"{number}-x") for number in range(50)])
    for file in tmp_path.glob("*.lance/data/*"):
        file.write_bytes(file.read_bytes()[:100])
    assert opened(tmp_path).contents() == set()


def test_nearest_is_exact_and_counts_the_best_tile() -> None:
    """The order is that of a full sort of each content's best tile."""
    matrix = Matrix(DIMENSION, capacity=4)
    rows = generator.normal(size=(300, DIMENSION)).astype(np.float32)
    contents = [f"c{number // 3}" for number in range(300)]
    for start in range(0, 300, 7):
        matrix.append(contents[start : start + 7], rows[start : start + 7])
    query = generator.normal(size=DIMENSION).astype(np.float32)
    best: dict[str, float] = {}
    for content, score in zip(contents, rows @ query, strict=True):
        best[content] = max(best.get(content, -np.inf), float(score))
    expected = sorted(best.items(), key=lambda item: -item[1])
    found = matrix.nearest(query, 40)
    assert [content for content, _ in found] == [content for content, _ in expected[:40]]
    assert len(matrix.nearest(query, 1000)) == 100


def test_dropping_rows_does_not_disturb_the_others() -> None:
    """Every content not dropped keeps its own vector."""
    matrix = Matrix(DIMENSION)
    rows = generator.normal(size=(50, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    matrix.append([f"c{number}" for number in range(50)], rows)
    matrix.drop({"c0", "c10", "c49"})
    assert len(matrix) == 47
    for number in (1, 11, 48):
        content, score = matrix.nearest(rows[number], 1)[0]
        assert content == f"c{number}"
        assert score == pytest.approx(1, abs=1e-5)
