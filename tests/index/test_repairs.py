"""No error deletes a store: refusals and shortages leave it alone, damage costs little."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
import pytest

from photosd.core.errors import StorageError
from photosd.index import database as catalogs
from photosd.index import store_damage, vectors
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.filters import Traits
from photosd.index.flushed import FlushedTable
from photosd.index.folders import Folders
from photosd.index.migrations import MIGRATIONS, SCHEMA
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from tests.index import tables

DIMENSION = 16
TABLE = "vectors_m.lance"


def embedding(number: int, tiles: int = 1) -> Embedding:
    rows = np.random.default_rng(number).normal(size=(tiles, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Embedding(f"{number + 16:x}-{number:032x}", rows, {"camera": "Leica"}, (b"/a/1.jpg",))


def opened(directory: Path) -> VectorStore:
    store = VectorStore(directory, "m", DIMENSION)
    store.open()
    return store


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A table of four commits of ten photos each."""
    directory = tmp_path / "index"
    store = opened(directory)
    for commit in range(4):
        store.commit([embedding(10 * commit + number) for number in range(10)])
    return directory


def files_of(directory: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in directory.rglob("*")
        if file.is_file()
    }


def newest(index: Path, part: str) -> Path:
    return max((index / TABLE / part).glob("*.*e*"), key=lambda file: file.stat().st_mtime_ns)


