"""A query gets the best answer that is left, and is told which it was."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosd.core.clock import Deadline
from photosd.core.errors import (
    BadRequest,
    DeadlineExceeded,
    EncoderUnavailable,
    NotFound,
    UnreadablePhoto,
)
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.messages import Facts
from photosd.decode.pool import Decoded
from photosd.encoder.results import TextVectors
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.index.shared_resources import SharedResources
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.index.worklist import WorkList
from photosd.models.spec import ModelSpec, Preprocess, Strength, Tokenizer, Weights
from photosd.protocol.requests import OPERATIONS, QueryParams, Request, Term, parse_params
from photosd.search.calibration import Calibration
from photosd.search.engine import Engine
from photosd.search.judging import Background, Scale
from photosd.search.names import named
from photosd.search.parsing import question_of
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
        self.unknown: list[str] = []

    def encode_texts(self, texts: list[str], _deadline: Deadline) -> Future[Any]:
        self.asked += 1
        future: Future[Any] = Future()
        if self.error is not None:
            future.set_exception(self.error)
        elif not self.silent:
            vectors = np.zeros((len(texts), 4), np.float32)
            vectors[range(len(texts)), [len(text) % 4 for text in texts]] = 1
            future.set_result(
                TextVectors(
                    vectors, [1.0] * len(texts), [self.unknown] * len(texts), [None] * len(texts)
                )
            )
        return future

    def encode_images(self, pixels: Any, deadline: Deadline | None = None) -> Future[Any]:
        assert deadline is not None
        vector = np.zeros((len(pixels), 4), np.float32)
        vector[:, pixels[0, 0, 0, 0]] = 1
        future: Future[Any] = Future()
        future.set_result(vector)
        return future


class TwoSides:
    """Answers with what is between two axes."""

    def encode_texts(self, texts: list[str], _deadline: Deadline) -> Future[Any]:
        vector = np.array([[0.9, 0.436, 0, 0]] * len(texts), np.float32)
        future: Future[Any] = Future()
        future.set_result(
            TextVectors(vector, [1.0] * len(texts), [[]] * len(texts), [None] * len(texts))
        )
        return future


class FakePool:
    """Reads pictures whose name says which axis they show; others cannot be read."""

    def __init__(self) -> None:
        self.read: list[bytes] = []

    def decode(self, path: bytes, _shape: Any, **_more: Any) -> Future[Any]:
        self.read.append(path)
        future: Future[Any] = Future()
        if not (axis := path[-5:-4]).isdigit():
            future.set_exception(DecodeFailed("damaged", "the file is damaged"))
            return future
        pixels = np.full((1, 1, 1, 3), int(axis), np.uint8)
        identity = {"content_id": "new", "size": 1, "mtime_ns": 1, "inode": 1, "device": 1}
        facts = Facts(width=1, height=1, format="JPEG")
        future.set_result(Decoded(**identity, pixels=pixels, facts=facts))  # type: ignore[arg-type]
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
        self.encoder, self.pool = FakeEncoder(), FakePool()
        self._added: list[tuple[Embedding, dict[str, Any], int, Entry]] = []
        self._together = False
        with self.database.write() as db:
            db.execute("INSERT INTO folders(id, path, state) VALUES(1, ?, 'ok')", (b"/p",))
            db.execute("INSERT INTO folders(id, path, state) VALUES(2, ?, 'offline')", (b"/u",))

    def copy(self, path: str, to: str, folder: int = 1) -> None:
        entry = Entry(to.encode(), 1, 1, hash(to) % 10**9, 1)
        self.catalog.adopt(folder, entry, f"1-{path}")

    def add(
        self,
        path: str,
        axis: int,
        folder: int = 1,
        taken_at: float | None = None,
        also: int | None = None,
        **more: Any,
    ) -> None:
        vector = np.full(4, 0.1, np.float32)
        vector[[axis, axis if also is None else also]] = 1
        self.add_vector(path, vector, folder, taken_at=taken_at, **more)

    def add_vector(self, path: str, towards: Any, folder: int = 1, **facts: Any) -> None:
        vector = np.asarray(towards, np.float32)[None] / np.linalg.norm(towards)
        embedding = Embedding(f"1-{path}", vector, facts, (path.encode(),))
        entry = Entry(path.encode(), 1, 1, hash(path) % 10**9, 1)
        self._added.append((embedding, facts, folder, entry))
        if not self._together:
            self._commit()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What is added within is written at its end, at once: a write takes 10 ms."""
        self._together = True
        yield
        self._together = False
        self._commit()

    def _commit(self) -> None:
        added, self._added = self._added, []
        if not added:
            return
        self.store.commit([embedding for embedding, _, _, _ in added])
        self.contents.record(SPEC.fingerprint, [(one.content, facts) for one, facts, _, _ in added])
        for _, _, folder, entry in added:
            self.catalog.put(folder, entry, due=0)
        self.worklist.done([(entry, one.content) for one, _, _, entry in added])

    def engine(self, spec: ModelSpec = SPEC, encoder: Any = None) -> Engine:
        shared = SharedResources(
            self.directory / "index",
            self.database,
            self.catalog,
            self.contents,
            self.folders,
            self.pool,  # type: ignore[arg-type]
            lambda _path: None,
        )
        return Engine(spec, encoder or self.encoder, self.store, shared)  # type: ignore[arg-type]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path)
    with library.together():
        for axis in range(4):
            library.add(f"/p/axis {axis}.jpg", axis, taken_at=1e9 + axis)
    return library


