"""The years of dates without one: ``May and July 2019``, ``in May in Eilat, 2019``.

Alone, such a date is of the latest year.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from photosd.search.dates.forms import Path, simple
from photosd.search.dates.grammar import COMPLETE, RECURRING, readings
from photosd.search.dates.periods import Moment, Period
from photosd.search.dates.tokens import Item, Kind


class DateInText(NamedTuple):
    """A date in a text: its first token, the one after it, its items, and what it means."""

    start: int
    end: int
    path: Path
    period: Period


def with_years(dates: Sequence[DateInText], now: Moment) -> list[DateInText]:
    """Dates without a year get that of the others, if it is the same for all of these."""
    years = {year for one in dates if (year := _year(one)) is not None}
    if len(years) != 1:
        return list(dates)
    year = years.pop()
    return [_of_year(one, year, now) for one in dates]


def _year(one: DateInText) -> int | None:
    """The year that a date is in; None if it has none of its own, or is longer."""
    begin, end = one.period.begin, one.period.end
    if begin is None or end is None or _lacks_year(one.path):
        return None
    last = end - datetime.timedelta(microseconds=1)
    return begin.year if begin.year == last.year else None


def _lacks_year(path: Path) -> bool:
    kinds = {item.kind for item in path}
    return bool(kinds & RECURRING) and not kinds & COMPLETE


def _of_year(one: DateInText, year: int, now: Moment) -> DateInText:
    """The same day or month of that year, if it has begun."""
    if not _lacks_year(one.path):
        return one
    found = [
        period
        for period in readings((*one.path, Item(Kind.YEAR, year)), now)
        if not period.reversed and period.begin is not None and period.begin <= now
    ]
    return one._replace(period=found[0]) if len(found) == 1 else one


def of_list(left: Path, right: Path, now: Moment) -> Iterator[Period]:
    """The periods of a date without a year, or a day without a month, that comes before another one
    in a list; ``right``: the items of that one.
    """
    complete = {Kind.DECADE, Kind.EXACT}
    kinds = {item.kind for item in right}
    if complete & {item.kind for item in left}:  # the 60s, 70s and 80s
        yield from simple(left, now) if complete & kinds else ()
        return
    if Kind.YEAR not in kinds or not kinds & RECURRING:
        return
    with contextlib.suppress(ValueError, OverflowError):  # the 31st of February
        for place in range(1, len(right)):
            if found := set(simple(left + right[place:], now)):
                yield from found
                return
