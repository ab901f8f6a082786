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


class Said:
    """The items of a phrase by kind, and when it was said."""

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
        thirds = (periods.third(one, path[start].value) for one in simple(path[start + 1 :], now))
        yield from (one for one in thirds if one is not None)
        return
    letters = "".join(item.kind for item in path)
    said = Said(path, now)
    for form, read in FORMS:
        if form.fullmatch(letters):
            yield from (one for one in read(said) if one is not None)


Found = Iterable[Period | None]


def _exact(said: Said) -> Found:
    yield said.get(Kind.EXACT)


def _year(said: Said) -> Found:
    yield periods.year(said.get(Kind.YEAR))


def _month_of_year(said: Said) -> Found:
    yield periods.month(said.get(Kind.YEAR), said.get(Kind.MONTH))


def _month_of_short_year(said: Said) -> Found:
    """``Aug 19`` may be 2019; its other reading is a day."""
    year = 2000 + said.get(Kind.SHORT_YEAR)
    if year <= said.now.year:
        yield periods.month(year, said.get(Kind.MONTH))


def _day(said: Said) -> Found:
    """With a year, or the latest such day; a given weekday must match."""
    day, month = said.get(Kind.DAY_AND_MONTH) or (
        said.get(Kind.NUMBER, Kind.ORDINAL),
        said.get(Kind.MONTH),
    )
    if (year := said.get(Kind.YEAR)) is not None:
        found: Period | None = periods.day(year, month, day)
    else:
        days = _in_years(said.now, lambda year: periods.day(year, month, day), reach=8)
        found = periods.latest(days, said.now)
    named = said.get(Kind.WEEKDAY)
    if named is None or (found and found.begin and found.begin.weekday() == named[0]):
        yield found


def _weekday_exact(said: Said) -> Found:
    """``Friday 2019-05-31``: only if it is a Friday."""
    found, (weekday, _) = said.get(Kind.EXACT), said.get(Kind.WEEKDAY)
    if found == periods.at(Unit("day"), found.begin) and found.begin.weekday() == weekday:
        yield found


def _relative_day(said: Said) -> Found:
    yield periods.at(Unit("day"), said.now, said.get(Kind.RELATIVE_DAY))


def _unit(said: Said) -> Found:
    """``last week``, ``this week``."""
    yield periods.at(said.get(Kind.UNIT), said.now, -1 if said.has(Kind.LAST) else 0)


def _counted(said: Said) -> tuple[int, Unit]:
    """How many of which unit; one without a number."""
    count: int | None = said.get(Kind.NUMBER, Kind.COUNT)
    return said.get(Kind.COUNT_OF_UNITS) or (
        1 if count is None else count,
        said.get(Kind.UNIT, Kind.UNITS),
    )


def _past(said: Said) -> Found:
    count, unit = _counted(said)
    if unit.name == "weekend":
        if count == 1:
            yield periods.at(unit, said.now, -1)
    elif count > 0:
        yield periods.past(unit, said.now, count)


def _ago(said: Said) -> Found:
    count, unit = _counted(said)
    if count > 0:
        yield periods.at(unit, said.now, -count)


def _few_ago(said: Said) -> Found:
    """``a few days ago``: two to six."""
    unit: Unit = said.get(Kind.UNIT, Kind.UNITS)
    first, last = (periods.at(unit, said.now, -count) for count in (FEW[1], FEW[0]))
    yield Period(first.begin, last.end)


def _past_few(said: Said) -> Found:
    if said.get(Kind.UNITS).name != "weekend":
        yield periods.past(said.get(Kind.UNITS), said.now, FEW[1])


def _numbered_week(said: Said) -> Found:
    if said.get(Kind.UNIT).name == "week":
        yield periods.week(said.get(Kind.YEAR), said.get(Kind.NUMBER))


def _before_last(said: Said) -> Found:
    yield periods.at(said.get(Kind.UNIT), said.now, -2)