def paths(library: Library, text: str, limit: int = 20, **more: Any) -> list[str]:
    return [hit["path"] for hit in library.engine().query(QueryParams(text, limit, **more))["hits"]]


def test_the_nearest_come_first(library: Library) -> None:
    """With rank, strength and date; the limit holds; the answer is convincing."""
    answer = library.engine().query(QueryParams("abc", 2))
    assert answer["hits"][0]["path"] == "/p/axis 3.jpg"
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2]
    assert [hit["strength"] for hit in answer["hits"]] == ["strong", "weak"]
    assert answer["hits"][0]["taken_at"] == 1e9 + 3
    assert answer["convincing"]
    assert answer["answered_by"] == "vector"


def test_gone_photos_do_not_take_the_places_of_others(library: Library) -> None:
    """A hundred vectors without a path are skipped over."""
    with library.together():
        for number in range(100):
            library.add(f"/p/gone{number}.jpg", 3)
    library.catalog.forget(f"/p/gone{number}.jpg".encode() for number in range(100))
    assert len(paths(library, "abc", 4)) == 4


def test_photos_of_an_absent_folder_are_marked(library: Library) -> None:
    """They stay in the answers: the disk will be back."""
    library.add("/u/disk.jpg", 3, folder=2)
    hits = library.engine().query(QueryParams("abc", 2))["hits"]
    assert {hit["path"]: hit["offline"] for hit in hits}["/u/disk.jpg"] is True


def test_a_repeated_question_needs_no_encoder(library: Library) -> None:
    """Not even after a restart, and whatever the spacing."""
    before = library.engine()
    first = before.query(QueryParams("a  sunset "))
    before.close()  # it saves aside
    library.encoder.error = EncoderUnavailable("dead", remedy="wait")
    again = library.engine().query(QueryParams("a sunset"))
    assert again["answered_by"] == "cached_embedding"
    assert [h["path"] for h in again["hits"]] == [h["path"] for h in first["hits"]]
    assert library.encoder.asked == 1
    assert b"sunset" not in (library.directory / "catalog.sqlite3").read_bytes()


def test_without_an_encoder_names_and_years_are_matched(library: Library) -> None:
    """Labelled as such, with the reason in the warnings."""
    library.encoder.error = EncoderUnavailable("dead", remedy="wait")
    library.add("/p/Trip_100%/eilat.jpg", 0)
    answer = library.engine().query(QueryParams("EILAT"))
    assert [hit["path"] for hit in answer["hits"]] == ["/p/Trip_100%/eilat.jpg"]
    assert answer["answered_by"] == "text_match"
    assert answer["hits"][0]["sources"] == ["name"]
    assert answer["warnings"]
    assert len(paths(library, "2001")) == 4  # when the pictures of the fixture were taken
    with pytest.raises(EncoderUnavailable):
        library.engine().query(QueryParams("zeppelin"))


def test_a_silent_encoder_costs_the_deadline_and_no_more(library: Library) -> None:
    """The error comes in time, typed, with when to ask again."""
    library.encoder.silent = True
    with pytest.raises(DeadlineExceeded) as caught:
        library.engine().query(QueryParams("zeppelin", deadline_ms=500))
    assert caught.value.retry_after_ms


@pytest.mark.parametrize("text", ["", "  ", "\u2003\n"])
def test_an_empty_query_is_a_mistake(library: Library, text: str) -> None:
    """It has no meaning; nothing is encoded."""
    with pytest.raises(BadRequest):
        library.engine().query(QueryParams(text))
    assert library.encoder.asked == 0


