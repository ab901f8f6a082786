"""Filters by folder follow every move of a photo, and no vector is computed again for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from photosd.index import committer, vectors
from photosd.index.catalog import Catalog
from photosd.index.committer import Committer, LabelSync
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.filters import Filter
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.index.worklist import WorkList
from photosd.watch.scanner import Entry
from tests.index import tables

DIMENSION = 16
MODEL = "test"


class Library:
    """Catalog and table of photos in /p, without the processes that fill them."""

    def __init__(self, directory: Path, photos: int) -> None:
        self.directory = directory
        database = Database(directory / "catalog.sqlite3")
        with database.write() as db:
            db.execute("INSERT INTO folders(id, path, state) VALUES(1, ?, 'ok')", (b"/p",))
        self.catalog, self.contents = Catalog(database), Contents(database)
        self.worklist = WorkList(database)
        self.store = VectorStore(directory / "index", MODEL, DIMENSION)
        self.store.open()
        self.label_sync = LabelSync(self.store, self.contents, MODEL)
        generator = np.random.default_rng(1)
        values = generator.normal(size=(photos, DIMENSION)).astype(np.float32)
        self.values = values / np.linalg.norm(values, axis=1, keepdims=True)

    def index(self, paths: list[bytes], camera: str | None = None) -> None:
        """Photos at these paths, the n-th with content n, seen by the model."""
        facts = {"camera": camera, "width": 4, "height": 3}
        rows = [Embedding(f"{n}-x", self.values[n : n + 1], facts) for n in range(len(paths))]
        self.store.commit(rows)
        self.contents.record(MODEL, ((e.content, e.facts) for e in rows))
        self.catalog_as(paths)

    def catalog_as(self, paths: list[bytes]) -> None:
        with self.catalog.batch():
            for number, path in enumerate(paths):
                self.catalog.adopt(1, Entry(path, 10, 5, number, 1), f"{number}-x")

    def below(self, *folders: bytes) -> set[str]:
        found = self.store.nearest(self.values[0], 100_000, Filter(below=folders))
        return {content for content, _ in found}


@pytest.fixture(params=["ram", "disk"])
def library(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Library:
    """A library of three photos in two folders, the first photo in both."""
    if request.param == "disk":
        monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    library = Library(tmp_path, 3)
    library.index([b"/p/a/0.jpg", b"/p/a/1.jpg", b"/p/b/2.jpg"], "Canon")
    library.catalog.adopt(1, Entry(b"/p/b/0.jpg", 10, 5, 9, 1), "0-x")
    if request.param == "disk":
        assert library.store.wait_idle(30)
        assert tables.states(tmp_path / "index")
        monkeypatch.undo()  # what moves is recent again, and stays so
    library.label_sync.run()
    return library


def test_folders_follow_moves_copies_and_deletions(library: Library) -> None:
    """In RAM and on disk, at once and after reopening."""
    assert library.below(b"/p/a") == {"0-x", "1-x"}
    assert library.below(b"/p/b") == {"0-x", "2-x"}
    library.catalog.forget([b"/p/a/0.jpg", b"/p/a/1.jpg"])
    library.catalog.adopt(1, Entry(b"/p/c/1.jpg", 10, 5, 1, 1), "1-x")
    library.label_sync.run()
    again = VectorStore(library.directory / "index", MODEL, DIMENSION)
    again.open()
    for store in (library.store, again):
        library.store = store
        assert library.below(b"/p/a") == set()
        assert library.below(b"/p/b") == {"0-x", "2-x"}
        assert library.below(b"/p/c") == {"1-x"}
        canon = library.store.nearest(library.values[0], 9, Filter(camera="canon"))
        assert len(canon) == 3  # what else it is filtered by stays


def test_labels_not_written_yet_stay_due(library: Library) -> None:
    """A path that comes between asking and telling must not be lost."""
    library.catalog.forget([b"/p/b/2.jpg"])
    assert [held.content for held in library.contents.labels_due(MODEL, 9)] == ["2-x"]
    library.contents.labels_written(MODEL, {"2-x": [b"/p/b/2.jpg"]})
    assert len(library.contents.labels_due(MODEL, 9)) == 1
    library.label_sync.run()
    assert library.contents.labels_due(MODEL, 9) == []
    for number in range(2):  # changed again before its labels were written
        library.catalog.put(1, Entry(b"/p/a/1.jpg", 11 + number, 5, 1, 1), due=0, content="1-x")
        library.worklist.done([(Entry(b"/p/a/1.jpg", 11 + number, 5, 1, 1), "1-x")])
    assert [held.content for held in library.contents.labels_due(MODEL, 9)] == ["1-x"]


def test_what_is_described_meanwhile_stays_unfiled(library: Library) -> None:
    """A sidecar that is read between asking and telling must not be lost."""
    library.contents.mark_labels_due(MODEL)
    (held, *_) = library.contents.labels_due(MODEL, 1)
    library.contents.record(MODEL, [(held.content, {**held.facts, "people": ["Noa"]})])
    library.contents.labels_written(
        MODEL, {held.content: held.paths}, {held.content: (held.facts, held.place)}
    )
    assert held.content in {one.content for one in library.contents.labels_due(MODEL, 9)}
    library.label_sync.run()
    noa = library.store.nearest(library.values[0], 9, Filter(people=("Noa",)))
    assert [content for content, _ in noa] == [held.content]
    assert library.contents.labels_due(MODEL, 9) == []


def test_five_thousand_renamed_photos_are_filed_at_once(tmp_path: Path) -> None:
    """All of them have the labels of their new place, and none of the old one."""
    library = Library(tmp_path, 5000)
    library.index([b"/p/old/%d.jpg" % number for number in range(5000)])
    library.label_sync.run()
    old = library.below(b"/p/old")
    library.catalog_as([b"/p/new/%d.jpg" % number for number in range(5000)])
    library.catalog.forget(b"/p/old/%d.jpg" % number for number in range(5000))
    library.label_sync.run()
    assert library.below(b"/p/new") == old and len(old) == 5000
    assert library.below(b"/p/old") == set()


def test_a_table_of_version_0_1_0_is_filled_from_the_catalog(library: Library) -> None:
    """Such a table has no labels, and its catalog knows nothing of labels."""
    index = library.directory / "index"
    for flushed in {False, bool(tables.states(index))}:
        tables.table(index, MODEL, flushed=flushed).drop_columns(["labels", "moment", "format"])
    with library.contents.batch():
        for held in ("0-x", "1-x", "2-x"):
            path = library.catalog.paths_of([held])[held][0][0]
            library.catalog.forget([path])
            library.catalog.adopt(1, Entry(path, 10, 5, 1, 1), held)
    library.store = VectorStore(library.directory / "index", MODEL, DIMENSION)
    library.store.open()
    assert library.below(b"/p") == set()
    LabelSync(library.store, library.contents, MODEL).run()
    assert library.below(b"/p/b") == {"0-x", "2-x"}
    wide = library.store.nearest(
        library.values[0], 9, Filter(camera="can", orientation="landscape")
    )
    assert len(wide) == 3


def test_freed_memory_is_returned_once_a_minute_after_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not while nothing is written, and not after each photo."""
    library, trims, now = Library(tmp_path, 1), list[float](), [1000.0]
    monkeypatch.setattr(committer, "trim", lambda: trims.append(now[0]))
    monkeypatch.setattr(committer, "time", SimpleNamespace(monotonic=lambda: now[0]))
    writer = Committer(library.store, library.contents, library.worklist, MODEL)
    for seconds in (0, 1, 2, 61, 62, 200):
        now[0] = 1000.0 + seconds
        if seconds in (1, 2, 62):
            writer.commit()
        writer.tidy()
    assert trims == [1001.0, 1062.0]
