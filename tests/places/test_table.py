"""The table of a small world: names, areas, coordinates of every kind."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from photosd.places.table import Table
from tests.places.world import COUNTRIES


def named(table: Table, latitude: float, longitude: float) -> tuple[str | None, str | None] | None:
    """The place and the part of it; None far from every country."""
    near = table.nearest(latitude, longitude)
    if near is None:
        return None
    place, part = near.place, near.part
    return place.name if place else None, part.name if part else None


@pytest.mark.parametrize(
    ("latitude", "longitude", "city"),
    [
        (32.0779, 34.7741, ("Tel Aviv", None)),
        (32.0563, 34.7701, ("Tel Aviv", "Florentin")),
        (32.0823, 34.8107, ("Ramat Gan", None)),
        (31.7856, 35.2121, ("Jerusalem", "West Jerusalem")),
        (29.5060, 34.9190, ("Eilat", None)),
        (29.5210, 35.0020, ("Aqaba", None)),
        (40.6501, -73.9496, ("New York City", "Brooklyn")),
        (40.7282, -74.0776, ("Jersey City", None)),
        (43.7680, 11.2531, ("Florence", None)),
    ],
)
def test_a_point_has_the_name_that_people_give_it(
    small: Table, latitude: float, longitude: float, city: tuple[str, str | None]
) -> None:
    """Towns cover their quarters; a border between regions is one between towns."""
    assert named(small, latitude, longitude) == city


def test_far_from_towns_only_the_country_is_known(small: Table) -> None:
    """And on the ocean nothing."""
    near = small.nearest(30.1, 34.8)
    assert near is not None and near.place is None and near.country == "IL"
    assert small.nearest(0.0, -30.0) is None


def test_odd_coordinates(small: Table) -> None:
    """Poles, the antimeridian from both sides, numbers that are no coordinates."""
    assert named(small, -16.4332, -179.99) == ("Lambasa", None)
    assert named(small, -16.4332, 179.999) == ("Lambasa", None)
    assert named(small, -16.4332, 180.0) == named(small, -16.4332, -180.0) == ("Lambasa", None)
    assert named(small, 78.22, 15.65) == ("Longyearbyen", None)
    for latitude, longitude in ((90.0, 0.0), (-90.0, 180.0), (89.9999, -180.0)):
        assert small.nearest(latitude, longitude) is None
    for odd in (math.nan, math.inf, -math.inf, 1e300, 91.0, -181.0):
        assert small.nearest(odd, 0.0) is None or abs(odd) <= 90
        assert small.nearest(0.0, odd) is None


def test_any_coordinates_are_answered(small: Table) -> None:
    """5,000 at random, edges of cells among them."""
    chance = random.Random(3)
    for _ in range(5000):
        latitude, longitude = chance.uniform(-90, 90), chance.uniform(-180, 180)
        if chance.random() < 0.5:
            latitude, longitude = round(latitude * 4) / 4, round(longitude * 4) / 4
        near = small.nearest(latitude, longitude)
        assert near is None or near.country in COUNTRIES


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("אילת", "Eilat"),
        ("חיפה", "Haifa"),
        ("תל אביב", "Tel Aviv"),
        ("תל־אביב", "Tel Aviv"),
        ("TEL-AVIV", "Tel Aviv"),
        ("ירושלים", "Jerusalem"),
        ("יְרוּשָׁלַיִם", "Jerusalem"),
        ("Kiryat Shmona", "Qiryat Shmona"),
        ("paris", "Paris"),
        ("Paname", "Paris"),
        ("פריז", "Paris"),
        ("new york", "New York City"),
        ("ניו יורק", "New York City"),
        ("firenze", "Florence"),
        ("東京", "Tokyo"),
        ("москва", "Moscow"),
        ("TLV", None),  # codes of airports and GeoNames' own transcriptions are no names
        ("hyfa", None),
        ("", None),
        ("Nowhere", None),
    ],
)
def test_places_by_name(small: Table, asked: str, found: str | None) -> None:
    """In any language and spelling."""
    assert next((place.name for place in small.find(asked)), None) == found


def test_the_largest_comes_first(small: Table) -> None:
    """Among places of one name, and names that begin alike; a country can be given."""
    assert [place.country for place in small.find("Paris")] == ["FR", "US"]
    assert [place.region for place in small.find("Springfield")] == ["MA", "IL"]
    assert [place.country for place in small.find("Paris", country="US")] == ["US"]
    assert [place.name for place in small.beginning("ירו")] == ["Jerusalem"]
    assert [place.name for place in small.beginning("Pa")] == ["Paris", "Paris"]


def test_main_names_of_many_at_once(small: Table) -> None:
    """With the country; the largest first."""
    assert small.main_names(["פריז", "paris", "elat", "nowhere"]) == {
        "פריז": [("Paris", "France")],
        "paris": [("Paris", "France"), ("Paris", "United States")],
        "elat": [("Eilat", "Israel")],
    }
    assert small.find("Kaifa") == small.find("חיפה")


def test_names_in_hebrew_and_in_the_local_language(small: Table) -> None:
    """Without niqqud and former names; in the country's own letters."""
    jerusalem, tokyo = small.find("Jerusalem")[0], small.find("Tokyo")[0]
    assert jerusalem.hebrew == jerusalem.local == "ירושלים" and jerusalem.more == ()
    assert tokyo.every_name == ["Tokyo", "טוקיו", "東京"]
    assert small.find("Florence")[0].local == "Firenze"
    assert small.find("Moscow")[0].local == "Москва"
    assert small.find("Paris")[0].local is None


def test_countries_and_regions(small: Table) -> None:
    """Their names in English, Hebrew and the local language."""
    israel, tuscany = small.area("IL"), small.area("IT.16")
    assert israel is not None and israel.every_name == ["Israel", "ישראל"]
    assert tuscany is not None and tuscany.every_name == ["Tuscany", "Toscana", "טוסקנה"]
    assert small.area("IT.99") is None and small.area("XX") is None
    for name in ("IL", "israel", "ישראל"):
        assert small.country_named(name) == "IL"
    assert small.country_named("ארה״ב") == small.country_named("usa") == "US"
    assert small.country_named("ISR") == small.country_named("isr") == "IL"
    assert small.country_named("United States of America") == "US"
    assert "ISR" not in (small.area("IL") or pytest.fail()).every_name
    assert small.country_named("Atlantis") is None and small.country_named("") is None


def test_a_table_of_another_version_is_refused(world: Path, small: Table, tmp_path: Path) -> None:
    """So is one that is no table."""
    from photosd.core.errors import PlacesUnavailable
    from photosd.places.gazetteer import UNREADABLE

    other = tmp_path / "other.sqlite3"
    data = (world / "places.sqlite3").read_bytes()
    other.write_bytes(data.replace(b"package3.", b"package2."))
    with pytest.raises(PlacesUnavailable):
        Table(other)
    for broken in (b"", b"nothing", data[: len(data) // 2], data[:2000] + bytes(len(data) - 2000)):
        other.write_bytes(broken)
        with pytest.raises(UNREADABLE):
            Table(other)