# -- pictures and sums ----------------------------------------------------------------------------


def best(library: Library, *terms: Term, text: str = "") -> str:
    """The first of what these terms find."""
    return library.engine().query(QueryParams(text, 4, terms=list(terms)))["hits"][0]["path"]


def test_terms_are_added_and_taken_away(library: Library) -> None:
    """By their weights, each of unit length; the query's text is one of them."""
    library.add("/p/both.jpg", 1, also=2)
    assert best(library, Term(text="bb"), text="a") == "/p/both.jpg"
    assert best(library, Term(text="bb", weight=5), text="a") == "/p/axis 2.jpg"
    assert best(library, Term(text="bb", weight=-1), text="a") == "/p/axis 1.jpg"


def test_a_photo_of_the_library_is_looked_up(library: Library) -> None:
    """Nothing is decoded or encoded; the photo itself is the first hit."""
    answer = library.engine().query(QueryParams(terms=[Term(path="/p/axis 2.jpg")]))
    assert answer["hits"][0]["path"] == "/p/axis 2.jpg" and answer["hits"][0]["score"] > 0.999
    assert answer["answered_by"] == "cached_embedding" and answer["query"] == "like /p/axis 2.jpg"
    assert (library.encoder.asked, library.pool.read) == (0, [])


def test_any_other_picture_is_read_and_encoded(library: Library, tmp_path: Path) -> None:
    """Whatever the user can read, here together with words."""
    picture = tmp_path / "new 3.jpg"
    picture.write_bytes(b"x")
    assert best(library, Term(path=str(picture))) == "/p/axis 3.jpg"
    assert library.pool.read == [str(picture).encode()]
    library.add("/p/both.jpg", 1, also=3)
    assert best(library, Term(path=str(picture)), text="a") == "/p/both.jpg"


def test_pictures_that_cannot_be_asked_with_are_refused(library: Library, tmp_path: Path) -> None:
    """Each with its own error and remedy, and with no fallback to names."""
    (tmp_path / "text.jpg").write_bytes(b"x")
    for path, error in (
        (tmp_path / "absent.jpg", NotFound),
        (tmp_path, BadRequest),
        (tmp_path / "text.jpg", UnreadablePhoto),
    ):
        with pytest.raises(error) as caught:
            best(library, Term(path=str(path)))
        assert caught.value.remedy
        assert "no action needed" not in caught.value.remedy


@pytest.mark.parametrize(
    "terms",
    [
        [Term(text="people", weight=-1)],
        [Term(text="dog"), Term(text="dog", weight=-1)],
        [Term(text="dog", weight=0)],
        [Term(text="dog", path="/p/x.jpg")],
        [Term()],
        [Term(path="relative.jpg")],
        [Term(text="a")] * 33,
    ],
)
def test_sums_without_sense_are_refused(library: Library, terms: list[Term]) -> None:
    """With what to do instead."""
    with pytest.raises(BadRequest) as caught:
        library.engine().query(QueryParams(terms=terms))
    assert caught.value.remedy


# -- pages ----------------------------------------------------------------------------------------


def test_pages_neither_repeat_nor_skip_while_photos_arrive(library: Library) -> None:
    """What was shown stays; the same cursor gives the same page."""
    for number in range(20):
        library.add(f"/p/{number:02}.jpg", number % 4)
    engine, seen = library.engine(), []
    answer = engine.query(QueryParams("abc", 7))
    while True:
        seen += [(hit["rank"], hit["path"]) for hit in answer["hits"]]
        if answer["cursor"] is None:
            break
        for number in range(3):
            library.add(f"/p/late {len(seen)}-{number}.jpg", 3)
        cursor = answer["cursor"]
        answer = engine.query(QueryParams(cursor=cursor, limit=7))
        assert engine.query(QueryParams(cursor=cursor, limit=7))["hits"] == answer["hits"]
        if len(seen) > 60:
            break
    assert [rank for rank, _ in seen] == list(range(1, len(seen) + 1))
    assert len({path for _, path in seen}) == len(seen)
    assert library.encoder.asked == 1


def test_the_last_page_has_no_cursor(library: Library) -> None:
    """And all of them together are the library."""
    engine = library.engine()
    first = engine.query(QueryParams("abc", 3))
    assert first["cursor"]
    second = engine.query(QueryParams(cursor=first["cursor"], limit=3))
    assert [len(first["hits"]), len(second["hits"]), second["cursor"]] == [3, 1, None]
    assert (second["query"], second["convincing"]) == (first["query"], first["convincing"])


