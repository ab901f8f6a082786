"""Holidays of two calendars by year, with their names in English and Hebrew.

A holiday of the Hebrew calendar begins at sunset: the day before belongs to it.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from dataclasses import dataclass

from dateutil.easter import easter
from pyluach.dates import HebrewDate
from pyluach.hebrewcal import Month, Year

from photosd.search.dates.periods import FRIDAY, SATURDAY, SUNDAY, Moment, Period, period

NISAN, IYAR, SIVAN, AV, TISHRI, KISLEV, SHEVAT, ADAR = 1, 2, 3, 5, 7, 9, 11, 12  # of pyluach
HEBREW_YEARS = 3760  # the Hebrew year that ends in year Y is Y + 3760

OfYear = Callable[[int], datetime.date]


@dataclass(frozen=True)
class Holiday:
    """``first_day`` in a year, Gregorian; the first year it was held; its number of days."""

    first_day: OfYear
    days: int = 1
    eve: bool = False
    since: int = 1826

    def of(self, year: int) -> Period | None:
        """The holiday's period in one year; None before its first year."""
        if year < self.since:
            return None
        first = Moment.combine(self.first_day(year), datetime.time())
        whole = period(first, days=self.days)
        return Period(first - datetime.timedelta(days=1), whole.end) if self.eve else whole

    def eve_of(self, year: int) -> Period | None:
        """The day before it."""
        found = self.of(year)
        if found is None or found.begin is None:
            return None
        return period(found.begin if self.eve else found.begin - datetime.timedelta(days=1), days=1)


def _fixed(month: int, day: int) -> Holiday:
    return Holiday(lambda year: datetime.date(year, month, day))


def _easter(days: int) -> Holiday:
    return Holiday(lambda year: easter(year) + datetime.timedelta(days=days))


def _thanksgiving(year: int) -> datetime.date:
    """The fourth Thursday of November, by the law of 1941."""
    first = datetime.date(year, 11, 1)
    return first + datetime.timedelta(days=(3 - first.weekday()) % 7 + 21)


def _hebrew(month: int, day: int, days: int = 1, since: int = 1826) -> Holiday:
    return Holiday(functools.partial(_gregorian, month, day), days, True, since)


def _gregorian(month: int, day: int, year: int) -> datetime.date:
    """The Gregorian date of a Hebrew month and day; Adar is Adar II in leap years."""
    for hebrew in (year + HEBREW_YEARS, year + HEBREW_YEARS + 1):
        number = 13 if month == ADAR and Year(hebrew).leap else month
        found: datetime.date = HebrewDate(hebrew, number, day).to_pydate()
        if found.year == year:
            return found
    raise ValueError(f"no such day in {year}")


def hebrew_year(number: int) -> Period:
    """From the first of Tishri (not its eve) until the next one."""
    first, following = (HebrewDate(year, TISHRI, 1).to_pydate() for year in (number, number + 1))
    midnight = datetime.time()
    return Period(Moment.combine(first, midnight), Moment.combine(following, midnight))


def hebrew_month(number: int, year: int) -> Period:
    """A month of a Hebrew year: as pyluach counts; 12 is all of Adar, 112 and 113 its two in a
    leap year. Raises ValueError where there is none."""
    leap = Year(year).leap
    if number > 100 and not leap:
        raise ValueError(f"{year} has one Adar")
    first, last = number % 100, 13 if number == ADAR and leap else number % 100
    begin = _midnight(HebrewDate(year, first, 1).to_pydate())
    end = _midnight(HebrewDate(year, last, 1).to_pydate())
    return Period(begin, end + datetime.timedelta(days=len(Month(year, last))))


def hebrew_day(day: int, month: int, year: int) -> Period:
    """A day of a Hebrew month, with its eve. Raises ValueError where there is none."""
    number = month % 100 if month > 100 else 13 if month == ADAR and Year(year).leap else month
    if month > 100 and not Year(year).leap:
        raise ValueError(f"{year} has one Adar")
    begin = _midnight(HebrewDate(year, number, day).to_pydate())
    return Period(begin - datetime.timedelta(days=1), begin + datetime.timedelta(days=1))


def _midnight(day: datetime.date) -> Moment:
    return Moment.combine(day, datetime.time())


def _independence(year: int) -> datetime.date:
    """5 Iyar; not on Friday or Saturday, and since 2004 not on Monday, whose eve is Sunday."""
    found = _gregorian(IYAR, 5, year)
    moved = {FRIDAY: -1, SATURDAY: -2, 0: 1 if year >= 2004 else 0}
    return found + datetime.timedelta(days=moved.get(found.weekday(), 0))


