"""The grammar of dates: which words, in which order, name which period.

The items of a phrase (see words.py), one letter each, are matched against FORMS; other phrases are
not dates. A phrase may have several readings; the caller decides which is meant.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from photosd.search.dates import holidays, periods
from photosd.search.dates.holidays import Holiday
from photosd.search.dates.periods import FIRST_YEAR, LAST_YEAR, Moment, Period, Unit
from photosd.search.dates.tokens import Item, Token
from photosd.search.dates.words import Words, vocabulary

MOST_TOKENS = 16  # of one date
MOST_WAYS = 3000  # to read one text
FEW = (2, 6)  # of which "a few" may be any number
AROUND = 3  # years before and after now in which a month, season or holiday is looked for
PREFIXES = {"ו": "aF", "ל": "tF", "מ": "fF", "ב": "F", "ה": "F", "כ": "F", "ש": "F"}
ARTICLES = ("وال", "بال", "ال", "لل", "ب", "و")

Path = tuple[Item, ...]


class Said:
    """The items of a phrase by kind, and when it was said."""

    def __init__(self, path: Sequence[Item], now: Moment) -> None:
        self.path, self.now = path, now

    def get(self, kinds: str) -> Any:
        """The value of the first item of these kinds."""
        return next((item.value for item in self.path if item.kind in kinds), None)

    def has(self, kinds: str) -> bool:
        """Whether there is an item of these kinds."""
        return any(item.kind in kinds for item in self.path)


def paths(tokens: Sequence[Token]) -> Iterator[Path]:
    """Every way to read all these tokens: its items."""
    words = vocabulary()
    waiting: list[tuple[int, Path]] = [(0, ())]
    for _ in range(MOST_WAYS):
        if not waiting:
            return
        at, path = waiting.pop()
        if path and at == len(tokens):
            yield path
        elif at < min(MOST_TOKENS, len(tokens)):
            waiting.extend((end, path + items) for end, items in steps(tokens, at, words))


def steps(tokens: Sequence[Token], at: int, words: Words) -> Iterator[tuple[int, Path]]:
    """What the tokens from this place may mean: the place after them, and the items."""
    for item in tokens[at].items:
        yield at + 1, (item,)
    first = tokens[at].text
    yield from _phrases(tokens, at, first, words)
    for cut in range(1, min(4, len(first) - 1)):
        if any(letter not in PREFIXES for letter in first[:cut]):
            break
        for kind in PREFIXES[first[0]]:
            for end, items in _phrases(tokens, at, first[cut:], words):
                yield end, (Item(kind), *items)
    for article in ARTICLES:
        if first.startswith(article) and len(first) > len(article) + 1:
            for end, items in _phrases(tokens, at, first[len(article) :], words):
                yield end, (Item("F"), *items)


def _phrases(
    tokens: Sequence[Token], at: int, first: str, words: Words
) -> Iterator[tuple[int, Path]]:
    is_day = any(item.kind == "i" for item in tokens[at].items)  # ב' is a letter here, not "in"
    for length in range(1, min(5, len(tokens) - at) + 1):
        phrase = (first, *(token.text for token in tokens[at + 1 : at + length]))
        for items in words.get(phrase, ()):
            if not (is_day and length == 1 and items[0].kind in "Fatf"):
                yield at + length, items


def readings(path: Path, now: Moment) -> set[Period]:
    """The periods that these items may name; empty if they are not a date.

    A period made of two dates may end before it begins.
    """
    with contextlib.suppress(ValueError, OverflowError):  # the 31st of February, the year -5
        return {one for one in _composed(path, now) if _sensible(one)}
    return set()


def _sensible(one: Period) -> bool:
    ends = [moment.year for moment in (one.begin, one.end) if moment is not None]
    return all(FIRST_YEAR <= year <= LAST_YEAR + 10 for year in ends)


def _composed(path: Path, now: Moment) -> Iterator[Period]:
    """A simple date, or one made of two, or open at one end."""
    whole = set(_simple(path, now))
    yield from whole
    while path and path[0].kind == "F":
        path = path[1:]
    if not path:
        return
    kind, rest = path[0].kind, path[1:]
    if kind == "f" and path[-1].kind in "Oo":
        yield from (Period(one.begin, None) for one in _simple(rest[:-1], now))
    elif path[-1].kind == "O":
        yield from (Period(one.begin, None) for one in _simple(path[:-1], now))
    if kind in OPEN:
        yield from (OPEN[kind](one) for one in _simple(rest, now))
        if kind == "s":
            yield from _between(rest, "tu-", now)
    elif kind == "f":
        yield from _simple(rest, now)
        yield from _between(rest, "tu-", now)
    elif kind == "b":
        yield from _between(rest, "at-", now)
    elif not whole:  # winter 2019-2020 is one
        yield from _between(path, "tu-", now)
        yield from _joined(path, now)


OPEN: dict[str, Callable[[Period], Period]] = {
    "s": lambda one: Period(one.begin, None),
    "u": lambda one: Period(None, one.end),
    "v": lambda one: Period(None, one.begin),
    "w": lambda one: Period(one.end, None),
}


def _between(path: Path, joints: str, now: Moment) -> Iterator[Period]:
    """From the start of the first to the end of the second."""
    for place, item in enumerate(path):
        if item.kind not in joints:
            continue
        left, right = path[:place], path[place + 1 :]
        for last in _simple(right, now):
            for first in _left(left, right, last, now):
                if first.begin is not None and last.end is not None:
                    yield Period(first.begin, last.end)


def _joined(path: Path, now: Moment) -> Iterator[Period]:
    """``the 80s and 90s``: two periods, the second starting when the first ends."""
    for place, item in enumerate(path):
        if item.kind != "a":
            continue
        left, right = path[:place], path[place + 1 :]
        if left[:1] and left[0].kind in "GV":  # שנות ה-80 וה-90
            right = (left[0], *right) if right and right[0].kind not in "GV" else right
        for last in _simple(right, now):
            for first in _left(left, right, last, now):
                if first.end is not None and first.end == last.begin:
                    yield Period(first.begin, last.end)


def _left(left: Path, right: Path, last: Period, now: Moment) -> Iterator[Period]:
    """The left date of two, which may take its month and year from the right one: 3-9 May 2019."""
    kinds = {item.kind for item in left} - {"F"}
    if not kinds:
        return
    if kinds & set("XYLTlPARUVKGQj"):  # it is complete
        yield from _simple(left, now)
        return
    for place in range(1, len(right)):
        found = set(_simple(left + right[place:], now))
        if found:
            yield from found
            return
    if not {item.kind for item in right} & set("XY") and last.end is not None:
        yield from _simple(left, min(now, last.end))


def _simple(path: Path, now: Moment) -> Iterator[Period]:
    letters = "".join(item.kind for item in path)
    said = Said(path, now)
    for form, read in FORMS:
        if form.fullmatch(letters):
            yield from (one for one in read(said) if one is not None)


Found = Iterable[Period | None]


def _exact(said: Said) -> Found:
    yield said.get("X")


def _year(said: Said) -> Found:
    yield periods.year(said.get("Y"))


def _month_of_year(said: Said) -> Found:
    yield periods.month(said.get("Y"), said.get("M"))


def _month_of_short_year(said: Said) -> Found:
    """``Aug 19`` may be 2019; its other reading is a day."""
    year = 2000 + said.get("y")
    if year <= said.now.year:
        yield periods.month(year, said.get("M"))


def _day(said: Said) -> Found:
    """With a year, or the latest such day; a given weekday must match."""
    day, month = said.get("/") or (said.get("nD"), said.get("M"))
    if (year := said.get("Y")) is not None:
        found: Period | None = periods.day(year, month, day)
    else:
        days = _in_years(said.now, lambda year: periods.day(year, month, day), reach=8)
        found = periods.latest(days, said.now)
    named = said.get("W")
    if named is None or (found and found.begin and found.begin.weekday() == named[0]):
        yield found


def _weekday_exact(said: Said) -> Found:
    """``Friday 2019-05-31``: only if it is a Friday."""
    found, (weekday, _) = said.get("X"), said.get("W")
    if found == periods.at(Unit("day"), found.begin) and found.begin.weekday() == weekday:
        yield found


def _relative_day(said: Said) -> Found:
    yield periods.at(Unit("day"), said.now, said.get("R"))


def _unit(said: Said) -> Found:
    """``last week``, ``this week``."""
    yield periods.at(said.get("U"), said.now, -1 if said.has("L") else 0)


def _counted(said: Said) -> tuple[int, Unit]:
    """How many of which unit; one without a number."""
    count: int | None = said.get("nN")
    return said.get("K") or (1 if count is None else count, said.get("UV"))


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
    unit: Unit = said.get("UV")
    first, last = (periods.at(unit, said.now, -count) for count in (FEW[1], FEW[0]))
    yield Period(first.begin, last.end)


def _past_few(said: Said) -> Found:
    if said.get("V").name != "weekend":
        yield periods.past(said.get("V"), said.now, FEW[1])


def _numbered_week(said: Said) -> Found:
    if said.get("U").name == "week":
        yield periods.week(said.get("Y"), said.get("n"))


def _before_last(said: Said) -> Found:
    yield periods.at(said.get("U"), said.now, -2)


def _hebrew_year(said: Said) -> Found:
    """A year of the Hebrew calendar, with a word for year."""
    found = said.get("Xj")
    if said.get("U").name == "year" and _is_hebrew_year(found):
        yield found


def _is_hebrew_year(found: Period) -> bool:
    """By its length; years of other calendars have 365 or 366 days."""
    if found.begin is None or found.end is None:
        return False
    days = (found.end - found.begin).days
    return days in range(353, 386) and days not in (365, 366)


def _year_named(said: Said) -> Found:
    """``the year 2019``; the plural with 1990, as in ``les années 1990``, is a decade."""
    unit, year = said.get("UV"), said.get("Y")
    if unit.name == "decade" or (unit.name == "year" and said.has("V") and year % 10 == 0):
        yield from _decade_by_year(said)
    elif unit.name == "year":
        yield periods.year(year)


def _years_of_decade(said: Said) -> Found:
    """``années 90``, ``anni novanta``, ``la década de los 90``."""
    unit = said.get("UV").name
    if unit == "decade" or (unit == "year" and said.has("V")):
        yield from _decade(said)


def _decade_of_years(said: Said) -> Found:
    """``90er Jahre``."""
    for found in _decade(said) if said.has("Q") else [said.get("X")]:
        if found is None or found.begin is None or said.get("V").name != "year":
            continue
        if found == periods.at(Unit("decade"), found.begin):
            yield found


def _decade(said: Said) -> Found:
    """``the nineties``, ``שנות ה-90``: in the century that has them."""
    number = said.get("Qq")
    if number is None:
        number = said.get("n") + (0 if said.get("n") >= 30 else 100)
        if said.get("n") % 10:
            return
    yield periods.decade(1900 + number)


def _decade_by_year(said: Said) -> Found:
    if said.get("Y") % 10 == 0:
        yield periods.decade(said.get("Y"))


def _recurring(said: Said) -> Found:
    """A month, season or holiday: of a given year, last, this, or the latest that has begun."""
    year = said.get("Y")
    if year is None and said.get("U") is not None:  # last year, this year
        if said.get("U").name != "year":
            return
        year = said.now.year - said.has("L")
    make = _maker(said)
    if year is not None:
        yield make(year)
    else:
        yield _chosen(said)(_in_years(said.now, make), said.now)


def _chosen(said: Said) -> Callable[[Iterable[Period], Moment], Period | None]:
    if said.has("LlP"):
        return periods.latest_over
    return periods.this if said.has("T") else periods.latest


def _maker(said: Said) -> Callable[[int], Period | None]:
    """Its period as a function of the year."""
    if (month := said.get("M")) is not None:
        return lambda year: periods.month(year, month)
    if (season := said.get("S")) is not None:
        return lambda year: periods.season(year, season)
    holiday: Holiday = said.get("H")
    return holiday.eve_of if said.has("E") else holiday.of


def _weekday(said: Said) -> Found:
    """This week's, or the latest in this week and the one before that has begun or ended."""
    weekday, first = said.get("W")
    this, before = (
        periods.weekday_of_week(weekday, first, at) for at in (said.now, said.now - periods.WEEK)
    )
    yield this if said.has("T") else _chosen(said)([this, before], said.now)


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
    if said.get("S") != "winter":
        return
    first, *second = (item.value for item in said.path if item.kind in "YZ")
    if second in ([], [first + 1]):
        yield periods.season(first, "winter")


