"""Dates as people say them: ``2019``, ``May 2019``, ``last summer``, ``3 weeks ago``, ``אתמול``.

A year, season, month, week or day counts whole: it begins somewhere and ends before the next one.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from photosd.core.errors import BadRequest

Span = tuple[float, float]  # Unix seconds: the first moment, and the first one after it
Dates = tuple[datetime.datetime, datetime.datetime]  # the same, on this machine's clock

# Read in this order; those whose scripts `readings` knows, and those of many users.
LANGUAGES = ["en", "he", "ar", "ru", "de", "fr", "es", "it", "pt", "nl"]
# Months in which seasons begin, in the northern half of the world.
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
HEBREW = {"אביב": "spring", "קיץ": "summer", "סתיו": "autumn", "חורף": "winter"}
WHICH = {"last": "last", "previous": "last", "this": "this", "שעבר": "last", "הזה": "this"}
ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
AMBIGUOUS = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{1,3}|\d{1,2}:\d\d.*")
EXAMPLES = 'write 2019, 2019-05, 2019-05-31, "May 2019", "last summer" or "3 weeks ago"'


def span_of(text: str, now: datetime.datetime | None = None) -> Span:
    """The time that ``text`` names, on this machine's clock. Raises BadRequest."""
    now = now or datetime.datetime.now()
    words = " ".join(text.casefold().split())
    try:
        begin, end = _iso(words) or _season(words, now) or _said(words, now) or _refuse(text)
        return begin.timestamp(), end.timestamp()
    except (ValueError, OverflowError, OSError) as error:  # the 31st of February, the year 9999
        raise _error(text) from error


def _refuse(text: str) -> Dates:
    raise _error(text)


def _error(text: str) -> BadRequest:
    if re.fullmatch(r"\d{1,2}[/.]\d{1,2}[/.]\d{2,4}", text.strip()):
        return BadRequest(f"{text!r} may be two different days", remedy="write 2019-05-31")
    return BadRequest(f"{text!r} is no date that photosd understands", remedy=EXAMPLES)


def _iso(words: str) -> Dates | None:
    """A year, a month, a day; or a moment, which lasts no time."""
    if (found := ISO.fullmatch(words)) is None:
        try:
            moment = datetime.datetime.fromisoformat(words.upper())
        except ValueError:
            return None
        return moment, moment
    year, month, day = (int(part) if part else None for part in found.groups())
    begin = datetime.datetime(year or 1, month or 1, day or 1)
    return _whole(begin, "day" if day else "month" if month else "year")


def _season(words: str, now: datetime.datetime) -> Dates | None:
    """``summer 2019``, ``last summer`` (the latest one that is over), ``summer`` (has begun)."""
    said = [HEBREW.get(word.removeprefix("ב").removeprefix("ה"), word) for word in words.split()]
    which = "that"
    year: int | None = None
    season: str | None = None
    for word in said:
        if word in SEASONS:
            season = word
        elif word in WHICH:
            which = WHICH[word]
        elif re.fullmatch(r"\d{4}", word):
            year = int(word)
        elif word not in ("of", "the", "in"):
            return None
    if season is None:
        return None
    if year is not None:
        return _quarter(year, season)
    year = now.year if which == "this" else now.year + 1
    while True:
        begin, end = _quarter(year, season)
        if which == "this" or (end if which == "last" else begin) <= now:
            return begin, end
        year -= 1


def _quarter(year: int, season: str) -> Dates:
    begin = datetime.datetime(year, SEASONS[season], 1)
    return begin, _months_later(begin, 3)


def _said(words: str, now: datetime.datetime) -> Dates | None:
    """Whatever the library reads; ``last june`` is the latest one."""
    words = re.sub(r"^(last|in|since) (?=[^\W\d]{3})(?!week|month|year|\w*day)", "", words)
    if AMBIGUOUS.fullmatch(words):
        return None
    found = _read(words, now)
    if found.date_obj is None:
        return None
    return _whole(found.date_obj.replace(tzinfo=None), found.period)


def _read(words: str, now: datetime.datetime) -> Any:
    from dateparser.date import DateDataParser

    settings = {
        "RELATIVE_BASE": now,
        "PREFER_DATES_FROM": "past",
        "RETURN_TIME_AS_PERIOD": True,
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    return DateDataParser(languages=LANGUAGES, settings=settings).get_date_data(words)


def _whole(moment: datetime.datetime, period: str) -> Dates:
    """The year, month, week or day that a moment lies in."""
    if period == "time":
        return moment, moment
    begin = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "year":
        begin = begin.replace(month=1, day=1)
        return begin, _months_later(begin, 12)
    if period == "month":
        begin = begin.replace(day=1)
        return begin, _months_later(begin, 1)
    if period == "week":
        begin -= datetime.timedelta(days=begin.weekday())
    return begin, begin + datetime.timedelta(days=7 if period == "week" else 1)


def _months_later(begin: datetime.datetime, months: int) -> datetime.datetime:
    years, month = divmod(begin.month - 1 + months, 12)
    return begin.replace(year=begin.year + years, month=month + 1)
