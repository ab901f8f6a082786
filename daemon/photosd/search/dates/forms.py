"""The forms of a simple date: which kinds of items, in which order, name which period."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from photosd.search.dates import holidays, periods
from photosd.search.dates.holidays import Holiday
from photosd.search.dates.periods import Moment, Period, Unit
from photosd.search.dates.tokens import Item, Kind

FEW = (2, 6)  # of which "a few" may be any number
AROUND = 3  # years before and after now in which a month, season or holiday is looked for

Path = tuple[Item, ...]


class Phrase:
    """The items of a phrase by kind, and the time it is relative to."""

    def __init__(self, path: Sequence[Item], now: Moment) -> None:
        self.path, self.now = path, now

    def get(self, *kinds: Kind) -> Any:
        """The value of the first item of these kinds."""
        return next((item.value for item in self.path if item.kind in kinds), None)

    def has(self, *kinds: Kind) -> bool:
        """Whether there is an item of these kinds."""
        return any(item.kind in kinds for item in self.path)


def simple(path: Path, now: Moment) -> Iterator[Period]:
    """The periods that these items name as a simple date. May raise ValueError, OverflowError."""
    start = next((at for at, item in enumerate(path) if item.kind != Kind.FILLER), len(path))
    if start < len(path) and path[start].kind == Kind.PART:  # early 2019, סוף הקיץ
        number = path[start].value.third
        thirds = (periods.third(one, number) for one in simple(path[start + 1 :], now))
        yield from (one for one in thirds if one is not None)
        return
    letters = "".join(item.kind for item in path)
    phrase = Phrase(path, now)
    for form, read in FORMS:
        if form.fullmatch(letters):
            yield from (one for one in read(phrase) if one is not None)


Found = Iterable[Period | None]


def _exact(phrase: Phrase) -> Found:
    yield phrase.get(Kind.EXACT)


def _year(phrase: Phrase) -> Found:
    yield periods.year(phrase.get(Kind.YEAR))


def _month_of_year(phrase: Phrase) -> Found:
    yield periods.month(phrase.get(Kind.YEAR), phrase.get(Kind.MONTH))


def _month_of_short_year(phrase: Phrase) -> Found:
    """``Aug 19`` may be 2019; its other reading is a day."""
    year = 2000 + phrase.get(Kind.SHORT_YEAR)
    if year <= phrase.now.year:
        yield periods.month(year, phrase.get(Kind.MONTH))


def _day(phrase: Phrase) -> Found:
    """With a year, or the latest such day; a given weekday must match."""
    day, month = phrase.get(Kind.DAY_AND_MONTH) or (
        phrase.get(Kind.NUMBER, Kind.ORDINAL),
        phrase.get(Kind.MONTH),
    )
    if (year := phrase.get(Kind.YEAR)) is not None:
        found: Period | None = periods.day(year, month, day)
    else:
        days = _in_years(phrase.now, lambda year: periods.day(year, month, day), reach=8)
        found = periods.latest(days, phrase.now)
    named = phrase.get(Kind.WEEKDAY)
    if named is None or (found and found.begin and found.begin.weekday() == named[0]):
        yield found


def _weekday_exact(phrase: Phrase) -> Found:
    """``Friday 2019-05-31``: only if it is a Friday."""
    found, (weekday, _) = phrase.get(Kind.EXACT), phrase.get(Kind.WEEKDAY)
    if found == periods.at(Unit("day"), found.begin) and found.begin.weekday() == weekday:
        yield found


def _relative_day(phrase: Phrase) -> Found:
    yield periods.at(Unit("day"), phrase.now, phrase.get(Kind.RELATIVE_DAY))


def _unit(phrase: Phrase) -> Found:
    """``last week``, ``this week``."""
    yield periods.at(phrase.get(Kind.UNIT), phrase.now, -1 if phrase.has(Kind.LAST) else 0)


def _counted(phrase: Phrase) -> tuple[int, Unit]:
    """How many of which unit; one without a number."""
    count: int | None = phrase.get(Kind.NUMBER, Kind.COUNT)
    return phrase.get(Kind.COUNT_OF_UNITS) or (
        1 if count is None else count,
        phrase.get(Kind.UNIT, Kind.UNITS),
    )


def _past(phrase: Phrase) -> Found:
    count, unit = _counted(phrase)
    if unit.name == "weekend":
        if count == 1:
            yield periods.at(unit, phrase.now, -1)
    elif count > 0:
        yield periods.past(unit, phrase.now, count)


def _ago(phrase: Phrase) -> Found:
    count, unit = _counted(phrase)
    if count > 0:
        yield periods.at(unit, phrase.now, -count)


def _few_ago(phrase: Phrase) -> Found:
    """``a few days ago``: two to six."""
    unit: Unit = phrase.get(Kind.UNIT, Kind.UNITS)
    first, last = (periods.at(unit, phrase.now, -count) for count in (FEW[1], FEW[0]))
    yield Period(first.begin, last.end)


def _between_ago(phrase: Phrase) -> Found:
    """``two or three years ago``, ``לפני שנה או שנתיים``."""
    counts, unit = list[int](), phrase.get(Kind.UNIT, Kind.UNITS)
    for item in phrase.path:
        if item.kind in (Kind.NUMBER, Kind.COUNT):
            counts.append(item.value)
        elif item.kind == Kind.COUNT_OF_UNITS:
            counts.append(item.value[0])
            unit = item.value[1]
        elif item.kind == Kind.UNIT and not counts:
            counts.append(1)
    if len(counts) == 2 and 0 < counts[0] < counts[1]:
        last, first = (periods.at(unit, phrase.now, -count) for count in counts)
        yield Period(first.begin, last.end)


def _past_few(phrase: Phrase) -> Found:
    if phrase.get(Kind.UNITS).name != "weekend":
        yield periods.past(phrase.get(Kind.UNITS), phrase.now, FEW[1])


def _numbered_week(phrase: Phrase) -> Found:
    if phrase.get(Kind.UNIT).name == "week":
        yield periods.week(phrase.get(Kind.YEAR), phrase.get(Kind.NUMBER))


def _before_last(phrase: Phrase) -> Found:
    yield periods.at(phrase.get(Kind.UNIT), phrase.now, -2)


def _hebrew_year(phrase: Phrase) -> Found:
    """A year of the Hebrew calendar, with a word for year."""
    found = phrase.get(Kind.EXACT, Kind.HEBREW_YEAR)
    if phrase.get(Kind.UNIT).name == "year" and _is_hebrew_year(found):
        yield found


def _is_hebrew_year(found: Period) -> bool:
    """By its length; years of other calendars have 365 or 366 days."""
    if found.begin is None or found.end is None:
        return False
    days = (found.end - found.begin).days
    return days in range(353, 386) and days not in (365, 366)


def _year_named(phrase: Phrase) -> Found:
    """``the year 2019``; the plural with 1990, as in ``les années 1990``, is a decade."""
    unit, year = phrase.get(Kind.UNIT, Kind.UNITS), phrase.get(Kind.YEAR)
    if unit.name == "decade" or (unit.name == "year" and phrase.has(Kind.UNITS) and year % 10 == 0):
        yield from _decade_by_year(phrase)
    elif unit.name == "year":
        yield periods.year(year)


def _years_of_decade(phrase: Phrase) -> Found:
    """``années 90``, ``anni novanta``, ``la década de los 90``."""
    unit = phrase.get(Kind.UNIT, Kind.UNITS).name
    if unit == "decade" or (unit == "year" and phrase.has(Kind.UNITS)):
        yield from _decade(phrase)


def _decade_of_years(phrase: Phrase) -> Found:
    """``90er Jahre``."""
    for found in _decade(phrase) if phrase.has(Kind.DECADE) else [phrase.get(Kind.EXACT)]:
        if found is None or found.begin is None or phrase.get(Kind.UNITS).name != "year":
            continue
        if found == periods.at(Unit("decade"), found.begin):
            yield found


def _decade(phrase: Phrase) -> Found:
    """``the nineties``, ``שנות ה-90``: in the century that has them."""
    number = phrase.get(Kind.DECADE, Kind.DECADE_NUMBER)
    if number is None:
        number = phrase.get(Kind.NUMBER) + (0 if phrase.get(Kind.NUMBER) >= 30 else 100)
        if phrase.get(Kind.NUMBER) % 10:
            return
    yield periods.decade(1900 + number)


def _decade_by_year(phrase: Phrase) -> Found:
    if phrase.get(Kind.YEAR) % 10 == 0:
        yield periods.decade(phrase.get(Kind.YEAR))


def _recurring(phrase: Phrase) -> Found:
    """A month, season or holiday: of a given year, last, this, or the latest that has begun."""
    year = phrase.get(Kind.YEAR)
    if year is None and phrase.get(Kind.UNIT) is not None:  # last year, this year
        if phrase.get(Kind.UNIT).name != "year":
            return
        year = phrase.now.year - phrase.has(Kind.LAST)
    make = _maker(phrase)
    if year is not None:
        yield make(year)
    else:
        yield _chosen(phrase)(_in_years(phrase.now, make), phrase.now)


def _chosen(phrase: Phrase) -> Callable[[Iterable[Period], Moment], Period | None]:
    if phrase.has(Kind.LAST, Kind.LATEST, Kind.PAST):
        return periods.latest_over
    return periods.this if phrase.has(Kind.THIS) else periods.latest


def _maker(phrase: Phrase) -> Callable[[int], Period | None]:
    """Its period as a function of the year."""
    if (month := phrase.get(Kind.MONTH)) is not None:
        return lambda year: periods.month(year, month)
    if (season := phrase.get(Kind.SEASON)) is not None:
        return lambda year: periods.season(year, season)
    holiday: Holiday = phrase.get(Kind.HOLIDAY)
    return holiday.eve_of if phrase.has(Kind.EVE) else holiday.of


def _weekday(phrase: Phrase) -> Found:
    """This week's, or the latest in this week and the one before that has begun or ended."""
    weekday, first = phrase.get(Kind.WEEKDAY)
    this, before = (
        periods.weekday_of_week(weekday, first, at)
        for at in (phrase.now, phrase.now - periods.WEEK)
    )
    yield this if phrase.has(Kind.THIS) else _chosen(phrase)([this, before], phrase.now)