def _in_hebrew_year(said: Said) -> Found:
    """A holiday in a year of the Hebrew calendar, starting on the eve."""
    year: Period = said.get("Xj")
    if not _is_hebrew_year(year) or year.begin is None:
        return
    holiday: Holiday = said.get("H")
    for number in (year.begin.year, year.begin.year + 1):
        found = holiday.of(number)
        if found is not None and found.end is not None and found.end - periods.DAY in year:
            yield holiday.eve_of(number) if said.has("E") else found


def _hebrew_months(said: Said) -> Found:
    """A month of the Hebrew calendar, or a day of it: of a year, or the latest."""
    month, day, year = said.get("h"), said.get("inD"), said.get("Xj")
    if (month, day) == (holidays.AV, 9) and said.has("i"):
        return  # it is kept on another day where it falls on a Saturday

    def make(number: int) -> Period:
        if day is None:
            return holidays.hebrew_month(month, number)
        return holidays.hebrew_day(day, month, number)

    if year is not None:
        if _is_hebrew_year(year):
            yield make(year.begin.year + holidays.HEBREW_YEARS + 1)
        return
    now = said.now if said.get("Y") is None else Moment(said.get("Y"), 6, 1)
    found = _in_years(now, lambda year: make(year + holidays.HEBREW_YEARS))
    if said.get("Y") is None:
        yield _chosen(said)(found, said.now)
    else:
        yield from (one for one in found if one.begin and one.begin.year == said.get("Y"))


