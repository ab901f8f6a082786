"""Finds the phrases in a text that are surely dates: ``dog on the beach in May 2019``.

The grammar is that of whole dates. Most words of dates have other meanings (May, march, fall,
spring, second, אביב, שני, שבת), so `_Phrase` has more rules; a phrase that may mean something else
is not a date (docs/reference/dates.md).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from photosd.core.calendar_names import calendar_names
from photosd.core.wall_clock import wall_seconds
from photosd.search.dates.forms import Path, expression
from photosd.search.dates.grammar import readings, steps
from photosd.search.dates.periods import Moment, Period, Unit, at
from photosd.search.dates.showing import shown
from photosd.search.dates.surroundings import is_other
from photosd.search.dates.tokens import Kind, Token, fold, folded_words, tokens
from photosd.search.dates.words import ENGLISH, HEBREW, vocabulary

MAX_CHARACTERS = 1000  # of a text; what follows is not read
LONGEST_PHRASE = 12  # tokens
LONGEST_WORDS = 5  # tokens of one word of dates
MAX_PATHS = 2000  # tried in one text

# A phrase has at least one of these.
CONTENT = frozenset((
    Kind.YEAR, Kind.EXACT, Kind.TWO_YEARS, Kind.MONTH, Kind.SEASON, Kind.HOLIDAY, Kind.RELATIVE_DAY,
    Kind.UNIT, Kind.UNITS, Kind.COUNT_OF_UNITS, Kind.DECADE, Kind.DECADE_NUMBER, Kind.WEEKDAY,
    Kind.HEBREW_MONTH, Kind.HEBREW_YEAR,
))  # fmt: skip
NO_MEANING = (Kind.FILLER, Kind.YEAR_SUFFIX, Kind.PART)  # to the forms of phrases
UNIT = (Kind.UNIT, Kind.UNITS)
COUNTS = frozenset((Kind.COUNT, Kind.COUNT_OF_UNITS))


def _pattern(*forms: str) -> re.Pattern[str]:
    """Forms (see forms.py) of whole phrases, without items of no meaning."""
    return re.compile(expression(" | ".join(forms)))


LAST_UNIT = "(LAST | THIS) UNIT | UNIT (LAST | THIS)"
DATED = "(MONTH | SEASON | EVE? HOLIDAY EVE?)"
DAY_OF_MONTH = "WEEKDAY? ((NUMBER | ORDINAL) MONTH | MONTH (NUMBER | ORDINAL))"
SIMPLE = _pattern(
    "YEAR | (UNIT | UNITS) YEAR | EXACT | WEEKDAY EXACT",  # 2019, שנת 2019, 2019-05-31
    "(UNIT | SEASON | EVE? HOLIDAY EVE?) (EXACT | HEBREW_YEAR)",  # פסח תש"פ
    "(HEBREW_DAY | NUMBER | ORDINAL)? HEBREW_MONTH (EXACT | HEBREW_YEAR)",
    f"MONTH YEAR | YEAR MONTH | {DAY_OF_MONTH} YEAR? | MONTH NUMBER YEAR",  # May 2019, 31 May
    f"RELATIVE_DAY | {LAST_UNIT} | UNIT BEFORE LAST | UNIT LATEST | THIS? PAST UNIT",  # last week
    "(LAST | PAST | LATEST) (NUMBER | COUNT) (UNIT | UNITS)",  # the last 3 weeks
    "THIS? (NUMBER | COUNT) (LAST | LATEST) (UNIT | UNITS)",
    "(NUMBER | COUNT) (UNIT | UNITS) (LAST | LATEST)",
    "(LAST | PAST) COUNT_OF_UNITS | COUNT_OF_UNITS (LAST | LATEST)",
    "(LAST | PAST | LATEST) FEW UNITS | FEW (LAST | LATEST) UNITS",
    "FEW UNITS (LAST | LATEST) | UNITS LATEST",
    "(NUMBER | COUNT) (UNIT | UNITS) AGO | UNIT AGO | COUNT_OF_UNITS AGO",  # 3 weeks ago
    "AGO_BEFORE (NUMBER | COUNT) (UNIT | UNITS) | AGO_BEFORE UNIT | AGO_BEFORE COUNT_OF_UNITS",
    "FEW (UNIT | UNITS) AGO | AGO_BEFORE FEW UNITS",
    "UNIT NUMBER YEAR | YEAR UNIT NUMBER | DECADE | DECADES (DECADE_NUMBER | NUMBER | YEAR)",
    "(UNIT | UNITS) (NUMBER | DECADE_NUMBER) | (EXACT | DECADE) UNITS",  # the nineties
    "(SEASON | EVE? HOLIDAY EVE?) YEAR | YEAR SEASON | SEASON YEAR DASH YEAR | SEASON TWO_YEARS",
    f"{DATED} ({LAST_UNIT}) | (THIS | LAST | LATEST) {DATED} | {DATED} (LAST | THIS | LATEST)",
    "(LAST | THIS | LATEST) WEEKDAY | WEEKDAY (LAST | THIS | LATEST)",  # last Friday
)
ENDS = "(YEAR | EXACT | MONTH | SEASON | NUMBER | ORDINAL | HOLIDAY | WEEKDAY)"
NAMED, JOINTS = "(MONTH | SEASON | HOLIDAY)", "(TO | UNTIL | AND | DASH)"
RANGE = _pattern(
    f"(FROM | BETWEEN)? {ENDS}+ {JOINTS} {ENDS}* (YEAR | EXACT) {ENDS}*",
    f"(FROM | BETWEEN)? {ENDS}* ({NAMED} {ENDS}* YEAR | EXACT) {JOINTS} {ENDS}* {NAMED} {ENDS}*",
    f"(SINCE | FROM | BETWEEN)? {ENDS}+ {JOINTS} RELATIVE_DAY",  # 2019 until today
)
DAY = "(NUMBER | ORDINAL)"
DAYS = _pattern(  # 5-7 May, May 5 to 7
    f"(FROM | BETWEEN)? ({DAY} {JOINTS} {DAY} MONTH | MONTH {DAY} {JOINTS} {DAY})",
)
OPEN = re.compile(
    f"{expression('(SINCE | UNTIL | BEFORE | AFTER)')}(.+)"
    f"|{Kind.FROM}?(.+?){expression('(ONWARDS | ON)')}|{Kind.FROM}(.+)"
)
RELATIVE = _pattern(f"{LAST_UNIT} | UNIT LATEST | THIS? PAST UNIT | AGO_BEFORE UNIT")
DECADE = _pattern(
    "DECADE | EXACT | (DECADES | EXACT | DECADE) (DECADE_NUMBER | NUMBER | YEAR | UNITS)",
    "(UNIT | UNITS) (NUMBER | DECADE_NUMBER)",
)
WITHOUT_YEAR = _pattern(DAY_OF_MONTH)
WITH_YEAR = _pattern("(NUMBER | ORDINAL)? MONTH YEAR | MONTH NUMBER YEAR")


def _folded(words: str) -> frozenset[str]:
    return frozenset(map(fold, words.split()))


# Prepositions with which a month needs no year.
IN = _folded("in during im en em в في")
# Words of other languages that are words of English, too; "במאי" is also a director.
OFTEN_SOMETHING_ELSE = _folded("mars estate lente hier an final fine fin half begin medio במאי")
MONTHS_OFTEN_SOMETHING_ELSE = _folded("may march מאי")
NOT_LAST = _folded("this last past previous")  # "at Halloween, this dog"
# Words before a word of a date with which it means something else: hot spring.
COMPOUNDS = {
    "march": _folded("protest women women's womens pride peace death wedding funeral"),
    "spring": _folded("hot water coil box mattress"),
    "fall": _folded("water free night rain"),
    "today": _folded("usa"),
    "אביב": _folded("תל בתל לתל מתל ותל שבתל"),
}
# Before a number: not a year.
NUMBERED = _folded(
    "img dsc dscn dscf pxl mvi vid gopr no nr number room route bus line flight highway model"
    " windows office peugeot bmw mazda episode chapter page level version v # № $ € £ ₪"
    " חדר קו כביש מספר טיסה פיג'ו דגם עמוד פרק"
)
MEASURES = _folded(
    "m meter meters metre metres km miles mile feet foot ft kg g gram grams px pixels rpm cc mah"
    " w watt watts volt volts steps calories dollars euros shekels pieces people persons children"
    " men women years days hours times % ° $ € £ ₪ מטר מטרים קילומטר קמ שקל שקלים צעדים איש אנשים"
    " ילדים קלוריות חתיכות שנה שנים ימים שעות פעמים דולר יורו"
)
OF = _folded("of של")
TODAY = _folded("היום השנה השבוע החודש העשור") | {fold("סוף השבוע")}
DAY_WORDS = (fold("יום"), fold("שבת"))
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
    found = []
    for start, end, period in _Text(text[:MAX_CHARACTERS], now or Moment.now()).dates():
        ends = period.begin, period.end
        since, until = (None if one is None else wall_seconds(one) for one in ends)
        found.append(FoundDate(start, end, since, until, shown(period)))
    return found


class _Text:
    """The tokens of a text, and what each may mean."""

    def __init__(self, text: str, now: Moment) -> None:
        self.text, self.now = text, now
        self.tokens = [_without_genitive(token) for token in tokens(text)]
        self._steps: dict[int, list[tuple[int, Path]]] = {}
        self._left = MAX_PATHS

    def dates(self) -> Iterator[tuple[int, int, Period]]:
        place = after = 0
        anchors = [number for number, token in enumerate(self.tokens) if _is_anchor(token)]
        for anchor in anchors:
            if anchor < place:
                continue
            for start in range(self._first(anchor, place), anchor + 1):
                found = self._longest(start, anchor)
                if found is not None:
                    place, period = found
                    if not is_other(self.text, self.tokens, start, place, period, after):
                        yield self.tokens[start].start, self.tokens[place - 1].end, period
                        after = place
                    break

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

    def _longest(self, start: int, anchor: int) -> tuple[int, Period] | None:
        """The longest date that begins here and has the anchor: the place after it."""
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
            phrase = _Phrase(self.text, self.tokens, start, end)
            period = phrase.period(list(ends[end]), self.now)
            if period is not None:
                return end, period
        return None

    def steps(self, place: int) -> list[tuple[int, Path]]:
        if place not in self._steps:
            self._steps[place] = list(steps(self.tokens, place, vocabulary()))
        return self._steps[place]

    def _begins(self, place: int) -> bool:
        """Whether a phrase may begin here: not within a word, a path or an address."""
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


class _Phrase:
    """Some tokens of a text, and the rules by which they are surely a date."""

    def __init__(self, text: str, every: Sequence[Token], start: int, end: int) -> None:
        self.words = [token.text for token in every[start:end]]
        self.before = every[start - 1].text if start else ""
        self.after = every[end].text if end < len(every) else ""
        self.whole = start == 0 and end == len(every)
        self._first = start == 0

    def period(self, paths: Sequence[Path], now: Moment) -> Period | None:
        """The only period that the phrase may mean, if it is in the past or present."""
        if not any(_may_be_sure(_letters(path)) for path in paths):
            return None
        found: dict[Period, int] = {}
        means = {path: readings(path, now) for path in paths}
        for path, periods in means.items():
            for one in periods:
                found[one] = min(len(path), found.get(one, len(path)))
        fewest = min(found.values(), default=0)
        best = {one for one, number in found.items() if number == fewest and not one.reversed}
        if len(best) != 1:
            return None
        (period,) = best
        if period.begin is not None and period.begin > now:
            return None
        sure = (self._sure(path, period) for path, periods in means.items() if period in periods)
        return period if any(sure) else None

    def _sure(self, path: Path, period: Period) -> bool:
        items = [item for item in path if item.kind not in NO_MEANING]
        letters = _letters(path)
        in_part = Kind.PART in {item.kind for item in path}
        if path[0].kind == Kind.FILLER and self._foreign_particle():
            return False
        if self.words[-1] in NOT_LAST and Kind.BEFORE not in letters:  # the week before last
            return False
        if self._something_else(letters) or (self.words[0] == "over" and Kind.AGO in letters):
            return False
        if letters == Kind.MONTH:
            return self._part_of_month() if in_part else self._in_month()
        if RANGE.fullmatch(letters):
            return self._names_sure(letters)
        if DAYS.fullmatch(letters):
            return self._day_of_month_sure(letters)
        if found := OPEN.fullmatch(letters):
            inner = next(one for one in found.groups() if one is not None)
            if SIMPLE.fullmatch(inner) and letters[0] != Kind.AGO_BEFORE:
                kept = [item for item in items if item.kind in inner]
                if self._simple_sure(inner, kept, period):
                    return True
        return bool(SIMPLE.fullmatch(letters)) and self._simple_sure(letters, items, period)

    def _simple_sure(self, letters: str, items: Sequence[Any], period: Period) -> bool:
        units = {item.value.name for item in items if item.kind in UNIT}
        if letters == Kind.YEAR:
            return self._year_sure()
        if letters == Kind.RELATIVE_DAY:
            return self._day_sure()
        if RELATIVE.fullmatch(letters):
            return not units & {"day", "hour"} and self.after not in OF and self._this_sure()
        if DECADE.fullmatch(letters) and self._is_decade(period):
            return self._decade_sure(letters)
        if Kind.WEEKDAY in letters and not {Kind.EXACT, Kind.MONTH} & set(letters):
            return self._weekday_sure()
        if WITHOUT_YEAR.fullmatch(letters):
            return self._day_of_month_sure(letters)
        return self._names_sure(letters)

    def _names_sure(self, letters: str) -> bool:
        """Names of months and seasons: not words that usually mean something else."""
        if not {Kind.MONTH, Kind.SEASON} & set(letters):
            return True
        for place, word in enumerate(self.words):
            before = self.words[place - 1] if place else self.before
            if before in COMPOUNDS.get(word, ()):
                return False
        names = [word for word in self.words if word in _abbreviations()]
        return all(word in _own_months() for word in names)

    def _in_month(self) -> bool:
        """A month without a year: ``in May``, ``באוגוסט``, ``בחודש מאי``."""
        *first, name = self.words
        if not self._names_sure(Kind.MONTH):
            return False
        if first:
            joined = " ".join(first)
            return joined in IN or joined in ("ב", "ב -") or joined.endswith(("חודש", "month of"))
        return name.startswith("ב") and name[1:] in _own_months()

    def _part_of_month(self) -> bool:
        """``end of August``; not ``early may flowers``."""
        name = self.words[-1]
        return name in _own_months() - MONTHS_OFTEN_SOMETHING_ELSE and self._names_sure(Kind.MONTH)

    def _year_sure(self) -> bool:
        if self.after in MEASURES and self.before not in IN:
            return False
        return len(self.words) > 1 or self.before not in NUMBERED

    def _day_sure(self) -> bool:
        """``yesterday``; ``היום`` also means "of the day"."""
        if self.before in COMPOUNDS.get(self.words[-1], ()):
            return False
        return self.words[-1] not in TODAY or self._first

    def _this_sure(self) -> bool:
        """``השנה`` also means "of the year": at the beginning of a text it is a date."""
        named = " ".join(self.words)
        if named.lstrip("ב") in TODAY or self.words[-1] in TODAY:
            return self._first and named in TODAY
        return True

    def _decade_sure(self, letters: str) -> bool:
        """``the 90s``; not ``80s party``, which is a look."""
        if self.whole or "the" in self.words:
            return True
        if letters[0] == Kind.DECADES:
            return self._first or self.words[0][0] in "במ"
        return letters not in (Kind.EXACT, Kind.DECADE)

    def _is_decade(self, period: Period) -> bool:
        return period.begin is not None and period == at(Unit("decade"), period.begin)

    def _weekday_sure(self) -> bool:
        """Whole names; Hebrew ones, which are ordinals, with the word for day."""
        words = set(self.words)
        if any("א" <= word[0] <= "ת" for word in words):
            return any(word.endswith(DAY_WORDS) for word in words)
        return any(word in _weekdays() for word in words)

    def _day_of_month_sure(self, letters: str) -> bool:
        """``31 May``, ``May 5th``; not ``first march``, ``May 24 hour``."""
        if not self._names_sure(Kind.MONTH):
            return False
        if letters.endswith(Kind.NUMBER) and self.after[:1].isalpha():
            return False
        spelled = not any(word[0].isdigit() for word in self.words)
        return not spelled or any(word in OF for word in self.words)

    def _something_else(self, letters: str) -> bool:
        """Whether one of its words often means something else, and no other is of its language."""
        if not OFTEN_SOMETHING_ELSE.intersection(self.words) or COUNTS & set(letters):
            return False
        more = [word for word in self.words if word not in OFTEN_SOMETHING_ELSE]
        number = WITH_YEAR.fullmatch(letters)
        if any("א" <= word[0] <= "ת" for word in self.words):
            return not number
        return not any(word not in _own_words() for word in more if word[0].isalpha())

    def _foreign_particle(self) -> bool:
        """Whether it begins with a word of another language before a plain number."""
        first, *others = self.words
        if first in _own_words() or "א" <= first[0] <= "ת":
            return False
        return all(word in _own_words() for word in others if word[0].isalpha())


def _letters(path: Path) -> str:
    """The kinds of items, without those of no meaning, and early, mid, late."""
    return "".join(item.kind for item in path if item.kind not in NO_MEANING)


@functools.lru_cache(1000)
def _may_be_sure(letters: str) -> bool:
    forms = (SIMPLE, RANGE, DAYS, OPEN)
    return letters == Kind.MONTH or any(form.fullmatch(letters) for form in forms)


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


@functools.cache
def _own_words() -> frozenset[str]:
    """Words of dates in English and Hebrew, in which questions are usually asked."""
    found = set(_own_months())
    for table in (ENGLISH, HEBREW):
        for entries in table.values():
            for entry in entries.split(","):
                found.update(folded_words(entry.partition("=")[0]))
    return frozenset(found)


@functools.cache
def _own_months() -> frozenset[str]:
    """Names of months in English and Hebrew, the short ones too."""
    names = (one for one in calendar_names() if one.kind == "M")
    found = {"sept", "מרס", *(one.name for one in names if one.language in ("en", "he"))}
    return frozenset(word for name in found for word in folded_words(name))


@functools.cache
def _abbreviations() -> frozenset[str]:
    """Short names of months in any language: many are words elsewhere."""
    found = set()
    for phrase, meanings in vocabulary().items():
        if any(items[0].kind == Kind.MONTH for items in meanings) and len(phrase[0]) < 4:
            found.add(phrase[0])
    return frozenset(found - {"mai", "mei", "май", "мая", "мае"})


@functools.cache
def _weekdays() -> frozenset[str]:
    """Names of weekdays, without short ones."""
    return frozenset(
        word
        for phrase, meanings in vocabulary().items()
        for word in phrase
        if len(word) > 4 and any(item.kind == Kind.WEEKDAY for items in meanings for item in items)
    )