def _in_years(
    now: Moment, make: Callable[[int], Period | None], reach: int = AROUND
) -> list[Period]:
    """Its occurrences in the years around now."""
    found = []
    for year in range(now.year - reach, now.year + AROUND + 1):
        with contextlib.suppress(ValueError):  # 29 February, a holiday that slips a year
            if (one := make(year)) is not None:
                found.append(one)
    return found


def _winter(phrase: Phrase) -> Found:
    """``winter 2019-2020``."""
    if phrase.get(Kind.SEASON) != "winter":
        return
    first, *second = (
        item.value for item in phrase.path if item.kind in (Kind.YEAR, Kind.TWO_YEARS)
    )
    if second in ([], [first + 1]):
        yield periods.season(first, "winter")


def _in_hebrew_year(phrase: Phrase) -> Found:
    """A holiday in a year of the Hebrew calendar, starting on the eve."""
    year: Period = phrase.get(Kind.EXACT, Kind.HEBREW_YEAR)
    if not _is_hebrew_year(year) or year.begin is None:
        return
    holiday: Holiday = phrase.get(Kind.HOLIDAY)
    for number in (year.begin.year, year.begin.year + 1):
        found = holiday.of(number)
        if found is not None and found.end is not None and found.end - periods.DAY in year:
            yield holiday.eve_of(number) if phrase.has(Kind.EVE) else found


