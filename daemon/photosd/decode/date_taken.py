"""When a photo was taken, from EXIF, XMP and GPS."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from PIL.ExifTags import GPS, Base

from photosd.decode.messages import Precision, TakenFrom
from photosd.decode.texts import line

Tags = Mapping[int, Any]

EARLIEST_YEAR = 1826  # the first photograph
FUTURE_SECONDS = 86_400.0  # no clock is further ahead because of its time zone
DATE = re.compile(
    r"(\d{4})[:\-/.] ?(\d\d?)[:\-/.] ?(\d\d?)[T ] ?(\d\d?): ?(\d\d?)(?:: ?(\d\d?)(?:\.(\d+))?)?"
    r"\s*([^\d.:].*)?"
)
# In XMP; in EXIF, blanks stand for an unknown time.
PARTIAL = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?|(\d{4}):(\d\d):(\d\d)(?: [ :]*)?")
HALF = re.compile(r"([AP])\.?M\b\.?", re.IGNORECASE)  # of a day, after the time
ZONE = re.compile(r"(?:GMT|UTC)?([+-])(\d\d?)(?::?(\d\d))?")
# EXIF's three dates: tags for date, fraction of a second, and time zone.
ORIGINAL = (Base.DateTimeOriginal, Base.SubsecTimeOriginal, Base.OffsetTimeOriginal)
DIGITIZED = (Base.DateTimeDigitized, Base.SubsecTimeDigitized, Base.OffsetTimeDigitized)
CHANGED = (Base.DateTime, Base.SubsecTime, Base.OffsetTime)
QUARTER_SECONDS = 900  # time zones differ by multiples of this
FIX_SECONDS = 120  # an older GPS time gives no time zone
ODD_QUARTERS = frozenset((23, 35, 51))  # Nepal, Eucla, Chatham; other zones are whole half hours
MAX_ZONE_SECONDS = 14 * 3600
SUN_SECONDS = 4 * 3600  # zones differ less than that from the time of the sun
DEGREE_SECONDS = 240  # by which the sun is later for each degree to the west


class Taken(NamedTuple):
    """A date: local time with its zone, if known; ``unix``: Unix seconds; None: out of range.

    ``clock`` is None if only the moment is known, not the local time there. ``precision``: of a
    date without a time, whose first instant it is.
    """

    clock: datetime.datetime | None
    unix: float | None
    source: TakenFrom
    precision: Precision | None = None

    def facts(self) -> dict[str, Any]:
        """By their names in `decode.messages.Facts`."""
        found = {
            "taken": None if self.clock is None else self.clock.isoformat(),
            "taken_at": self.unix,
            "taken_from": self.source,
            "taken_precision": self.precision,
        }
        return {name: fact for name, fact in found.items() if fact is not None}


def taken(
    main: Tags,
    details: Tags,
    places: Tags,
    inside: Mapping[str, Any],
    longitude: float | None = None,
    refused: list[str] | None = None,
) -> Taken | None:
    """The first valid date, with its time zone if the photo has one.

    In order: EXIF's dates of exposure and scan, XMP's, IPTC's, EXIF's last change, GPS. ``main``,
    ``details``, ``places``: EXIF's directories; ``inside``: what XMP states, and ``iptc_dates``;
    ``longitude``: where, if known. Invalid ones before it go to ``refused``, with the reason.
    """
    fix = _attempted_fix(places)
    for date, fraction, zone, source in _candidates(main, details, inside):
        clock, precision = _read_partial(date, fraction, zone)
        if clock is not None and not _is_future(clock):
            if precision is None and clock.tzinfo is None and fix is not None and source != "xmp":
                clock = clock.replace(tzinfo=_zone_between(clock, fix, longitude))
            return Taken(clock, _unix(clock), source, precision)
        _refuse(date, source, refused)
    return by_gps(fix, places, inside)


def stated(
    dates: Sequence[str], source: TakenFrom, refused: list[str] | None = None
) -> Taken | None:
    """The first valid one of the dates that XMP states; ``refused`` as for `taken`."""
    for text in dates:
        clock, precision = _read_partial(text)
        if clock is not None and not _is_future(clock):
            return Taken(clock, _unix(clock), source, precision)
        _refuse(text, source, refused)
    return None


def _refuse(date: str, source: TakenFrom, refused: list[str] | None) -> None:
    """Add an invalid date to ``refused``, unless it is empty."""
    shown = line(date)
    if refused is not None and shown and any(letter.isalnum() for letter in shown):
        refused.append(f"{source}: {shown} ({_why_invalid(shown)})")


def _why_invalid(date: str) -> str:
    if not any(letter in "123456789" for letter in date):
        return "zeros" if "0" in date else "not a date"
    if _read_partial(date)[0] is not None:
        return "in the future"
    if partial := PARTIAL.fullmatch(date):
        year = partial[1] or partial[4]
    elif found := DATE.fullmatch(date):
        year = found[1]
    else:
        return "not a date"
    return f"before {EARLIEST_YEAR}" if int(year) < EARLIEST_YEAR else "no such day or time"


def at(unix: float, source: TakenFrom) -> Taken | None:
    """A moment in Unix seconds, if plausible."""
    earliest = datetime.datetime(EARLIEST_YEAR, 1, 1, tzinfo=datetime.UTC).timestamp()
    if not earliest <= unix <= time.time() + FUTURE_SECONDS:  # also false for NaN
        return None
    return Taken(None, unix, source)


def by_gps(fix: datetime.datetime | None, places: Tags, inside: Mapping[str, Any]) -> Taken | None:
    """The moment of a GPS fix; of one without a time of day, the day."""
    if fix is None and (text := inside.get("gps_date")):
        fix = read(text)
        if fix is not None and fix.tzinfo is None:
            fix = fix.replace(tzinfo=datetime.UTC)
    if fix is not None:
        return None if _is_future(fix) else at(fix.timestamp(), "gps")
    day = read(f"{_text(places.get(GPS.GPSDateStamp))} 00:00:00")
    return None if day is None or _is_future(day) else Taken(day, _unix(day), "gps", "day")


def read(date: str, fraction: str = "", zone: str = "") -> datetime.datetime | None:
    """A date in EXIF or ISO 8601 format; ``fraction``: digits of the second after the point.

    A zone inside the date takes precedence over ``zone``. None if invalid.
    """
    found = DATE.fullmatch(date.strip())
    if found is None or int(found[1]) < EARLIEST_YEAR:
        return None
    year, month, day, hour, minute, second = (int(found[part] or 0) for part in range(1, 7))
    if hour == 24:  # some Android phones count from 1 to 24: their 24:08 is 00:08 of the same day
        hour = 0
    rest = found[8] or ""
    if half := HALF.match(rest):
        hour, rest = hour % 12 + (12 if half[1] in "Pp" else 0), rest[half.end() :]
    digits = found[7] or (fraction.strip() if fraction.strip().isdecimal() else "")
    try:
        clock = datetime.datetime(
            year, month, day, hour, minute, second, int(digits[:6].ljust(6, "0"))
        )
    except ValueError:
        return None
    return clock.replace(tzinfo=_zone(rest) or _zone(zone))


def _candidates(
    main: Tags, details: Tags, inside: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, TakenFrom]]:
    """Dates, each with its fraction, zone and source; best first."""
    tags = {**main, **details}
    sources: tuple[TakenFrom, TakenFrom] = ("exif original", "exif digitized")
    for (date, fraction, zone), source in zip((ORIGINAL, DIGITIZED), sources, strict=True):
        # Some programs write only OffsetTime, and mean it for every date.
        offset = _text(tags.get(zone)) or _text(tags.get(Base.OffsetTime))
        yield _text(tags.get(date)), _text(tags.get(fraction)), offset, source
    for text in (*inside.get("dates", ()), inside.get("created") or ""):
        yield text, "", "", "xmp"
    for text in inside.get("iptc_dates", ()):
        yield text, "", "", "iptc"
    date, fraction, zone = CHANGED
    yield _text(tags.get(date)), _text(tags.get(fraction)), _text(tags.get(zone)), "exif changed"


def _read_partial(
    date: str, fraction: str = "", zone: str = ""
) -> tuple[datetime.datetime | None, Precision | None]:
    """As `read`; dates may lack the time, the day and the month: then the first, without a zone."""
    found = PARTIAL.fullmatch(date.strip())
    if found is None:
        return read(date, fraction, zone), None
    year, month, day = found[1] or found[4], found[2] or found[5], found[3] or found[6]
    precision: Precision = "day" if day else "month" if month else "year"
    return read(f"{year}-{month or '01'}-{day or '01'} 00:00"), precision


def _attempted_fix(places: Tags) -> datetime.datetime | None:
    """The UTC date and time of GPS; None if incomplete or invalid."""
    try:
        hour, minute, second = (float(part) for part in places[GPS.GPSTimeStamp])
        if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 61):
            return None
        day = read(f"{_text(places[GPS.GPSDateStamp])} 00:00:00Z")
        seconds = 3600 * hour + 60 * minute + second
        return None if day is None else day + datetime.timedelta(seconds=seconds)
    except Exception:  # metadata can be broken in countless ways
        return None


def _zone_between(
    clock: datetime.datetime, fix: datetime.datetime, longitude: float | None
) -> datetime.tzinfo | None:
    """The zone of a local time at the moment of a GPS fix; None if the fix is of another moment."""
    apart = (clock - fix.replace(tzinfo=None)).total_seconds()
    quarters = round(apart / QUARTER_SECONDS)
    zone = quarters * QUARTER_SECONDS
    if abs(apart - zone) > FIX_SECONDS or abs(zone) > MAX_ZONE_SECONDS:
        return None
    if quarters % 2 and quarters not in ODD_QUARTERS:
        return None
    if longitude is not None:
        day = 86_400
        off = (zone - longitude * DEGREE_SECONDS + day / 2) % day - day / 2
        if abs(off) > SUN_SECONDS:
            return None
    return datetime.timezone(datetime.timedelta(seconds=zone))


def _is_future(clock: datetime.datetime) -> bool:
    unix = _unix(clock)
    return unix is not None and unix > time.time() + FUTURE_SECONDS


def _unix(clock: datetime.datetime) -> float | None:
    try:
        return clock.timestamp()
    except (OverflowError, OSError, ValueError):
        return None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.partition("\0")[0].strip() if isinstance(value, str) else ""


def _zone(text: str) -> datetime.tzinfo | None:
    text = text.strip()
    if text.upper() == "Z":
        return datetime.UTC
    found = ZONE.fullmatch(text)
    if found is None:
        return None
    offset = datetime.timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    if offset >= datetime.timedelta(days=1):
        return None
    return datetime.timezone(-offset if found[1] == "-" else offset)
