"""IPTC-IIM: the older records of captions and keywords, in JPEG's APP13, TIFF and HEIF.

Format: IPTC-NAA Information Interchange Model, version 4.2, chapter 1.6.
"""

from __future__ import annotations

import re
from typing import Any

from photosd.decode.texts import (
    CAPTION_CHARACTERS,
    MAX_CHARACTERS,
    NAME_CHARACTERS,
    TITLE_CHARACTERS,
    each_once,
    text,
)

START = b"\x1c"
MAX_RECORDS = 4096
APPLICATION = 2  # the record that describes the picture
OBJECT_NAME, KEYWORDS, BY_LINE, CITY, SUBLOCATION, REGION = 5, 25, 80, 90, 92, 95
DATES = ((55, 60), (62, 63))  # date and time of creation, and of digital creation
DAY = re.compile(r"(\d{4})(\d\d)(\d\d)")  # zeros: unknown
TIME = re.compile(r"(\d\d)(\d\d)(\d\d)([+-]\d{4})?")
COUNTRY_CODE, COUNTRY, HEADLINE, CAPTION = 100, 101, 105, 120


def records(data: bytes) -> tuple[dict[int, list[bytes]], bool]:
    """The values of each dataset of record 2, and whether all of ``data`` could be read."""
    found: dict[int, list[bytes]] = {}
    place = 0
    for _ in range(MAX_RECORDS):
        if place + 5 > len(data) or data[place : place + 1] != START:
            return found, not data[place:].strip(b"\0 ")
        record, dataset = data[place + 1], data[place + 2]
        size, place = int.from_bytes(data[place + 3 : place + 5]), place + 5
        if size & 0x8000:  # extended: the size of the size
            count = size & 0x7FFF
            size, place = int.from_bytes(data[place : place + count][:4]), place + count
        value, place = data[place : place + size], place + size
        if place > len(data):
            break
        if record == APPLICATION:
            found.setdefault(dataset, []).append(value)
    return found, False


def stated(data: bytes) -> tuple[dict[str, Any], bool]:
    """Facts by their names in `decode.messages.Facts`, ``headline``, and ``dates`` as in XMP;
    whether all could be read.
    """
    found, whole = records(data)

    def first(dataset: int, most: int) -> str | None:
        return text(found.get(dataset, [b""])[0], most)

    facts = {
        "title": first(OBJECT_NAME, TITLE_CHARACTERS),
        "headline": first(HEADLINE, TITLE_CHARACTERS),
        "caption": first(CAPTION, CAPTION_CHARACTERS),
        "tags": each_once(text(word, NAME_CHARACTERS) for word in found.get(KEYWORDS, ())),
        "creator": first(BY_LINE, NAME_CHARACTERS),
        "sublocation": first(SUBLOCATION, NAME_CHARACTERS),
        "city": first(CITY, NAME_CHARACTERS),
        "region": first(REGION, NAME_CHARACTERS),
        "country": first(COUNTRY, NAME_CHARACTERS),
        "country_code": first(COUNTRY_CODE, MAX_CHARACTERS),
        "dates": [
            written
            for day, clock in DATES
            if (written := _date(first(day, MAX_CHARACTERS), first(clock, MAX_CHARACTERS)))
        ],
    }
    return facts, whole


def _date(day: str | None, clock: str | None) -> str | None:
    """``2019-08-03T10:00:00+0200``, ``2019-08``; another text as it is."""
    parts, time = DAY.fullmatch(day or ""), TIME.fullmatch(clock or "")
    if parts is None:
        return day
    year, month, number = parts.groups()
    if month == "00" or number == "00":
        return year if month == "00" else f"{year}-{month}"
    hours = "" if time is None else f"T{time[1]}:{time[2]}:{time[3]}{time[4] or ''}"
    return f"{year}-{month}-{number}{hours}"