def _season_of_hebrew_year(phrase: Phrase) -> Found:
    """The season whose middle is in that year."""
    year: Period = phrase.get(Kind.EXACT, Kind.HEBREW_YEAR)
    if not _is_hebrew_year(year) or year.begin is None:
        return
    for number in (year.begin.year, year.begin.year + 1):
        found = periods.season(number, phrase.get(Kind.SEASON))
        if found.begin is not None and found.end is not None:
            yield found if found.begin + (found.end - found.begin) / 2 in year else None


def _hebrew_months(phrase: Phrase) -> Found:
    """A month of the Hebrew calendar, or a day of it: of a year, or the latest."""
    month, year = phrase.get(Kind.HEBREW_MONTH), phrase.get(Kind.EXACT, Kind.HEBREW_YEAR)
    day = phrase.get(Kind.HEBREW_DAY, Kind.NUMBER, Kind.ORDINAL)
    if (month, day) == (holidays.AV, 9) and phrase.has(Kind.HEBREW_DAY):
        return  # it is kept on another day where it falls on a Saturday

    def make(number: int) -> Period:
        if day is None:
            return holidays.hebrew_month(month, number)
        return holidays.hebrew_day(day, month, number)

    if year is not None:
        if _is_hebrew_year(year):
            yield make(year.begin.year + holidays.HEBREW_YEARS + 1)
        return
    now = phrase.now if phrase.get(Kind.YEAR) is None else Moment(phrase.get(Kind.YEAR), 6, 1)
    found = _in_years(now, lambda year: make(year + holidays.HEBREW_YEARS))
    if phrase.get(Kind.YEAR) is None:
        yield _chosen(phrase)(found, phrase.now)
    else:
        yield from (one for one in found if one.begin and one.begin.year == phrase.get(Kind.YEAR))


