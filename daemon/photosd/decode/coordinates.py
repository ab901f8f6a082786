"""Coordinates in EXIF, XMP and Google Takeout, in degrees, north and east positive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from PIL.ExifTags import GPS

DIGITS = 7
# 32,4.5N and 32,4,30N: degrees, minutes, seconds.
XMP = re.compile(r"(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?(?:,(\d+(?:\.\d+)?))?\s*([NSEW])?", re.I)
Place = tuple[float, float]
AXES = ("latitude", "longitude")


def place(latitude: float | None, longitude: float | None) -> Place | None:
    """Both; None if they are impossible, or both zero: written by cameras without a fix."""
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # also false for NaN
        return None
    return round(latitude, DIGITS), round(longitude, DIGITS)


def of_exif(places: Mapping[int, Any]) -> Place | None:
    """From EXIF's GPS directory; raises errors of many kinds if it is broken."""
    if GPS.GPSLatitude not in places or GPS.GPSLongitude not in places:
        return None
    return place(
        _degrees(places[GPS.GPSLatitude], places.get(GPS.GPSLatitudeRef)),
        _degrees(places[GPS.GPSLongitude], places.get(GPS.GPSLongitudeRef)),
    )


def of_xmp(stated: Mapping[str, Any]) -> Place | None:
    """From the texts in XMP: ``32,4.5N``; ``32.075`` of some programs, which Apple Photos
    writes with its direction in a property of its own (``latitude_ref``, ``longitude_ref``).
    """
    return place(*(_of_text(stated.get(one), stated.get(f"{one}_ref")) for one in AXES))


def _degrees(parts: Any, reference: Any) -> float:
    value = sum(float(part) / 60.0**index for index, part in enumerate(parts[:3]))
    return -value if _is_negative(reference) else value


def _is_negative(reference: Any) -> bool:
    text = reference.decode("ascii", "replace") if isinstance(reference, bytes) else reference
    return isinstance(text, str) and text.strip("\0 ").upper()[:1] in ("S", "W")


def _of_text(text: str | None, reference: str | None) -> float | None:
    text = (text or "").strip()
    found = XMP.fullmatch(text[1:] if text[:1] in ("-", "+") else text)
    if found is None or any(float(found[part] or 0) > 60 for part in (2, 3)):
        return None  # 32,075N of a program with decimal commas is not 32° 75'
    value = sum(float(found[part] or 0) / 60.0 ** (part - 1) for part in (1, 2, 3))
    return -value if text[0] == "-" or _is_negative(found[4] or reference) else value
