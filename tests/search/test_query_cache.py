"""Remembered queries: the newest are kept, and their number has a limit."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from photosd.index.database import Database
from photosd.index.migrations import MIGRATIONS
from photosd.search import query_cache
from photosd.search.query_cache import QueryCache, QueryEmbedding


def embedding(number: int) -> QueryEmbedding:
    return QueryEmbedding(np.full(4, number, np.float32), 1.0, [])


def test_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are asked, a few more than KEPT stay on disk, and all that were asked last."""
    monkeypatch.setattr(query_cache, "KEPT", 20)
    monkeypatch.setattr(query_cache, "RECENT", 5)
    database = Database(tmp_path / "catalog.sqlite3")
    queries = QueryCache(database, "model")
    for number in range(200):
        queries.put(f"query {number}", embedding(number))
        if number % 3 == 0 or number > 150:  # after a few in a row, a restart
            queries.close()
            queries = QueryCache(database, "model")
    queries.close()
    with database.read() as db:
        count = db.execute("SELECT count(*) FROM remembered_queries").fetchone()[0]
    assert 20 <= count <= 20 + 5
    queries = QueryCache(database, "model")
    found = [queries.get(f"query {number}") for number in range(190, 200)]
    queries.close()
    assert [int(one.vector[0]) for one in found if one] == list(range(190, 200))


TEXT = "Grandmother Zilpah in ward 7 of Ichilov, סבתא"
UNKNOWN = ["zilpah", "ichilov", "סבתא"]


def on_disk(directory: Path) -> bytes:
    """Every byte of every file there."""
    return b"".join(file.read_bytes() for file in sorted(directory.iterdir()))


def words_in(data: bytes) -> list[str]:
    """Words of the query that stand in it, in any case."""
    return [w for w in (*UNKNOWN, "Zilpah", "Ichilov", "ward") if w.encode() in data]


def test_what_is_kept_does_not_tell_what_was_asked(tmp_path: Path) -> None:
    """No word, known or unknown, and no vector; an answer from memory tells the same."""
    database = Database(tmp_path / "catalog.sqlite3")
    queries = QueryCache(database, "model")
    asked = QueryEmbedding(np.linspace(-1, 1, 64).astype(np.float32), 0.625, UNKNOWN)
    queries.put(TEXT, asked)
    queries.close()
    data = on_disk(tmp_path)
    assert words_in(data) == [] and asked.vector.tobytes() not in data
    again = QueryCache(database, "model")
    found = again.get(TEXT)
    assert found is not None and found.unknown == UNKNOWN and found.understood == 0.625
    assert np.array_equal(found.vector, asked.vector)
    again.close()
    database.close()


