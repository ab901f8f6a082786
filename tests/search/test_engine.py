"""A query gets the best available answer, and reports which kind it is."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosd.core.clock import Deadline
from photosd.core.errors import (
    BadRequest,
    DeadlineExceeded,
    EncoderUnavailable,
)
from photosd.protocol.requests import QueryParams
from photosd.search.parsing import question_of
from tests.search.library import Library, paths


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
    """They stay in the answers, because the disk may return."""
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


def test_with_a_silent_encoder_a_query_ends_at_its_deadline(library: Library) -> None:
    """The error comes in time, typed, with when to ask again."""
    library.encoder.silent = True
    with pytest.raises(DeadlineExceeded) as caught:
        library.engine().query(QueryParams("zeppelin", deadline_ms=500))
    assert caught.value.retry_after_ms


@pytest.mark.parametrize("text", ["", "  ", "\u2003\n"])
def test_an_empty_query_is_a_mistake(library: Library, text: str) -> None:
    """It is refused, and nothing is encoded."""
    with pytest.raises(BadRequest):
        library.engine().query(QueryParams(text))
    assert library.encoder.asked == 0


def test_copies_are_one_hit_unless_each_is_wanted(library: Library) -> None:
    """An available copy is shown instead of unavailable ones; pages may end among copies."""
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


def test_one_photo_is_judged_as_all_are(library: Library) -> None:
    """Alerts use this for every new photo."""
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
