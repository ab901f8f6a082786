"""Dates as people say them: what each form means, and that nothing else is read."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from photosd.core.errors import BadRequest
from photosd.search import dates
from photosd.search.dates import period_of

NOW = datetime.datetime(2026, 11, 26, 14, 30)  # a Thursday


def tables() -> dict[str, list[tuple[str, str]]]:
    """Lines ``said = meant`` of dates.txt by the heading in brackets."""
    found: dict[str, list[tuple[str, str]]] = {}
    text = Path(__file__).with_name("dates.txt").read_text().replace("\\u200f", "\u200f")
    for part in text.split("\n[")[1:]:
        heading, *lines = part.strip().splitlines()
        rows = (line.partition(" = ") for line in lines if line)
        found[heading.rstrip("]")] = [(said, meant) for said, _, meant in rows]
    return found


TABLES = tables()


def test_the_tables_are_long_enough() -> None:
    """The two languages that are complete have more than 300 rows between them."""
    others = len(TABLES["others"] + TABLES["later"] + TABLES["joined"])
    assert sum(map(len, TABLES.values())) - others >= 300


@pytest.mark.parametrize(("said", "meant"), [row for rows in TABLES.values() for row in rows])
def test_what_people_say_is_a_time(said: str, meant: str) -> None:
    """In ten languages, as it is written and in capitals."""
    assert str(period_of(said, NOW)) == meant
    assert str(period_of(f"  {said.upper()} ", NOW)) == meant


@pytest.mark.parametrize(
    ("now", "said", "meant"),
    [
        ("2026-01-10", "this winter", "2025-12-01..2026-02-28"),
        ("2026-01-10", "last winter", "2024-12-01..2025-02-28"),
        ("2026-01-10", "winter", "2025-12-01..2026-02-28"),
        ("2026-01-10", "החורף הזה", "2025-12-01..2026-02-28"),
        ("2026-03-10", "this winter", "2025-12-01..2026-02-28"),
        ("2026-12-10", "this winter", "2026-12-01..2027-02-28"),
        ("2026-12-10", "last winter", "2025-12-01..2026-02-28"),
        ("2026-11-01", "last november", "2025-11"),
        ("2026-11-30T23:59", "last november", "2025-11"),
        ("2026-12-01", "last november", "2026-11"),
        ("2026-11-30T23:59", "this november", "2026-11"),
        ("2026-01-01", "last december", "2025-12"),
        ("2026-01-01", "last year", "2025"),
        ("2026-01-01", "yesterday", "2025-12-31"),
        ("2026-01-01", "a month ago", "2025-12"),
        ("2026-03-31", "a month ago", "2026-02"),
        ("2026-03-31", "past month", "2026-02-28..2026-03-31"),
        ("2024-02-29", "a year ago", "2023"),
        ("2024-02-29", "past year", "2023-02-28..2024-02-29"),
        ("2024-02-29", "last 4 years", "2020-02-29..2024-02-29"),
        ("2026-11-27", "last friday", "2026-11-20"),
        ("2026-11-27", "friday", "2026-11-27"),
        ("2026-11-27", "this friday", "2026-11-27"),
        ("2026-11-28", "last friday", "2026-11-27"),
        ("2026-11-29", "last weekend", "2026-11-21..2026-11-22"),
        ("2026-11-29", "this weekend", "2026-11-28..2026-11-29"),
        ("2026-11-30", "last weekend", "2026-11-28..2026-11-29"),
        ("2026-11-29", "last week", "2026-11-16..2026-11-22"),
        ("2026-11-29", "שבוע שעבר", "2026-11-22..2026-11-28"),  # its week began this Sunday
        ("2026-11-28", "שבוע שעבר", "2026-11-15..2026-11-21"),
        ("2026-11-29", "השבוע", "2026-11-29..2026-12-05"),
        ("2026-12-08", "last hanukkah", "2025-12-14..2025-12-22"),
        ("2026-12-08", "hanukkah", "2026-12-04..2026-12-12"),
        ("2025-01-02", "this hanukkah", "2024-12-25..2025-01-02"),
        ("2026-01-01", "new year's eve", "2025-12-31"),
        ("2026-07-05", "june to august", "2025-06-01..2025-08-31"),
        ("2019-12-31", "this decade", "2010-01-01..2019-12-31"),
        ("2020-01-01", "last decade", "2010-01-01..2019-12-31"),
        ("2026-02-28", "29 February", "2024-02-29"),
        ("2000-01-05", "29 February", "1996-02-29"),
    ],
)
def test_this_and_last_at_a_border(now: str, said: str, meant: str) -> None:
    """At the turn of years, months, weeks and seasons, and on the day itself."""
    assert str(period_of(said, datetime.datetime.fromisoformat(now))) == meant


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "foo", "blah", "a", "an", "the", "in", "of", "1", "5", "19", "'19", "99", "199",
        "20199", "0000", "1204", "9999", "201908", "190831", "12:30", "31/05/19", "1.2.19",
        "7-5.5.2019", "5-7.13.2019", "5-7.5.19",
        "2019-02-31", "2019-13", "2019-21", "2019/20", "32/05/2019", "31/04/2019", "13/13/2019",
        "20190231", "20191301", "2019-W54", "2019-W00", "2019-W22-8", "31 February 2019",
        "29 February 2019", "40 May", "0 May 2019", "Thursday 31 May 2019", "95s", "1995s",
        "summer x", "may may", "2019 2020", "last", "this", "ago", "last last week", "last 2019",
        "weeks ago", "last weeks", "0 weeks ago", "last 0 days", "3 ago", "3 weeks", "week",
        "month", "year", "days", "week 22", "week 60 of 2019", "year 2019-05", "last summer 2019",
        "this may 2019", "summer of '69", "some time ago", "long ago", "soon", "tomorrow",
        "next week",
        "and", "between", "between 2018", "between 2018 and", "2018 and", "from", "to 2019",
        "-2019", "2019-", "..2019", "since", "before", "since since 2019", "1234567890",
        "90 seconds ago", "2019-05-31T10:00Z", "2019-05-31T25:00", "IMG_2019", "v2019", "2019a",
        "march on", "sunset", "seconds", "999 years ago", "999999 days ago",
        "99 decades ago", "independence day 1900",
        "מועד 2022", "הועד 2022", "המועד פסח 2022", "כועד 2022",
        "לפני", "לפני ימים", "ב", "של", "שנות", "שנות ה-95", "תשעים",
        "עד שלושים", "תל אביב", 'ת"א',
        "חתול", "א", "yestertoday", "\u200f", "🐶", "2019🐶", "٣", "second",
        "first of may 2019 2020",
        "5779", "2017 and 2019", "Tevet 2024", "אדר ב' תש\"פ", "ל' בטבת תשפ\"ד", "30 Adar II 5779",
        "a few", "few days", "first", "the first", "Nisan Nisan", "years 95", "90er Tage",

        "summer summer", "of 2019 the may", "in in in in 2019", "2019 of the in the of in may",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    """With what would be read; nothing is taken for something else."""
    with pytest.raises(BadRequest, match="Cannot read the date '") as caught:
        period_of(text, NOW)
    assert text in str(caught.value)
    assert caught.value.remedy.startswith(("Try: 2019-08", "Write the year", "Leave out"))


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("03/04/2020", ["2020-03-04", "2020-04-03"]),
        ("3.4.2020", ["2020-03-04", "2020-04-03"]),
        ("3.4-5.6.2020", ["2020-03-04..2020-05-06", "2020-04-03..2020-06-05"]),
        ("5/6", ["2026-05-06", "2026-06-05"]),
        ("Aug 19", ["2019-08", "2026-08-19"]),
        ("May 05", ["2005-05", "2026-05-05"]),
        ("ב-3.4.2020", ["2020-03-04", "2020-04-03"]),
        ("na 2019", ["2019", "since 2020-01-01"]),
    ],
)
def test_what_can_mean_two_days_is_refused(text: str, readings: list[str]) -> None:
    """With both of them, and each is read when it is written as proposed."""
    with pytest.raises(BadRequest, match="can mean") as caught:
        period_of(text, NOW)
    assert caught.value.remedy == "write " + " or ".join(readings)
    assert [str(period_of(one, NOW)) for one in readings] == readings


@pytest.mark.parametrize("text", ["2021-2019", "from 2020 to 2019", "from yesterday to last week"])
def test_what_ends_before_it_begins_is_refused(text: str) -> None:
    """With what to do."""
    with pytest.raises(BadRequest, match="ends before it begins"):
        period_of(text, NOW)


def test_a_moment_lasts_as_long_as_it_is_exact() -> None:
    """A minute or a second."""
    begin = datetime.datetime(2019, 12, 31, 10)
    assert period_of("2019-12-31T10:00", NOW) == dates.Period(begin, begin.replace(minute=1))
    assert period_of("2019-12-31 10:00:00", NOW) == dates.Period(begin, begin.replace(second=1))
    hour = dates.Period(NOW.replace(hour=11, minute=0), NOW.replace(hour=12, minute=0))
    assert period_of("3 hours ago", NOW) == period_of("לפני 3 שעות", NOW) == hour


def test_since_is_from_the_beginning_and_until_has_all_of_it() -> None:
    """In wall-clock seconds; what has no such side is refused."""
    utc = datetime.UTC
    assert dates.since("20190831", NOW) == datetime.datetime(2019, 8, 31, tzinfo=utc).timestamp()
    assert dates.until("20190831", NOW) == datetime.datetime(2019, 9, 1, tzinfo=utc).timestamp()
    assert dates.until("2019-W22", NOW) == datetime.datetime(2019, 6, 3, tzinfo=utc).timestamp()
    with pytest.raises(BadRequest, match="has no beginning"):
        dates.since("before 2019", NOW)
    with pytest.raises(BadRequest, match="has no end"):
        dates.until("since 2019", NOW)


def test_without_a_now_the_clock_is_asked() -> None:
    """Today is today."""
    assert datetime.datetime.now() in period_of("today")
