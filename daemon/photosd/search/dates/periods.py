"""Calendar periods: days, weeks, months, years, seasons, decades, and arithmetic with them.

A period is half-open and has no time zone: it is local time where a photo was taken.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable
from dataclasses import dataclass

from dateutil.relativedelta import relativedelta

Moment = datetime.datetime  # naive: a wall clock
FIRST_YEAR, LAST_YEAR = 1826, 2200  # the first photograph; early enough
DAY, WEEK = datetime.timedelta(days=1), datetime.timedelta(days=7)
SHORTEST_MONTH = 28 * DAY
MONDAY, FRIDAY, SATURDAY, SUNDAY = 0, 4, 5, 6

# Months in which seasons, in the northern half of the world, and quarters begin.
SEASONS = {
    "spring": 3, "summer": 6, "autumn": 9, "winter": 12, "q1": 1, "q2": 4, "q3": 7, "q4": 10,
}  # fmt: skip
STEPS = {
    "hour": relativedelta(hours=1),
    "day": relativedelta(days=1),
    "week": relativedelta(weeks=1),
    "weekend": relativedelta(weeks=1),
    "month": relativedelta(months=1),
    "year": relativedelta(years=1),
    "decade": relativedelta(years=10),
}


class Part(enum.Enum):
    """A third of a period. The first and the last one have two names each: before the end of May
    includes all of May, before late May does not.
    """

    BEGINNING, EARLY, MIDDLE, LATE, END = range(5)

    @property
    def third(self) -> int:
        """Which third it is, 0 to 2."""
        return (0, 0, 1, 2, 2)[self.value]


@dataclass(frozen=True)
class Unit:
    """A unit of time: a key of STEPS; ``first``: the weekday on which its weeks begin."""

    name: str
    first: int = MONDAY


@dataclass(frozen=True, order=True)
class Period:
    """From ``begin`` until just before ``end``; None: open at that end."""

    begin: Moment | None
    end: Moment | None

    def __contains__(self, moment: Moment) -> bool:
        after = self.begin is None or self.begin <= moment
        return after and (self.end is None or moment < self.end)

    def __str__(self) -> str:
        """The shortest form in ISO 8601: ``2019``, ``2019-05``, ``2019-05-01..2019-05-07``."""
        if self.begin is None or self.end is None:
            return f"before {_short(self.end)}" if self.end else f"since {_short(self.begin)}"
        for unit, form in (("year", "%Y"), ("month", "%Y-%m"), ("day", "%Y-%m-%d")):
            if self == at(Unit(unit), self.begin):
                return self.begin.strftime(form)
        last = self.end - DAY if self.end.hour == self.end.minute == 0 else self.end
        return f"{_short(self.begin)}..{_short(last)}"

    @property
    def reversed(self) -> bool:
        """Whether it ends before it begins."""
        return self.begin is not None and self.end is not None and self.end <= self.begin


def _short(moment: Moment | None) -> str:
    """A day, with its time unless that is midnight."""
    if moment is None:
        return ""
    midnight = moment.time() == datetime.time()
    return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%S")


def period(begin: Moment, **length: int) -> Period:
    """From ``begin``, with this length in ``days``, ``months`` …"""
    return Period(begin, begin + relativedelta(**length))


def third(whole: Period, number: int) -> Period | None:
    """A third of a period, 0 to 2: whole months or days; None of one shorter than a month."""
    begin, end = whole.begin, whole.end
    if begin is None or end is None or end - begin < SHORTEST_MONTH:
        return None
    months = 12 * (end.year - begin.year) + end.month - begin.month
    step = relativedelta(months=months // 3) if months >= 3 else (end - begin) // (3 * DAY) * DAY
    return Period(begin + number * step, end if number == 2 else begin + (number + 1) * step)


def day(year: int, month: int, number: int) -> Period:
    """One day. Raises ValueError when there is none."""
    return period(Moment(year, month, number), days=1)


def month(year: int, number: int) -> Period:
    """One month of a year."""
    return period(Moment(year, number, 1), months=1)


def year(number: int) -> Period:
    """One year."""
    return period(Moment(number, 1, 1), years=1)


def decade(first: int) -> Period:
    """Ten years."""
    return period(Moment(first, 1, 1), years=10)


def week(year: int, number: int) -> Period:
    """A week of ISO 8601: it begins on a Monday. Raises ValueError when there is none."""
    return period(Moment.fromisocalendar(year, number, 1), days=7)


def season(year: int, name: str) -> Period:
    """Three whole months, or a quarter; a winter belongs to the year in which it begins."""
    return period(Moment(year, SEASONS[name], 1), months=3)


def at(unit: Unit, now: Moment, steps: int = 0) -> Period:
    """The period of this unit that contains ``now``, or the one this many steps away.

    A weekend is the end of its week: Saturday and Sunday, or Friday and Saturday.
    """
    step = STEPS[unit.name]
    begin = _floor(unit, now) + step * steps
    if unit.name == "weekend":
        return period(begin + 5 * DAY, days=2)
    return Period(begin, begin + step)


def past(unit: Unit, now: Moment, count: int) -> Period:
    """The last units: from that long ago, that day included, to the end of today."""
    if unit.name == "hour":
        return Period(at(unit, now, -count).begin, at(unit, now).end)
    today = _floor(Unit("day"), now)
    return Period(today - STEPS[unit.name] * count, today + DAY)


def weekday_of_week(number: int, first: int, now: Moment) -> Period:
    """The weekday (Monday is 0) of the week of ``now`` that begins on weekday ``first``."""
    begin = _floor(Unit("week", first), now)
    return period(begin + (number - first) % 7 * DAY, days=1)


def latest(periods: Iterable[Period], now: Moment) -> Period | None:
    """The latest one that has begun."""
    return max((p for p in periods if p.begin is not None and p.begin <= now), default=None)


def latest_over(periods: Iterable[Period], now: Moment) -> Period | None:
    """The latest one that has ended."""
    return max((p for p in periods if p.end is not None and p.end <= now), default=None)


def this(periods: Iterable[Period], now: Moment) -> Period | None:
    """The current one; else this year's, or the nearer of two."""
    found = list(periods)
    for one in found:
        if now in one:
            return one
    near = [p for p in found if now.year in (_first(p).year, _last(p).year)]
    return min(near, key=lambda p: min(abs(_first(p) - now), abs(_last(p) - now)), default=None)


def _first(one: Period) -> Moment:
    return one.begin or Moment.min


def _last(one: Period) -> Moment:
    return (one.end or Moment.max) - datetime.timedelta(microseconds=1)


def _floor(unit: Unit, now: Moment) -> Moment:
    """Start of the period of this unit that contains ``now``; for a weekend, of its week."""
    if unit.name == "hour":
        return now.replace(minute=0, second=0, microsecond=0)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit.name in ("week", "weekend"):
        return today - (today.weekday() - unit.first) % 7 * DAY
    if unit.name == "month":
        return today.replace(day=1)
    if unit.name == "year":
        return today.replace(month=1, day=1)
    if unit.name == "decade":
        return today.replace(year=today.year // 10 * 10, month=1, day=1)
    return today