def _hebrew_year(said: Said) -> Found:
    """A year of the Hebrew calendar, with a word for year."""
    found = said.get(Kind.EXACT, Kind.HEBREW_YEAR)
    if said.get(Kind.UNIT).name == "year" and _is_hebrew_year(found):
        yield found


def _is_hebrew_year(found: Period) -> bool:
    """By its length; years of other calendars have 365 or 366 days."""
    if found.begin is None or found.end is None:
        return False
    days = (found.end - found.begin).days
    return days in range(353, 386) and days not in (365, 366)


def _year_named(said: Said) -> Found:
    """``the year 2019``; the plural with 1990, as in ``les années 1990``, is a decade."""
    unit, year = said.get(Kind.UNIT, Kind.UNITS), said.get(Kind.YEAR)
    if unit.name == "decade" or (unit.name == "year" and said.has(Kind.UNITS) and year % 10 == 0):
        yield from _decade_by_year(said)
    elif unit.name == "year":
        yield periods.year(year)


def _years_of_decade(said: Said) -> Found:
    """``années 90``, ``anni novanta``, ``la década de los 90``."""
    unit = said.get(Kind.UNIT, Kind.UNITS).name
    if unit == "decade" or (unit == "year" and said.has(Kind.UNITS)):
        yield from _decade(said)


def _decade_of_years(said: Said) -> Found:
    """``90er Jahre``."""
    for found in _decade(said) if said.has(Kind.DECADE) else [said.get(Kind.EXACT)]:
        if found is None or found.begin is None or said.get(Kind.UNITS).name != "year":
            continue
        if found == periods.at(Unit("decade"), found.begin):
            yield found


def _decade(said: Said) -> Found:
    """``the nineties``, ``שנות ה-90``: in the century that has them."""
    number = said.get(Kind.DECADE, Kind.DECADE_NUMBER)
    if number is None:
        number = said.get(Kind.NUMBER) + (0 if said.get(Kind.NUMBER) >= 30 else 100)
        if said.get(Kind.NUMBER) % 10:
            return
    yield periods.decade(1900 + number)


def _decade_by_year(said: Said) -> Found:
    if said.get(Kind.YEAR) % 10 == 0:
        yield periods.decade(said.get(Kind.YEAR))


def _recurring(said: Said) -> Found:
    """A month, season or holiday: of a given year, last, this, or the latest that has begun."""
    year = said.get(Kind.YEAR)
    if year is None and said.get(Kind.UNIT) is not None:  # last year, this year
        if said.get(Kind.UNIT).name != "year":
            return
        year = said.now.year - said.has(Kind.LAST)
    make = _maker(said)
    if year is not None:
        yield make(year)
    else:
        yield _chosen(said)(_in_years(said.now, make), said.now)


def _chosen(said: Said) -> Callable[[Iterable[Period], Moment], Period | None]:
    if said.has(Kind.LAST, Kind.LATEST, Kind.PAST):
        return periods.latest_over
    return periods.this if said.has(Kind.THIS) else periods.latest


def _maker(said: Said) -> Callable[[int], Period | None]:
    """Its period as a function of the year."""
    if (month := said.get(Kind.MONTH)) is not None:
        return lambda year: periods.month(year, month)
    if (season := said.get(Kind.SEASON)) is not None:
        return lambda year: periods.season(year, season)
    holiday: Holiday = said.get(Kind.HOLIDAY)
    return holiday.eve_of if said.has(Kind.EVE) else holiday.of


def _weekday(said: Said) -> Found:
    """This week's, or the latest in this week and the one before that has begun or ended."""
    weekday, first = said.get(Kind.WEEKDAY)
    this, before = (
        periods.weekday_of_week(weekday, first, at) for at in (said.now, said.now - periods.WEEK)
    )
    yield this if said.has(Kind.THIS) else _chosen(said)([this, before], said.now)


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


