"""Dates in the names of files and folders: of cameras, messengers, screenshots and people.

`docs/reference/metadata.md` lists the patterns for users.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

from photosd.core.calendar_names import months
from photosd.core.wording import fold

Precision = Literal["second", "day", "month", "year"]

EARLIEST_YEAR = 1826  # the first photograph
COMPACT_YEAR = 1900  # earlier numbers of eight digits are seldom dates
COMPACT_MONTH_YEAR = 1990  # the same of six digits: 190803 is a day of 2019
DAY = datetime.timedelta(days=1)
FOLDERS = 3  # the nearest above a file
Y, M, D = r"(?P<year>\d{4})", r"(?P<month>\d\d)", r"(?P<day>\d\d)"
COMPACT_TIME = (
    r"(?P<hour>\d\d)(?P<t>[-_.]?)(?P<minute>\d\d)(?P=t)(?P<second>\d\d)(?:[-_.]?\d{3})?(?!\d)"
)
TIME = (
    r"(?P<hour>\d\d?)(?P<t>[-_.: ])(?P<minute>\d\d)(?P=t)(?P<second>\d\d)(?!\d)"
    r"(?:[-_.]\d{1,6}(?!\d))?(?:\s*(?P<half>[AaPp])(?:\.\s?)?[Mm](?![^\W\d_]))?"
)
# Between date and time: "2019-05-03 at 12.30.11", "2019-05-03 ב-12.30.11",
# "2019-05-03 a la(s) 9.30.11", "2019-05-03 下午9.30.11".
BETWEEN = r"[\W_T]{1,3}(?:[^\W\d_]{1,8}\W{1,3}){0,3}(?:[上下]午)?"
# Before the time in Chinese and Korean, for AM and PM.
MORNING, AFTERNOON = re.compile("上午|오전"), re.compile("下午|오후")
WHOLE_DATE = rf"(?<!\d){Y}(?P<s>[-_. ]?){M}(?P=s){D}"
# "3.5.2019"; with other separators only if the first number can be no month.
DAY_FIRST = (
    rf"(?P<day>\d\d?)\.(?P<month>\d\d?)\.{Y}(?!\d)",
    rf"(?P<day>1[3-9]|[23]\d)(?P<s>[-_]){M}(?P=s){Y}(?!\d)",
)
# The first that gives a date counts.
NAMES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\da-f]){Y}{M}{D}(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?:\d{{2,3}})?(?!\d)",
        rf"{WHOLE_DATE}[-_T ]{COMPACT_TIME}",
        rf"{WHOLE_DATE}{BETWEEN}{TIME}",
        rf"(?<!\d){Y}(?P<s>[-_. ]){M}(?P=s){D}(?!\d)",
        rf"(?<![^\W_]){Y}{M}{D}(?![^\W_])",
        *(rf"(?<![^\W_])(?<!\d\.){day_first}" for day_first in DAY_FIRST),
    )
)
# Telegram Desktop exports "photo_1@03-05-2019_12-30-11".
EXPORTED = re.compile(
    r"photo_\d+@(?P<day>\d\d)-(?P<month>\d\d)-(?P<year>\d{4})"
    r"_(?P<hour>\d\d)-(?P<minute>\d\d)-(?P<second>\d\d)(?!\d)"
)
# Facebook and WeChat save with the time in milliseconds.
MILLISECONDS = re.compile(r"(?:FB_IMG_|mmexport|wx_camera_)(\d{13})(?!\d)|(1\d{12})(?:\.|$)")
PIXEL = "PXL_"  # Google's phones name photos by UTC

FOLDER_DAY = re.compile(rf"{Y}(?P<s>[-_. ]?){M}(?P=s){D}(?!\d)")
FOLDER_DAY_FIRST = tuple(map(re.compile, DAY_FIRST))
FOLDER_MONTH = re.compile(rf"{Y}(?P<s>[-_.]?){M}(?![^\W_])(?![-_.]?\d)")
FOLDER_YEAR = re.compile(rf"{Y}(?![^\W_])(?![-_.]?\d)")
# "Eilat 3.8.2019", "Eilat (2019-08-03)"; not the end of a period: "Eilat 1 - 3.8.2019".
DAY_LAST = tuple(
    re.compile(rf"(?:(?!\d{{4}}).)*(?<!\d[-–])(?<!\d\s[-–])[\s_,(]{day}\)?", re.DOTALL)
    for day in (rf"{Y}(?P<s>[-_. ]?){M}(?P=s){D}", *DAY_FIRST)
)
LAST_YEAR = re.compile(rf"(?:.*[\s_,(-])?(?<!\d-){Y}\)?", re.DOTALL)
NUMBER = re.compile(r"(\d\d?)(?:[-_. ]+[^\W\d_]+)?")  # "08", "08 - August"
# "August 2019 Eilat", "3 August 2019", "באוגוסט 2019", "agosto de 2019"; "Eilat, August 2019";
# "2019 August", "2019-Aug Eilat".
MONTH = r"(?P<name>[^\W\d_]{3,})"
NAMED_MONTH = rf"{MONTH}\.?[-_., ]+(?:de[-_ ]+)?{Y}(?![^\W_])(?![-_.]?\d)"
MONTH_FIRST = re.compile(rf"(?:(?P<day>\d\d?)\.?[-_ ]+)?{NAMED_MONTH}", re.IGNORECASE)
MONTH_LAST = re.compile(rf".*[\s_,(-]{NAMED_MONTH}\)?", re.DOTALL | re.IGNORECASE)
YEAR_FIRST = re.compile(rf"{Y}[-_., ]+{MONTH}(?![^\W_])")
MONTH_ALONE = re.compile(rf"{MONTH}\.?")
# Months that are also names and words: only where nothing else is in the name.
WORDS_TOO = frozenset(map(fold, "may march mar mai mars dec jan מאי יולי".split()))  # noqa: SIM905
# Folders whose date is that of a copy.
COPIES = re.compile(
    r"back.?up|export|import(?!ant)|archive|takeout|download|גיבוי|ייצוא|ייבוא", re.IGNORECASE
)


class PathDate(NamedTuple):
    """A date in a name. ``clock``: local time, or UTC; the first instant if imprecise."""

    clock: datetime.datetime
    precision: Precision


def of_file(path: bytes) -> PathDate | None:
    """The date in the name of a file."""
    name = _text(path.rpartition(b"/")[2])
    if found := MILLISECONDS.match(name):
        unix = datetime.timedelta(milliseconds=int(found[1] or found[2]))
        return _checked(datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + unix, "second")
    if (match := EXPORTED.match(name)) and (date := _date(match)) is not None:
        return date
    for pattern in NAMES:
        for match in pattern.finditer(name):
            if (date := _date(match)) is not None:
                if name.startswith(PIXEL) and date.precision == "second":
                    return date._replace(clock=date.clock.replace(tzinfo=datetime.UTC))
                return date
    return None


def of_folders(path: bytes) -> PathDate | None:
    """The date in the names of the nearest folders: ``2019-08 Eilat``, ``2019/08``, ``Eilat 2019``.

    Names deeper than a library's own folders are not told apart from those above it, so only the
    nearest count.
    """
    names = [_text(name) for name in path.split(b"/")[-2 : -2 - FOLDERS - 2 : -1]]
    for place in range(min(FOLDERS, len(names))):
        if (date := _folder(names[place:], nearest=place == 0)) is not None:
            return date
    return None


def _folder(names: Sequence[str], *, nearest: bool) -> PathDate | None:
    """The date of a folder: its name, and then those of the folders above it."""
    name = names[0]
    if COPIES.search(name):
        return None
    for pattern in (MONTH_FIRST, YEAR_FIRST):
        if (match := pattern.match(name)) and (date := _of_month(match)) is not None:
            return date
    for pattern in (FOLDER_DAY, FOLDER_MONTH, FOLDER_YEAR, *FOLDER_DAY_FIRST):
        if (match := pattern.match(name)) and (date := _date(match)) is not None:
            return date
    if number := NUMBER.fullmatch(name):
        return _below(int(number[1]), names[1:])
    if MONTH_ALONE.fullmatch(name) and (month := _year_and_month(names)) is not None:
        return _made(*month, precision="month")
    return _ending(name) if nearest else None


def _ending(name: str) -> PathDate | None:
    """The date at the end of a name."""
    if (match := MONTH_LAST.fullmatch(name)) and (date := _of_month(match)):
        return date
    for pattern in (*DAY_LAST, LAST_YEAR):
        if (match := pattern.fullmatch(name)) and (date := _date(match)) is not None:
            return date
    return None


def _below(number: int, above: Sequence[str]) -> PathDate | None:
    """The date of a folder named by a number: a day of the month above, or a month of the year."""
    if not above:
        return None
    if (month := _year_and_month(above)) is not None:
        return _made(*month, number, precision="day")
    if (year := FOLDER_YEAR.fullmatch(above[0])) is not None:
        return _made(int(year["year"]), number, precision="month")
    return None


def _year_and_month(names: Sequence[str]) -> tuple[int, int] | None:
    """From a folder: ``2019-08``, ``August 2019``; or ``08``, ``August`` below ``2019``."""
    if (match := FOLDER_MONTH.fullmatch(names[0])) is not None:
        return int(match["year"]), int(match["month"])
    for pattern in (MONTH_FIRST, YEAR_FIRST):
        match = pattern.fullmatch(names[0])
        if match and (date := _of_month(match)) and date.precision == "month":
            return date.clock.year, date.clock.month
    year = FOLDER_YEAR.fullmatch(names[1]) if len(names) > 1 else None
    if year is None:
        return None
    if (match := NUMBER.fullmatch(names[0])) is not None:
        return int(year["year"]), int(match[1])
    if (match := MONTH_ALONE.fullmatch(names[0])) and (number := _month(match["name"])):
        return int(year["year"]), number
    return None


def _of_month(match: re.Match[str]) -> PathDate | None:
    """The date of a name with the name of a month."""
    number, first = _month(match["name"]), match.re is MONTH_FIRST
    whole = match.re is YEAR_FIRST and match[0] == match.string
    if not number or not (first or whole or fold(match["name"]) not in WORDS_TOO):
        return None
    day = int(match["day"] or number) if first else number
    if day == number:  # "08 August 2019"
        return _made(int(match["year"]), number, precision="month")
    return _made(int(match["year"]), number, day, precision="day")


def _month(word: str) -> int | None:
    """The number of a month by its name, in Hebrew also with a prefix."""
    name = fold(word)
    return months().get(name) or months().get(name.removeprefix("ב"))


def _date(match: re.Match[str]) -> PathDate | None:
    """The date of a match with groups ``year``, ``month`` …; with its time, if that is valid."""
    found = {name: text for name, text in match.groupdict().items() if text is not None}
    year, month, day = (int(found.get(name, 1)) for name in ("year", "month", "day"))
    least = COMPACT_YEAR if "day" in found else COMPACT_MONTH_YEAR
    if not found.get("s") and "month" in found and year < least:
        return None
    if "hour" in found:
        hour, minute, second = (int(found[name]) for name in ("hour", "minute", "second"))
        half = found.get("half", "")
        if half in ("P", "p") or AFTERNOON.search(match[0]):
            hour = hour % 12 + 12
        elif half or MORNING.search(match[0]):
            hour %= 12
        if (date := _made(year, month, day, hour, minute, second)) is not None:
            return date
    return _made(
        year,
        month,
        day,
        precision="day" if "day" in found else "month" if "month" in found else "year",
    )


def _made(
    year: int,
    month: int,
    day: int = 1,
    hour: int = 0,
    minute: int = 0,
    second: int = 0,
    *,
    precision: Precision = "second",
) -> PathDate | None:
    try:
        clock = datetime.datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    return _checked(clock, precision)


def _checked(clock: datetime.datetime, precision: Precision) -> PathDate | None:
    """None for a date before photography, or in the future."""
    if clock.year < EARLIEST_YEAR or clock.replace(tzinfo=None) > datetime.datetime.now() + DAY:
        return None
    return PathDate(clock, precision)


def _text(name: bytes) -> str:
    return unicodedata.normalize("NFKC", name.decode("utf-8", "replace"))
