"""The grammar of dates: which words, in which order, name which period.

A date is a simple one (forms.py), two of them, or one that is open at an end. Other phrases are not
dates. A phrase may have several readings; the caller decides which is meant.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from photosd.core.wording import are_prefixes
from photosd.search.dates.forms import Path, simple
from photosd.search.dates.periods import DAY, FIRST_YEAR, LAST_YEAR, STEPS, Moment, Part, Period
from photosd.search.dates.tokens import Item, Kind, Token
from photosd.search.dates.words import Words, vocabulary

MAX_TOKENS = 16  # of one date
MAX_WAYS = 3000  # to read one text
PREFIXES = {
    "ו": (Kind.AND, Kind.FILLER),
    "ל": (Kind.TO, Kind.FILLER),
    "מ": (Kind.FROM, Kind.FILLER),
    **dict.fromkeys("בהכש", (Kind.FILLER,)),
}
ARTICLES = ("وال", "بال", "ال", "لل", "ب", "و")

JOINING = (Kind.FILLER, Kind.AND, Kind.TO, Kind.FROM)
RANGE = (Kind.TO, Kind.UNTIL, Kind.DASH)  # between two dates
BOTH = (Kind.AND, Kind.TO, Kind.DASH)  # after "between"
# What only a date has that takes nothing from the other one of two.
COMPLETE = frozenset((
    Kind.EXACT, Kind.YEAR, Kind.HEBREW_YEAR, Kind.LAST, Kind.LATEST, Kind.THIS, Kind.PAST, Kind.AGO,
    Kind.RELATIVE_DAY, Kind.UNIT, Kind.UNITS, Kind.COUNT_OF_UNITS, Kind.DECADES, Kind.DECADE,
))  # fmt: skip
RECURRING = {Kind.MONTH, Kind.SEASON, Kind.HOLIDAY}  # every year
DATED = {Kind.YEAR, Kind.EXACT}
DAYS = {Kind.NUMBER, Kind.ORDINAL}


def paths(tokens: Sequence[Token]) -> Iterator[Path]:
    """Every way to read all these tokens: its items."""
    words = vocabulary()
    waiting: list[tuple[int, Path]] = [(0, ())]
    for _ in range(MAX_WAYS):
        if not waiting:
            return
        at, path = waiting.pop()
        if path and at == len(tokens):
            yield path
        elif at < min(MAX_TOKENS, len(tokens)):
            waiting.extend((end, path + items) for end, items in steps(tokens, at, words))


def steps(tokens: Sequence[Token], at: int, words: Words) -> Iterator[tuple[int, Path]]:
    """What the tokens from this place may mean: the place after them, and the items."""
    for item in tokens[at].items:
        yield at + 1, (item,)
    first = tokens[at].text
    yield from _phrases(tokens, at, first, words)
    for cut in range(1, min(4, len(first) - 1)):
        if not are_prefixes(first[:cut]):
            continue
        if first[cut] == "ו" and (first[cut + 1 :],) in words:  # "and" is before other prefixes
            continue
        for kind in PREFIXES[first[0]]:
            for end, items in _phrases(tokens, at, first[cut:], words):
                yield end, (Item(kind), *items)
    for article in ARTICLES:
        if first.startswith(article) and len(first) > len(article) + 1:
            for end, items in _phrases(tokens, at, first[len(article) :], words):
                yield end, (Item(Kind.FILLER), *items)


def _phrases(
    tokens: Sequence[Token], at: int, first: str, words: Words
) -> Iterator[tuple[int, Path]]:
    # ב' is the letter of a day here, not "in".
    is_day = any(item.kind == Kind.HEBREW_DAY for item in tokens[at].items)
    for length in range(1, min(5, len(tokens) - at) + 1):
        phrase = (first, *(token.text for token in tokens[at + 1 : at + length]))
        for items in words.get(phrase, ()):
            if not (is_day and length == 1 and items[0].kind in JOINING):
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
    whole = set(simple(path, now))
    yield from whole
    while path and path[0].kind == Kind.FILLER:
        path = path[1:]
    if not path:
        return
    kind, rest = path[0].kind, path[1:]
    yield from _open_at_end(path, now)
    if kind in OPEN:
        edge = EDGES.get((kind, _part(rest)), kind)
        yield from (OPEN[edge](one) for one in simple(rest, now))
        if kind == Kind.SINCE:
            yield from _between(rest, RANGE, now)
    elif kind == Kind.FROM:
        yield from simple(rest, now)
        yield from _between(rest, RANGE, now)
    elif kind == Kind.BETWEEN:
        yield from _between(rest, BOTH, now)
    elif not whole:  # winter 2019-2020 is one
        yield from _between(path, RANGE, now)
        yield from _joined(path, now)


def _open_at_end(path: Path, now: Moment) -> Iterator[Period]:
    """``2019 or later``, ``from 2019 on``, ``2019 or earlier``."""
    *inner, last = path
    begun = bool(inner) and inner[0].kind == Kind.FROM
    if last.kind == Kind.ONWARDS or (begun and last.kind == Kind.ON):
        yield from (Period(one.begin, None) for one in simple(tuple(inner[begun:]), now))
    elif last.kind == Kind.BACKWARDS:
        yield from (Period(None, one.end) for one in simple(tuple(inner), now))


OPEN: dict[Kind, Callable[[Period], Period]] = {
    Kind.SINCE: lambda one: Period(one.begin, None),
    Kind.UNTIL: lambda one: Period(None, one.end),
    Kind.BEFORE: lambda one: Period(None, one.begin),
    Kind.AFTER: lambda one: Period(one.end, None),
}
# Before the end of May is until the end of it, after its beginning is since then.
EDGES: dict[tuple[Kind, Part | None], Kind] = {
    (Kind.BEFORE, Part.END): Kind.UNTIL,
    (Kind.AFTER, Part.BEGINNING): Kind.SINCE,
}


def _part(path: Path) -> Part | None:
    """The part of a period that these items name first: the end of May."""
    first = next((item for item in path if item.kind != Kind.FILLER), None)
    found: Part | None = first.value if first is not None and first.kind == Kind.PART else None
    return found


def _between(path: Path, joints: tuple[Kind, ...], now: Moment) -> Iterator[Period]:
    """From the start of the first to the end of the second; November to March 2020 begins in the
    year before.
    """
    for place, item in enumerate(path):
        if item.kind not in joints:
            continue
        left, right = path[:place], path[place + 1 :]
        for last in _right(left, right, now):
            for first in _left(left, right, last, now):
                if first.begin is not None and last.end is not None:
                    kinds = {item.kind for item in left}
                    turns = first.begin >= last.end and RECURRING & kinds and not COMPLETE & kinds
                    begin = first.begin - STEPS["year"] if turns else first.begin
                    yield Period(begin, last.end)


def _joined(path: Path, now: Moment) -> Iterator[Period]:
    """``the 80s and 90s``: two periods, the second starting when the first ends."""
    for place, item in enumerate(path):
        if item.kind != Kind.AND:
            continue
        left, right = path[:place], path[place + 1 :]
        years = (Kind.DECADES, Kind.UNITS)
        if left and right and left[0].kind in years and right[0].kind not in years:
            right = (left[0], *right)  # שנות ה-80 וה-90
        for last in _right(left, right, now):
            for first in _left(left, right, last, now):
                if first.end is not None and first.end == last.begin:
                    yield Period(first.begin, last.end)


def _right(left: Path, right: Path, now: Moment) -> Iterator[Period]:
    """The right date of two, which may take its month (May 3-9, 2019) and its year (May 2019 to
    July) from the left one.
    """
    kinds = {item.kind for item in left}
    for one in (right, *_with_month(left, right)):
        own, moment = {item.kind for item in one}, now
        if DATED & kinds and RECURRING & own and not COMPLETE & own:
            for first in simple(left, now):
                if first.begin and first.end and first.end < first.begin + STEPS["year"]:
                    moment = first.begin + STEPS["year"] - DAY  # the first one since then
        yield from simple(one, moment)


def _with_month(left: Path, right: Path) -> Iterator[Path]:
    """The right date with the month of the left one, if both are days: May 3 and 9, 2019."""
    month = next((item for item in left if item.kind == Kind.MONTH), None)
    first = next((item for item in left if item.kind in DAYS), None)
    last = next((item for item in right if item.kind != Kind.FILLER), None)
    if month and first and last and last.kind in DAYS and first.value < last.value:
        yield (month, *right)


def _left(left: Path, right: Path, last: Period, now: Moment) -> Iterator[Period]:
    """The left date of two, which may take its month and year from the right one: 3-9 May 2019."""
    kinds = {item.kind for item in left} - {Kind.FILLER}
    if not kinds:
        return
    if kinds & COMPLETE:
        yield from simple(left, now)
        return
    for place in range(1, len(right)):
        found = set(simple(left + right[place:], now))
        if found:
            yield from found
            return
    if not {item.kind for item in right} & {Kind.EXACT, Kind.YEAR} and last.end is not None:
        yield from simple(left, min(now, last.end))
