"""Metadata of a photo: date, camera, place, rating."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from PIL.ExifTags import GPS, IFD, Base

from photosd.decode import xmp
from photosd.decode.geometry import stored_size
from photosd.decode.messages import Facts, SidecarFacts
from photosd.decode.opening import OpenedPicture
from photosd.decode.taken import taken

T = TypeVar("T")
Tags = Mapping[int, Any]

MOST_CHARACTERS = 80


def of(picture: OpenedPicture) -> Facts:
    """The facts in a loaded picture; hostile metadata affects single facts, not the photo.

    For a sidecar see `of_sidecar`.
    """
    exif = _attempt(picture.tags) or {}
    details = _attempt(lambda: picture.directory(IFD.Exif)) or {}
    places = _attempt(lambda: picture.directory(IFD.GPSInfo)) or {}
    inside = _attempt(lambda: xmp.properties(_xmp_of(picture))) or {}
    latitude, longitude = _attempt(lambda: _place(places)) or (None, None)
    clock = _attempt(lambda: taken(exif, details, inside, {}))
    width, height = stored_size(picture.size, picture.orientation)
    return Facts(
        width=width,
        height=height,
        format=picture.format,
        orientation=picture.orientation,
        taken=None if clock is None else clock.isoformat(),
        taken_at=None if clock is None else _attempt(clock.timestamp),
        camera=_attempt(lambda: _camera(exif)),
        lens=_attempt(lambda: _text(details.get(Base.LensModel))),
        latitude=latitude,
        longitude=longitude,
        rating=_attempt(lambda: _rating(exif, inside)),
    )


def of_sidecar(path: bytes) -> SidecarFacts:
    """The facts, by the names of `Facts`, in the sidecar of the photo at ``path``.

    They override the photo's own, since a user has corrected them. Empty without a sidecar. Raises
    OSError if it cannot be read now.
    """
    data = xmp.sidecar_of(path) or b""
    found = _attempt(lambda: xmp.properties(data)) or {}
    clock = _attempt(lambda: taken({}, {}, {}, found))
    facts = {
        "taken": None if clock is None else clock.isoformat(),
        "taken_at": None if clock is None else _attempt(clock.timestamp),
        "rating": _attempt(lambda: _rating({}, found)),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _attempt(read: Callable[[], T]) -> T | None:
    """One fact, or None: metadata can be broken in countless ways."""
    try:
        return read()
    except Exception:
        return None


def _xmp_of(picture: OpenedPicture) -> bytes:
    data = picture.image.info.get("xmp", b"")
    return data.encode() if isinstance(data, str) else bytes(data)


def _camera(exif: Tags) -> str | None:
    """Maker and model, without repeating the maker: ``Canon EOS 6D``, ``Apple iPhone 15``."""
    make, model = _text(exif.get(Base.Make)), _text(exif.get(Base.Model))
    if make and model and not model.lower().startswith(make.split()[0].lower()):
        return f"{make} {model}"[:MOST_CHARACTERS]
    return model or make


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    printable = "".join(c for c in value.partition("\0")[0] if c.isprintable())
    # Lone surrogates would break JSON output.
    clean = printable.encode("utf-8", "replace").decode()
    return clean.strip()[:MOST_CHARACTERS] or None


def _place(places: Tags) -> tuple[float, float] | None:
    """Latitude and longitude in degrees, north and east positive; both or neither."""
    latitude = _degrees(places, GPS.GPSLatitude, GPS.GPSLatitudeRef)
    longitude = _degrees(places, GPS.GPSLongitude, GPS.GPSLongitudeRef)
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # also false for NaN
        return None
    if latitude == 0 and longitude == 0:  # written by cameras without a fix
        return None
    return latitude, longitude


def _degrees(places: Tags, tag: int, reference: int) -> float:
    parts = [float(part) for part in places[tag]]
    value = sum(part / 60.0**index for index, part in enumerate(parts[:3]))
    if (_text(places.get(reference)) or "").upper() in ("S", "W"):
        value = -value
    return round(value, 7)


def _rating(exif: Tags, inside: Mapping[str, str]) -> int | None:
    """Stars, 0 to 5, -1 for rejected: XMP before EXIF."""
    words: list[Any] = [inside.get("rating"), exif.get(Base.Rating)]
    for word in words:
        stars = _attempt(functools.partial(float, word))
        if stars is not None and -1 <= stars <= 5:
            return round(stars)
    return None
