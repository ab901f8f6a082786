"""Every form of a date, every day, any now: what is written is read, and never anything else."""

from __future__ import annotations

import calendar
import datetime
import os
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from photosd.core.errors import BadRequest
from photosd.search.dates import Period, period_of, until
from photosd.search.dates.words import vocabulary

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime(2026, 11, 26, 14, 30)
NOWS = st.datetimes(datetime.datetime(1995, 1, 1), datetime.datetime(2090, 1, 1))
MONTHS = [
    "ינואר", "פברואר", "מרץ", "אפריל", "מאי", "יוני",
    "יולי", "אוגוסט", "ספטמבר", "אוקטובר", "נובמבר", "דצמבר",
]  # fmt: skip
MONATE = [
    "Januar", "Februar", "März", "April", "Mai", "Juni",
    "Juli", "August", "September", "Oktober", "November", "Dezember",
]  # fmt: skip
WEEKDAYS = ["שני", "שלישי", "רביעי", "חמישי", "שישי", "שבת", "ראשון"]

Form = Callable[[datetime.date], str]


def suffix(day: int) -> str:
    if day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


DAY_FORMS: list[Form] = [
    lambda d: d.isoformat(),
    lambda d: d.strftime("%Y%m%d"),
    lambda d: d.strftime("%Y/%m/%d"),
    lambda d: f"{d:%G}-W{d:%V}-{d:%u}",
    lambda d: f"{d.day} {d:%B %Y}",
    lambda d: f"{d:%B} {d.day}, {d.year}",
    lambda d: f"the {d.day}{suffix(d.day)} of {d:%b} {d.year}",
    lambda d: f"{d:%A}, {d.day} {d:%B %Y}",
    lambda d: f"{d.day} ב{MONTHS[d.month - 1]} {d.year}",
    lambda d: f"ה-{d.day} ב{MONTHS[d.month - 1]} {d.year}",
    lambda d: f"יום {WEEKDAYS[d.weekday()]}, {d.day} ב{MONTHS[d.month - 1]} {d.year}",
    lambda d: f"{d.day}. {MONATE[d.month - 1]} {d.year}",
]
AGO_FORMS: list[Callable[[int], str]] = [
    lambda n: f"{n} days ago",
    lambda n: f"לפני {n} ימים",
    lambda n: f"vor {n} Tagen",
    lambda n: f"il y a {n} jours",
    lambda n: f"{n} дней назад",
]


def every_day() -> Iterator[datetime.date]:
    """Four years: one leap year, every weekday of every date."""
    day = datetime.date(2019, 1, 1)
    while day.year < 2023:
        yield day
        day += DAY


def whole(day: datetime.date) -> Period:
    begin = datetime.datetime.combine(day, datetime.time())
    return Period(begin, begin + DAY)


@pytest.mark.parametrize("form", DAY_FORMS)
def test_every_day_of_four_years(form: Form) -> None:
    """In every form that names a day with its year."""
    for day in every_day():
        assert period_of(form(day), NOW) == whole(day)


def test_numbers_of_two_orders_are_one_day_or_refused() -> None:
    """Only a day beyond the twelfth, or that of its month, is read."""
    for day in every_day():
        for form in (f"{day:%d/%m/%Y}", f"{day:%m/%d/%Y}"):
            if day.day > 12 or day.day == day.month:
                assert period_of(form, NOW) == whole(day)
            else:
                with pytest.raises(BadRequest, match="can mean"):
                    period_of(form, NOW)


def test_every_month_week_and_year() -> None:
    """They end where the next one begins."""
    for month in {day.replace(day=1) for day in every_day()}:
        begin = datetime.datetime.combine(month, datetime.time())
        length = calendar.monthrange(month.year, month.month)[1]
        forms = [f"{month:%Y-%m}", f"{month:%m/%Y}", f"{month:%B %Y}", f"{month:%b %Y}"]
        for form in (*forms, f"ב{MONTHS[month.month - 1]} {month.year}"):
            assert period_of(form, NOW) == Period(begin, begin + length * DAY), form
    for day in every_day():
        monday = whole(day - day.weekday() * DAY).begin
        assert monday is not None
        for form in (f"{day:%G}-W{day:%V}", f"week {int(f'{day:%V}')} of {day:%G}"):
            assert period_of(form, NOW) == Period(monday, monday + 7 * DAY), form


@settings(max_examples=150, deadline=None)
@given(now=NOWS, count=st.integers(1, 999), form=st.sampled_from(AGO_FORMS))
def test_days_ago_are_counted_back(
    now: datetime.datetime, count: int, form: Callable[[int], str]
) -> None:
    """Across leap days and years."""
    assert period_of(form(count), now) == whole(now.date() - count * DAY)