DAY_OF_MONTH = "(?:[nD]F*M|MF*[nD])"
# Each form: its items (a letter each, see words.py; F is allowed anywhere), and its reading.
FORMS: tuple[tuple[re.Pattern[str], Callable[[Said], Found]], ...] = tuple(
    (re.compile("F{0,3}(?:" + form.replace("F*", "F{0,3}").replace("Y", "Yg?") + ")"), read)
    for form, read in (
        ("X", _exact),  # 2019-05-31, 2019-05, 2019-W22, 20190531, 1990s, the 90s
        ("WF*X", _weekday_exact),  # Friday 2019-05-31
        ("Y", _year),  # 2019
        ("[UV]F*Y", _year_named),  # the year 2019, השנים 2018-2020
        ("UF*[Xj]", _hebrew_year),  # שנת תשע"ט
        ("(?:[inD]F*)?hF*[XjY]", _hebrew_months),  # תשרי תש"פ, כ"ה בכסלו תש"פ
        ("(?:[inD]F*)?h|[TlLP]F*h|hF*[LTl]", _hebrew_months),  # תשרי האחרון
        ("MF*Y|YM", _month_of_year),  # May 2019
        ("My", _month_of_short_year),  # May 19, also 19 May
        (f"(?:WF*)?{DAY_OF_MONTH}(?:F*Y)?", _day),  # (Friday) 31 May (2019), May 31st
        ("(?:WF*)?/", _day),  # 31/5
        ("R", _relative_day),  # yesterday
        ("[LT]F*U|U[LT]", _unit),  # last week, semana pasada
        ("[LPl]F*[nN]F*[UV]|T?[nN]F*[Ll]F*[UV]|[nN]F*[UV]F*[Ll]", _past),  # last 3 months
        ("T?PF*U|Ul|[LP]F*K|KF*[Ll]", _past),  # past week, בשבועיים האחרונים
        ("UvL", _before_last),  # the week before last
        ("[nN]F*[UV]A|UA|KA|BF*[nN]F*[UV]|BF*U|BF*K", _ago),  # 3 weeks ago, לפני שבוע
        ("xF*[UV]A|BF*xF*V", _few_ago),  # a few days ago
        ("[LPl]F*xF*V|xF*[Ll]F*V|xF*VF*[Ll]|VF*l", _past_few),  # the last few days
        ("UF*nF*Y|YF*UF*n", _numbered_week),  # week 22 of 2019
        ("Q|GF*q|GF*n", _decade),  # the nineties, שנות ה-90
        ("GF*Y", _decade_by_year),  # שנות ה-2000
        ("[UV]F*[nq]", _years_of_decade),  # années 90
        ("[XQ]F*V", _decade_of_years),  # 90er Jahre
        ("(?:M|S|EF*H|H)", _recurring),  # May, summer, Hanukkah
        ("(?:S|EF*H|H)F*Y|YS", _recurring),  # summer 2019
        ("(?:M|S|EF*H|H)F*(?:[LT]F*U|UF*[LT])", _recurring),  # May last year
        ("(?:[Tl]|T?P|L)F*(?:M|S|EF*H|H)|(?:M|S|EF*H|H)F*[LTl]", _recurring),  # last summer
        ("W|[LTl]F*W|WF*[LTl]", _weekday),  # Friday, last Friday
        ("SF*YF*-F*Y|SF*Z", _winter),  # winter 2019-2020, winter 2019/20
        ("(?:EF*H|H)F*[Xj]", _in_hebrew_year),  # פסח תש"פ
    )
)