def expression(form: str) -> str:
    """A form as a regular expression of one letter for each kind."""
    letters = re.sub(r"[A-Z_]+", lambda name: Kind[name[0]].value, form)
    return letters.replace(" ", "").replace("(", "(?:")


def _compiled(form: str) -> re.Pattern[str]:
    filler = Kind.FILLER + "{0,3}"
    letters = expression(form).replace(Kind.YEAR, f"{Kind.YEAR}{Kind.YEAR_SUFFIX}?")
    return re.compile(f"{filler}(?:{letters.replace('~', filler)})")


BETWEEN_AGO = (  # two or three years ago, a year or two ago, לפני שנה או שנתיים, לפני שנתיים-שלוש
    "(NUMBER | COUNT) ~ (AND | TO | DASH) ~ (NUMBER | COUNT) ~ (UNIT | UNITS) AGO | "
    "(NUMBER | COUNT) ~ (UNIT | UNITS) AND (NUMBER | COUNT) AGO | "
    "AGO_BEFORE ~ (NUMBER | COUNT) ~ (AND | TO | DASH) ~ (NUMBER | COUNT) ~ (UNIT | UNITS) | "
    "AGO_BEFORE ~ (UNIT | COUNT_OF_UNITS) ~ (AND | TO | DASH) ~ COUNT_OF_UNITS | "
    "AGO_BEFORE ~ COUNT_OF_UNITS ~ (AND | TO | DASH)? ~ (NUMBER | COUNT) ~ (UNIT | UNITS)?"
)
DAY_OF_MONTH = "((NUMBER | ORDINAL) ~ MONTH | MONTH ~ (NUMBER | ORDINAL))"
FEAST = "(EVE ~ HOLIDAY | HOLIDAY EVE | HOLIDAY)"
DATED = f"(MONTH | SEASON | {FEAST})"
# Each form and its reading: kinds in order, with | ? and brackets as in regular expressions; ~ is
# up to three fillers, which may also precede the whole.
FORMS: tuple[tuple[re.Pattern[str], Callable[[Phrase], Found]], ...] = tuple(
    (_compiled(form), read)
    for form, read in (
        ("EXACT", _exact),  # 2019-05-31, 2019-05, 2019-W22, 20190531, 1990s, the 90s
        ("WEEKDAY ~ EXACT", _weekday_exact),  # Friday 2019-05-31
        ("YEAR", _year),  # 2019
        ("(UNIT | UNITS) ~ YEAR", _year_named),  # the year 2019, השנים 2018-2020
        ("UNIT ~ (EXACT | HEBREW_YEAR)", _hebrew_year),  # שנת תשע"ט
        # תשרי תש"פ, כ"ה בכסלו תש"פ
        (
            "((HEBREW_DAY | NUMBER | ORDINAL) ~)? HEBREW_MONTH ~ (EXACT | HEBREW_YEAR | YEAR)",
            _hebrew_months,
        ),
        # תשרי האחרון
        (
            "((HEBREW_DAY | NUMBER | ORDINAL) ~)? HEBREW_MONTH | "
            "(THIS | LATEST | LAST | PAST) ~ HEBREW_MONTH | "
            "HEBREW_MONTH ~ (LAST | THIS | LATEST)",
            _hebrew_months,
        ),
        ("MONTH ~ YEAR | YEAR MONTH", _month_of_year),  # May 2019
        ("MONTH SHORT_YEAR", _month_of_short_year),  # May 19, also 19 May
        (f"(WEEKDAY ~)? {DAY_OF_MONTH} (~ YEAR)?", _day),  # (Friday) 31 May (2019), May 31st
        ("(WEEKDAY ~)? DAY_AND_MONTH", _day),  # 31/5
        ("RELATIVE_DAY", _relative_day),  # yesterday
        ("(LAST | THIS) ~ UNIT | UNIT (LAST | THIS)", _unit),  # last week, semana pasada
        # last 3 months
        (
            "(LAST | PAST | LATEST) ~ (NUMBER | COUNT) ~ (UNIT | UNITS) | "
            "THIS? (NUMBER | COUNT) ~ (LAST | LATEST) ~ (UNIT | UNITS) | "
            "(NUMBER | COUNT) ~ (UNIT | UNITS) ~ (LAST | LATEST)",
            _past,
        ),
        # past week, בשבועיים האחרונים
        (
            "THIS? PAST ~ UNIT | UNIT LATEST | (LAST | PAST) ~ COUNT_OF_UNITS | "
            "COUNT_OF_UNITS ~ (LAST | LATEST)",
            _past,
        ),
        ("UNIT BEFORE LAST", _before_last),  # the week before last
        # 3 weeks ago, לפני שבוע
        (
            "(NUMBER | COUNT) ~ (UNIT | UNITS) AGO | UNIT AGO | COUNT_OF_UNITS AGO | "
            "AGO_BEFORE ~ (NUMBER | COUNT) ~ (UNIT | UNITS) | AGO_BEFORE ~ UNIT | "
            "AGO_BEFORE ~ COUNT_OF_UNITS",
            _ago,
        ),
        (BETWEEN_AGO, _between_ago),
        ("FEW ~ (UNIT | UNITS) AGO | AGO_BEFORE ~ FEW ~ UNITS", _few_ago),  # a few days ago
        # the last few days
        (
            "(LAST | PAST | LATEST) ~ FEW ~ UNITS | FEW ~ (LAST | LATEST) ~ UNITS | "
            "FEW ~ UNITS ~ (LAST | LATEST) | UNITS ~ LATEST",
            _past_few,
        ),
        ("UNIT ~ NUMBER ~ YEAR | YEAR ~ UNIT ~ NUMBER", _numbered_week),  # week 22 of 2019
        ("DECADE | DECADES ~ DECADE_NUMBER | DECADES ~ NUMBER", _decade),  # the nineties, שנות ה-90
        ("DECADES ~ YEAR", _decade_by_year),  # שנות ה-2000
        ("(UNIT | UNITS) ~ (NUMBER | DECADE_NUMBER)", _years_of_decade),  # années 90
        ("(EXACT | DECADE) ~ UNITS", _decade_of_years),  # 90er Jahre
        (DATED, _recurring),  # May, summer, Hanukkah
        (f"(SEASON | {FEAST}) ~ YEAR | YEAR DASH? SEASON", _recurring),  # summer 2019, 2019-Q3
        (f"{DATED} ~ ((LAST | THIS) ~ UNIT | UNIT ~ (LAST | THIS))", _recurring),  # May last year
        # last summer
        (
            f"(THIS | LATEST | THIS? PAST | LAST) ~ {DATED} | {DATED} ~ (LAST | THIS | LATEST)",
            _recurring,
        ),
        # Friday, last Friday
        ("WEEKDAY | (LAST | THIS | LATEST) ~ WEEKDAY | WEEKDAY ~ (LAST | THIS | LATEST)", _weekday),
        # winter 2019-2020, winter 2019/20
        ("SEASON ~ YEAR ~ DASH ~ YEAR | SEASON ~ TWO_YEARS", _winter),
        (f"{FEAST} ~ (EXACT | HEBREW_YEAR)", _in_hebrew_year),  # פסח תש"פ
        ("SEASON ~ (EXACT | HEBREW_YEAR)", _season_of_hebrew_year),  # קיץ תשע"ט
    )
)
