"""The names of well-known points by GeoNames' data."""

from __future__ import annotations

from pathlib import Path

import pytest

from photosd.places.building import package_version
from photosd.places.table import Table

POINTS = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent / "points.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]
MAX_BYTES = 60_000_000


@pytest.mark.parametrize("chosen", ["fitted", "tested"])
def test_well_known_points_have_the_names_that_people_give_them(real: Table, chosen: str) -> None:
    """At least 95 in 100, of more than 80 in each set."""
    wrong, every = [], [point for point in POINTS if point[0] == chosen]
    assert len(every) > 80
    for _, what, latitude, longitude, names in every:
        near = real.nearest(float(latitude), float(longitude))
        found = near.place.name if near is not None and near.place is not None else None
        if found not in names.split("|"):
            wrong.append(f"{what}: {found}")
    assert len(wrong) <= 0.05 * len(every), wrong


@pytest.mark.parametrize(
    ("asked", "country"),
    [
        ("אילת", "IL"), ("חיפה", "IL"), ("תל אביב", "IL"), ("ירושלים", "IL"), ("עכו", "IL"),
        ("צפת", "IL"), ("טבריה", "IL"), ("Kiryat Shmona", "IL"), ("Akko", "IL"),
        ("Petah Tikva", "IL"), ("Paris", "FR"), ("פריז", "FR"), ("New York", "US"),
        ("ניו יורק", "US"), ("London", "GB"), ("לונדון", "GB"), ("Roma", "IT"), ("רומא", "IT"),
        ("München", "DE"), ("Wien", "AT"), ("Prag", "CZ"), ("Москва", "RU"), ("東京", "JP"),
        ("القاهرة", "EG"), ("Αθήνα", "GR"), ("איסטנבול", "TR"),
    ],
)  # fmt: skip
def test_well_known_names_are_found(real: Table, asked: str, country: str) -> None:
    """In any language; the largest place of a name comes first."""
    assert real.find(asked)[0].country == country


def test_the_table_is_small(real: Table, tmp_path_factory: pytest.TempPathFactory) -> None:
    """On disk; names of all parts of the world are in it."""
    files = list(tmp_path_factory.getbasetemp().glob("places*/places.sqlite3"))
    assert files and all(file.stat().st_size < MAX_BYTES for file in files)
    assert package_version().startswith("3.")
    assert {
        near.country for near in map(real.nearest, (32.1, -33.9, 35.7), (34.8, 18.4, 139.7)) if near
    } == {"IL", "ZA", "JP"}