def _winter(said: Said) -> Found:
    """``winter 2019-2020``."""
    if said.get(Kind.SEASON) != "winter":
        return
    first, *second = (item.value for item in said.path if item.kind in (Kind.YEAR, Kind.TWO_YEARS))
    if second in ([], [first + 1]):
        yield periods.season(first, "winter")


def _in_hebrew_year(said: Said) -> Found:
    """A holiday in a year of the Hebrew calendar, starting on the eve."""
    year: Period = said.get(Kind.EXACT, Kind.HEBREW_YEAR)
    if not _is_hebrew_year(year) or year.begin is None:
        return
    holiday: Holiday = said.get(Kind.HOLIDAY)
    for number in (year.begin.year, year.begin.year + 1):
        found = holiday.of(number)
        if found is not None and found.end is not None and found.end - periods.DAY in year:
            yield holiday.eve_of(number) if said.has(Kind.EVE) else found


def _season_of_hebrew_year(said: Said) -> Found:
    """The season whose middle is in that year."""
    year: Period = said.get(Kind.EXACT, Kind.HEBREW_YEAR)
    if not _is_hebrew_year(year) or year.begin is None:
        return
    for number in (year.begin.year, year.begin.year + 1):
        found = periods.season(number, said.get(Kind.SEASON))
        if found.begin is not None and found.end is not None:
            yield found if found.begin + (found.end - found.begin) / 2 in year else None


def _hebrew_months(said: Said) -> Found:
    """A month of the Hebrew calendar, or a day of it: of a year, or the latest."""
    month, year = said.get(Kind.HEBREW_MONTH), said.get(Kind.EXACT, Kind.HEBREW_YEAR)
    day = said.get(Kind.HEBREW_DAY, Kind.NUMBER, Kind.ORDINAL)
    if (month, day) == (holidays.AV, 9) and said.has(Kind.HEBREW_DAY):
        return  # it is kept on another day where it falls on a Saturday

    def make(number: int) -> Period:
        if day is None:
            return holidays.hebrew_month(month, number)
        return holidays.hebrew_day(day, month, number)

    if year is not None:
        if _is_hebrew_year(year):
            yield make(year.begin.year + holidays.HEBREW_YEARS + 1)
        return
    now = said.now if said.get(Kind.YEAR) is None else Moment(said.get(Kind.YEAR), 6, 1)
    found = _in_years(now, lambda year: make(year + holidays.HEBREW_YEARS))
    if said.get(Kind.YEAR) is None:
        yield _chosen(said)(found, said.now)
    else:
        yield from (one for one in found if one.begin and one.begin.year == said.get(Kind.YEAR))


def expression(form: str) -> str:
    """A form as a regular expression of one letter for each kind."""
    letters = re.sub(r"[A-Z_]+", lambda name: Kind[name[0]].value, form)
    return letters.replace(" ", "").replace("(", "(?:")


def _compiled(form: str) -> re.Pattern[str]:
    filler = Kind.FILLER + "{0,3}"
    letters = expression(form).replace(Kind.YEAR, f"{Kind.YEAR}{Kind.YEAR_SUFFIX}?")
    return re.compile(f"{filler}(?:{letters.replace('~', filler)})")


DAY_OF_MONTH = "((NUMBER | ORDINAL) ~ MONTH | MONTH ~ (NUMBER | ORDINAL))"
FEAST = "(EVE ~ HOLIDAY | HOLIDAY EVE | HOLIDAY)"
DATED = f"(MONTH | SEASON | {FEAST})"
# Each form and its reading: kinds in order, with | ? and brackets as in regular expressions; ~ is
# up to three fillers, which may also precede the whole.
FORMS: tuple[tuple[re.Pattern[str], Callable[[Said], Found]], ...] = tuple(
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
        (f"(SEASON | {FEAST}) ~ YEAR | YEAR SEASON", _recurring),  # summer 2019
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