def test_the_salt_is_outside_the_catalog_and_private(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.sqlite3")
    queries = QueryCache(database, "model")
    queries.put("snow", embedding(1))
    queries.close()
    salt = tmp_path / "queries.salt"
    assert salt.stat().st_mode & 0o777 == 0o600
    assert salt.read_bytes() not in database.file.read_bytes()
    salt.unlink()
    assert QueryCache(database, "model").get("snow") is None
    database.close()


def test_nothing_is_kept_where_the_settings_say_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.sqlite3")
    kept = True
    queries = QueryCache(database, "model", lambda: kept)
    queries.put("snow", embedding(1))
    queries.forget()
    kept = False
    queries.put("ice", embedding(2))
    queries.close()
    with database.read() as db:
        assert db.execute("SELECT count(*) FROM remembered_queries").fetchone()[0] == 0
    database.close()


@pytest.mark.parametrize("way", ["get", "put"])
def test_what_was_under_way_is_forgotten_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A query that read or encoded it just before does not bring it back."""
    database = Database(tmp_path / "catalog.sqlite3")
    queries = QueryCache(database, "model")
    queries.put("snow", embedding(1))
    queries.close()
    with database.write() as db:
        db.execute("UPDATE remembered_queries SET used_at = 0")  # its use would be noted
    queries = QueryCache(database, "model")
    generation, now = queries.generation, time.time

    def forgotten() -> float:
        if queries.generation == generation:
            queries.forget()
        return now()

    if way == "get":
        with monkeypatch.context() as patch:  # the time of the last use is looked at after it
            patch.setattr(query_cache, "time", SimpleNamespace(time=forgotten))
            assert queries.get("snow") is not None
    else:
        forgotten()
        queries.put("snow", embedding(1), generation)
    assert queries.get("snow") is None
    queries.close()
    assert QueryCache(database, "model").get("snow") is None
    database.close()


def test_nothing_is_saved_that_was_not_yet_when_the_setting_changed(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.sqlite3")
    kept = True
    queries = QueryCache(database, "model", lambda: kept)
    with database.write():  # a save waits for it
        queries.put("snow", embedding(1))
        kept = False
    queries.close()
    assert QueryCache(database, "model").get("snow") is None
    database.close()


def test_captions_are_forgotten_alone(tmp_path: Path) -> None:
    """Also one whose encoding was under way when they were forgotten."""
    database = Database(tmp_path / "catalog.sqlite3")
    queries = QueryCache(database, "model")
    queries.put("mine", embedding(1))
    queries.put("a caption", embedding(2), cloud=True)
    asked_in = queries.generation
    queries.forget(cloud_only=True)
    queries.put("a late caption", embedding(3), asked_in, cloud=True)
    assert queries.get("mine") is not None
    assert queries.get("a caption") is None and queries.get("a late caption") is None
    queries.close()
    again = QueryCache(database, "model")
    assert again.get("mine") is not None
    assert again.get("a caption") is None and again.get("a late caption") is None
    again.close()
    database.close()


def test_words_that_an_older_photosd_kept_are_taken_off_the_disk(tmp_path: Path) -> None:
    """Out of free pages and of the log, too; also when a kill comes in between."""
    file = tmp_path / "catalog.sqlite3"
    with sqlite3.connect(file) as db:
        scripts = ";".join(MIGRATIONS[number] for number in (1, 5))
        db.executescript(f"PRAGMA journal_mode = WAL; {scripts}; PRAGMA user_version = 5")
        db.execute("PRAGMA secure_delete = OFF")
        for number in range(300):
            key = bytes([number % 256, number // 256])
            row = (key, bytes(2048), f"[0.5, [{UNKNOWN}, {number}]]", 1)
            db.execute("INSERT INTO remembered_queries VALUES(?, ?, ?, ?)", row)
        db.commit()
        db.execute("DELETE FROM remembered_queries WHERE key > x'50'")
        for text, understood in (("snow", 1.0), ("snow on the ward", 0.75)):
            key = hashlib.blake2b(
                text.encode(), digest_size=16, key=b"0123456789abcdef", person=b"model"
            ).digest()
            row = (key, embedding(7).vector.tobytes(), f'[{understood}, ["ichilov"]]', 1)
            db.execute("INSERT OR REPLACE INTO remembered_queries VALUES(?, ?, ?, ?)", row)
        db.execute(
            "INSERT OR REPLACE INTO meta VALUES('query_salt', ?)", (b"0123456789abcdef".hex(),)
        )
    db.close()
    assert words_in(on_disk(tmp_path))
    Database(file).close()  # killed before it came to it
    database = Database(file)
    database.erase_due()
    assert words_in(on_disk(tmp_path)) == []
    queries = QueryCache(database, "model")
    assert database.meta("query_salt") is None and database.meta("erase") == "done"
    assert (tmp_path / "queries.salt").read_bytes() == b"0123456789abcdef"
    found = queries.get("snow")
    assert found is not None and found.vector.tolist() == [7, 7, 7, 7]
    assert queries.get("snow on the ward") is None, "which word was unknown is not known any more"
    queries.forget(cloud_only=True)  # unknown whether it was a caption
    queries.close()
    with database.read() as read:
        assert read.execute("SELECT count(*) FROM remembered_queries").fetchone()[0] == 0
    database.close()


def test_names_of_deleted_photos_are_erased(tmp_path: Path) -> None:
    """From the index of words, free pages and the log."""
    database = Database(tmp_path / "catalog.sqlite3")
    with database.write() as db:
        db.execute("INSERT INTO folders(path, state) VALUES(x'2f70', 'ok')")
        rows = [(f"/p/zyzzyva{n} quokka.jpg".encode(), f"{n}-x") for n in range(500)]
        db.executemany(
            "INSERT INTO photos(path, folder, size, mtime_ns, inode, device, content, state)"
            " VALUES(?, 1, 1, 1, 1, 1, ?, 'indexed')",
            rows,
        )
    with database.write() as db:
        db.execute("DELETE FROM photos")
    assert b"quokka" in on_disk(tmp_path)
    database.erase()
    data = on_disk(tmp_path)
    assert b"quokka" not in data and b"zyzzyva" not in data
    database.close()


def test_texts_that_an_earlier_version_understood_are_kept(tmp_path: Path) -> None:
    """Others are encoded again: the newer version may know more words."""
    database = Database(tmp_path / "catalog.sqlite3")
    vector = np.full(4, 0.5, np.float32)
    old = QueryCache(database, "earlier")
    old.put("a dog", QueryEmbedding(vector, 1.0, []))
    old.put("כלב", QueryEmbedding(vector, 0.0, ["כלב"]))
    old.close()
    new = QueryCache(database, "later", earlier="earlier")
    known = new.get("a dog")
    assert known is not None and known.understood == 1 and np.array_equal(known.vector, vector)
    assert new.get("כלב") is None
    new.close()
    again = QueryCache(database, "later")
    assert again.get("a dog") is not None and again.get("כלב") is None
    again.close()
