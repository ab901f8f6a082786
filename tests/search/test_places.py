"""Queries by places: filters by name and by distance, what hits tell, names that are unknown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from photosd.core import wording
from photosd.core.errors import BadRequest, NotFound, PlacesUnavailable
from photosd.index.committer import LabelSync
from photosd.index.placing import Placing
from photosd.index.vocabulary import Vocabulary
from photosd.places.gazetteer import Gazetteer
from photosd.protocol.requests import QueryParams
from photosd.search.place_names import PlaceNames
from tests.places.conftest import world
from tests.search.library import SPEC, Library

__all__ = ("world",)  # a fixture

PHOTOS: dict[str, dict[str, Any]] = {
    "eilat": {"latitude": 29.55, "longitude": 34.95},
    "tel aviv": {"latitude": 32.0779, "longitude": 34.7741},
    "florentin": {"latitude": 32.0563, "longitude": 34.7700},
    "brooklyn": {"latitude": 40.6501, "longitude": -73.9496},
    "texas": {"city": "Paris", "country": "United States", "region": "Texas"},
    "shmona": {"city": "Kiryat Shmona", "country": "Israel"},
    "home": {},
}


@pytest.fixture
def library(tmp_path: Path, world: Path) -> Iterator[Library]:
    """Photos whose places are known."""
    library = Library(tmp_path)
    library.gazetteer = Gazetteer(tmp_path / "places.sqlite3", world)
    with library.together():
        for name, facts in PHOTOS.items():
            library.add(f"/p/{name}.jpg", 3, **facts)
    placing = Placing(library.database, library.gazetteer, lambda: None)
    while placing.turn():
        pass
    LabelSync(library.store, library.contents, SPEC.fingerprint).run()
    yield library
    library.gazetteer.close()


def found(library: Library, **where: Any) -> set[str]:
    """The names of the photos that pass."""
    answer = library.engine().query(QueryParams("dog", where=where))  # type: ignore[arg-type]
    return {hit["path"].removeprefix("/p/").removesuffix(".jpg") for hit in answer["hits"]}


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["Eilat"], {"eilat"}),
        (["אילת"], {"eilat"}),
        (["Elat"], {"eilat"}),  # only the table knows this name
        (["Tel-Aviv"], {"tel aviv", "florentin"}),
        (["תל אביב"], {"tel aviv", "florentin"}),
        (["Florentin"], {"florentin"}),
        (["new york"], {"brooklyn"}),
        (["ברוקלין"], {"brooklyn"}),
        (["Paris"], {"texas"}),
        (["טקסס"], {"texas"}),
        (["קרית שמונה"], {"shmona"}),
        (["Kiryat Shmona"], {"shmona"}),
        (["ישראל"], {"eilat", "tel aviv", "florentin", "shmona"}),
        (["Eilat", "ארה״ב"], {"eilat", "brooklyn", "texas"}),
        (["Paris, Texas"], {"texas"}),
        (["Paris, טקסס"], {"texas"}),
        (["Paris , Texas, USA"], {"texas"}),
        (["Eilat, Israel", "Brooklyn"], {"eilat", "brooklyn"}),
        (["Elat, Israel", "Paris, Texas"], {"eilat", "texas"}),
        (["Eilat, Texas"], set()),
        (["Eilat,"], {"eilat"}),
        ([" "], set(PHOTOS)),
    ],
)
def test_a_place_filters_by_any_of_its_names(
    library: Library, names: list[str], wanted: set[str]
) -> None:
    """In any language; of several places, any is enough."""
    assert found(library, places=names) == wanted


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ({"near_place": "Tel Aviv"}, {"tel aviv", "florentin"}),
        ({"near_place": "תל אביב", "near_km": 1.0}, {"tel aviv"}),
        ({"near_place": "רמת גן", "near_km": 5}, {"tel aviv", "florentin"}),
        ({"near_place": "Aqaba"}, {"eilat"}),
        ({"near_place": "Haifa", "near_km": 90}, {"tel aviv", "florentin"}),
        ({"near_place": "Tokyo"}, set()),
        ({"near_place": "Tel Aviv, Israel"}, {"tel aviv", "florentin"}),
        ({"near_place": "תל אביב, ישראל", "near_km": 1.0}, {"tel aviv"}),
        ({"near_place": "Haifa, IL", "near_km": 90}, {"tel aviv", "florentin"}),
        ({"near_place": None, "near_km": 3.0}, set(PHOTOS)),
    ],
)
def test_near_a_place_by_its_name(
    library: Library, where: dict[str, Any], wanted: set[str]
) -> None:
    """Any place of the world; 10 km unless another distance is given."""
    assert found(library, **where) == wanted


def test_near_prefers_a_place_of_the_library(library: Library) -> None:
    """There are a larger Paris, and no photos of its country."""
    names = PlaceNames(Vocabulary(library.database), library.gazetteer)
    assert names.centre("Paris") == pytest.approx((33.66094, -95.55551))
    assert names.centre("Springfield") == pytest.approx((42.10148, -72.58981))
    assert names.centre("Paris, France") == pytest.approx((48.85341, 2.3488))
    assert names.centre("Paris, Texas, USA") == pytest.approx((33.66094, -95.55551))
    with pytest.raises(NotFound, match="no place is called 'Paris, Israel'"):
        names.centre("Paris, Israel")


def test_an_unknown_place_is_refused_with_similar_ones(library: Library) -> None:
    """Those of the library; a place without photos is refused, too."""
    similar = {"Eilta": "Eilat", "Isreal": "Israel", "Florenti": "Florentin"}
    for name, suggestion in {**similar, "Paris, Texsa": "Texas"}.items():
        with pytest.raises(NotFound, match="no photo was taken in") as refused:
            found(library, places=[name])
        assert f"'{suggestion}'" in refused.value.remedy
    with pytest.raises(NotFound) as refused:
        found(library, places=["פריז"])  # the one in France
    assert refused.value.remedy == "for photos around it: --near 'פריז'"
    with pytest.raises(NotFound, match="no place is called"):
        found(library, near_place="Atlantis")
    with pytest.raises(BadRequest, match="two places"):
        found(library, near_place="Haifa", near=[32.0, 34.0, 5.0])
    for km in (0, -1, 1e6):
        with pytest.raises(BadRequest, match="not a valid place"):
            found(library, near_place="Haifa", near_km=km)


def test_hits_tell_the_place(library: Library) -> None:
    """As far as it is known; photos without a place tell none."""
    hits = library.engine().query(QueryParams("dog"))["hits"]
    places = {hit["path"]: hit.get("place") for hit in hits}
    assert places["/p/home.jpg"] is None
    brooklyn = places["/p/brooklyn.jpg"] or {}
    assert brooklyn == {
        "city": "New York City",
        "part": "Brooklyn",
        "region": "New York",
        "country": "United States",
        "country_code": "US",
        "hebrew": "ניו יורק",
        "km": pytest.approx(8.6, abs=0.2),
    }


def test_other_spellings_are_in_the_vocabulary_of_questions(library: Library) -> None:
    """If the library has the place; short ones are words, too."""
    names = PlaceNames(Vocabulary(library.database), library.gazetteer)
    keys = [wording.key(word) for word in ("Elat", "Ejlat", "Kaifa", "Paname", "dog", "אילת")]
    values = {key: [one.shown for one in found] for key, found in names.find(keys).items()}
    assert values == {
        "elat": ["Eilat"],
        "ejlat": ["Eilat"],
        wording.key("אילת"): ["אילת"],
    }


def test_without_a_table(tmp_path: Path, world: Path) -> None:
    """Filters by places of the library work; others tell to wait."""
    library = Library(tmp_path)
    library.gazetteer = Gazetteer(tmp_path / "places.sqlite3", world)
    library.add("/p/haifa.jpg", 3, city="Haifa", country="Israel")
    LabelSync(library.store, library.contents, SPEC.fingerprint).run()
    assert found(library, places=["haifa"]) == found(library, places=["ISRAEL"]) == {"haifa"}
    with pytest.raises(PlacesUnavailable, match="being made"):
        found(library, places=["חיפה"])
    with pytest.raises(PlacesUnavailable, match="being made"):
        found(library, near_place="Haifa")
    assert library.gazetteer.asked.is_set()
    assert library.gazetteer.make(threading.Event())
    assert found(library, places=["חיפה"]) == {"haifa"}
    library.gazetteer.close()
    library.gazetteer = None
    with pytest.raises(PlacesUnavailable):
        found(library, near_place="Haifa")
    with pytest.raises(NotFound):
        found(library, places=["Eilat"])


def test_words_that_may_be_places_are_not_called_unknown_while_places_are_prepared(
    tmp_path: Path, world: Path
) -> None:
    """Any word while the table is being made; then names of places until all are looked up."""
    library = Library(tmp_path)
    library.gazetteer = Gazetteer(tmp_path / "places.sqlite3", world)
    library.add("/p/1.jpg", 3, **PHOTOS["eilat"])
    LabelSync(library.store, library.contents, SPEC.fingerprint).run()

    def asked() -> tuple[list[str], list[str]]:
        library.encoder.unknown = ["elat", "zorble"]
        answer = library.engine().query(QueryParams("elat zorble"))
        return answer["unknown"], answer["warnings"]

    assert asked() == (["elat", "zorble"], [])  # nothing needs the table yet
    library.gazetteer.being_made = True
    unknown, warnings = asked()
    assert not unknown and warnings == [
        "elat, zorble may be places: names of places are still being prepared,"
        " try again in a minute"
    ]
    assert library.gazetteer.make(threading.Event()) and not library.gazetteer.being_made
    unknown, warnings = asked()
    assert unknown == ["zorble"] and warnings[0].startswith("elat may be a place: ")
    placing = Placing(library.database, library.gazetteer, lambda: None)
    while placing.turn():
        pass
    LabelSync(library.store, library.contents, SPEC.fingerprint).run()
    library.encoder.unknown = ["zorble"]
    answer = library.engine().query(QueryParams("elat zorble"))
    assert answer["unknown"] == ["zorble"] and not answer["warnings"]
    library.gazetteer.close()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dog in Elat", {"eilat"}),
        ("dog in Tel-Aviv", {"tel aviv", "florentin"}),
        ("כלב באילת", {"eilat"}),
        ("dog in Qiryat Shmona", {"shmona"}),
        ("dog in Kaifa", set(PHOTOS)),  # no photo was taken in Haifa
    ],
)
def test_places_in_questions_have_all_their_names(
    library: Library, text: str, wanted: set[str]
) -> None:
    """Those of the table, too, if the library has the place."""
    hits = library.engine().query(QueryParams(text))["hits"]
    assert {hit["path"].removeprefix("/p/").removesuffix(".jpg") for hit in hits} == wanted
