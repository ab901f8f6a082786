"""Dates as people say them: ``2019``, ``May 2019``, ``last summer``, ``3 weeks ago``, ``אתמול``.

A closed grammar: what it does not know is refused, never guessed. A year, season, month, week or
day counts whole, by the wall clock of the place where a photo was taken.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from photosd.core.errors import BadRequest
from photosd.core.wall_clock import wall_seconds
from photosd.search.dates.grammar import Path, paths, readings
from photosd.search.dates.periods import Moment, Period
from photosd.search.dates.tokens import Token, tokens

__all__ = ["FoundDate", "Period", "find_dates", "period_of", "since", "until"]

LONGEST = 200  # characters of one date
TRY = "Try: 2019-08, August 2019, last summer, 3 weeks ago"
ZONE = re.compile(r"\d\d:\d\d(:\d\d)?(\.\d+)?\s*(z|[+-]\d\d:?\d\d)", re.IGNORECASE)
SHORT_YEAR = re.compile(r"'\d\d|\d{1,2}([/.-])\d{1,2}\1\d\d")
SURE = set("XYRALBPKTGj")  # kinds of which one has to be in a date inside a question


class FoundDate(NamedTuple):
    """A date inside a text: its place there, and what it means."""

    start: int
    end: int
    period: Period


def period_of(text: str, now: Moment | None = None) -> Period:
    """The period that ``text`` names, on wall clocks. Raises BadRequest."""
    now = now or Moment.now()
    items = _readings(text, now) if len(text) <= LONGEST else {}
    if not items:
        raise _unreadable(text)
    # A phrase means more than its words: "antes de ayer" is a day, and no time before one.
    found = {one for one, number in items.items() if number == min(items.values())}
    if len(found) > 1:
        found = {one for one in found if not one.reversed} or found
    if len(found) > 1:
        names = " or ".join(str(one) for one in sorted(found, key=str))
        raise BadRequest(f"The date '{text}' can mean {names}", remedy=f"write {names}")
    period = found.pop()
    if period.reversed:
        raise BadRequest(f"'{text}' ends before it begins", remedy="Put the earlier date first")
    return period


def since(text: str, now: Moment | None = None) -> float:
    """Wall-clock seconds (core.wall_clock) at which it begins. Raises BadRequest."""
    begin = period_of(text, now).begin
    if begin is None:
        raise BadRequest(f"'{text}' has no beginning", remedy="give it as --until")
    return wall_seconds(begin)


def until(text: str, now: Moment | None = None) -> float:
    """Wall-clock seconds at which it is over. Raises BadRequest."""
    end = period_of(text, now).end
    if end is None:
        raise BadRequest(f"'{text}' has no end", remedy="give it as --since")
    return wall_seconds(end)


def find_dates(text: str, now: Moment | None = None) -> list[FoundDate]:
    """The dates inside a question, in order: ``last summer`` in ``beach last summer``.

    The longest phrases are taken, and only those that cannot be anything else: not ``may``,
    ``spring`` or ``5/6`` alone. What may mean two periods is left out.
    """
    now = now or Moment.now()
    pieces, found, at = tokens(text), [], 0
    while at < len(pieces):
        longest = _longest(text, pieces, at, now)
        if longest is None:
            at += 1
            continue
        at, one = longest
        found.append(one)
    return found


def _readings(text: str, now: Moment) -> dict[Period, int]:
    """Every reading of a whole text, and of how many items at least it is made."""
    pieces, found = tokens(text), dict[Period, int]()
    for end, path in paths(pieces):
        if end == len(pieces):
            for one in readings(path, now):
                found[one] = min(len(path), found.get(one, len(path)))
    return found


def _longest(text: str, pieces: list[Token], at: int, now: Moment) -> tuple[int, FoundDate] | None:
    """The longest date that begins at this token: where it ends, and what it is."""
    means: dict[int, set[Period]] = {}
    for end, path in paths(pieces, at):
        if _sure(path) and _whole(text, pieces[at].start, pieces[end - 1].end):
            means.setdefault(end, set()).update(
                one for one in readings(path, now) if not one.reversed
            )
    for end in sorted(means, reverse=True):
        if len(means[end]) == 1:
            (period,) = means[end]
            return end, FoundDate(pieces[at].start, pieces[end - 1].end, period)
    return None


def _sure(path: Path) -> bool:
    """Also of ``the forties`` and ``in the 40s``, but a man in his forties is no date."""
    kinds = {item.kind for item in path}
    return bool(SURE & kinds) or (path[0].kind == "F" and bool(kinds & {"C", "Q"}))


def _whole(text: str, start: int, end: int) -> bool:
    """Whether it is no part of a longer word, as in ``IMG_2041``."""
    around = text[start - 1 : start] + text[end : end + 1]
    return not any(character.isalnum() or character == "_" for character in around)


def _unreadable(text: str) -> BadRequest:
    shown = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    remedy = TRY
    if ZONE.search(text):
        remedy = "Leave out the zone: photos count by the clock where they were taken"
    elif SHORT_YEAR.fullmatch(text.strip()):
        remedy = f"Write the year in four digits. {TRY}"
    return BadRequest(f"Cannot read the date '{shown}'", remedy=remedy)
