"""What photosd has made of a photo ends with the photo's last path: counted in every store."""

from __future__ import annotations

import datetime
import errno
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lancedb
import numpy as np
import pytest

from photosd.core.config import CloudSettings
from photosd.core.errors import StorageError
from photosd.core.paths import Home
from photosd.decode.pool import Thumbnail
from photosd.decode.thumbnails import ThumbnailStore
from photosd.gemini.environment import Environment
from photosd.gemini.gemini import Gemini
from photosd.gemini.marked_photos import MarkedPhotos
from photosd.gemini.vector_table import GeminiTable
from photosd.index import dropping, retention
from photosd.index.catalog import Catalog
from photosd.index.committer import LabelSync
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.dropping import drop_from_tables
from photosd.index.folders import Folders
from photosd.index.retention import KEPT_SECONDS, Retention
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.index.worklist import WorkList
from photosd.runtime.erasing import Derived, Traces
from photosd.search.names import named
from photosd.watch.scanner import Entry
from tests.alerts.scenes import eventually

DIMENSION = 8
PHOTOS = 12
DAY = 86_400.0


def content_id(number: int) -> str:
    return f"{number + 16:x}-{number:032x}"


class Stores:
    """A library in which every store holds something of every photo."""

    def __init__(self, home: Home) -> None:
        self.home, self.now = home, time.time()
        self.database = Database(home.catalog)
        self.catalog, self.worklist = Catalog(self.database), WorkList(self.database)
        self.contents = Contents(self.database)
        self.folders = Folders(self.database, home.config / "folders.json")
        with self.database.write() as db:
            db.execute("INSERT INTO folders(id, path, state) VALUES(1, x'2f61', 'ok')")
            db.execute("INSERT INTO folders(id, path, state) VALUES(2, x'2f62', 'ok')")
        self.store, self.other = self.table("active"), self.table("other")
        self.thumbnails = ThumbnailStore(home.thumbnails, 1 << 20)
        pool: Any = None
        self.cloud = Gemini(home, CloudSettings(), self.database, pool, Environment())
        self.remote = GeminiTable(home.cloud)
        for number in range(PHOTOS):
            self.add(number, f"/a/walrus {number}.jpg", 1)
        active = SimpleNamespace(store=self.store, spec=SimpleNamespace(fingerprint="active"))
        model_switcher: Any = SimpleNamespace(runtimes=lambda: [active])
        derived = Derived(home.index, model_switcher, self.thumbnails, self.cloud)
        self.retention = Retention(self.catalog, self.contents, derived, clock=lambda: self.now)

    def table(self, model: str) -> VectorStore:
        store = VectorStore(self.home.index, model, DIMENSION)
        store.open()
        return store

    def add(self, number: int, path: str, folder: int) -> None:
        content = content_id(number)
        unit = np.eye(DIMENSION, dtype=np.float32)[[number % DIMENSION]]
        rows = [Embedding(content, unit, {"camera": "Leica"}, (path.encode(),))]
        for model, store in (("active", self.store), ("other", self.other)):
            store.commit(rows)
            self.contents.record(model, [(content, {"camera": "Leica", "latitude": 1.0})])
        self.remote.commit(CloudSettings(), [content], np.eye(1, 768, dtype=np.float32), 0)
        MarkedPhotos(self.database).refuse(content, "gemini", "no")
        self.thumbnails.put(64, Thumbnail(b"\xff\xd8\xff\xd9", 64, 48, content))
        self.place(number, path, folder)

    def place(self, number: int, path: str, folder: int, size: int = 1) -> None:
        entry = Entry(path.encode(), size, 1, number, 1)
        self.catalog.put(folder, entry, due=0)
        self.worklist.done([(entry, content_id(number))])

    def left(self) -> dict[str, int]:
        """How many photos each store on disk still holds something of."""
        with self.database.read() as db:
            found = {
                table: db.execute(f"SELECT count(DISTINCT content) FROM {table}").fetchone()[0]
                for table in ("contents", "embedded", "cloud_refused", "orphans")
            }
            found["paths"] = db.execute("SELECT count(*) FROM named").fetchone()[0]
        found["names"] = len(named(self.database, "walrus"))
        for directory in (self.home.index, self.home.cloud):
            for table in directory.glob("*.lance"):
                name = table.name.removesuffix(".lance")
                found[name] = lancedb.connect(directory).open_table(name).count_rows()
        found["thumbnails"] = len(list(self.home.thumbnails.rglob("*.jpg")))
        return found


