"""A camera raw file and its JPEG are one photo in answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec import structs

from photosd.protocol.requests import QueryParams, Term
from tests.search.library import Library, paths
from tests.search.test_duplicates import Painter, add, alike, cosine


@pytest.fixture
def pair(library: Library) -> Library:
    """The raw file is nearer to what is asked for."""
    with library.together():
        library.add("/p/trip/IMG_7.CR2", 1, taken_at=1e9)
        library.add_vector("/p/trip/IMG_7.JPG", [0.2, 1, 0.1, 0.1], taken_at=1e9)
    return library


def hits(library: Library, *args: Any, **more: Any) -> dict[str, list[str]]:
    """The names shown, each with those of its partners."""
    answer = library.engine().query(QueryParams(*args, **more))
    return {
        hit["path"].rpartition("/")[2]: [
            one["path"].rpartition("/")[2] for one in hit.get("pair", ())
        ]
        for hit in answer["hits"]
    }


def test_a_pair_is_one_answer(pair: Library) -> None:
    """The JPEG, at the rank of the nearer one; the raw file is named with it."""
    found = hits(pair, "a")
    assert list(found)[:2] == ["axis 1.jpg", "IMG_7.JPG"]
    assert found["IMG_7.JPG"] == ["IMG_7.CR2"] and len(found) == 5


def test_the_raw_file_is_shown_where_it_is_asked_for(pair: Library) -> None:
    """By its name, by a filter, with all copies."""
    assert next(iter(hits(pair, "IMG_7.CR2"))) == "IMG_7.CR2"
    assert next(iter(hits(pair, "IMG_7"))) == "IMG_7.JPG"
    assert hits(pair, "a", where={"formats": ["raw"]}) == {"IMG_7.CR2": ["IMG_7.JPG"]}
    every = hits(pair, "a", all=True)
    assert {"IMG_7.CR2", "IMG_7.JPG"} <= set(every) and len(every) == 6


def test_a_raw_file_alone_is_shown(library: Library) -> None:
    """Also one whose picture is in another folder, or was deleted."""
    library.add("/p/raw/IMG_7.CR2", 1)
    library.add("/p/jpeg/IMG_7.JPG", 1)
    assert {"IMG_7.CR2", "IMG_7.JPG"} <= set(hits(library, "a"))
    library.add("/p/raw/IMG_7.jpg", 2)
    assert "IMG_7.CR2" not in hits(library, "a")
    library.catalog.forget([b"/p/raw/IMG_7.jpg"])
    assert hits(library, "a")["IMG_7.CR2"] == []


def test_pages_of_pairs_are_full(library: Library) -> None:
    """No photo is repeated or skipped, however many pairs there are."""
    with library.together():
        for number in range(80):
            for suffix, share in (("DNG", 0.2), ("jpg", 0.3)):
                vector = np.array([0.01 * number, 1, share, 0.1])
                library.add_vector(f"/p/n/{number:02}x.{suffix}", vector, taken_at=1e9)
    for asked in (QueryParams("a", 7), QueryParams(sort="-date", limit=7)):
        engine, seen, cursor = library.engine(), list[str](), None
        while True:
            answer = engine.query(structs.replace(asked, cursor=cursor))
            seen += [hit["path"] for hit in answer["hits"]]
            if (cursor := answer["cursor"]) is None:
                break
            assert len(answer["hits"]) == 7
        assert len(seen) == len(set(seen)) == 84
        assert not [path for path in seen if path.endswith("DNG")]


def test_similar_photos_leave_out_the_pair(pair: Library) -> None:
    """As the picture itself."""
    for path in ("/p/trip/IMG_7.CR2", "/p/trip/IMG_7.JPG"):
        found = paths(pair, "", terms=[Term(path=path)], others=True)
        assert len(found) == 4 and not [one for one in found if "IMG_7" in one]


def test_a_pair_is_no_duplicate(library: Library) -> None:
    """Removing extra copies would remove the negatives."""
    library.pool = Painter()  # type: ignore[assignment]
    add(library, "/p/x/a.jpg", "9-a", cosine=1)
    add(library, "/p/x/a.dng", "8-b", cosine=cosine(0.999))
    add(library, "/p/x/c.jpg", "7-c", cosine=cosine(0.999))
    names = [name for group in alike(library) for _, name in group]
    assert {"a.jpg", "c.jpg"} <= set(names) and "a.dng" not in names
