"""Facts of a photo and of its sidecars become one: who wins, and what is united."""

from __future__ import annotations

import json
from typing import Any

import pytest

from photosd.decode.merging import merged, merged_facts
from photosd.decode.texts import MAX_WORDS, each_once

EXIF = {"taken": "2019-08-03T10:00:00", "taken_at": 1.0, "taken_from": "exif original"}
GPS = {"taken_at": 2.0, "taken_from": "gps"}
TAKEOUT = {"taken_at": 3.0, "taken_from": "takeout"}
CREATED = {"taken": "2020-01-01T00:00:00", "taken_at": 4.0, "taken_from": "xmp"}
SIDECAR = {"taken": "2020-01-01T00:00:00", "taken_at": 4.0, "taken_from": "sidecar"}
DAY = {**SIDECAR, "taken_precision": "day"}


@pytest.mark.parametrize(
    ("own", "sidecars", "date"),
    [
        (EXIF, [TAKEOUT], EXIF),
        (GPS, [TAKEOUT], TAKEOUT),
        ({}, [TAKEOUT], TAKEOUT),
        (EXIF, [SIDECAR], SIDECAR),
        (EXIF, [TAKEOUT, SIDECAR], SIDECAR),
        ({"taken_at": 9.0}, [TAKEOUT], {"taken_at": 9.0}),
        # The date of the file in a sidecar: after EXIF's, but before that of the last change.
        (EXIF, [CREATED], EXIF),
        ({**EXIF, "taken_from": "exif changed"}, [CREATED], CREATED),
        ({**EXIF, "taken_from": "xmp"}, [CREATED], CREATED),
        ({**EXIF, "taken_from": "exif changed"}, [TAKEOUT], {**EXIF, "taken_from": "exif changed"}),
        # A program repeats the clock, and leaves out the zone.
        ({**EXIF, "taken": "2020-01-01T00:00:00.250000+02:00"}, [SIDECAR],
         {**EXIF, "taken": "2020-01-01T00:00:00.250000+02:00"}),
        ({**EXIF, "taken": "2020-01-01T00:00:01+02:00"}, [SIDECAR], SIDECAR),
        # darktable adds a fraction.
        ({**EXIF, "taken": "2020-01-01T00:00:00+02:00"},
         [{**SIDECAR, "taken": "2020-01-01T00:00:00.250000"}],
         {**EXIF, "taken": "2020-01-01T00:00:00+02:00"}),
        ({**EXIF, "taken": "2020-01-01T00:00:00"},
         [{**SIDECAR, "taken": "2020-01-01T00:00:00.250000"}],
         {**SIDECAR, "taken": "2020-01-01T00:00:00.250000"}),
        ({**EXIF, "taken": "2020-01-01T00:00:00+02:00"},
         [{**SIDECAR, "taken": "2020-01-01T00:00:00+03:00"}],
         {**SIDECAR, "taken": "2020-01-01T00:00:00+03:00"}),
        # A program repeats the day only.
        (EXIF, [{**DAY, "taken": "2019-08-03T00:00:00"}], EXIF),
        (EXIF, [{**DAY, "taken_precision": "month", "taken": "2019-08-01T00:00:00"}], EXIF),
        (EXIF, [{**DAY, "taken_precision": "year", "taken": "2019-01-01T00:00:00"}], EXIF),
        (EXIF, [DAY], DAY),
        (GPS, [DAY], DAY),
        ({**DAY, "taken_from": "exif original"}, [DAY], DAY),
        (EXIF, [{"rating": 3}], EXIF),
        ({"taken": None, "taken_at": None}, [TAKEOUT], TAKEOUT),
    ],
)  # fmt: skip
def test_the_most_reliable_date_counts_as_a_whole(
    own: dict[str, Any], sidecars: list[dict[str, Any]], date: dict[str, Any]
) -> None:
    """Never the clock of one and the seconds of another."""
    found = merged(own, sidecars)
    assert {name: found[name] for name in found if name.startswith("taken")} == date


def test_a_sidecar_replaces_single_facts_and_adds_words() -> None:
    """The first of several states a fact; a place is one fact."""
    own = {"width": 3, "rating": 1, "tags": ["Beach", "חוף"], "latitude": 1.0, "longitude": 2.0}
    first = {"rating": 5, "tags": ["beach", "Eilat"], "latitude": 3.0, "longitude": 4.0}
    second = {"rating": 2, "title": "Noa", "people": ["Noa"], "unreadable": ["xmp"]}
    assert merged(own, [first, second]) == {
        "width": 3, "rating": 5, "title": "Noa", "tags": ["Beach", "חוף", "Eilat"],
        "people": ["Noa"], "latitude": 3.0, "longitude": 4.0, "unreadable": ["xmp"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("own", "sidecar", "found"),
    [
        ({"city": "Haifa", "country": "Israel"}, {"city": "Paris"}, {"city": "Paris"}),
        ({"city": "Haifa", "country": "Israel"}, {"city": "HAIFA", "region": "North"},
         {"city": "HAIFA", "region": "North", "country": "Israel"}),
        ({"country": "Israel"}, {"city": "Eilat"}, {"city": "Eilat", "country": "Israel"}),
        ({"city": "Haifa"}, {"title": "x"}, {"city": "Haifa", "title": "x"}),
    ],
)  # fmt: skip
def test_a_place_is_not_made_of_two(
    own: dict[str, Any], sidecar: dict[str, Any], found: dict[str, Any]
) -> None:
    """Paris in a sidecar is not in the photo's own Israel."""
    assert merged(own, [sidecar]) == found


def test_words_are_united_by_their_folded_spelling_up_to_a_limit() -> None:
    """Case and accents make no other word; thousands are too many."""
    assert each_once(["Café", "x", None, "", "CAFE", "X", "y"]) == ("Café", "x", "y")
    assert len(each_once(map(str, range(MAX_WORDS + 1)))) == MAX_WORDS


@pytest.mark.parametrize(
    ("own", "sidecars", "found"),
    [
        ('{"a":1}', "[]", {"a": 1}),
        ('{"a":1}', None, {"a": 1}),
        ("{", '[{"a":2}]', {"a": 2}),
        (None, '[3,{"a":2}]', {"a": 2}),
        ('{"a":1}', "[{", {"a": 1}),
        ("[]", "[]", {}),
        ("{", "", {}),
        ('{"a":1,"tags":5}', '[{"people":true}]', {"a": 1}),
        ('{"tags":["x",5,["y"]]}', '[{"tags":"z"}]', {"tags": ["x"]}),
    ],
)
def test_damage_in_the_catalog_costs_one_photo_its_facts(
    own: str | None, sidecars: str | None, found: dict[str, Any]
) -> None:
    """The SQL function never raises."""
    assert json.loads(merged_facts(own, sidecars)) == found
