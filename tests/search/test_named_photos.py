"""Words of names in answers of the engine."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from photosd.protocol.requests import QueryParams
from photosd.search.calibration import Calibration
from photosd.search.judging import Background, Scale
from photosd.search.names import named
from photosd.watch.scanner import Entry
from tests.search.library import Library, TwoSides


def test_words_of_names_count_beside_the_looks(library: Library) -> None:
    """The photo is found although it does not look like the query, and `sources` says why."""
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
    """Otherwise the hit would look wrong; with a filter, only copies that pass count."""
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
    """Even if few are requested: the best evidence decides, not the first place."""
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
    """They do not count towards the frequency of a word."""
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


def test_a_word_that_matched_as_a_plural_is_understood(library: Library) -> None:
    """The same photo was the answer because of it."""
    library.add("/p/okapis and zebras.jpg", 1)
    library.encoder.unknown = ["okapi"]
    answer = library.engine().query(QueryParams("okapi"))
    assert answer["convincing"] and answer["unknown"] == []


def test_an_emoji_is_told_unless_a_name_has_it(library: Library) -> None:
    """It has no letters, but it is part of the question."""
    library.add("/p/🐶 party.jpg", 1)
    library.encoder.unknown = ["🐶"]
    engine = library.engine()
    for text in ("🐶", "dog 🐶", "a dog 🐶 at the beach"):
        assert engine.query(QueryParams(text))["unknown"] == ["🐶"]
    assert engine.query(QueryParams("🐶 party"))["unknown"] == []
