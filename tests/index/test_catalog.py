"""The catalog and its work list keep what they promise, also across a kill."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest

from photosd.core.errors import StorageError
from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.index.migrations import MIGRATIONS, SCHEMA
from photosd.index.photo import Photo
from photosd.index.worklist import WorkFailure, WorkList
from photosd.watch.scanner import Entry


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "catalog.sqlite3")
    with database.write() as db:
        db.execute("INSERT INTO folders(id, path, state) VALUES(1, ?, 'ok')", (b"/p",))
        db.execute("INSERT INTO folders(id, path, state) VALUES(2, ?, 'offline')", (b"/usb",))
    return database


def entry(name: str, size: int = 10, mtime_ns: int = 5, inode: int = 7) -> Entry:
    return Entry(name.encode(), size, mtime_ns, inode, 1)


def known(catalog: Catalog, path: bytes) -> Photo:
    photo = catalog.get(path)
    assert photo is not None
    return photo


def test_counts_follow_every_change_of_state(database: Database) -> None:
    """Counts are kept by triggers and always equal a count of the rows."""
    catalog, worklist = Catalog(database), WorkList(database)
    for number in range(5):
        catalog.put(1, entry(f"/p/{number}.jpg", inode=number), due=0)
    worklist.done([(entry("/p/0.jpg", inode=0), "a-1")])
    worklist.failed(known(catalog, b"/p/1.jpg"), WorkFailure("broken", "none"))
    catalog.forget([b"/p/2.jpg"])
    catalog.put(1, entry("/p/2.jpg", size=11), due=0)
    with database.read() as db:
        rows = dict(db.execute("SELECT state, count(*) FROM photos GROUP BY state").fetchall())
    assert {s: n for s, n in catalog.counts()[1].items() if n} == rows
    assert rows == {"indexed": 1, "failed": 1, "pending": 3}


def test_work_in_an_offline_folder_waits(database: Database) -> None:
    """Pending photos of an absent folder are not handed out."""
    catalog, worklist = Catalog(database), WorkList(database)
    catalog.put(1, entry("/p/a.jpg"), due=0)
    catalog.put(2, entry("/usb/b.jpg"), due=0)
    assert [photo.path for photo in worklist.due(10)] == [b"/p/a.jpg"]


# What photosd 0.1 had, too, and the catalog of today has in another form.
REPLACED = """
    CREATE INDEX photos_work ON photos(state, due);
    CREATE INDEX photos_content ON photos(content);
    CREATE INDEX photos_folder ON photos(folder, state);
    CREATE TABLE named(id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
    CREATE VIRTUAL TABLE names USING fts5(
      path, content='', detail='none', columnsize=0,
      tokenize='porter unicode61 remove_diacritics 2'
    );
    CREATE TRIGGER photos_named AFTER INSERT ON photos BEGIN
      INSERT OR IGNORE INTO named(path) VALUES(NEW.path);
    END;
    CREATE TRIGGER photos_unnamed AFTER DELETE ON photos BEGIN
      DELETE FROM named WHERE path = OLD.path;
    END;
"""


def test_tables_of_photosd_0_1_get_dates_again(tmp_path: Path) -> None:
    """They compare moments of this machine's zone; nothing is encoded for it. All facts are read
    again.
    """
    file = tmp_path / "catalog.sqlite3"
    with contextlib.closing(sqlite3.connect(file)) as db:
        for number in (1, 5):  # those of 0.1
            db.executescript(MIGRATIONS[number])
        db.executescript(REPLACED)
        db.execute("INSERT INTO embedded(model, content) VALUES('model', '1-a'), ('model', '2-b')")
        db.execute("DELETE FROM unfiled WHERE content = '2-b'")
        db.execute("INSERT INTO contents VALUES('1-a', '{}'), ('2-b', '{}')")
        db.execute("PRAGMA user_version = 5")
        db.commit()
    database = Database(file)
    with database.read() as reader:
        rows = reader.execute("SELECT model, content FROM unfiled ORDER BY content").fetchall()
        due = reader.execute("SELECT content FROM facts_due ORDER BY content").fetchall()
    assert [tuple(row) for row in rows] == [("model", "1-a"), ("model", "2-b")]
    assert [tuple(row) for row in due] == [("1-a",), ("2-b",)]
    database.close()


def test_a_file_changed_while_it_was_encoded_stays_pending(database: Database) -> None:
    """Only the version that was read may be called indexed."""
    catalog, worklist = Catalog(database), WorkList(database)
    catalog.put(1, entry("/p/a.jpg"), due=0)
    read = entry("/p/a.jpg")
    catalog.put(1, entry("/p/a.jpg", mtime_ns=6), due=0)
    worklist.done([(read, "a-1")])
    photo = catalog.get(b"/p/a.jpg")
    assert photo is not None
    assert photo.state == "pending"


def test_a_file_changed_while_it_failed_stays_pending(database: Database) -> None:
    """What was wrong with half a file says nothing about the whole one."""
    catalog, worklist = Catalog(database), WorkList(database)
    catalog.put(1, entry("/p/a.jpg"), due=0)
    half = known(catalog, b"/p/a.jpg")
    catalog.put(1, entry("/p/a.jpg", size=20, mtime_ns=6), due=0)
    worklist.failed(half, WorkFailure("truncated", "none"))
    worklist.postpone(half, time.time() + 60)
    assert [photo.size for photo in worklist.due(10)] == [20]


def test_a_failure_with_a_time_comes_back_by_itself(database: Database) -> None:
    """A delayed retry counts as failed until it is due, then it is work again."""
    catalog, worklist = Catalog(database), WorkList(database)
    catalog.put(1, entry("/p/a.jpg"), due=0)
    later = WorkFailure("truncated", "wait", retry_at=time.time() + 60)
    worklist.failed(known(catalog, b"/p/a.jpg"), later)
    assert worklist.due(10) == []
    due = worklist.next_due()
    assert due is not None
    assert 50 < due - time.time() < 61
    with database.write() as db:
        db.execute("UPDATE photos SET due = 1")
    assert [photo.attempts for photo in worklist.due(10)] == [1]


def test_what_becomes_due_after_a_look_is_next(database: Database) -> None:
    """Between the look for photos and the question how long to wait; else it waits a minute."""
    catalog, worklist = Catalog(database), WorkList(database)
    catalog.put(1, entry("/p/a.jpg"), due=time.time() + 0.05)
    assert worklist.due(10) == []
    time.sleep(0.1)
    due = worklist.next_due()
    assert due is not None and due < time.time()
    assert len(worklist.due(10)) == 1
    assert worklist.next_due() is None


def test_a_directory_s_range_holds_its_children_only(database: Database) -> None:
    """Siblings that share a prefix, and names above '/' in ASCII, are not below it."""
    catalog = Catalog(database)
    for name in ("/p/a/1.jpg", "/p/a/b/2.jpg", "/p/a.jpg", "/p/ab/3.jpg", "/p/a0.jpg"):
        catalog.put(1, entry(name), due=0)
    assert [photo.path for photo in catalog.below(b"/p/a")] == [b"/p/a/1.jpg", b"/p/a/b/2.jpg"]


def test_a_moved_file_is_known_by_its_inode(database: Database) -> None:
    """Same inode, device, size and time under another name is the same file."""
    catalog, worklist = Catalog(database), WorkList(database)
    catalog.put(1, entry("/p/a.jpg"), due=0)
    worklist.done([(entry("/p/a.jpg"), "a-1")])
    catalog.forget([b"/p/a.jpg"])
    same = catalog.same_file(entry("/p/new.jpg"))
    assert same is not None
    assert same.content == "a-1"
    assert catalog.same_file(entry("/p/new.jpg", mtime_ns=99)) is None


def test_a_newer_catalog_is_refused_untouched(tmp_path: Path) -> None:
    """Downgrades must not damage what a newer version wrote."""
    file = tmp_path / "catalog.sqlite3"
    Database(file).close()
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(StorageError, match="newer photosd"):
        Database(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("number", [2, SCHEMA - 1])
def test_a_catalog_of_no_released_version_is_renamed(tmp_path: Path, number: int) -> None:
    """No migration upgrades it; its content is not changed."""
    file = tmp_path / "catalog.sqlite3"
    Database(file).close()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {number}")
    before = file.read_bytes()
    database = Database(file)
    assert Catalog(database).counts() == {}
    database.close()
    (kept,) = tmp_path.glob("catalog.sqlite3.damaged-*")
    assert kept.read_bytes() == before


@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 100])
def test_a_damaged_catalog_is_renamed(tmp_path: Path, damage: bytes) -> None:
    """A catalog is a cache: when it cannot be read, a new one begins and the old one is kept."""
    file = tmp_path / "catalog.sqlite3"
    Database(file).close()
    original = bytearray(file.read_bytes())
    if damage:
        original[: len(damage)] = damage
    else:
        original[4096:20_000] = b"\xff" * (20_000 - 4096)
    file.write_bytes(original)
    database = Database(file)
    assert Catalog(database).counts() == {}
    assert list(tmp_path.glob("catalog.sqlite3.damaged-*"))


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    """Everything of a transaction happens, or nothing."""
    catalog = Catalog(database)
    with pytest.raises(RuntimeError), catalog.batch():
        catalog.put(1, entry("/p/a.jpg"), due=0)
        raise RuntimeError
    assert catalog.get(b"/p/a.jpg") is None


def test_a_disk_that_does_not_deliver_is_reported_as_such(database: Database) -> None:
    """A read that fails is the disk's fault, with a remedy, and no defect of photosd's."""
    with pytest.raises(StorageError) as refused, database.read():
        raise sqlite3.OperationalError("disk I/O error")
    assert refused.value.remedy
    assert Catalog(database).counts() == {}


def test_a_row_that_cannot_be_written_is_recorded_as_failed(database: Database) -> None:
    """The others of its batch are written; it failed, with the reason, and can be tried again."""
    catalog, worklist = Catalog(database), WorkList(database)
    for name in ("/p/a.jpg", "/p/b.jpg", "/p/c.jpg"):
        catalog.put(1, entry(name), due=0)
    worklist.done([(entry(name), content) for name, content in (
        ("/p/a.jpg", "a-1"), ("/p/b.jpg", "\ud800"), ("/p/c.jpg", "c-1"))])  # fmt: skip
    states = {photo.path: photo.state for photo in catalog.in_state("")}
    assert states == {b"/p/a.jpg": "indexed", b"/p/b.jpg": "failed", b"/p/c.jpg": "indexed"}
    assert "cannot hold it" in (known(catalog, b"/p/b.jpg").reason or "")
    assert worklist.retry_failures() == 1


def test_a_reason_that_is_no_text_is_kept_as_text(database: Database) -> None:
    """Libraries put bytes of file names into their errors."""
    catalog, worklist = Catalog(database), WorkList(database)
    catalog.put(1, entry("/p/a.jpg"), due=0)
    worklist.failed(known(catalog, b"/p/a.jpg"), WorkFailure("odd \udcff name", "none"))
    assert known(catalog, b"/p/a.jpg").reason == "odd \\udcff name"
