"""Sums of words and pictures, and pages of answers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from photosd.core.errors import (
    BadRequest,
    NotFound,
    UnreadablePhoto,
)
from photosd.protocol.requests import OPERATIONS, QueryParams, Request, Term, parse_params
from tests.search.library import Library


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
