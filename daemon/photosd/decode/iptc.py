"""IPTC-IIM: the older records of captions and keywords, in JPEG's APP13, TIFF and HEIF.

Format: IPTC-NAA Information Interchange Model, version 4.2, chapter 1.6.
"""

from __future__ import annotations

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
    """Facts by their names in `decode.messages.Facts`, and ``headline``; whether all could be
    read.
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
    }
    return facts, whole
