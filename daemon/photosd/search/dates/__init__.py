"""Parses dates: ``2019``, ``May 2019``, ``last summer``, ``3 weeks ago``, ``אתמול``.

A closed grammar: unknown forms are refused, not guessed. A year, season, month, week or day counts
as a whole, in local time where a photo was taken.
"""

from __future__ import annotations

import re

from photosd.core.errors import BadRequest
from photosd.core.wall_clock import wall_seconds
from photosd.search.dates.grammar import paths, readings
from photosd.search.dates.periods import Moment, Period
from photosd.search.dates.tokens import tokens

__all__ = ["Period", "period_of", "since", "until"]

LONGEST = 200  # characters of one date
TRY = "Try: 2019-08, August 2019, last summer, 3 weeks ago"
ZONE = re.compile(r"\d\d:\d\d(:\d\d)?(\.\d+)?\s*(z|[+-]\d\d:?\d\d)", re.IGNORECASE)
SHORT_YEAR = re.compile(r"'\d\d|\d{1,2}([/.-])\d{1,2}\1\d\d")


def period_of(text: str, now: Moment | None = None) -> Period:
    """The period named by ``text``, in wall-clock time. Raises BadRequest."""
    now = now or Moment.now()
    items = _readings(text, now) if len(text) <= LONGEST else {}
    if not items:
        raise _unreadable(text)
    # A phrase takes precedence over its words: "antes de ayer" is a day, not a time before one.
    found = {one for one, number in items.items() if number == min(items.values())}
    if len(found) > 1:
        found = {one for one in found if not one.reversed} or found
    if len(found) > 1:
        names = " or ".join(str(one) for one in sorted(found, key=str))
        raise BadRequest(f"The date '{text}' can mean {names}", remedy=f"write {names}")
    period = found.pop()
    if period.reversed:
        raise BadRequest(f"'{text}' ends before it begins", remedy="put the earlier date first")
    return period


def since(text: str, now: Moment | None = None) -> float:
    """Wall-clock seconds (core.wall_clock) of its start. Raises BadRequest."""
    begin = period_of(text, now).begin
    if begin is None:
        raise BadRequest(f"'{text}' has no beginning", remedy="give it as --until")
    return wall_seconds(begin)


def until(text: str, now: Moment | None = None) -> float:
    """Wall-clock seconds of its end. Raises BadRequest."""
    end = period_of(text, now).end
    if end is None:
        raise BadRequest(f"'{text}' has no end", remedy="give it as --since")
    return wall_seconds(end)


def _readings(text: str, now: Moment) -> dict[Period, int]:
    """Every reading of a whole text, with the minimum number of items in it."""
    found: dict[Period, int] = {}
    for path in paths(tokens(text)):
        for one in readings(path, now):
            found[one] = min(len(path), found.get(one, len(path)))
    return found


def _unreadable(text: str) -> BadRequest:
    shown = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    remedy = TRY
    if ZONE.search(text):
        remedy = "Leave out the zone: photos count by the clock where they were taken"
    elif SHORT_YEAR.fullmatch(text.strip()):
        remedy = f"Write the year in four digits. {TRY}"
    return BadRequest(f"Cannot read the date '{shown}'", remedy=remedy)
