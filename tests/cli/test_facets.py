"""`photosd facets`: what is asked, and what is shown."""

from __future__ import annotations

import json
from typing import get_args

from photosd.protocol.requests import FacetKind
from photosd_cli.commands.facets import KINDS
from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon

ANSWER = {
    "query": "",
    "photos": 1234,
    "convincing": True,
    "facets": {
        "year": [{"value": "2023", "photos": 1200}, {"value": "2019", "photos": 34}],
        "place": [],
        "person": [{"value": "Noa\x1b[31m", "photos": 7}, {"value": "נועה", "photos": 1}],
    },
    "warnings": [],
}


def test_kinds_are_those_of_the_protocol() -> None:
    """All of them, in the same order."""
    assert get_args(FacetKind) == KINDS


def test_counts_are_shown_by_kind(stub: StubDaemon, photosd: Photosd) -> None:
    """Kinds without values are left out; control characters are spelled out."""
    stub.answers["facets"] = ANSWER
    ran = photosd("facets")
    assert ran.out.splitlines() == [
        "year",
        "  1,200  2023",
        "     34  2019",
        "person",
        "  7  Noa\\x1b[31m",
        "  1  נועה",
    ]
    assert "1,234 photos counted" in ran.err and ran.code == 0


def test_years_are_in_order_and_raw_files_are_not_counted_twice_without_a_word(
    stub: StubDaemon, photosd: Photosd
) -> None:
    """The most frequent years, the newest first; a DNG file is one of the raw files."""
    years = [("2019", 9), ("2023", 7), ("2021", 2)]
    types = [("jpeg", 30), ("dng", 12), ("raw", 12), ("cr2", 1)]
    stub.answers["facets"] = {
        **ANSWER,
        "facets": {
            kind: [{"value": value, "photos": photos} for value, photos in values]
            for kind, values in (("year", years), ("month", years), ("type", types))
        },
    }
    ran = photosd("facets", "-n", "3")
    rows = [line.split(maxsplit=1) for line in ran.out.splitlines() if line.startswith(" ")]
    assert [value for _, value in rows] == [
        *("2023", "2021", "2019") * 2,
        *("jpeg", "raw", "raw: dng"),
    ]


def test_what_is_asked(stub: StubDaemon, photosd: Photosd) -> None:
    """Words, kinds, number and filters."""
    stub.answers["facets"] = ANSWER
    photosd("facets", "dog", "beach", "--kind", "tag", "-n", "3", "--person", "Noa")
    (asked,) = stub.params("facets")
    assert (
        asked["text"] == "dog beach" and asked["kinds"] == ["tag"] and asked["limit"] == 4
    )  # whether there are more
    assert asked["where"] == {"people": ["Noa"]}


def test_json_and_no_good_matches(stub: StubDaemon, photosd: Photosd) -> None:
    """The whole result; the exit code of a query."""
    stub.answers["facets"] = {**ANSWER, "convincing": False, "warnings": ["a warning"]}
    ran = photosd("facets", "zebra", "--json")
    assert json.loads(ran.out)["photos"] == 1234 and ran.code == 1
    ran = photosd("facets", "zebra")
    assert "a warning" in ran.err and "No good matches" in ran.err and ran.code == 1


def test_more_values_are_announced(stub: StubDaemon, photosd: Photosd) -> None:
    """Only those asked for are shown, and how to see the others."""
    stub.answers["facets"] = ANSWER
    ran = photosd("facets", "-n", "1")
    assert ran.out.splitlines() == ["year", "  1,200  2023", "person", "  7  Noa\\x1b[31m"]
    assert "There are more values of year, person: -n 10" in ran.err
    assert "more values" not in photosd("facets", "-n", "2").err
    photosd("facets", "-n", "2", "--json")
    assert [asked["limit"] for asked in stub.params("facets")] == [2, 3, 2]


def test_as_many_values_are_proposed_as_may_be_asked_for(
    stub: StubDaemon, photosd: Photosd
) -> None:
    """`-n` has a limit."""
    years = [{"value": str(number), "photos": 1} for number in range(2001)]
    stub.answers["facets"] = {**ANSWER, "facets": {"year": years}}
    proposed = photosd("facets", "-n", "2000").err.rpartition("-n ")[2].split()[0]
    assert photosd("facets", "-n", proposed).code == 0


def test_kinds_may_be_in_the_plural(stub: StubDaemon, photosd: Photosd) -> None:
    """As people say them."""
    stub.answers["facets"] = ANSWER
    for typed, kind in (("people", "person"), ("tags", "tag"), ("countries", "country")):
        photosd("facets", "--kind", typed)
        assert stub.params("facets")[-1]["kinds"] == [kind]
    assert photosd("facets", "--kind", "rating").code == 2
