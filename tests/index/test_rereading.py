"""Facts of indexed photos are read again after an upgrade, and nothing is encoded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from photosd.core.errors import Busy
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.messages import Facts, ReadFacts
from photosd.index import rereading
from photosd.index.rereading import BATCH, Rereading
from tests.index.shelf import MODEL, Shelf


class Pool:
    """Answers with a title; ``failures``: by path."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.failures: dict[bytes, Exception] = {}
        self.changed: set[bytes] = set()
        self.content: dict[bytes, str] = {}

    def facts(self, path: bytes) -> Future[ReadFacts]:
        future: Future[ReadFacts] = Future()
        name = path.rpartition(b"/")[2].decode()
        self.read.append(name)
        if path in self.failures:
            future.set_exception(self.failures[path])
        else:
            found = Path(os.fsdecode(path)).stat()
            size = found.st_size + (path in self.changed)
            facts = Facts(width=3, height=2, format="JPEG", rating=2, title=name)
            future.set_result(ReadFacts(size, found.st_mtime_ns, facts))
        return future


class Upgraded(Shelf):
    """A catalog whose facts an older photosd has read."""

    def __init__(self, directory: Path, photos: int = 3) -> None:
        super().__init__(directory)
        for number in range(photos):
            self.write(f"{number:03}.jpg", b"%d" % number)
        self.settle()
        self.pool, self.told = Pool(), 0
        self.pool.content = {
            photo.path: photo.content or "" for photo in self.catalog.in_state("indexed")
        }
        with self.database.write() as db:
            db.execute("INSERT INTO facts_due SELECT content FROM contents")
        self.rereading = self.fresh()

    def fresh(self) -> Rereading:
        """The thread after another start; it is not started."""
        return Rereading(self.database, self.contents, self.pool, self._told)

    def _told(self) -> None:
        self.told += 1

    def round(self) -> None:
        """Until no more can be read."""
        while self.rereading.turn():
            pass

    def path(self, name: str) -> bytes:
        return bytes(self.root / name)

    def titles(self) -> list[object]:
        """In order of names."""
        contents = [self.content(name) or "" for name in sorted(self.states())]
        facts = self.contents.facts_of(contents)
        return [facts[content].get("title") for content in contents]

    def due(self) -> int:
        with self.database.read() as db:
            return int(db.execute("SELECT count(*) FROM facts_due").fetchone()[0])


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Upgraded]:
    shelf = Upgraded(tmp_path)
    yield shelf
    shelf.database.close()


def test_all_are_read_once_and_nothing_is_encoded(shelf: Upgraded) -> None:
    """Filters are told; the photos keep their state."""
    encoded = list(shelf.encoded)
    shelf.contents.labels_written(
        MODEL, {content: [path] for path, content in shelf.pool.content.items()}
    )
    shelf.round()
    shelf.round()
    assert shelf.titles() == ["000.jpg", "001.jpg", "002.jpg"]
    assert sorted(shelf.pool.read) == shelf.titles()
    assert (shelf.due(), shelf.encoded) == (0, encoded)
    assert shelf.told
    assert len(shelf.contents.labels_due(MODEL, 9)) == 3


def test_what_stays_unreadable_is_tried_less_often(shelf: Upgraded) -> None:
    """Thousands of photos may be only in iCloud; each round asks for each of them."""
    shelf.pool.failures = {
        shelf.path(name): DecodeFailed("in_the_cloud", "odd", transient=True)
        for name in shelf.states()
    }
    waits = []
    for _ in range(5):
        shelf.round()
        waits.append(shelf.rereading.retry_seconds)
    assert waits == [1200, 2400, 3600, 3600, 3600]
    shelf.pool.failures.popitem()
    shelf.round()
    assert shelf.rereading.retry_seconds == rereading.RETRY_SECONDS
    assert shelf.due() == 2


def test_a_sidecar_keeps_its_word(shelf: Upgraded) -> None:
    """What it states goes before what the photo states, also when that is read again."""
    content = shelf.content("001.jpg")
    with shelf.database.write() as db:
        row = (shelf.path("001.jpg"), json.dumps({"rating": 5}), content)
        db.execute("INSERT INTO sidecars(path, facts, content) VALUES(?, ?, ?)", row)
    shelf.round()
    facts = shelf.contents.facts_of([content or ""])[content or ""]
    assert (facts["rating"], facts["title"]) == (5, "001.jpg")


def test_facts_that_cannot_be_written_keep_no_others_waiting(shelf: Upgraded) -> None:
    """The former facts of that photo stay; the batch and the next rounds continue."""
    odd, former = shelf.content("001.jpg") or "", shelf.titles()[1]
    known = (shelf.content("000.jpg") or "", {"title": "known"})
    shelf.contents.reread([(odd, {"title": "\ud800"}), known])
    assert shelf.titles() == ["known", former, None]
    assert shelf.due() == 1


def test_what_was_interrupted_is_continued(tmp_path: Path) -> None:
    """After another start, with the rest."""
    shelf = Upgraded(tmp_path, BATCH + 5)
    assert shelf.rereading.turn()
    assert shelf.due() == 5
    shelf.rereading = shelf.fresh()
    shelf.round()
    assert shelf.due() == 0
    assert len(shelf.pool.read) == BATCH + 5
    shelf.database.close()


