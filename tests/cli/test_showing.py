"""`photosd show`: metadata of a photo, with its date and its place."""

from __future__ import annotations

from photosd_cli import text
from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon
from tests.cli.test_commands import SHOWN


def test_a_photo_was_taken_when_the_clock_there_said(stub: StubDaemon, photosd: Photosd) -> None:
    """With its offset, and not a second time by this machine's clock."""
    facts = {"taken": "2020-01-01T00:30:00+02:00", "taken_at": 1_577_831_400.0}
    stub.answers["show"] = {**SHOWN, "facts": facts}
    lines = photosd("show", "/p/a.jpg").out.splitlines()
    assert [line for line in lines if line.startswith("taken")] == [
        "taken       2020-01-01 00:30:00+02:00"
    ]


def test_show_names_the_place(stub: StubDaemon, photosd: Photosd) -> None:
    """In English and Hebrew, with the distance, as far as it is known."""
    for place, line in (
        (
            {"city": "Eilat", "hebrew": "אילת", "local": "אילת", "country": "Israel", "km": 0.9},
            "Eilat (אילת), Israel; 0.9 km from its centre",
        ),
        (
            {
                "city": "Tokyo",
                "part": "Shibuya",
                "hebrew": "טוקיו",
                "local": "東京",
                "region": "Tokyo",
            },
            "Shibuya, Tokyo (טוקיו, 東京), Tokyo",
        ),
        ({"city": "Haifa", "local": "Haifa"}, "Haifa"),
        ({"country": "Libya", "country_code": "LY"}, "Libya"),
    ):
        stub.answers["show"] = {**SHOWN, "place": place}
        assert f"place       {line}\n" in photosd("show", "/p/a.jpg").out
    stub.answers["show"] = SHOWN
    assert "\nplace " not in photosd("show", "/p/a.jpg").out


def test_show_says_what_the_vector_comes_from(stub: StubDaemon, photosd: Photosd) -> None:
    """In words; nothing for a daemon that does not say it."""
    for source, line in (
        ("full", "of the full picture"),
        ("preview", "of the preview in the file; later of the full picture"),
        ("only preview", "of the preview in the file"),
    ):
        stub.answers["show"] = {**SHOWN, "vector_from": source}
        assert f"vector      {line}\n" in photosd("show", "/p/a.jpg").out
    stub.answers["show"] = SHOWN
    assert "\nvector " not in photosd("show", "/p/a.jpg").out


def test_values_are_in_words(stub: StubDaemon, photosd: Photosd) -> None:
    """A rejected photo, an upright one, a fraction of a second without zeros."""
    taken = "2020-09-14T11:09:34.641000-05:00"
    facts = {"taken": taken, "rating": -1, "orientation": 1, "width": 4}
    stub.answers["show"] = {**SHOWN, "facts": facts}
    shown = photosd("show", "/p/a.jpg").out
    assert "taken       2020-09-14 11:09:34.641-05:00\n" in shown
    assert "rating      rejected\n" in shown and "orientation" not in shown
    stub.answers["show"] = {**SHOWN, "facts": {"rating": 3, "orientation": 6}}
    shown = photosd("show", "/p/a.jpg").out
    assert "rating      3\n" in shown and "orientation 6\n" in shown


def test_a_date_in_an_answer_is_as_precise_as_it_is_known() -> None:
    """``2025``, not its first day."""
    hit = {"taken": "2025-01-01T00:00:00"}
    for precision, day in ((None, "2025-01-01"), ("year", "2025"), ("month", "2025-01")):
        assert text.day({**hit, "taken_precision": precision}) == day