REFUSALS = [
    OSError(errno.EACCES, "Permission denied"),
    RuntimeError("lance error: LanceError(IO): Permission denied (os error 13)"),
    RuntimeError("lance error: LanceError(IO): Input/output error (os error 5)"),
    RuntimeError("lance error: LanceError(IO): Read-only file system (os error 30)"),
    RuntimeError("lance error: LanceError(IO): Too many open files (os error 24)"),
    RuntimeError("lance error: LanceError(IO): No space left on device (os error 28)"),
    RuntimeError("this dataset cannot be read by this version of Lance, please upgrade Lance"),
    MemoryError(),
    ImportError("lancedb"),
    TypeError("a defect of ours"),
]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: str(error)[-25:])
def test_what_is_no_damage_changes_nothing(
    index: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error gives the reason; when its cause is gone all photos are there."""
    before = files_of(index)

    def refuse(*_: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(vectors, "open_table", refuse)
        with pytest.raises(StorageError) as caught:
            opened(index)
    assert "changed" in caught.value.remedy
    assert files_of(index) == before
    assert len(opened(index)) == 40


def test_a_file_that_may_not_be_read_changes_nothing(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever words Lance has for it: the system is asked for every file."""
    before, walk = files_of(index), os.walk

    def denied(top: Any, **more: Any) -> Any:
        yield from walk(top, **more)
        raise PermissionError(errno.EACCES, "Permission denied")

    newest(index, "_versions").write_bytes(b"x")
    with monkeypatch.context() as patch:
        patch.setattr(os, "walk", denied)
        with pytest.raises(StorageError, match="cannot be opened"):
            opened(index)
    assert files_of(index).keys() == before.keys()


@pytest.mark.parametrize("part", ["_versions", "data"])
@pytest.mark.parametrize("how", ["garbage", "half", "empty", "gone"])
def test_the_version_before_the_damage_is_taken(index: Path, part: str, how: str) -> None:
    """One commit is lost, and made again; what was damaged is kept."""
    file = newest(index, part)
    size = file.stat().st_size
    if how == "gone":
        file.unlink()
    else:
        content = {"garbage": random.randbytes(size), "half": file.read_bytes()[: size // 2]}
        file.write_bytes(content.get(how, b""))
    store = opened(index)
    assert len(store) == 30
    if (part, how) != ("_versions", "gone"):  # that is no damage to Lance
        assert store.rolled_back
        assert [one.name[: len(TABLE)] for one in index.glob(f"{TABLE}.damaged-*")] == [TABLE]
    store.commit([embedding(30 + number) for number in range(10)])
    assert len(opened(index)) == 40


def test_labels_that_cannot_be_read_are_damage_too(index: Path) -> None:
    """They lie in a file of their own once a photo has moved; contents and vectors can be read."""
    opened(index).relabel({embedding(1).content: Traits((1,), None, 1.0)})
    file = newest(index, "data")
    file.write_bytes(file.read_bytes().replace(b"double", b"\xff\xfe\xfd\xfc\xfb\xfa"))
    store = opened(index)
    assert store.rolled_back and len(store) == 40


def test_only_the_last_two_generations_are_kept(index: Path) -> None:
    """A table of which nothing can be read is renamed as a whole."""
    for _ in range(4):
        for file in (index / TABLE / "data").iterdir():
            file.write_bytes(b"x")
        store = opened(index)
        assert len(store) == 0 and not store.rolled_back
        store.commit([embedding(1)])
    assert len(list(index.glob(f"{TABLE}.damaged-*"))) == 2
    assert len(opened(index)) == 1


def test_flushed_rows_without_codes_are_kept(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are nowhere else are not taken for a copy of what is recent."""
    monkeypatch.setattr(vectors, "RAM_BYTES", 1)
    store = opened(index)
    assert store.wait_idle(60) and tables.states(index)
    monkeypatch.setattr(FlushedTable, "ready", False)
    assert len(opened(index).contents()) == 40


def test_a_flush_keeps_every_tile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of contents whose tiles come in two batches."""
    monkeypatch.setattr(vectors, "BATCH", 100)
    store = opened(tmp_path)
    photos = [embedding(number, 3 if number % 4 == 0 else 1) for number in range(1000)]
    store.commit(photos)
    rows = len(store)
    monkeypatch.setattr(vectors, "RAM_BYTES", 1)
    store.tidy()
    assert store.wait_idle(60) and tables.states(tmp_path)
    assert len(store) == rows
    found = store.vectors_of([photo.content for photo in photos])
    assert all(len(found[photo.content]) == len(photo.vectors) for photo in photos)


def test_a_table_that_cannot_be_read_is_an_error_for_people(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a query falls back on names."""
    monkeypatch.setattr(vectors, "RAM_BYTES", 1)
    store = opened(index)
    assert store.wait_idle(60)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("lance error: Too many open files (os error 24)")

    monkeypatch.setattr(FlushedTable, "nearest", broken)
    with pytest.raises(StorageError, match="cannot be read"):
        store.nearest(embedding(1).vectors[0], 3)


# -- the catalog --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_ERROR,
    ],
)  # fmt: skip
def test_a_catalog_is_only_damaged_when_sqlite_says_so(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the class of the error and its words."""
    file = tmp_path / "catalog.sqlite3"
    Database(file).close()
    error = sqlite3.DatabaseError("database disk image is malformed, or so")
    error.sqlite_errorcode = code

    def refuse(_file: Path) -> Any:
        raise error

    monkeypatch.setattr(catalogs, "connect", refuse)
    with pytest.raises(StorageError, match="cannot be opened"):
        Database(file)
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_a_damaged_catalog_is_kept_with_its_log(tmp_path: Path) -> None:
    """What was written last is in the log; of the sets kept there are two."""
    file = tmp_path / "catalog.sqlite3"
    for generation in range(3):
        file.write_bytes(b"damaged")
        file.with_name(f"{file.name}-wal").write_bytes(b"log %d" % generation)
        store_damage.rename_damaged(file)
    kept = store_damage.damaged_copies(file)
    logs = [one.with_name(f"{one.name}-wal").read_bytes() for one in kept]
    assert logs == [b"log 1", b"log 2"]
    assert len(list(tmp_path.iterdir())) == 4


def test_folders_that_cannot_be_read_are_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged list is kept, one that may not be read stops the start."""
    copy, database = tmp_path / "folders.json", Database(tmp_path / "c.sqlite3")
    copy.write_text('[{"path_b64": "L2E=", "exc')
    assert Folders(database, copy).all() == []
    assert [one.read_text()[:12] for one in tmp_path.glob("folders.json.damaged-*")] == [
        '[{"path_b64"'
    ]
    good = {"path_b64": "L25vd2hlcmU=", "excludes": []}
    copy.write_text(json.dumps([{"odd": 1}, good]))
    assert [folder.path for folder in Folders(database, copy).all()] == [b"/nowhere"]
    with database.write() as db:
        db.execute("DELETE FROM folders")

    def refuse(_self: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StorageError, match=r"folders\.json"):
        Folders(database, copy)


def test_an_older_version_gets_the_folders_of_its_photos_again(index: Path, tmp_path: Path) -> None:
    """An earlier version of a table lacks recent paths, so all labels are written again."""
    contents, store = Contents(Database(tmp_path / "c.sqlite3")), opened(index)
    contents.record("m", [(content, {}) for content in store.contents()])
    store.relabel({embedding(1).content: Traits((1,), None, 1.0)})
    newest(index, "_versions").write_bytes(b"x")
    assert opened(index).rolled_back
    contents.mark_labels_due("m")
    assert len(contents.labels_due("m", 100)) == 40


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE contents",
        "DROP TABLE meta",
        "DROP TRIGGER photos_orphaned",
        "UPDATE names_data SET block = x'00112233445566'",
        "DELETE FROM names_data",
        "PRAGMA user_version = 3",
        "ALTER TABLE photos DROP COLUMN stack",
    ],
)
def test_a_catalog_with_another_schema_is_rebuilt(tmp_path: Path, damage: str) -> None:
    """Every page of it can be read, so that only this finds it; it is kept."""
    file = tmp_path / "catalog.sqlite3"
    Database(file).close()
    connection = catalogs.connect(file)
    connection.execute(damage)
    connection.close()
    database = Database(file)
    contents = Contents(database)
    contents.record("m", [("1-1", {"camera": "Leica"})])
    assert contents.facts_of(["1-1"]) == {"1-1": {"camera": "Leica"}}
    assert len(store_damage.damaged_copies(file)) == 1
    database.close()
    Database(file).close()
    assert len(store_damage.damaged_copies(file)) == 1


def test_an_sqlite_that_lacks_something_touches_no_catalog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no damage of the file, whatever it says."""
    file = tmp_path / "catalog.sqlite3"
    Database(file).close()
    lacking = {SCHEMA + 1: "CREATE VIRTUAL TABLE odd USING fts99(path)"}
    monkeypatch.setattr(catalogs, "MIGRATIONS", {**MIGRATIONS, **lacking})
    with pytest.raises(StorageError):
        Database(file)
    assert not store_damage.damaged_copies(file)


def test_facts_that_rotted_cost_their_own_photo_alone(tmp_path: Path) -> None:
    """Others are found, and filed."""
    database = Database(tmp_path / "catalog.sqlite3")
    contents = Contents(database)
    contents.record("m", [("1-1", {"camera": "Leica"}), ("1-2", {"camera": "Canon"})])
    contents.mark_labels_due("m")
    with database.write() as db:
        db.execute("UPDATE contents SET facts = '{\"cam' WHERE content = '1-1'")
    assert contents.facts_of(["1-1", "1-2"]) == {"1-1": {}, "1-2": {"camera": "Canon"}}
    assert [held.facts for held in contents.labels_due("m", 9)] == [{}, {"camera": "Canon"}]


def test_a_catalog_damaged_under_the_daemon_says_what_helps(tmp_path: Path) -> None:
    """Room on the disk does not."""
    database = Database(tmp_path / "catalog.sqlite3")
    with database.write() as db:
        db.execute("DROP TABLE contents")
    contents = Contents(database)
    with pytest.raises(StorageError) as written:
        contents.record("m", [("1-1", {})])
    with pytest.raises(StorageError) as read:
        contents.facts_of(["1-1"])
    assert "photosd restart" in written.value.remedy
    assert "photosd restart" in read.value.remedy


@pytest.mark.parametrize("how", ["smaller", "larger", "numbers", "file"])
def test_a_table_of_another_program_is_rebuilt(index: Path, how: str) -> None:
    """Every row of it can be read; it is of other columns all the same, and it is kept."""
    shutil.rmtree(index / TABLE)
    if how == "file":
        (index / TABLE).write_bytes(b"x")
    elif how == "numbers":
        rows = pa.array(np.eye(1, DIMENSION, dtype=np.float32).ravel())
        vectors = pa.FixedSizeListArray.from_arrays(rows, DIMENSION)
        columns = {"key": ["1-1#0"], "content": [1], "tile": [0], "vector": vectors}
        lancedb.connect(index).create_table("vectors_m", pa.table(columns))
    else:
        other = VectorStore(index, "m", DIMENSION // 2 if how == "smaller" else 2 * DIMENSION)
        other.open()
        rows = np.eye(1, DIMENSION // 2 if how == "smaller" else 2 * DIMENSION, dtype=np.float32)
        other.commit([Embedding("1-1", rows, {}, (b"/a/1.jpg",))])
    store = opened(index)
    assert len(store) == 0
    store.commit([embedding(1)])
    assert len(opened(index)) == 1
    assert len(store_damage.damaged_copies(index / TABLE)) == 1
