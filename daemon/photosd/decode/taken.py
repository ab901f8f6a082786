"""When a photo was taken, in local time, from EXIF or XMP."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any

from PIL.ExifTags import Base

Tags = Mapping[int, Any]

EARLIEST_YEAR = 1826  # the first photograph
DATE = re.compile(
    r"(\d{4})[:\-/.](\d\d)[:\-/.](\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*([^\d.:].*)?"
)
ZONE = re.compile(r"([+-])(\d\d):?(\d\d)")
# EXIF's three dates: tags for date, fraction of a second, and time zone.
ORIGINAL = (Base.DateTimeOriginal, Base.SubsecTimeOriginal, Base.OffsetTimeOriginal)
DIGITIZED = (Base.DateTimeDigitized, Base.SubsecTimeDigitized, Base.OffsetTimeDigitized)
CHANGED = (Base.DateTime, Base.SubsecTime, Base.OffsetTime)


def taken(
    main: Tags, details: Tags, inside: Mapping[str, str], sidecar: Mapping[str, str]
) -> datetime.datetime | None:
    """The first valid date, with its time zone if the photo has one.

    In order: the sidecar's, EXIF's dates of exposure and scan, XMP's, and the last change in EXIF.
    ``main``, ``details``: EXIF's directories.
    """
    return next(
        filter(None, (read(*parts) for parts in _candidates(main, details, inside, sidecar))), None
    )


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
    digits = found[7] or (fraction.strip() if fraction.strip().isdecimal() else "")
    try:
        clock = datetime.datetime(
            year, month, day, hour, minute, second, int(digits[:6].ljust(6, "0"))
        )
    except ValueError:
        return None
    return clock.replace(tzinfo=_zone(found[8] or "") or _zone(zone))


def _candidates(
    main: Tags, details: Tags, inside: Mapping[str, str], sidecar: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Dates, each with its fraction and zone; best first."""
    tags = {**main, **details}
    yield sidecar.get("date", ""), "", ""
    for date, fraction, zone in (ORIGINAL, DIGITIZED):
        # Some programs write only OffsetTime, and mean it for every date.
        offset = _text(tags.get(zone)) or _text(tags.get(Base.OffsetTime))
        yield _text(tags.get(date)), _text(tags.get(fraction)), offset
    yield inside.get("date", ""), "", ""
    date, fraction, zone = CHANGED
    yield _text(tags.get(date)), _text(tags.get(fraction)), _text(tags.get(zone))


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
    offset = datetime.timedelta(hours=int(found[2]), minutes=int(found[3]))
    if offset >= datetime.timedelta(days=1):
        return None
    return datetime.timezone(-offset if found[1] == "-" else offset)
