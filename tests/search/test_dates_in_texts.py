"""Dates inside a text: phrases that are surely dates are found, and nothing else."""

from __future__ import annotations

import datetime

import pytest

from photosd.core.wall_clock import wall_seconds
from photosd.search.dates import period_of
from photosd.search.dates.finding import find
from photosd.search.dates.periods import Moment
from photosd.search.dates.showing import shown
from tests.search.test_reading import rows

NOW = datetime.datetime(2026, 11, 26, 14, 30)  # a Thursday

# A text, and its dates in square brackets.
TEXTS = """
dog [in May 2019]
[last summer] at the beach
snow [in the winter of 2019], Haifa
[from May to July 2019] and [in 2021]
[letzten Sommer] in Berlin
plage [en août 2019]
[l'an dernier] à Paris
[en mars 2019]
[nell'estate 2019] al mare
playa [la semana pasada]
as fotos [de ontem]
[vorige maand] in Rome
[прошлым летом] на море
[الصيف الماضي] في البحر
[im Mai] im Garten
[hanukkah last year]
[ביום העצמאות 2019] בגן
[בשנת תשע"ט]
[last year's] cake
[2019-05-31] picnic
[בתשרי תש"פ]
[בשבת שעברה] בגן
ילדים [31 במאי 2019]
(2019)
[since 2015], dogs
snow [late 2019]
beach [at the end of last summer]
children [in early 2018], Haifa
cake [end of August]
[until the end of 2019] cats
הים [בתחילת 2019]
כלב [מסוף 2019]
[Ende 2019] in Berlin
[christmas eve 2019] dinner
late summer light
early may flowers
the end of the world
early morning at the lake
walking past an official
the last of an ice cream
at Halloween, this dog
rover on mars
real estate
[mid-2019] covid-19 v2019 2019.jpg #2019 $2000 1080p
first march on washington
dinner out
12 may flowers from may
the year 2041
03/04/2020
"""


@pytest.mark.parametrize("text", [line for line in TEXTS.splitlines() if line])
def test_what_is_found(text: str) -> None:
    """As marked; preposition and article included."""
    plain = text.replace("[", "").replace("]", "")
    marked = plain
    for one in reversed(find(plain, NOW)):
        marked = f"{marked[: one.start]}[{marked[one.start : one.end]}]{marked[one.end :]}"
    assert marked == text.replace("(2019)", "([2019])").replace("12 may", "[12 may]")


@pytest.mark.parametrize("name", ["readings.txt", "readings_validation.txt"])
def test_a_found_date_means_what_it_means_alone(name: str) -> None:
    """As `--since` and `--until` read it."""
    found = 0
    for question, _ in rows(name):
        for one in find(question, NOW):
            words = question[one.start : one.end].removesuffix("'s")
            period = period_of(words, NOW)
            begin, end = (e and wall_seconds(e) for e in (period.begin, period.end))
            assert (one.since, one.until) == (begin, end), words
            found += 1
    assert found > 10


def test_dates_are_shown_to_people() -> None:
    """In the shortest form that people read."""
    for text, wanted in (
        ("2019", "2019"), ("2019-05", "May 2019"), ("2019-05-31", "31 May 2019"),
        ("summer 2023", "Jun–Aug 2023"), ("winter 2019", "Dec 2019–Feb 2020"),
        ("3-9 August 2019", "3–9 Aug 2019"), ("the 90s", "1990–1999"), ("since 2015", "since 2015"),
        ("before 2010", "until 2009"), ("after May 2019", "since 1 Jun 2019"),
        ("before May 2019", "until 30 Apr 2019"),
        ("2019-12-30..2020-01-02", "30 Dec 2019–2 Jan 2020"),
        ("2019-08-30..2019-09-02", "30 Aug–2 Sep 2019"), ("2019-05-31T18:30", "31 May 2019"),
        ("May 2018 to July 2019", "May 2018–Jul 2019"),
    ):  # fmt: skip
        assert shown(period_of(text, NOW)) == wanted


def test_the_present_is_when_it_is_asked() -> None:
    """A date that has not begun is not a date of a photo."""
    for now, wanted in ((NOW, "2026"), (Moment(2027, 1, 1), "25 Dec 2026")):
        assert [one.shown for one in find("christmas 2026", now)] == [wanted]
    assert find("dog in 2027", NOW) == [] and len(find("dog in 2027", Moment(2027, 1, 1))) == 1


def test_long_texts_are_read_in_part() -> None:
    """Their beginning, whatever is in them; phrases have a few words."""
    assert [one.shown for one in find("may 2019 " + "in the may " * 5000 + "2020", NOW)] == [
        "May 2019"
    ]
    assert find("dog " * 1000 + "2019", NOW) == []
    assert len(find("2019 " * 100, NOW)) > 50
    assert find("of the " * 9 + "year of the " * 5 + "month 2019", NOW)[0].shown == "2019"
    long, short = find("of the " * 9 + "May and July 2019", NOW)
    assert (long.shown, long.start, short.shown) == ("May 2019", 52, "Jul 2019")
