"""Writes periods for people: ``May 2019``, ``Jun–Aug 2023``, ``since 2015``."""

from __future__ import annotations

import datetime

from photosd.search.dates.periods import DAY, Moment, Period, Unit, at


def shown(period: Period) -> str:
    """For people: ``2019``, ``May 2019``, ``Jun–Aug 2023``, ``3–9 Aug 2019``, ``since 2015``."""
    begin, end = period.begin, period.end
    if begin is None or end is None:
        edge = begin or (end and end - DAY)
        if edge is None:
            return ""
        year = at(Unit("year"), edge)
        whole = begin == year.begin if begin else end == year.end
        return f"{'since' if begin else 'until'} {edge.year if whole else _day(edge)}"
    last = end - datetime.timedelta(microseconds=1)
    if (begin.month, begin.day, last.month, last.day) == (1, 1, 12, 31):
        return _span(str(begin.year), str(last.year))
    if begin.day == 1 and end.day == 1:
        first = f"{begin:%b}" if begin.year == last.year else f"{begin:%b %Y}"
        if (begin.year, begin.month) == (last.year, last.month):
            return f"{last:%b %Y}"
        return f"{first}–{last:%b %Y}"
    if (begin.year, begin.month) == (last.year, last.month) and begin.day != last.day:
        return f"{begin.day}–{_day(last)}"
    first = _day(begin) if begin.year != last.year else f"{begin.day} {begin:%b}"
    return _day(last) if begin.date() == last.date() else f"{first}–{_day(last)}"


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first}–{last}"


def _day(moment: Moment) -> str:
    return f"{moment.day} {moment:%b %Y}"
