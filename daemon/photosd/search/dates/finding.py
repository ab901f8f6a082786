"""Finds the phrases in a text that are surely dates: ``dog on the beach in May 2019``.

The grammar is that of whole dates; `phrases.Phrase` has more rules.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from photosd.core.wall_clock import wall_seconds
from photosd.search.dates.forms import Path
from photosd.search.dates.grammar import steps
from photosd.search.dates.lists import DateInText, of_list, with_years
from photosd.search.dates.periods import Moment, Period
from photosd.search.dates.phrases import MONTHS_OFTEN_SOMETHING_ELSE, Phrase, letters_of
from photosd.search.dates.showing import shown
from photosd.search.dates.surroundings import MEASURES, NUMBERED, is_other
from photosd.search.dates.tokens import Kind, Token, tokens
from photosd.search.dates.words import own_months, vocabulary

MAX_CHARACTERS = 1000  # of a text; what follows is not read
LONGEST_PHRASE = 12  # tokens
LONGEST_WORDS = 5  # tokens of one word of dates
LONGEST_LISTED = 4  # tokens of a date in a list
MAX_PATHS = 2000  # tried in one text

# A phrase has at least one of these.
CONTENT = frozenset((
    Kind.YEAR, Kind.EXACT, Kind.TWO_YEARS, Kind.MONTH, Kind.SEASON, Kind.HOLIDAY, Kind.RELATIVE_DAY,
    Kind.UNIT, Kind.UNITS, Kind.COUNT_OF_UNITS, Kind.DECADE, Kind.DECADE_NUMBER, Kind.WEEKDAY,
    Kind.HEBREW_MONTH, Kind.HEBREW_YEAR,
))  # fmt: skip
AND_DASH = re.compile(r"(?:^|\s)ו[-\u05be\u2010-\u2014]\Z")  # ו-2019
LISTING = frozenset(
    (",", "and", "or", "&", "ו", "או", "und", "et", "y", "e", "en", "и")
)  # in lists
JOINED = "_/\\.@#-"  # characters that join words to names of files, addresses and codes


class FoundDate(NamedTuple):
    """A phrase of a text that is a date: its characters, and its wall-clock seconds.

    ``since`` is the first second, ``until`` the one after the last; None: open at that end.
    """

    start: int
    end: int
    since: float | None
    until: float | None
    shown: str


def find(text: str, now: Moment | None = None) -> list[FoundDate]:
    """The dates in ``text``, in their order, without overlaps; usually none."""
    found, inside = [], _Text(text[:MAX_CHARACTERS], now or Moment.now())
    for one in inside.dates():
        ends = one.period.begin, one.period.end
        since, until = (None if moment is None else wall_seconds(moment) for moment in ends)
        start, end = inside.tokens[one.start].start, inside.tokens[one.end - 1].end
        found.append(FoundDate(start, end, since, until, shown(one.period)))
    return found


class _Text:
    """The tokens of a text, and what each may mean."""

    def __init__(self, text: str, now: Moment) -> None:
        self.text, self.now = text, now
        self.tokens = [_without_genitive(token) for token in tokens(text)]
        self._steps: dict[int, list[tuple[int, Path]]] = {}
        self._left = MAX_PATHS

    def dates(self) -> list[DateInText]:
        """Its dates, in their order."""
        found: list[DateInText] = []
        place = after = 0
        anchors = [number for number, token in enumerate(self.tokens) if _is_anchor(token)]
        for anchor in anchors:
            if anchor < place:
                continue
            for start in range(self._first(anchor, place), anchor + 1):
                one = self._longest(start, anchor)
                if one is not None:
                    place = one.end
                    if not is_other(self.text, self.tokens, start, place, one.period, after):
                        found += [*self._listed(one, after), one]
                        after = place
                    break
        return with_years(found, self.now)

    def _listed(self, last: DateInText, least: int) -> list[DateInText]:
        """The dates before the last one of a list, whose year it has: May and July 2019."""
        found: list[DateInText] = []
        place = last.start
        while (one := self._listed_before(place, last, least)) is not None:
            found.insert(0, one)
            place = one.start
        return found

    def _listed_before(self, place: int, last: DateInText, least: int) -> DateInText | None:
        """The date that ends before the comma or ``and`` at this token."""
        end, joined = place, self.tokens[place].text.startswith("ו")
        end -= 2 * bool(AND_DASH.search(self.text[: self.tokens[place].start][-3:]))
        joined = joined or end < place
        while end > least and self.tokens[end - 1].text in LISTING:
            end -= 1
            joined = joined or self.tokens[end].text != ","
        if end == place and not joined and not self._are_months(place, last):
            return None
        joined = joined or any(item.kind == Kind.AND for item in last.path)
        for start in range(max(least, end - LONGEST_LISTED), end):
            found: dict[Period, Path] = {}
            phrase = Phrase(self.text, self.tokens, start, end)
            if self._begins(start) and self._ends(end):
                for path in self._paths(start, end):
                    if phrase.is_listed(letters_of(path), joined=joined):
                        found |= dict.fromkeys(of_list(path, last.path, self.now), path)
            if len(found) == 1:
                ((period, path),) = found.items()
                other = is_other(self.text, self.tokens, start, end, period, 0)
                if period.begin is not None and period.begin <= self.now and not other:
                    year = (item for item in last.path if item.kind == Kind.YEAR)
                    return DateInText(start, end, (*path, *year), period)
        return None

    def _are_months(self, place: int, last: DateInText) -> bool:
        """Whether two months follow each other with nothing between them: יולי אוגוסט 2019."""
        before = self.tokens[place - 1].text if place else ""
        name = before.removeprefix("ב")
        is_month = not {before, name}.isdisjoint(own_months() - MONTHS_OFTEN_SOMETHING_ELSE)
        return is_month and letters_of(last.path)[:1] == Kind.MONTH

    def _paths(self, start: int, end: int) -> Iterator[Path]:
        """Every way to read these tokens."""
        if start == end:
            yield ()
        for place, items in self.steps(start) if start < end else ():
            yield from (items + rest for rest in self._paths(place, end))

    def _first(self, anchor: int, place: int) -> int:
        """The first token from which a date may reach an anchor."""
        first, least = anchor, max(place, anchor - LONGEST_PHRASE)
        while True:
            # Within a phrase of several words ("earlier than"), single ones mean nothing.
            reaching = (
                one
                for one in range(first - 1, max(least, first - LONGEST_WORDS) - 1, -1)
                if any(end >= first for end, _ in self.steps(one))
            )
            before = next(reaching, None)
            if before is None:
                return first
            first = before

    def _longest(self, start: int, anchor: int) -> DateInText | None:
        """The longest date that begins here and has the anchor."""
        if not self._begins(start):
            return None
        ends: dict[int, dict[Path, None]] = {}
        waiting: list[tuple[int, Path]] = [(start, ())]
        while waiting and self._left > 0:
            place, path = waiting.pop()
            if place > anchor and self._ends(place):
                ends.setdefault(place, {})[path] = None
            if place < min(start + LONGEST_PHRASE, len(self.tokens)):
                for end, items in self.steps(place):
                    self._left -= 1
                    waiting.append((end, path + items))
        for end in sorted(ends, reverse=True):
            phrase = Phrase(self.text, self.tokens, start, end)
            found = phrase.date(list(ends[end]), self.now)
            if found is not None:
                return DateInText(start, end, *found)
        return None

    def steps(self, place: int) -> list[tuple[int, Path]]:
        if place not in self._steps:
            self._steps[place] = list(steps(self.tokens, place, vocabulary()))
        return self._steps[place]

    def _begins(self, place: int) -> bool:
        """Whether a phrase may begin here: not within a word, a path or an address."""
        if AND_DASH.search(self.text[: self.tokens[place].start][-3:]):
            return True
        before = self.text[: self.tokens[place].start][-2:]
        if not before or before[-1].isspace():
            return True
        joined = before[-1].isalnum() or before[-1] in JOINED or before[-1] in NUMBERED
        return not joined or (before[-1] == "-" and not before[:-1].strip())

    def _ends(self, place: int) -> bool:
        after = self.text[self.tokens[place - 1].end :][:2]
        if not after or after[0].isspace():
            return True
        if after[0] in ".-" and not after[1:].strip():
            return True
        return not (after[0].isalnum() or after[0] in JOINED or after[0] in MEASURES)


def _without_genitive(token: Token) -> Token:
    """``last year's`` is read like ``last year``."""
    if token.text.endswith("'s") and token.text[0].isascii() and token.text[0].isalpha():
        return Token(token.text[:-2], token.items, token.start, token.end)
    return token


def _is_anchor(token: Token) -> bool:
    """Whether it may be the word that makes a phrase a date."""
    if any(item.kind in CONTENT for item in token.items):
        return True
    anchors = _anchors()
    word = token.text
    if word in anchors:
        return True
    return not word.isascii() and any(word[cut:] in anchors for cut in range(1, min(4, len(word))))


@functools.cache
def _anchors() -> frozenset[str]:
    """The last words of phrases with content."""
    return frozenset(
        phrase[-1]
        for phrase, meanings in vocabulary().items()
        if any(item.kind in CONTENT for items in meanings for item in items)
    )
