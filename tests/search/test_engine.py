"""A query gets the best answer that is left, and is told which it was."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photosd.core.clock import Deadline
from photosd.core.errors import BadRequest, DeadlineExceeded, EncoderUnavailable
from photosd.encoder.status import TextVectors
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.index.worklist import WorkList
from photosd.ipc.messages import Coverage, QueryParams
from photosd.models.spec import ModelSpec, Preprocess, Strength, Tokenizer, Weights
from photosd.search.engine import Engine
from photosd.watch.scanner import Entry

SPEC = ModelSpec(
    1,
    "fake",
    "fake",
    {"embed_dim": 4},
    Preprocess(4, (0, 0, 0), (1, 1, 1)),
    Tokenizer("clip-bpe", 8),
    Weights("w", 1, "x"),
    strength=Strength(0.1, 0.5, 0.9),
)


class FakeEncoder:
    """Answers with the axis its text names; may be away, or never answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.silent = False

    def encode_texts(self, texts: list[str], _deadline: Deadline) -> Future[Any]:
        self.asked += 1
        future: Future[Any] = Future()
        if self.error is not None:
            future.set_exception(self.error)
        elif not self.silent:
            vector = np.zeros((1, 4), np.float32)
            vector[0, len(texts[0]) % 4] = 1
            future.set_result(TextVectors(vector, [1.0], [[]]))
        return future


class Library:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.database = Database(directory / "catalog.sqlite3")
        self.catalog, self.worklist = Catalog(self.database), WorkList(self.database)
        self.contents = Contents(self.database)
        self.folders = Folders(self.database, directory / "folders.json")
        self.store = VectorStore(directory / "index", SPEC.fingerprint, 4)
        self.store.open()
        self.encoder = FakeEncoder()
        with self.database.write() as db:
            db.execute("INSERT INTO folders(id, path, state) VALUES(1, ?, 'ok')", (b"/p",))
            db.execute("INSERT INTO folders(id, path, state) VALUES(2, ?, 'offline')", (b"/u",))

    def add(self, path: str, axis: int, folder: int = 1, taken_at: float | None = None) -> None:
        vector = np.full((1, 4), 0.1, np.float32)
        vector[0, axis] = 1
        vector /= np.linalg.norm(vector)
        content = f"1-{path}"
        facts = {"taken_at": taken_at}
        self.store.commit([Embedding(content, vector, facts)])
        self.contents.record(SPEC.fingerprint, [(content, facts)])
        entry = Entry(path.encode(), 1, 1, hash(path) % 10**9, 1)
        self.catalog.put(folder, entry, due=0)
        self.worklist.done([(entry, content)])

    def engine(self) -> Engine:
        return Engine(
            SPEC,
            self.encoder,  # type: ignore[arg-type]
            self.store,
            self.database,
            self.catalog,
            self.contents,
            self.folders,
            lambda: Coverage(0, 0, 0, 0, []),
        )


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path)
    for axis in range(4):
        library.add(f"/p/axis {axis}.jpg", axis, taken_at=1e9 + axis)
    return library


def paths(library: Library, text: str, limit: int = 20, **more: Any) -> list[str]:
    return [hit.path for hit in library.engine().query(QueryParams(text, limit, **more)).hits]


def test_the_nearest_come_first(library: Library) -> None:
    """With rank, strength and date; the limit holds; the answer is convincing."""
    answer = library.engine().query(QueryParams("abc", 2))
    assert answer.hits[0].path == "/p/axis 3.jpg"
    assert [hit.rank for hit in answer.hits] == [1, 2]
    assert [hit.strength for hit in answer.hits] == ["strong", "weak"]
    assert answer.hits[0].taken_at == 1e9 + 3
    assert answer.convincing
    assert answer.answered_by == "vector"


def test_gone_photos_do_not_take_the_places_of_others(library: Library) -> None:
    """A hundred vectors without a path are skipped over."""
    for number in range(100):
        library.add(f"/p/gone{number}.jpg", 3)
    library.catalog.forget(f"/p/gone{number}.jpg".encode() for number in range(100))
    assert len(paths(library, "abc", 4)) == 4


def test_photos_of_an_absent_folder_are_marked(library: Library) -> None:
    """They stay in the answers: the disk will be back."""
    library.add("/u/disk.jpg", 3, folder=2)
    hits = library.engine().query(QueryParams("abc", 2)).hits
    assert {hit.path: hit.offline for hit in hits}["/u/disk.jpg"] is True


def test_a_repeated_question_needs_no_encoder(library: Library) -> None:
    """Not even after a restart, and whatever the spacing."""
    first = library.engine().query(QueryParams("a  sunset "))
    library.encoder.error = EncoderUnavailable("dead", remedy="wait")
    again = library.engine().query(QueryParams("a sunset"))
    assert again.answered_by == "cached_embedding"
    assert [h.path for h in again.hits] == [h.path for h in first.hits]
    assert library.encoder.asked == 1
    assert b"sunset" not in (library.directory / "catalog.sqlite3").read_bytes()


def test_without_an_encoder_names_and_years_are_matched(library: Library) -> None:
    """Labelled as such, with the reason in the warnings."""
    library.encoder.error = EncoderUnavailable("dead", remedy="wait")
    library.add("/p/Trip_100%/eilat.jpg", 0)
    answer = library.engine().query(QueryParams("EILAT"))
    assert [hit.path for hit in answer.hits] == ["/p/Trip_100%/eilat.jpg"]
    assert answer.answered_by == "text_match"
    assert answer.hits[0].sources == ["name"]
    assert answer.warnings
    assert len(paths(library, "2001")) == 4  # when the pictures of the fixture were taken
    with pytest.raises(EncoderUnavailable):
        library.engine().query(QueryParams("zeppelin"))


def test_a_silent_encoder_costs_the_deadline_and_no_more(library: Library) -> None:
    """The error comes in time, typed, with when to ask again."""
    library.encoder.silent = True
    before = time.monotonic()
    with pytest.raises(DeadlineExceeded) as caught:
        library.engine().query(QueryParams("zeppelin", deadline_ms=500))
    assert time.monotonic() - before < 0.5
    assert caught.value.retry_after_ms


@pytest.mark.parametrize("text", ["", "  ", "\u2003\n"])
def test_an_empty_query_is_a_mistake(library: Library, text: str) -> None:
    """It has no meaning; nothing is encoded."""
    with pytest.raises(BadRequest):
        library.engine().query(QueryParams(text))
    assert library.encoder.asked == 0