def test_offline_photos_wait_for_their_return(shelf: Upgraded) -> None:
    """Their files are not touched meanwhile."""
    with shelf.database.write() as db:
        db.execute("UPDATE folders SET state = 'offline'")
    shelf.round()
    assert shelf.pool.read == []
    with shelf.database.write() as db:
        db.execute("UPDATE folders SET state = 'ok'")
    shelf.round()
    assert shelf.due() == 0


def test_one_that_cannot_be_read_stops_no_other(shelf: Upgraded) -> None:
    """Once a damaged file, in each round one that may be readable later, or that has changed."""
    shelf.pool.failures[shelf.path("000.jpg")] = DecodeFailed("damaged", "odd")
    shelf.pool.failures[shelf.path("001.jpg")] = DecodeFailed("io", "odd", transient=True)
    shelf.pool.changed = {shelf.path("002.jpg")}
    shelf.round()
    shelf.round()
    assert sorted(shelf.pool.read) == ["000.jpg", "001.jpg", "001.jpg", "002.jpg", "002.jpg"]
    assert shelf.titles() == [None, None, None]
    shelf.pool.failures.clear()
    shelf.pool.changed.clear()
    shelf.round()
    assert shelf.titles() == [None, "001.jpg", "002.jpg"]
    assert shelf.due() == 0


def test_a_photo_that_is_indexed_again_is_not_due(shelf: Upgraded) -> None:
    """Its facts are new; those of a shared vector, which comes without facts, are not."""
    contents = sorted(shelf.pool.content.values())
    shelf.contents.record(MODEL, [(contents[0], {"width": 1}), (contents[1], {})])
    assert shelf.due() == 2
    with shelf.database.write() as db:
        db.execute("DELETE FROM contents WHERE content = ?", (contents[1],))
    assert shelf.due() == 1


def test_facts_from_a_table_are_read_again(shelf: Upgraded) -> None:
    """A new catalog takes the few facts that a table has; fuller ones are kept."""
    shelf.round()
    content = shelf.content("000.jpg") or ""
    with shelf.database.write() as db:
        db.execute("DELETE FROM contents WHERE content = ?", (content,))
    shelf.contents.restore(MODEL, [(one, {"width": 9}) for one in shelf.pool.content.values()])
    assert shelf.due() == 1
    assert shelf.titles() == [None, "001.jpg", "002.jpg"]
    shelf.round()
    assert shelf.titles() == ["000.jpg", "001.jpg", "002.jpg"]


def test_the_thread_waits_while_photos_are_indexed(
    shelf: Upgraded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It continues by itself; a full queue of decoders is retried."""
    monkeypatch.setattr(rereading, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(rereading, "RETRY_SECONDS", 0.01)
    looks: list[bool] = []

    def busy() -> bool:
        looks.append(not shelf.pool.read)
        return len(looks) < 5

    real, refused = shelf.pool.facts, list[bytes]()

    def full_once(path: bytes) -> Future[ReadFacts]:
        if not refused:
            refused.append(path)
            raise Busy("full")
        return real(path)

    monkeypatch.setattr(shelf.pool, "facts", full_once)
    thread = Rereading(shelf.database, shelf.contents, shelf.pool, lambda: None, busy=busy)
    thread.start()
    for _ in range(3000):
        if shelf.due() == 0:
            break
        thread.join(0.01)
    thread.stop()
    assert not thread.is_alive()
    assert (shelf.due(), refused != [], all(looks[:5])) == (0, True, True)


def test_new_photos_wait_for_no_batch(tmp_path: Path) -> None:
    """Photos that come during a batch are indexed before its rest; nothing is lost."""
    shelf = Upgraded(tmp_path, 6)
    busy = False

    def come(path: bytes) -> Future[ReadFacts]:
        nonlocal busy
        busy = len(shelf.pool.read) < 3
        return real(path)

    real, shelf.pool.facts = shelf.pool.facts, come  # type: ignore[method-assign]
    thread = Rereading(shelf.database, shelf.contents, shelf.pool, int, busy=lambda: busy)
    assert thread.turn()
    assert (len(shelf.pool.read), shelf.due()) == (rereading.AT_ONCE, 4)
    busy = False
    while thread.turn():
        pass
    assert shelf.due() == 0
    shelf.database.close()


def test_a_new_version_of_facts_is_noted_once(
    shelf: Upgraded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are due when photosd reads more than it did."""

    def run() -> None:
        thread = shelf.fresh()
        thread.start()
        for _ in range(3000):
            if shelf.due() == 0 and shelf.database.meta(rereading.VERSION):
                break
            thread.join(0.01)
        thread.stop()

    run()
    read = len(shelf.pool.read)
    run()
    assert len(shelf.pool.read) == read == 3
    monkeypatch.setattr(rereading, "FACTS_VERSION", 999)
    shelf.database.set_meta(rereading.VERSION, "1")
    thread = shelf.fresh()
    thread.start()
    for _ in range(3000):
        if shelf.database.meta(rereading.VERSION) == "999" and shelf.due() == 0:
            break
        thread.join(0.01)
    thread.stop()
    assert len(shelf.pool.read) == 6
