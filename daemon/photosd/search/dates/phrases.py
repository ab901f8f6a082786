"""Decides whether a phrase of a text is surely a date.

Most words of dates have other meanings (May, march, fall, spring, second, אביב, שני, שבת), so
`Phrase` has more rules than the grammar; a phrase that may mean something else is not a date
(docs/reference/dates.md).
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Sequence
from typing import Any

from photosd.search.dates.forms import BETWEEN_AGO, Path, expression
from photosd.search.dates.grammar import readings
from photosd.search.dates.periods import Moment, Period, Unit, at
from photosd.search.dates.surroundings import COMPOUNDS, MEASURES, NUMBERED
from photosd.search.dates.tokens import Kind, Token, fold
from photosd.search.dates.words import abbreviations, own_months, own_words, weekdays

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
    BETWEEN_AGO.replace(" ~", ""),
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
DECADES = _pattern(  # the sixties and seventies, שנות השישים והשבעים
    f"DECADE {JOINTS} DECADE | EXACT {JOINTS} EXACT",
    f"(DECADES | UNIT | UNITS) (DECADE_NUMBER | NUMBER) {JOINTS} (DECADE_NUMBER | NUMBER)",
)
NAME = _pattern(NAMED)
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
LISTED = _pattern(f"{DATED} | {DAY} MONTH | MONTH {DAY} | DECADE | EXACT")
FOLLOWING = _pattern("MONTH | SEASON | EVE? HOLIDAY EVE? | WEEKDAY")  # since May


def _folded(words: str) -> frozenset[str]:
    return frozenset(map(fold, words.split()))


# Prepositions with which a month needs no year.
IN = _folded("in during im en em в في")
# Words of other languages that are words of English, too; "במאי" is also a director.
OFTEN_SOMETHING_ELSE = _folded("mars estate lente hier an final fine fin half begin medio במאי")
MONTHS_OFTEN_SOMETHING_ELSE = _folded("may march מאי")
NOT_LAST = _folded("this last past previous")  # "at Halloween, this dog"
# With these also a name alone is a date: since May, since Christmas in Eilat.
SINCE, UNTIL = (
    _folded("since ever מאז החל seit depuis desde sinds"),
    _folded("until till עד ועד bis"),
)
AFTERWARDS = _folded("in at on near with and of by for from של עם אצל ליד")
OPEN_ENDED = _folded("before after לפני ולפני אחרי ואחרי")
OF = _folded("of של")
TODAY = _folded("היום השנה השבוע החודש העשור") | {fold("סוף השבוע")}
DAY_WORDS = (fold("יום"), fold("שבת"))


class Phrase:
    """Some tokens of a text, and the rules by which they are surely a date."""

    def __init__(self, text: str, every: Sequence[Token], start: int, end: int) -> None:
        self.words = [token.text for token in every[start:end]]
        self.before = every[start - 1].text if start else ""
        self.after = every[end].text if end < len(every) else ""
        self.whole = start == 0 and end == len(every)
        self._first = start == 0

    def date(self, paths: Sequence[Path], now: Moment) -> tuple[Path, Period] | None:
        """Its items and the only period that it may mean, if that is in the past or present."""
        if not any(_may_be_sure(letters_of(path)) for path in paths):
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
        chosen = next(sure, None)
        return None if chosen is None else (chosen, period)

    def is_listed(self, letters: str, *, joined: bool) -> bool:
        """Whether it may be part of a list of dates; a day without a month only after ``and``."""
        if letters in (Kind.NUMBER, Kind.ORDINAL):
            digits = self.words[-1][0].isdigit()
            return joined and digits and self.before not in NUMBERED
        return bool(LISTED.fullmatch(letters)) and self._names_sure(letters)

    def _sure(self, path: Path, period: Period) -> bool:
        letters = letters_of(path)
        if self._is_else(path, letters):
            return False
        if letters == Kind.MONTH:
            in_part = Kind.PART in {item.kind for item in path}
            return self._part_of_month() if in_part else self._in_month()
        items = [item for item in path if item.kind not in NO_MEANING]
        if self._open_sure(letters, path, period) or self._two_sure(letters):
            return True
        return bool(SIMPLE.fullmatch(letters)) and self._simple_sure(letters, items, period)

    def _is_else(self, path: Path, letters: str) -> bool:
        """Whether it is not a date, whatever its items may mean."""
        if path[0].kind == Kind.FILLER and self._foreign_particle():
            return True
        if self.words[-1] in NOT_LAST and Kind.BEFORE not in letters:  # the week before last
            return True
        if self.words[-1] in OPEN_ENDED and not self._is_apart():  # 2019 and after the wedding
            return True
        return self._something_else(letters) or (self.words[0] == "over" and Kind.AGO in letters)

    def _open_sure(self, letters: str, path: Path, period: Period) -> bool:
        """``since 2019``, ``2019 or later``."""
        found = OPEN.fullmatch(letters)
        if found is None:
            return False
        inner = next(one for one in found.groups() if one is not None)
        if FOLLOWING.fullmatch(inner) and self._after_since_sure(inner):
            return True
        in_part = Kind.PART in {item.kind for item in path}
        if in_part and self.words[0] in SINCE | UNTIL and RELATIVE.fullmatch(inner):
            return True  # since the beginning of this year, מאז תחילת השנה
        if not SIMPLE.fullmatch(inner) or letters[0] == Kind.AGO_BEFORE:
            return False
        return self._simple_sure(inner, [item for item in path if item.kind in inner], period)

    def _two_sure(self, letters: str) -> bool:
        """Two dates: from 2018 to last year, 5-7 May, the sixties and seventies."""
        if RANGE.fullmatch(letters):
            return self._names_sure(letters)
        if DAYS.fullmatch(letters):
            return self._day_of_month_sure(letters)
        if DECADES.fullmatch(letters):
            return self._decade_sure(letters)
        return _are_two(letters) and self._names_sure(letters)

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
        return not set(letters) <= {Kind.EXACT, Kind.DECADE, Kind.AND, Kind.TO, Kind.DASH}

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
        numbers = {Kind.NUMBER, Kind.ORDINAL, Kind.YEAR}
        if any("א" <= word[0] <= "ת" for word in self.words):
            return not numbers & set(letters)
        return not any(word not in own_words() for word in more if word[0].isalpha())

    def _foreign_particle(self) -> bool:
        """Whether it begins with a word of another language before a plain number."""
        first, *others = self.words
        if first in own_words() or "א" <= first[0] <= "ת":
            return False
        return all(word in own_words() for word in others if word[0].isalpha())


def letters_of(path: Path) -> str:
    """The kinds of items, without those of no meaning, and early, mid, late."""
    return "".join(item.kind for item in path if item.kind not in NO_MEANING)


@functools.lru_cache(1000)
def _may_be_sure(letters: str) -> bool:
    forms = (SIMPLE, RANGE, DAYS, DECADES, OPEN)
    named = letters == Kind.MONTH or _are_two(letters)
    return named or any(form.fullmatch(letters) for form in forms)


def _are_two(letters: str) -> bool:
    """Whether they are two simple dates with a word for until between them; after ``from`` one may
    be a name.
    """
    begun = letters[:1] in (Kind.FROM, Kind.SINCE, Kind.BETWEEN)
    joints = (Kind.TO, Kind.UNTIL, Kind.DASH) + (Kind.AND,) * (letters[:1] == Kind.BETWEEN)
    for place, letter in enumerate(letters):
        if letter in joints:
            ends = letters[begun:place], letters[place + 1 :]
            simple = [SIMPLE.fullmatch(end) is not None for end in ends]
            named = [begun and NAME.fullmatch(end) is not None for end in ends]
            if any(simple) and all(map(operator.or_, simple, named)):
                return True
    return False
