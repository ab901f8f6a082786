"""Dates as people say them."""

from __future__ import annotations

import datetime

import pytest

from photosd.core.errors import BadRequest
from photosd.search.dates import span_of

NOW = datetime.datetime(2026, 11, 26, 14, 30)  # a Thursday


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2019", "2019-01-01", "2020-01-01"),
        ("2019-02", "2019-02-01", "2019-03-01"),
        ("2019-12-31", "2019-12-31", "2020-01-01"),
        ("2019-12-31T10:00", "2019-12-31T10:00", "2019-12-31T10:00"),
        ("May 2019", "2019-05-01", "2019-06-01"),
        ("december 2019", "2019-12-01", "2020-01-01"),
        ("31 May 2019", "2019-05-31", "2019-06-01"),
        ("last june", "2026-06-01", "2026-07-01"),
        ("last summer", "2026-06-01", "2026-09-01"),
        ("Last  Winter", "2025-12-01", "2026-03-01"),
        ("this autumn", "2026-09-01", "2026-12-01"),
        ("autumn", "2026-09-01", "2026-12-01"),
        ("last autumn", "2025-09-01", "2025-12-01"),
        ("winter 2020", "2020-12-01", "2021-03-01"),
        ("the summer of 2018", "2018-06-01", "2018-09-01"),
        ("קיץ שעבר", "2026-06-01", "2026-09-01"),
        ("בקיץ 2019", "2019-06-01", "2019-09-01"),
        ("today", "2026-11-26", "2026-11-27"),
        ("yesterday", "2026-11-25", "2026-11-26"),
        ("אתמול", "2026-11-25", "2026-11-26"),
        ("gestern", "2026-11-25", "2026-11-26"),
        ("last week", "2026-11-16", "2026-11-23"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("3 days ago", "2026-11-23", "2026-11-24"),
        ("monday", "2026-11-23", "2026-11-24"),
    ],
)
def test_what_people_say_is_a_time(text: str, begin: str, end: str) -> None:
    """Whole years, seasons, months, weeks and days, on this machine's clock."""
    expected = tuple(datetime.datetime.fromisoformat(one).timestamp() for one in (begin, end))
    assert span_of(text, NOW) == expected


@pytest.mark.parametrize(
    "text",
    ["", "foo", "03/04/2020", "1.2.19", "5", "2019-02-31", "0000", "9999", "12:30", "summer x"],
)
def test_what_may_mean_anything_is_refused(text: str) -> None:
    """With what to write instead."""
    with pytest.raises(BadRequest) as caught:
        span_of(text, NOW)
    assert "2019" in (caught.value.remedy or "")


def test_today_is_now() -> None:
    """Without a moment given, the clock is asked."""
    begin, end = span_of("today")
    assert begin <= datetime.datetime.now().timestamp() < end
