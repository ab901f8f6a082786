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

from photosd.core.wall_clock import wall_seconds
from photosd.search.dates.forms import Path, expression
from photosd.search.dates.grammar import readings, steps
from photosd.search.dates.lists import DateInText, of_list, with_years
from photosd.search.dates.periods import Moment, Period, Unit, at
from photosd.search.dates.showing import shown
from photosd.search.dates.surroundings import COMPOUNDS, MEASURES, NUMBERED, is_other
from photosd.search.dates.tokens import Kind, Token, fold, tokens
from photosd.search.dates.words import abbreviations, own_months, own_words, vocabulary, weekdays

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
    "(SEASON | EVE? HOLIDAY EVE?) YEAR | YEAR DASH? SEASON",
    "SEASON YEAR DASH YEAR | SEASON TWO_YEARS",
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
    f"|{Kind.FROM}?(.+?){expression('(ONWARDS | ON | BACKWARDS)')}|{Kind.FROM}(.+)"
)
RELATIVE = _pattern(f"{LAST_UNIT} | UNIT LATEST | THIS? PAST UNIT | AGO_BEFORE UNIT")
DECADE = _pattern(
    "DECADE | EXACT | (DECADES | EXACT | DECADE) (DECADE_NUMBER | NUMBER | YEAR | UNITS)",
    "(UNIT | UNITS) (NUMBER | DECADE_NUMBER)",
)
WITHOUT_YEAR = _pattern(DAY_OF_MONTH)
LISTED = _pattern(f"{DATED} | {DAY} MONTH | MONTH {DAY}")
FOLLOWING = _pattern("MONTH | SEASON | EVE? HOLIDAY EVE? | WEEKDAY")  # since May
WITH_YEAR = _pattern("(NUMBER | ORDINAL)? MONTH YEAR | MONTH NUMBER YEAR")


def _folded(words: str) -> frozenset[str]:
    return frozenset(map(fold, words.split()))


# Prepositions with which a month needs no year.
IN = _folded("in during im en em в في")
# Words of other languages that are words of English, too; "במאי" is also a director.
OFTEN_SOMETHING_ELSE = _folded("mars estate lente hier an final fine fin half begin medio במאי")
MONTHS_OFTEN_SOMETHING_ELSE = _folded("may march מאי")
NOT_LAST = _folded("this last past previous")  # "at Halloween, this dog"
# With these also a name alone is a date: since May, since Christmas in Eilat.
SINCE, UNTIL = _folded("since ever מאז החל seit depuis desde sinds"), _folded("until till עד ועד bis")
AFTERWARDS = _folded("in at on near with and of by for from של עם אצל ליד")
OPEN_ENDED = _folded("before after לפני ולפני אחרי ואחרי")
AND_DASH = re.compile(r"(?:^|\s)ו[-\u05be\u2010-\u2014]\Z")  # ו-2019
LISTING = _folded(", and or & ו או und et y e en и")
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
        if end == place and not joined:
            return None
        joined = joined or any(item.kind == Kind.AND for item in last.path)
        for start in range(max(least, end - LONGEST_LISTED), end):
            found: dict[Period, Path] = {}
            phrase = _Phrase(self.text, self.tokens, start, end)
            if self._begins(start) and self._ends(end):
                for path in self._paths(start, end):
                    if phrase.is_listed(_letters(path), joined=joined):
                        found |= dict.fromkeys(of_list(path, last.path, self.now), path)
            if len(found) == 1:
                ((period, path),) = found.items()
                other = is_other(self.text, self.tokens, start, end, period, 0)
                if period.begin is not None and period.begin <= self.now and not other:
                    year = (item for item in last.path if item.kind == Kind.YEAR)
                    return DateInText(start, end, (*path, *year), period)
        return None

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
            phrase = _Phrase(self.text, self.tokens, start, end)
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


class _Phrase:
    """Some tokens of a text, and the rules by which they are surely a date."""

    def __init__(self, text: str, every: Sequence[Token], start: int, end: int) -> None:
        self.words = [token.text for token in every[start:end]]
        self.before = every[start - 1].text if start else ""
        self.after = every[end].text if end < len(every) else ""
        self.whole = start == 0 and end == len(every)
        self._first = start == 0

    def date(self, paths: Sequence[Path], now: Moment) -> tuple[Path, Period] | None:
        """Its items and the only period that it may mean, if that is in the past or present."""
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
        sure = (path for path, some in means.items() if period in some and self._sure(path, period))
        path = next(sure, None)
        return None if path is None else (path, period)

    def is_listed(self, letters: str, *, joined: bool) -> bool:
        """Whether it may be part of a list of dates; a day without a month only after ``and``."""
        if letters in (Kind.NUMBER, Kind.ORDINAL):
            digits = self.words[-1][0].isdigit()
            return joined and digits and self.before not in NUMBERED
        return bool(LISTED.fullmatch(letters)) and self._names_sure(letters)

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
            if self.words[-1] in OPEN_ENDED and not self._is_apart():  # 2019 and after the wedding
                return False
            if FOLLOWING.fullmatch(inner) and self._after_since_sure(inner):
                return True
            if SIMPLE.fullmatch(inner) and letters[0] != Kind.AGO_BEFORE:
                kept = [item for item in items if item.kind in inner]
                if self._simple_sure(inner, kept, period):
                    return True
        return bool(SIMPLE.fullmatch(letters)) and self._simple_sure(letters, items, period)

    def _after_since_sure(self, letters: str) -> bool:
        """``since May``, ``until May``, ``since Christmas``; not ``since Christmas dinner``."""
        first = self.words[0]
        if letters == Kind.MONTH:
            return first in SINCE | UNTIL and self._names_sure(letters)
        if first not in SINCE or not self._is_apart():
            return False
        return self._weekday_sure() if letters == Kind.WEEKDAY else self._names_sure(letters)

    def _is_apart(self) -> bool:
        """Whether the next word does not belong to it, as far as that can be told."""
        prefixed = self.after[:1] in tuple("בול")
        return prefixed or not self.after[:1].isalpha() or self.after in AFTERWARDS

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
        names = [word for word in self.words if word in abbreviations()]
        return all(word in own_months() for word in names)

    def _in_month(self) -> bool:
        """A month without a year: ``in May``, ``באוגוסט``, ``בחודש מאי``."""
        *first, name = self.words
        if not self._names_sure(Kind.MONTH):
            return False
        if first:
            joined = " ".join(first)
            return joined in IN or joined in ("ב", "ב -") or joined.endswith(("חודש", "month of"))
        return name.startswith("ב") and name[1:] in own_months()

    def _part_of_month(self) -> bool:
        """``end of August``; not ``early may flowers``."""
        name = self.words[-1]
        return name in own_months() - MONTHS_OFTEN_SOMETHING_ELSE and self._names_sure(Kind.MONTH)

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
        return any(word in weekdays() for word in words)

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
        return not any(word not in own_words() for word in more if word[0].isalpha())

    def _foreign_particle(self) -> bool:
        """Whether it begins with a word of another language before a plain number."""
        first, *others = self.words
        if first in own_words() or "א" <= first[0] <= "ת":
            return False
        return all(word in own_words() for word in others if word[0].isalpha())


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