@pytest.mark.parametrize("cursor", ["", "x", "x" * 5000, "a.1.2", "a.1.2.3", "....", "a.١.1.1"])
def test_a_cursor_of_another_day_is_refused(library: Library, cursor: str) -> None:
    """A cursor of an earlier daemon, or an invented one of any length; in words."""
    request = parse_params(
        Request("query", params=msgspec.Raw(msgspec.json.encode({"cursor": cursor}))),
        OPERATIONS["query"],
    )
    assert isinstance(request, QueryParams)
    with pytest.raises(BadRequest, match="that cursor has expired"):
        library.engine().query(request)


# -- copies ---------------------------------------------------------------------------------------


def test_copies_are_one_hit_unless_each_is_wanted(library: Library) -> None:
    """One that is there stands for those that are not; pages may end among copies."""
    for path, folder in (("/a/x.jpg", 2), ("/p/b.jpg", 1), ("/p/c.jpg", 1)):
        library.copy("/p/axis 3.jpg", path, folder)
    engine = library.engine()
    hit = engine.query(QueryParams("abc", 4))["hits"][0]
    assert (hit["path"], hit["copies"]) == ("/p/axis 3.jpg", 4)
    seen: list[str] = []
    answer = engine.query(QueryParams("abc", 3, all=True))
    while answer["cursor"] is not None:
        seen += [hit["path"] for hit in answer["hits"]]
        answer = engine.query(QueryParams(cursor=answer["cursor"], limit=3))
    seen += [hit["path"] for hit in answer["hits"]]
    assert seen[:4] == ["/p/axis 3.jpg", "/p/b.jpg", "/p/c.jpg", "/a/x.jpg"]
    assert len(seen) == len(set(seen)) == 7


# -- names ----------------------------------------------------------------------------------------


def test_words_of_names_count_beside_the_looks(library: Library) -> None:
    """The photo is found though nothing in it looks so, and says why."""
    for number in range(30):
        library.add(f"/p/other {number}.jpg", 3)
    library.add("/p/Trips/Éilat 2019/IMG_1.jpg", 0)
    answer = library.engine().query(QueryParams("our eilat..", 3))
    named = {hit["path"]: hit for hit in answer["hits"]}["/p/Trips/Éilat 2019/IMG_1.jpg"]
    assert named["sources"] == ["name"] and named["strength"] == "fair"
    assert 0 < named["score"] < 0.3


def test_words_that_name_most_of_the_library_say_nothing(library: Library) -> None:
    """A folder that holds everything, the file type, an article."""
    library.add("/p/Zoo 1.jpg", 0)
    for text in ("axis", "jpg", "the"):
        assert not named(library.database, text)
    assert list(named(library.database, "the axis zoo")) == ["1-/p/Zoo 1.jpg"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("סבתא", "סבתא"),
        ("서울", "서울"),
        ("Zürich", "zurich"),
        ("zurich", "Zürich"),
        ("Zu\u0308rich", "Zürich"),
        ("Ёлка", "ёлка"),
    ],
)
def test_names_in_any_script(library: Library, name: str, word: str) -> None:
    """With and without accents; letters that SQLite does not know break nothing."""
    library.add(f"/p/{name} 3.jpg", 0)
    assert list(named(library.database, word)) == [f"1-/p/{name} 3.jpg"]
    assert not named(library.database, "a\u19b0b")


def test_names_follow_the_catalog(library: Library) -> None:
    """Forgotten and swept paths are not found any more; renamed ones by their new name."""
    library.add("/p/zebra.jpg", 0)
    assert named(library.database, "zebras")
    library.catalog.forget([b"/p/zebra.jpg"])
    assert not named(library.database, "zebra")
    library.catalog.sweep(time.time() + 1)
    library.copy("/p/axis 0.jpg", "/p/okapi.jpg")
    assert [one.share for one in named(library.database, "okapi").values()] == [1.0]


def test_the_copy_that_is_named_so_is_shown(library: Library) -> None:
    """Else the hit looks like a mistake; with a filter, of the copies that pass."""
    library.copy("/p/axis 0.jpg", "/p/b/copy of okapi (1).jpg")
    library.copy("/p/axis 0.jpg", "/p/aa.jpg")
    hit = library.engine().query(QueryParams("okapi"))["hits"][0]
    assert (hit["path"], hit["sources"], hit["copies"]) == (
        "/p/b/copy of okapi (1).jpg",
        ["name"],
        3,
    )
    hit = library.engine().query(QueryParams("abcd"))["hits"][0]
    assert (hit["path"], hit["sources"]) == ("/p/aa.jpg", ["clip"])