@pytest.fixture
def stores(home: Home, monkeypatch: pytest.MonkeyPatch) -> Stores:
    monkeypatch.setattr(retention, "AT_ONCE", 5)
    stores = Stores(home)
    assert set(stores.left().values()) - {0} == {PHOTOS}
    return stores


def test_a_removed_folder_leaves_nothing(stores: Stores) -> None:
    """At once, in the tables of every model, too; what another folder holds stays."""
    stores.place(0, "/b/same photo.jpg", 2)
    stores.folders.remove(b"/a")
    assert stores.retention.delete_expired() == PHOTOS - 1
    left = stores.left()
    assert {name: n for name, n in left.items() if n not in (0, 1)} == {}
    assert left["contents"] == left["vectors_active"] == left["thumbnails"] == 1
    assert stores.contents.has_embedding("other", content_id(0))


def test_what_is_gone_ends_after_thirty_days(stores: Stores) -> None:
    """Not before, since a file may come back; one that came back stays."""
    stores.catalog.forget([b"/a/walrus %d.jpg" % number for number in range(PHOTOS)])
    stores.now += 29 * DAY
    assert stores.retention.delete_expired() == 0
    stores.place(3, "/a/walrus 3.jpg", 1)
    stores.now += 2 * DAY
    assert stores.retention.delete_expired() == PHOTOS - 1
    assert set(stores.left().values()) == {0, 1}
    stores.folders.remove(b"/a")
    stores.retention.delete_expired()
    assert set(stores.left().values()) == {0}


def test_an_edited_photo_takes_its_former_content_along(stores: Stores) -> None:
    """After thirty days; until then the edit may be undone."""
    stores.catalog.put(1, Entry(b"/a/walrus 1.jpg", 99, 2, 1, 1), due=0)
    assert stores.retention.delete_expired() == 0
    stores.now += 31 * DAY
    assert stores.retention.delete_expired() == 1
    assert not stores.contents.has_embedding("active", content_id(1))
    assert stores.left()["vectors_other"] == PHOTOS - 1


def test_purge_waits_for_nothing(stores: Stores) -> None:
    """What is gone, and what was edited away, ends now."""
    stores.catalog.forget([b"/a/walrus %d.jpg" % number for number in range(1, PHOTOS)])
    stores.catalog.put(1, Entry(b"/a/walrus 0.jpg", 99, 2, 1, 1), due=0)
    assert stores.retention.purge() == PHOTOS
    left = stores.left()
    assert set(left.values()) <= {0, 1}
    assert left["contents"] == left["vectors_active"] == left["thumbnails"] == 0


