"""Tags, people and places that a question names rank photos, together with its other words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from photosd.protocol.requests import FacetsParams, QueryParams
from tests.search.library import Library, paths

TEXT = "abc holiday"  # the encoder answers "abc" and this with axis 3


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Forty photos that look as described, and some with a tag."""
    library = Library(tmp_path)
    with library.together():
        for number in range(40):
            library.add(f"/p/{number}.jpg", 3)
        for name, axis, facts in (
            ("tagged", 3, {"tags": ["Holiday"]}),
            ("tagged and other", 0, {"tags": ["holiday"]}),
            ("work", 3, {"tags": ["work"]}),
        ):
            made: dict[str, Any] = facts
            library.add(f"/p/{name}.jpg", axis, also=1, **made)
    return library


def test_a_tag_and_a_look_come_before_a_look(library: Library) -> None:
    """However far down the photo is by its look alone; the tag alone raises nothing."""
    found = paths(library, TEXT)
    assert found[0] == "/p/tagged.jpg"
    assert "/p/tagged and other.jpg" not in found[:5]
    hit = library.engine().query(QueryParams(TEXT))["hits"][0]
    assert "tag" in hit["sources"] and hit["strength"] == "fair"


def test_the_tag_alone_is_a_name(library: Library) -> None:
    """Without other words, looks count as they do."""
    assert set(paths(library, "holiday", 3)[::2]) == {"/p/tagged.jpg", "/p/tagged and other.jpg"}


def test_a_literal_question_has_no_hints(library: Library) -> None:
    """Nor have words in quotes."""
    assert paths(library, TEXT, literal=True)[0] != "/p/tagged.jpg"
    assert paths(library, 'abcde "holiday"')[0] != "/p/tagged.jpg"


def test_questions_without_tags_answer_as_before(library: Library) -> None:
    """Whatever tags the library has."""
    engine, text = library.engine(), "abc in a row of trees"
    plain = engine.query(QueryParams(text, literal=True))["hits"]
    assert engine.query(QueryParams(text))["hits"] == plain


def test_a_person_whose_name_is_a_thing_takes_turns_with_the_thing(tmp_path: Path) -> None:
    """Rose: the words may mean the flower."""
    library = Library(tmp_path)
    with library.together():
        for number in range(250):
            library.add(f"/p/{number}.jpg", 3)
        for number in range(3):
            library.add(f"/p/her {number}.jpg", 3, also=1, people=["Rose"])
    found = paths(library, "abcdefg, Rose..", 6)
    assert [("her" in path) for path in found] == [False, True] * 3, found


def test_a_tag_and_a_look_convince(tmp_path: Path) -> None:
    """Also where nothing looks like the whole question; in every order, and where it is counted."""
    library, text = Library(tmp_path), "abc, holiday"  # axis 0; "abc": axis 3
    with library.together():
        for number in range(40):
            library.add(f"/p/{number}.jpg", 1)
        for number in range(25):
            library.add(f"/p/tagged {number}.jpg", 3, tags=["holiday"])
        library.add("/p/work.jpg", 3, tags=["work"])
    engine = library.engine()
    assert not engine.query(QueryParams(text, literal=True))["convincing"]
    for sort in ("match", "date", "-date"):
        answer = engine.query(QueryParams(text, limit=100, sort=sort))
        good = [hit for hit in answer["hits"] if hit["strength"] != "weak"]
        assert answer["convincing"] and len(good) == 25, sort
        assert good == answer["hits"][:25]
        assert all("tag" in hit["sources"] and "tagged" in hit["path"] for hit in good)
    counted = engine.facets(FacetsParams(text, kinds=["tag"]))
    assert counted["photos"] == 25 and counted["facets"]["tag"][0]["value"] == "holiday"