def test_what_convinces_is_on_the_first_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few are wanted: the verdict is that of the best evidence, not of place 1."""
    library = Library(tmp_path)
    for number in range(4):
        library.add(f"/p/{number}.jpg", 3)
    library.add_vector("/p/near to all.jpg", (1, 1, 0, 0))
    library.add_vector("/p/it.jpg", (1, 0, 1, 0))
    engine = library.engine(encoder=TwoSides())
    scale = Scale(Background(np.array([[0, 0.9, 0, 0]], np.float32), 1.0), 0.5, 0.9)
    monkeypatch.setattr(Calibration, "of", lambda _self, _question: scale)
    nearest = [hit["strength"] for hit in engine.query(QueryParams("x", 3))["hits"]]
    assert nearest[:2] == ["weak", "fair"]
    answer = engine.query(QueryParams("x", 1))
    assert answer["convincing"] and [hit["path"] for hit in answer["hits"]] == ["/p/it.jpg"]
    assert answer["cursor"] is not None
    rest = engine.query(QueryParams(cursor=answer["cursor"], limit=20))["hits"]
    assert "/p/it.jpg" not in [hit["path"] for hit in rest] and len(rest) == 5


def test_photos_that_were_removed_are_named_by_nothing(library: Library) -> None:
    """Nor do they make a word of few photos one that says nothing."""
    for number in range(20):
        library.add(f"/p/okapi {number}.jpg", 0)
    library.catalog.forget(f"/p/okapi {number}.jpg".encode() for number in range(19))
    assert list(named(library.database, "okapi")) == ["1-/p/okapi 19.jpg"]
    library.catalog.adopt(1, Entry(b"/p/okapi 3.jpg", 1, 1, 7, 1), "1-/p/okapi 3.jpg")
    assert len(named(library.database, "okapi")) == 2


def test_words_of_a_name_that_matched_are_understood(library: Library) -> None:
    """Others that the model does not know are named, on every page."""
    library.add("/p/s0_png.png", 1)
    library.encoder.unknown = ["s0", "png", "zorble"]
    engine = library.engine()
    assert engine.query(QueryParams("s0_png.png"))["unknown"] == ["zorble"]
    first = engine.query(QueryParams("s0_png.png", limit=1))
    assert first["cursor"] and engine.query(QueryParams(cursor=first["cursor"]))["unknown"] == [
        "zorble"
    ]
    assert engine.query(QueryParams("a zorble"))["unknown"] == ["s0", "png", "zorble"]


# -- single photos --------------------------------------------------------------------------------


def test_one_photo_is_judged_as_all_are(library: Library) -> None:
    """Alerts ask this of every new photo."""
    question = question_of(QueryParams("abc"))
    contents = ["1-/p/axis 3.jpg", "1-/p/axis 0.jpg", "unknown"]
    found = library.engine().match(question, contents, Deadline.after(30))
    assert {c: (m.strength, m.convincing) for c, m in found.items()} == {
        contents[0]: ("strong", True),
        contents[1]: ("weak", False),
    }


TEXTS = ("abc", "axis 3", "axis", "zoo", "the zoo 7", "zoo 7.jpg", "abcd zoo", "zoo cat abc")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["zoo", "a/zoo", "cat", "axis 3", "Zoo cat", "x"]),
            st.tuples(*[st.floats(-1, 1, width=16)] * 4).filter(any),
        ),
        max_size=12,
    ),
    st.sampled_from(TEXTS),
)
@settings(max_examples=30, deadline=None)
def test_a_query_convinces_of_a_photo_exactly_when_an_alert_fires(
    photos: list[tuple[str, tuple[float, ...]]], text: str
) -> None:
    """For random photos and questions: one judge."""
    with tempfile.TemporaryDirectory(prefix="photosd-test-") as directory:
        library = Library(Path(directory))
        with library.together():
            for number, (name, towards) in enumerate(photos):
                library.add_vector(f"/p/{name} {number}.jpg", towards)
        engine = library.engine()
        contents = [f"1-/p/{name} {number}.jpg" for number, (name, _) in enumerate(photos)]
        question = question_of(QueryParams(text))
        fires = {
            c
            for c, m in engine.match(question, contents, Deadline.after(9)).items()
            if m.convincing
        }
        answer = engine.query(QueryParams(text, 100))
        assert {f"1-{hit['path']}" for hit in answer["hits"] if hit["strength"] != "weak"} == fires
        assert answer["convincing"] == bool(fires)
        engine.close()
        library.database.close()
