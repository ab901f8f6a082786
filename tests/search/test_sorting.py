"""Good matches by date, on stable pages; queries without words."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from photosd.core.errors import BadRequest
from photosd.index.committer import LabelSync
from photosd.protocol.replies import Hit
from photosd.protocol.requests import QueryParams, Sort, Where
from photosd.search.engine import Engine
from tests.search.library import SPEC, Library
from tests.search.test_facets import Household, household

__all__ = ["household"]
NOA = Where(people=["Noa"])


def pages(engine: Engine, limit: int, text: str = "", **more: Any) -> list[Hit]:
    """All hits, page by page."""
    answer = engine.query(QueryParams(text, limit, **more))
    hits = answer["hits"]
    while answer["cursor"]:
        answer = engine.query(QueryParams("", limit, cursor=answer["cursor"]))
        hits += answer["hits"]
    return hits


def dates(library: Household, hits: list[Hit]) -> list[str]:
    """When each hit was taken; none is there twice."""
    contents = {path: content for content, paths in library.held.items() for path in paths}
    found = [contents[hit["path"].encode()] for hit in hits]
    assert len(set(found)) == len(found)
    return [library.facts[content]["taken"] for content in found]


@pytest.mark.parametrize("sort", ["date", "-date"])
@pytest.mark.parametrize("limit", [7, 1000])
def test_all_good_matches_by_date(household: Household, sort: str, limit: int) -> None:
    """The whole answer, not a page of it, and nothing else."""
    found = dates(household, pages(household.engine(), limit, "abc", sort=sort))
    good = [c for c in household.held if int(c[1:]) % 4 == 3]
    wanted = sorted((household.facts[c]["taken"] for c in good), reverse=sort == "-date")
    assert found == wanted


def test_strength_and_sources_are_those_of_the_match(household: Household) -> None:
    """Only the order differs."""
    engine = household.engine()
    best = {hit["path"]: hit for hit in engine.query(QueryParams("abc", 1000))["hits"]}
    for hit in engine.query(QueryParams("abc", 50, sort="date"))["hits"]:
        same = best.get(hit["path"], hit)
        assert [hit[name] for name in ("score", "strength", "sources")] == [
            same[name] for name in ("score", "strength", "sources")
        ]
        assert hit["strength"] == "strong" and hit["sources"] == ["clip"]


def test_words_of_metadata_are_sorted_with_filters(household: Household) -> None:
    """A person by name, filtered by a tag."""
    household.encoder.unknown = ["dan", "levi"]
    where = Where(tags=["tag 0"])
    hits = pages(household.engine(), 20, "dan levi", where=where, sort="-date", literal=True)
    household.encoder.unknown = []
    wanted = [
        facts["taken"]
        for content, facts in household.facts.items()
        if content in household.held and "Dan Levi" in facts["people"] and "tag 0" in facts["tags"]
    ]
    assert dates(household, hits) == sorted(wanted, reverse=True) and wanted
    assert {hit["sources"][-1] for hit in hits} == {"person"}


@pytest.mark.parametrize(("sort", "newest"), [("match", True), ("-date", True), ("date", False)])
def test_filters_need_no_words(household: Household, sort: str, newest: bool) -> None:
    """All photos that pass, by date, on pages; the encoder is not asked."""
    asked = household.encoder.asked
    hits = pages(household.engine(), 33, where=NOA, sort=sort)
    wanted = [
        household.facts[content]["taken"]
        for content in household.held
        if "Noa" in household.facts[content]["people"]
    ]
    assert dates(household, hits) == sorted(wanted, reverse=newest)
    assert {hit["strength"] for hit in hits} == {"strong"}
    assert {tuple(hit["sources"]) for hit in hits} == {("filter",)}
    assert household.encoder.asked == asked


def test_the_newest_of_all(household: Household) -> None:
    """Without words and filters."""
    hits = household.engine().query(QueryParams("", 5, sort="-date"))["hits"]
    every = sorted((household.facts[c]["taken"] for c in household.held), reverse=True)
    assert dates(household, hits) == every[:5]


@pytest.mark.parametrize("sort", ["date", "-date"])
@pytest.mark.parametrize("text", ["", "abc"])
def test_photos_without_a_date_come_last(tmp_path: Path, sort: Sort, text: str) -> None:
    """In either order: when a file was copied says little of its photo."""
    library = Library(tmp_path)
    for year in (1969, 1975, 2024):
        library.add(f"/p/{year}.jpg", 3, taken_at=datetime.datetime(year, 1, 2).timestamp())
    for name in ("copied", "saved"):  # its file is of 1970
        library.add(f"/p/{name}.jpg", 3)
    library.add("/p/2019-08 Eilat/beach.jpg", 3)
    LabelSync(library.store, library.contents, SPEC.fingerprint).run()
    hits = library.engine().query(QueryParams(text, sort=sort))["hits"]
    found = [Path(hit["path"]).stem for hit in hits]
    dated = ["1969", "1975", "beach", "2024"]
    assert found[:4] == (dated if sort == "date" else dated[::-1])
    assert set(found[4:]) == {"copied", "saved"}


def test_without_good_matches_the_order_is_by_match(household: Household) -> None:
    """Nothing good is found, which is said; weak ones stay in their order."""
    engine, where = household.engine(), Where(below=["/p/1"])
    household.encoder.unknown = ["zzzz"]
    plain, by_date = (
        engine.query(QueryParams("zzzz", 9, where=where, sort=sort)) for sort in ("match", "date")
    )
    household.encoder.unknown = []
    assert not by_date["convincing"] and by_date["hits"] == plain["hits"]


def test_copies_and_pages_go_together(household: Household) -> None:
    """Each copy of a photo, over pages."""
    hits = pages(household.engine(), 11, where=NOA, all=True)
    paths = [hit["path"].encode() for hit in hits]
    noa = [c for c in household.held if "Noa" in household.facts[c]["people"]]
    assert sorted(paths) == sorted(path for content in noa for path in household.held[content])


def test_nothing_at_all_is_refused(household: Household) -> None:
    """No words, no filter, no order."""
    with pytest.raises(BadRequest, match="the query is empty"):
        household.engine().query(QueryParams(""))
    with pytest.raises(BadRequest, match="the query is empty"):
        household.engine().query(QueryParams("", where=Where()))


def test_new_photos_change_no_page(library: Library) -> None:
    """A photo that comes between two pages is on neither."""
    engine = library.engine()
    first = engine.query(QueryParams("", 2, sort="-date", where=Where(since="1990")))
    library.add("/p/newer.jpg", 1, taken_at=2e9)
    second = engine.query(QueryParams("", 2, cursor=first["cursor"]))
    paths = [hit["path"] for hit in first["hits"] + second["hits"]]
    assert [path for path in paths if "newer" not in path] == [
        f"/p/axis {axis}.jpg" for axis in (3, 2, 1, 0)
    ][: len(paths) - ("/p/newer.jpg" in paths)]
