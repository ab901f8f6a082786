"""Google Takeout: the JSON file beside each exported photo."""

from __future__ import annotations

import json
from typing import Any

from photosd.decode import coordinates, date_taken
from photosd.decode.texts import CAPTION_CHARACTERS, NAME_CHARACTERS, each_once, line

MARKS = frozenset(("photoTakenTime", "geoData", "geoDataExif"))  # other JSON files have none


class Unreadable(ValueError):
    """The data is not JSON."""


def stated(data: bytes) -> dict[str, Any]:
    """Facts by their names in `decode.messages.Facts`; none from other JSON. Raises Unreadable.

    Its title is only the name of the file.
    """
    try:
        # Unlike msgspec it accepts halves of emoji, which remain where texts are cut, and UTF-16.
        found = json.loads(data, strict=False)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    if not isinstance(found, dict) or not MARKS & found.keys():
        return {}
    description, people = found.get("description"), found.get("people")
    facts: dict[str, Any] = {
        "caption": _line(description, CAPTION_CHARACTERS),
        "people": each_once(
            _line(_part(one, "name"), NAME_CHARACTERS)
            for one in (people if isinstance(people, list) else ())
        ),
    }
    for name in ("geoDataExif", "geoData"):  # the second is the user's, if both are there
        place = coordinates.place(
            *(_number(_part(found.get(name), part)) for part in ("latitude", "longitude"))
        )
        if place is not None:
            facts["latitude"], facts["longitude"] = place
    seconds = _number(_part(found.get("photoTakenTime"), "timestamp"))
    if seconds and (moment := date_taken.at(seconds, "takeout")) is not None:  # 0: unknown
        facts |= moment.facts()
    return facts


def _part(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _line(value: object, most: int) -> str | None:
    return line(value, most) if isinstance(value, str) else None


def _number(value: object) -> float | None:
    """Google writes numbers of seconds as text."""
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None