def test_a_store_that_fails_only_delays_it(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost sight of, and a path that takes a content up meanwhile is read again."""
    stores.folders.remove(b"/a")
    with monkeypatch.context() as patch:

        def full(_contents: Any) -> None:
            raise StorageError("no space left", remedy="make room")

        patch.setattr(stores.store, "remove", full)
        with pytest.raises(StorageError):
            stores.retention.delete_expired()
    assert stores.left()["vectors_active"] == PHOTOS
    first = stores.contents.take_expired(time.time(), 1)[0]
    number = int(first.rpartition("-")[2], 16)
    entry = Entry(b"/b/taken up.jpg", 1, 1, 1, 1)
    remove = stores.store.remove

    def taken_up(contents: Any) -> None:
        if content_id(number) in contents:
            stores.catalog.adopt(2, entry, content_id(number))
        remove(contents)

    monkeypatch.setattr(stores.store, "remove", taken_up)
    stores.retention.delete_expired()
    photo = stores.catalog.get(entry.path)
    assert photo is not None and photo.state == "pending"
    assert stores.left()["vectors_active"] == 0


def test_what_is_committed_while_it_is_dropped_ends_too(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The photo was in a worker's hands while its last path and then its vectors went."""
    remove, late = stores.store.remove, content_id(3)

    def then_commit(contents: Any) -> None:
        remove(contents)
        if late in contents:
            monkeypatch.setattr(stores.store, "remove", remove)
            unit = np.eye(1, DIMENSION, dtype=np.float32)
            stores.store.commit([Embedding(late, unit, {}, (b"/a/walrus 3.jpg",))])
            stores.contents.record("active", [(late, {})])
            stores.contents.labels_written("active", {late: (b"/a/walrus 3.jpg",)})

    monkeypatch.setattr(stores.store, "remove", then_commit)
    stores.folders.remove(b"/a")
    stores.retention.delete_expired()
    assert set(stores.left().values()) == {0}


def test_what_was_dropped_is_taken_off_the_disk_later_if_it_cannot_be_now(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compacting fails once everything has been dropped."""
    compact, compacted = stores.store.compact, [0]

    def full() -> None:
        compacted[0] += 1
        if compacted[0] == 1:
            raise StorageError("no space left", remedy="make room")
        compact()

    monkeypatch.setattr(stores.store, "compact", full)
    stores.folders.remove(b"/a")
    with pytest.raises(StorageError):
        stores.retention.delete_expired()
    stores.retention.delete_expired()
    assert compacted[0] == 2
    stores.retention.delete_expired()
    assert compacted[0] == 2


def test_what_was_committed_for_a_removed_folder_ends_too(stores: Stores) -> None:
    """The photo was in a worker's hands when its folder was removed."""
    late = Embedding(content_id(50), np.eye(1, DIMENSION, dtype=np.float32), {}, (b"/a/late.jpg",))
    stores.store.commit([late])
    stores.contents.record("active", [(late.content, {})])
    stores.worklist.done([(Entry(b"/a/late.jpg", 1, 1, 1, 1), late.content)])
    stores.contents.labels_written("active", {late.content: late.paths})
    LabelSync(stores.store, stores.contents, "active").run()
    assert stores.retention.delete_expired() == 1
    assert late.content not in stores.store.contents()


def test_unnoticed_deletions_are_found(stores: Stores) -> None:
    """Rows of a crash, and thumbnails of photos that the catalog never knew."""
    stores.contents.record("active", [(content_id(60), {})])
    stores.thumbnails.put(64, Thumbnail(b"\xff\xd8\xff\xd9", 64, 48, content_id(61)))
    stores.retention.start()
    eventually(lambda: stores.left()["orphans"] == 2)
    stores.retention.stop()
    stores.now += KEPT_SECONDS + DAY
    assert stores.retention.delete_expired() == 2
    assert stores.left()["thumbnails"] == PHOTOS


def test_a_damaged_table_of_another_model_delays_nothing(stores: Stores) -> None:
    """No store has it open to repair it: it is renamed, and the others are cleaned."""
    for manifest in (stores.home.index / "vectors_other.lance" / "_versions").iterdir():
        manifest.write_bytes(b"")
    stores.folders.remove(b"/a")
    assert stores.retention.delete_expired() == PHOTOS
    assert set(stores.left().values()) == {0}
    assert list(stores.home.index.glob("vectors_other.lance.damaged-*"))


def test_every_store_is_asked_though_one_fails(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be dropped is dropped at once."""

    def refuse(_contents: Any) -> None:
        raise StorageError("no space left", remedy="make room")

    monkeypatch.setattr(stores.store, "remove", refuse)
    monkeypatch.setattr(retention, "AT_ONCE", 500)
    stores.folders.remove(b"/a")
    with pytest.raises(StorageError):
        stores.retention.delete_expired()
    left = stores.left()
    assert left["thumbnails"] == left["vectors_other"] == 0
    assert {n for name, n in left.items() if "gemini" in name} <= {0}


def test_more_contents_are_held_again_than_python_calls_deep(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`photosd index --again` lets go of every content, and takes all of them up again."""
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    with stores.database.write() as db:
        for number in range(1500):
            db.execute(
                "INSERT INTO photos(path, folder, size, mtime_ns, inode, device, content, state)"
                " VALUES(?, 2, 1, 1, 1, 1, ?, 'pending')",
                (b"/b/%d.jpg" % number, content_id(100 + number)),
            )
            db.execute("INSERT INTO orphans VALUES(?, 0)", (content_id(100 + number),))
    assert stores.retention.delete_expired() == 0
    assert stores.left()["orphans"] == 0


def test_what_went_while_the_clock_was_ahead_ends_in_thirty_days(stores: Stores) -> None:
    """Not thirty days after a year that is far away."""
    stores.catalog.forget([b"/a/walrus %d.jpg" % number for number in range(PHOTOS)])
    with stores.database.write() as db:
        db.execute("UPDATE photos SET gone_at = gone_at + ?", (3650 * DAY,))
    stores.contents.note_orphans([content_id(70)], stores.now + 3650 * DAY)
    stores.retention.delete_expired()
    stores.now += 31 * DAY
    assert stores.retention.delete_expired() == PHOTOS + 1


def test_tables_of_other_cloud_models_are_tidied(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a start after the removal: nothing more need be removed."""
    other = GeminiTable(stores.home.cloud)
    settings = CloudSettings(embedding_model="another")
    contents = [content_id(number) for number in range(PHOTOS)]
    other.commit(settings, contents, np.eye(PHOTOS, 768, dtype=np.float32), 0)
    stores.cloud.remove(contents[:1])
    for module in ("vectors", "dropping"):
        briefly = datetime.timedelta(milliseconds=1)
        monkeypatch.setattr(f"photosd.index.{module}.KEEP_VERSIONS", briefly)
    monkeypatch.setattr("photosd.runtime.erasing.KEEP_VERSIONS", datetime.timedelta(milliseconds=1))
    model_switcher: Any = SimpleNamespace(runtimes=list)
    derived = Derived(stores.home.index, model_switcher, stores.thumbnails, stores.cloud)
    time.sleep(0.02)
    derived.tidy()
    for table in stores.home.cloud.glob("*.lance"):
        files = [file.read_bytes() for file in table.rglob("*") if file.is_file()]
        assert not any(contents[0].encode() in data for data in files), table.name
        assert any(contents[1].encode() in data for data in files), table.name


def test_a_step_that_fails_stops_no_other(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one store cannot be read, expired queries and logs were kept."""

    def refuse(*_: Any) -> None:
        raise StorageError("the disk is gone", remedy="connect it")

    monkeypatch.setattr(stores.store, "remove", refuse)
    stores.folders.remove(b"/a")
    stores.contents.record("active", [(content_id(60), {})])
    model_switcher: Any = SimpleNamespace(runtimes=list)
    derived = Derived(stores.home.index, model_switcher, stores.thumbnails, stores.cloud)
    asked: list[str] = []
    monkeypatch.setattr(derived, "drop", refuse)
    others = (refuse, lambda: asked.append("other"))
    keeper = Retention(stores.catalog, stores.contents, derived, others=others)
    with pytest.raises(StorageError):
        keeper.work()
    assert asked == ["other"]
    assert stores.left()["orphans"] == PHOTOS + 1  # one was found without a path


def test_what_could_not_be_erased_is_erased_by_the_next_look(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that were deleted stay in the files of tables until then."""
    monkeypatch.setattr("photosd.runtime.erasing.KEEP_VERSIONS", datetime.timedelta(0))
    model_switcher: Any = SimpleNamespace(runtimes=list)
    derived = Derived(stores.home.index, model_switcher, stores.thumbnails, stores.cloud)
    erased: list[Any] = []
    time.sleep(0.01)

    def refuse(*_: Any) -> None:
        raise StorageError("no space left", remedy="make room")

    with monkeypatch.context() as patch:
        patch.setattr("photosd.runtime.erasing.drop_from_tables", refuse)
        with pytest.raises(StorageError):
            derived.tidy()
    monkeypatch.setattr("photosd.runtime.erasing.drop_from_tables", lambda *a: erased.append(a))
    derived.tidy()
    derived.tidy()
    assert len(erased) == 1


def test_expired_traces_are_deleted_though_one_kind_cannot_be(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contact sheets go while thumbnails stay."""
    sheet = stores.home.sheets / "sheet.html"
    sheet.parent.mkdir(parents=True)
    sheet.touch()
    os.utime(sheet, (1, 1))

    def refuse(*_: Any) -> None:
        raise StorageError("the disk is gone", remedy="connect it")

    monkeypatch.setattr(stores.thumbnails, "expire", refuse)
    model_switcher: Any = SimpleNamespace(runtimes=list)
    traces = Traces(
        stores.home,
        stores.database,
        model_switcher,
        stores.thumbnails,
        stores.cloud,
        lambda: True,
    )
    with pytest.raises(StorageError):
        traces.expire()
    assert not sheet.exists()


def test_a_store_that_keeps_failing_holds_up_no_later_content(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first contents were dropped, each minute again, and later ones from no store."""

    def refuse(_contents: Any) -> None:
        raise StorageError("permission denied", remedy="chmod")

    stores.folders.remove(b"/a")
    with monkeypatch.context() as patch:
        patch.setattr(stores.thumbnails, "drop", refuse)
        with pytest.raises(StorageError, match="permission denied"):
            stores.retention.delete_expired()
    left = stores.left()
    assert (left["vectors_active"], left["vectors_other"]) == (0, 0)
    assert left["orphans"] == left["thumbnails"] == PHOTOS
    assert stores.retention.delete_expired() == PHOTOS
    assert set(stores.left().values()) == {0}


def test_a_table_that_cannot_be_written_holds_up_no_other(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as that of a model that a newer photosd has written."""
    drop = dropping.delete_rows

    def refuse(directory: Path, path: Path, contents: Any) -> None:
        if path.stem == "vectors_active":
            raise PermissionError(errno.EACCES, "Permission denied")
        drop(directory, path, contents)

    monkeypatch.setattr(dropping, "delete_rows", refuse)
    with pytest.raises(StorageError, match="vectors_active"):
        drop_from_tables(stores.home.index, [content_id(n) for n in range(PHOTOS)], [])
    assert stores.left()["vectors_other"] == 0


def test_a_look_that_fails_is_repeated_in_an_hour(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes through all contents: a minute later it would keep a core busy."""
    asked: list[int] = []

    def refuse() -> Any:
        asked.append(1)
        raise StorageError("the disk is gone", remedy="connect it")

    model_switcher: Any = SimpleNamespace(runtimes=list)
    derived = Derived(stores.home.index, model_switcher, stores.thumbnails, stores.cloud)
    monkeypatch.setattr(derived, "contents", refuse)
    keeper, now = Retention(stores.catalog, stores.contents, derived), time.monotonic
    with pytest.raises(StorageError):
        keeper.work()
    keeper.work()
    assert len(asked) == 1
    monkeypatch.setattr(time, "monotonic", lambda: now() + retention.EVERY_SECONDS)
    with pytest.raises(StorageError):
        keeper.work()