def _holocaust(year: int) -> datetime.date:
    """27 Nisan; on a Friday the day before, since 1997 on a Sunday the day after."""
    found = _gregorian(NISAN, 27, year)
    moved = {FRIDAY: -1, SUNDAY: 1 if year >= 1997 else 0}
    return found + datetime.timedelta(days=moved.get(found.weekday(), 0))


def _ninth_of_av(year: int) -> datetime.date:
    found = _gregorian(AV, 9, year)
    return found + datetime.timedelta(days=found.weekday() == SATURDAY)


def _memorial(year: int) -> datetime.date:
    return _independence(year) - datetime.timedelta(days=1)


# By their names, separated by commas. Spelling is folded as in tokens.py.
HOLIDAYS: dict[str, Holiday] = {
    "christmas, christmas day, xmas, חג המולד, כריסמס": _fixed(12, 25),
    "christmas eve, xmas eve, ערב חג המולד": _fixed(12, 24),
    "boxing day": _fixed(12, 26),
    "new year's eve, new years eve, new year eve, סילבסטר": _fixed(12, 31),
    "new year, new year's, new years, new year's day, new years day": _fixed(1, 1),
    "valentine's day, valentines day, valentine's, ולנטיין, ולנטיינס, יום האהבה": _fixed(2, 14),
    "st patrick's day, saint patrick's day, st patricks day": _fixed(3, 17),
    "american independence day, us independence day": _fixed(7, 4),
    "halloween, האלווין, ליל כל הקדושים": _fixed(10, 31),
    "thanksgiving, thanksgiving day, חג ההודיה": Holiday(_thanksgiving, since=1942),
    "good friday": _easter(-2),
    "easter, easter sunday, פסחא, חג הפסחא": _easter(0),
    "easter monday": _easter(1),
    "rosh hashanah, rosh hashana, rosh ha shana, ראש השנה": _hebrew(TISHRI, 1, 2),
    "yom kippur, yom kipur, יום כיפור, יום כפור, יום הכיפורים, כיפור": _hebrew(TISHRI, 10),
    "sukkot, sukkoth, succot, sukot, סוכות, חג הסוכות, חג סוכות": _hebrew(TISHRI, 15, 7),
    "chol hamoed sukkot, hol hamoed sukkot, חול המועד סוכות, חוהמ סוכות": _hebrew(TISHRI, 16, 6),
    "simchat torah, simhat torah, שמחת תורה": _hebrew(TISHRI, 22),
    "hanukkah, chanukah, hanukah, chanukkah, hanuka, חנוכה, חג החנוכה, חג חנוכה": _hebrew(
        KISLEV, 25, 8
    ),
    "tu bishvat, tu b'shvat, tu bshvat, tu bi shvat, טו בשבט": _hebrew(SHEVAT, 15),
    "purim, פורים, חג פורים, חג הפורים": _hebrew(ADAR, 14),
    "shushan purim, שושן פורים": _hebrew(ADAR, 15),
    "passover, pesach, pesah, פסח, חג הפסח, חג פסח": _hebrew(NISAN, 15, 7),
    "seder, seder night, passover seder, ליל הסדר, ליל סדר, סדר פסח": Holiday(
        lambda year: _gregorian(NISAN, 14, year)
    ),
    "chol hamoed pesach, chol hamoed passover, hol hamoed pesach, חול המועד פסח, חוהמ פסח": _hebrew(
        NISAN, 16, 5
    ),
    "mimouna, mimuna, מימונה": _hebrew(NISAN, 22),
    "holocaust remembrance day, yom hashoah, yom ha shoah, יום השואה": Holiday(
        _holocaust, 1, True, 1951
    ),
    "yom hazikaron, yom ha zikaron, יום הזיכרון, יום הזכרון": Holiday(_memorial, 1, True, 1949),
    "independence day, israel independence day, israeli independence day, yom haatzmaut,"
    " yom ha'atzmaut, yom ha atzmaut, יום העצמאות, עצמאות": Holiday(_independence, 1, True, 1949),
    "lag baomer, lag ba omer, lag b'omer, lag bomer, לג בעומר": _hebrew(IYAR, 18),
    "jerusalem day, yom yerushalayim, יום ירושלים": _hebrew(IYAR, 28, since=1968),
    "shavuot, shavuoth, shavuos, שבועות, חג השבועות, חג שבועות": _hebrew(SIVAN, 6),
    "tu b'av, tu bav, tu be av, טו באב": _hebrew(AV, 15),
    "tisha b'av, tisha bav, tisha be av, תשעה באב, ט באב": Holiday(_ninth_of_av, 1, True),
}
