"""Splits a text into tokens: spelling folded, numeric dates parsed."""

from __future__ import annotations

import contextlib
import enum
import functools
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from photosd.search.dates import holidays, periods
from photosd.search.dates.periods import FIRST_YEAR, LAST_YEAR, Moment, Period

PUNCTUATION = str.maketrans(
    {
        "־": "-", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-",
        "’": "'", "‘": "'", "׳": "'", "´": "'", "`": "'", "״": '"', "”": '"', "“": '"', "„": '"',
        "،": ",", "ך": "כ", "ם": "מ", "ן": "נ", "ף": "פ", "ץ": "צ",
    }
)  # fmt: skip
CHARACTERS_KEPT = 1000
GEMATRIA = {
    letter: (place % 9 + 1) * 10 ** (place // 9)
    for place, letter in enumerate("אבגדהוזחטיכלמנסעפצקרשת")
}


class Kind(enum.StrEnum):
    """Kinds of items; the values are the letters that grammar.py matches."""

    FILLER = "F"  # no meaning: the, in, of
    LAST = "L"  # last
    LATEST = "l"  # the same, after its word (Hebrew)
    THIS = "T"  # this
    PAST = "P"  # past, as in the past week
    AGO = "A"  # ago, after the number
    AGO_BEFORE = "B"  # ago, before the number
    RELATIVE_DAY = "R"  # days from today: yesterday is -1
    UNIT = "U"  # a unit: week
    UNITS = "V"  # several units: weeks
    NUMBER = "n"  # a number in digits
    COUNT = "N"  # a number in words
    ORDINAL = "D"  # a day of a month: first, 31st
    COUNT_OF_UNITS = "K"  # a number of units in one word: fortnight
    FEW = "x"  # a few
    YEAR = "Y"  # a year in four digits
    SHORT_YEAR = "y"  # a year in two digits
    TWO_YEARS = "Z"  # two years of one winter, 2019/20: the first
    YEAR_SUFFIX = "g"  # a word after a year (Russian)
    HEBREW_YEAR = "j"  # a year of the Hebrew calendar in digits: 5779
    HEBREW_MONTH = "h"  # a month of the Hebrew calendar
    HEBREW_DAY = "i"  # a day of such a month, in letters
    SEASON = "S"
    MONTH = "M"
    WEEKDAY = "W"
    HOLIDAY = "H"
    EVE = "E"  # the eve of a holiday
    PART = "p"  # early, mid, late: a periods.Part
    DECADES = "G"  # a word before a decade: שנות
    DECADE = "Q"  # a decade, in years after 1900: nineties
    DECADE_NUMBER = "q"  # the same after DECADES
    EXACT = "X"  # a period: 2019-05, 1990s
    DAY_AND_MONTH = "/"  # 31/5
    SINCE = "s"
    UNTIL = "u"
    BEFORE = "v"
    AFTER = "w"
    BETWEEN = "b"
    AND = "a"
    FROM = "f"
    TO = "t"
    DASH = "-"
    ON = "o"  # in from … on
    ONWARDS = "O"  # 2019 or later
    BACKWARDS = "c"  # 2019 or earlier


class Item(NamedTuple):
    """A possible meaning of a token: a kind and its value."""

    kind: Kind
    value: Any = None


@dataclass(frozen=True)
class Token:
    """A piece of text, folded, its meanings if numeric, and where it is in the original text."""

    text: str
    items: tuple[Item, ...] = ()
    start: int = 0
    end: int = 0


def fold(text: str) -> str:
    """Without case, accents, points, direction marks, final letters, kinds of dashes."""
    return "".join(map(_folded, text))


@functools.lru_cache(CHARACTERS_KEPT)
def _folded(character: str) -> str:
    folded = []
    for part in unicodedata.normalize("NFKD", character):
        if unicodedata.category(part) not in ("Mn", "Cf"):
            digit = unicodedata.decimal(part, None)
            plain = part.casefold().translate(PUNCTUATION)
            folded.append(plain if digit is None else str(digit))
    return "".join(folded)


def folded_words(phrase: str) -> tuple[str, ...]:
    """The tokens of a phrase, as used for lookups."""
    return tuple(token.text for token in tokens(phrase))


def tokens(text: str) -> list[Token]:
    """The tokens of a text, without blanks. Every other character is a token."""
    parts = list(map(_folded, text))
    line, found, at = "".join(parts), [], 0
    places = [place for place, part in enumerate(parts) for _ in part]
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        end, items = _longest(line, at)
        word = line[at:end].replace('"', "") if end - at > 1 else line[at:end]
        if "א" <= word[0] <= "ת":
            word = word.replace("'", "")
        last = places[end - 1] + 1
        while last < len(parts) and not parts[last]:  # accents and points of its last letter
            last += 1
        found.append(Token(word, items, places[at], last))
        at = end
    return found


def _longest(text: str, at: int) -> tuple[int, tuple[Item, ...]]:
    """The end of the token that begins here, and its meanings."""
    for pattern, read in PATTERNS:
        match = pattern.match(text, at)
        if match is not None:
            try:
                return match.end(), tuple(read(match))
            except ValueError:  # the 31st of February
                return match.end(), ()
    return at + 1, ()


def _nothing(match: re.Match[str]) -> Iterator[Item]:
    return iter(())


def _moment(match: re.Match[str]) -> Iterator[Item]:
    """A minute or a second: as long as its precision."""
    moment = Moment.fromisoformat(match[0].upper().replace(" ", "T"))
    yield from _exact(periods.period(moment, **({"seconds": 1} if match[2] else {"minutes": 1})))


def _year_first(match: re.Match[str]) -> Iterator[Item]:
    yield from _exact(periods.day(int(match[1]), int(match[3]), int(match[4])))


def _compact(match: re.Match[str]) -> Iterator[Item]:
    yield from _exact(periods.day(int(match[1]), int(match[2]), int(match[3])))


def _iso_week(match: re.Match[str]) -> Iterator[Item]:
    year, week, day = int(match[1]), int(match[2]), int(match[3] or 1)
    yield from _exact(
        periods.period(Moment.fromisocalendar(year, week, day), days=1 if match[3] else 7)
    )


def _day_first(match: re.Match[str]) -> Iterator[Item]:
    """Both readings, if both exist: 3 April and 4 March."""
    one, other, year = int(match[1]), int(match[3]), int(match[4])
    for day, month in {(one, other), (other, one)}:
        with contextlib.suppress(ValueError):
            yield from _exact(periods.day(year, month, day))


def _days(match: re.Match[str]) -> Iterator[Item]:
    """``5-7.5.2019``."""
    month, year = int(match[4]), int(match[5])
    first, last = (periods.day(year, month, int(match[place])) for place in (1, 2))
    if first < last:
        yield from _exact(Period(first.begin, last.end))


def _days_of_months(match: re.Match[str]) -> Iterator[Item]:
    """``28.4-3.5.2019``, in both readings; ``28.12-3.1.2020`` begins in the year before."""
    year = int(match[6])
    one, other = (int(match[1]), int(match[3])), (int(match[4]), int(match[5]))
    for (day, month), (last_day, last_month) in {(one, other), (one[::-1], other[::-1])}:
        with contextlib.suppress(ValueError):
            last = periods.day(year, last_month, last_day)
            first = periods.day(year - ((month, day) > (last_month, last_day)), month, day)
            yield from _exact(Period(first.begin, last.end))


def _winter(match: re.Match[str]) -> Iterator[Item]:
    """``2019/20``, ``2019/2020``: the year in which a winter begins; else a month, if possible."""
    first, second = int(match[1]), int(match[2])
    if second == (first + 1) % 10 ** len(match[2]):
        yield Item(Kind.TWO_YEARS, first)
    with contextlib.suppress(ValueError):  # no such month
        yield from _year_month(match)


def _year_month(match: re.Match[str]) -> Iterator[Item]:
    yield from _exact(periods.month(int(match[1]), int(match[2])))


def _month_year(match: re.Match[str]) -> Iterator[Item]:
    yield from _exact(periods.month(int(match[2]), int(match[1])))


def _day_month(match: re.Match[str]) -> Iterator[Item]:
    """A day without a year, in both readings: (day, month)."""
    one, other = int(match[1]), int(match[2])
    yield from (
        Item(Kind.DAY_AND_MONTH, pair) for pair in {(one, other), (other, one)} if pair[1] <= 12
    )


def _decade(match: re.Match[str]) -> Iterator[Item]:
    """``1990s``, ``90s``."""
    first = int(match[1])
    century = 0 if len(match[1]) > 2 else 1900 if first >= 30 else 2000
    yield from _exact(periods.decade(century + first))


def _ordinal(match: re.Match[str]) -> Iterator[Item]:
    yield Item(Kind.ORDINAL, int(match[1]))


def _number(match: re.Match[str]) -> Iterator[Item]:
    number = int(match[0])
    if len(match[0]) <= 3:
        yield Item(Kind.NUMBER, number)
        if len(match[0]) == 2:
            yield Item(Kind.SHORT_YEAR, number)
    elif 5000 < number < 6000:
        yield from (
            Item(Kind.HEBREW_YEAR, found.value) for found in _exact(holidays.hebrew_year(number))
        )
    elif len(match[0]) == 4 and FIRST_YEAR <= number <= LAST_YEAR:
        yield Item(Kind.YEAR, number)


def _hebrew_year(match: re.Match[str]) -> Iterator[Item]:
    """The letters of a year without its thousands, as in 5779."""
    values = [GEMATRIA[letter] for letter in match[1] if letter != '"']
    if values == sorted(values, reverse=True) or values[-2:] in ([9, 6], [9, 7]):
        yield from _exact(holidays.hebrew_year(5000 + sum(values)))


def _hebrew_day(match: re.Match[str]) -> Iterator[Item]:
    """The letters of a day of a Hebrew month: א' to ל'."""
    yield Item(Kind.HEBREW_DAY, sum(GEMATRIA[letter] for letter in match[1] if letter in GEMATRIA))


def _short_decade(match: re.Match[str]) -> Iterator[Item]:
    """``'90`` after a word for years: anni '90."""
    yield Item(Kind.DECADE_NUMBER, int(match[1]) + (0 if int(match[1]) >= 30 else 100))


def _range(match: re.Match[str]) -> Iterator[Item]:
    yield Item(Kind.DASH)


def _slash(match: re.Match[str]) -> Iterator[Item]:
    """``July/August``."""
    yield Item(Kind.AND)


def _comma(match: re.Match[str]) -> Iterator[Item]:
    yield Item(Kind.FILLER)


def _exact(found: Period) -> Iterator[Item]:
    """The period, if photos existed then."""
    if found.begin is not None and FIRST_YEAR <= found.begin.year <= LAST_YEAR:
        yield Item(Kind.EXACT, found)


Reader = Callable[[re.Match[str]], Iterator[Item]]
# The first match is taken. Text that looks like a date but is not is one token without meaning.
PATTERNS: list[tuple[re.Pattern[str], Reader]] = [
    (re.compile(pattern), read)
    for pattern, read in (
        (r"\d{4}-\d\d-\d\d[t ]\d\d:\d\d(:\d\d)?(\.\d+)?(z|[+-]\d\d:?\d\d)(?!\w)", _nothing),
        (r"(\d{4}-\d\d-\d\d)[t ](?:[01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?(?![\w:.])", _moment),
        (r"(\d{4})([-/.])(\d\d?)\2(\d\d?)(?!\d|[-/.]\d\d?(?!\d))", _year_first),
        (r"(\d{4})-?w([0-4]\d|5[0-3])(?:-?([1-7]))?(?!\w)", _iso_week),
        (r"(\d{4})(\d\d)(\d\d)(?!\w)", _compact),
        (r"(\d\d?)([/.-])(\d\d?)\2(\d{4})(?!\d)", _day_first),
        (r"(\d\d?)\.?-(\d\d?)([./])(\d\d?)\3(\d{4})(?!\d)", _days),
        (r"(\d\d?)([./])(\d\d?)\.?-(\d\d?)\2(\d\d?)\2(\d{4})(?!\d)", _days_of_months),
        (r"(\d{4})[/-](\d\d)(?![-/.]?\d)", _winter),
        (r"(\d{4})/(\d{4})(?!\d)", _winter),
        (r"(\d{4})[-/.](\d\d?)(?![-/.]?\d)", _year_month),
        (r"(\d{4})-(\d\d)(?=-\d{4})", _year_month),
        (r"(\d\d?)[-/.](\d{4})(?!\d)", _month_year),
        (r"(\d\d?)[-/.](\d\d?)[-/.](\d\d?)(?!\d)", _nothing),
        (r"(\d\d?)[/.](\d\d?)(?!\d)", _day_month),
        (r"'?(\d0|\d{3}0)'?(?:s|ern?|-?[еx]|-?[ыо]?[ех])(?!\w)", _decade),
        (r"'(\d0)(?!\w)", _short_decade),
        (r"(\d\d?)(?:st|nd|rd|th|er|o|го)(?!\w)", _ordinal),
        (r"(\d\d?)\.(?=\s)", _ordinal),
        (r"'\d+", _nothing),
        (r"\d+", _number),
        (r"\.\.\.?|-", _range),
        (r"/(?=[^\W\d_])", _slash),
        (r",", _comma),
        (r"(?:[ובלמש]|ב?ה'?)?(ת[א-ת]{0,3}\"[א-ת])(?![א-ת])", _hebrew_year),
        (r"(?:[בהומל]|בה)?([א-יכל]'|[יכל]\"[א-ט]|ט\"[וז])(?![א-ת])", _hebrew_day),
        (r"[א-ת]+(?:[\"'][א-ת]+)*'?", _nothing),
        (r"(?:l|d|dell|nell|dall|all|un|quest)'(?=[^\W\d_]|$)", _nothing),
        (r"[^\W\d_]+(?:'[^\W\d_]+)*", _nothing),
    )
]