LAST = (
    "last week", "last weekend", "last month", "last year", "last decade", "last summer",
    "last winter", "last june", "last december", "last monday", "last sunday", "last hanukkah",
    "last christmas", "last easter", "a week ago", "3 weeks ago", "a month ago", "2 years ago",
    "yesterday", "שבוע שעבר", "חודש שעבר", "שנה שעברה", "הקיץ האחרון", "החורף שעבר", "לפני שנתיים",
    "סוף שבוע שעבר", "שבת שעברה", "פסח שעבר", "סוכות שעבר", "letzten Winter", "semana pasada",
    "прошлым летом", "الشتاء الماضي",
)  # fmt: skip
THIS = (
    "this week", "this month", "this year", "this decade", "today", "השבוע", "החודש", "השנה",
    "היום", "diese Woche", "cette année", "past week", "last 3 months", "past 10 days",
    "בשנתיים האחרונות",
)  # fmt: skip
BARE = (
    "summer",
    "winter",
    "may",
    "monday",
    "hanukkah",
    "new year's eve",
    "29 february",
    "קיץ",
    "שבת",
)
SEASONS_BY_MONTH = ["winter"] * 2 + ["spring"] * 3 + ["summer"] * 3 + ["autumn"] * 3 + ["winter"]


@settings(max_examples=300, deadline=None)
@given(now=NOWS, text=st.sampled_from(LAST))
@example(now=datetime.datetime(2026, 1, 1), text="last december")
def test_last_is_over(now: datetime.datetime, text: str) -> None:
    """And it is no emptier than a day."""
    period = period_of(text, now)
    assert period.begin and period.end and period.begin < period.end <= now


@settings(max_examples=200, deadline=None)
@given(now=NOWS, text=st.sampled_from(THIS))
def test_this_is_under_way(now: datetime.datetime, text: str) -> None:
    """It holds now."""
    assert now in period_of(text, now)


@settings(max_examples=100, deadline=None)
@given(now=NOWS)
def test_the_season_and_month_under_way_are_this_one(now: datetime.datetime) -> None:
    """Also the winter, in January."""
    assert now in period_of(f"this {SEASONS_BY_MONTH[now.month - 1]}", now)
    assert now in period_of(f"this {now:%B}", now)
    assert now in period_of(f"this {now:%A}", now)


@settings(max_examples=150, deadline=None)
@given(now=NOWS, text=st.sampled_from(BARE))
def test_without_a_word_the_latest_that_has_begun_is_meant(
    now: datetime.datetime, text: str
) -> None:
    """Photos are of the past."""
    period = period_of(text, now)
    assert period.begin and period.end and period.begin <= now and period.begin < period.end


@settings(max_examples=100, deadline=None)
@given(year=st.integers(1949, 2150))
def test_holidays_are_in_their_year_and_season(year: int) -> None:
    """Holidays of both calendars, in any year; Independence Day is never on a Sabbath or Sunday."""
    for name, first, last in (
        ("passover", 3, 4), ("purim", 2, 3), ("hanukkah", 11, 12), ("rosh hashanah", 9, 10),
        ("easter", 3, 4), ("shavuot", 5, 6), ("sukkot", 9, 10), ("thanksgiving", 11, 11),
    ):  # fmt: skip
        period = period_of(f"{name} {year}", NOW)
        assert period.begin and period.begin.year == year
        assert first <= (period.begin + DAY).month <= last, name
    independence = period_of(f"יום העצמאות {year}", NOW)
    assert independence.begin
    day = (independence.begin + DAY).weekday()
    assert day in ((1, 2, 3) if year >= 2004 else (0, 1, 2, 3))


WORDS = st.sampled_from(sorted({word for phrase in vocabulary() for word in phrase}))


@settings(max_examples=250, deadline=None)
@given(words=st.lists(st.one_of(WORDS, st.integers(0, 2100).map(str)), max_size=6), now=NOWS)
def test_words_in_any_order_make_a_period_or_are_refused(
    words: list[str], now: datetime.datetime
) -> None:
    """Nothing else happens, and no period is empty."""
    text = " ".join(words)
    try:
        period = period_of(text, now)
    except BadRequest as error:
        assert error.remedy
        return
    assert period.begin is None or period.end is None or period.begin < period.end
    assert str(period)


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=30), now=NOWS)
def test_any_text_is_read_or_refused(text: str, now: datetime.datetime) -> None:
    """Whatever the script."""
    try:
        period_of(text, now)
    except BadRequest:
        return
    assert any(character.isalnum() for character in text)


@settings(max_examples=300, deadline=None)
@given(number=st.integers(0, 10**9))
def test_a_number_is_a_year_or_a_day_of_eight_digits(number: int) -> None:
    """Or it is refused: no hours, no seconds, no days of this month."""
    try:
        period = period_of(str(number), NOW)
    except BadRequest:
        return
    form = "%Y" if len(str(number)) == 4 else "%Y%m%d"
    assert period.begin and period.begin.strftime(form) == str(number)


@settings(max_examples=200, deadline=None)
@given(word=st.from_regex(r"[a-z]{1,12}", fullmatch=True))
def test_a_word_outside_the_vocabulary_is_refused(word: str) -> None:
    """Alone and beside a date."""
    known = {one for phrase in vocabulary() for one in phrase}
    if word not in known:
        for text in (word, f"{word} 2019", f"last {word}", f"3 {word} ago"):
            with pytest.raises(BadRequest):
                period_of(text, NOW)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Jerusalem", "America/New_York", "Pacific/Apia"])
def test_zones_and_summer_time_change_nothing(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock's day has 24 hours, also where this machine's clock jumps."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert os.environ["TZ"] == zone
        for day in ("2019-03-10", "2019-03-29", "2019-10-27", "2019-11-03", "2011-12-30"):
            utc = datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.UTC)
            assert until(day, NOW) == utc.timestamp() + 86_400
    finally:
        monkeypatch.undo()
        time.tzset()
