"""Rating and date from XMP: what photo programs write into a picture or a sidecar beside it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from xml.etree import ElementTree

from photosd.decode.formats import sidecar_names

MOST_BYTES = 1 << 20
RATING = "{http://ns.adobe.com/xap/1.0/}Rating"
DATES = (
    "{http://ns.adobe.com/exif/1.0/}DateTimeOriginal",
    "{http://ns.adobe.com/photoshop/1.0/}DateCreated",
)
DESCRIPTION = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"


def sidecar_of(path: bytes) -> bytes | None:
    """The XMP beside a photo, ``photo.jpg.xmp`` or ``photo.xmp``; None when there is none."""
    for name in sidecar_names(path):
        # A sidecar is a courtesy: whatever is wrong with it, the photo goes on without.
        with contextlib.suppress(OSError):
            place = Path(os.fsdecode(name))
            if place.is_file() and place.stat().st_size <= MOST_BYTES:
                return place.read_bytes()
    return None


def properties(data: bytes) -> dict[str, str]:
    """``rating`` and ``date`` as written, where present; nothing from hostile or broken XML."""
    if len(data) > MOST_BYTES or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return {}
    try:
        root = ElementTree.fromstring(data.strip(b"\0 \r\n\t"))  # noqa: S314 (no entities, bounded)
    except (ElementTree.ParseError, ValueError, LookupError):
        return {}
    found: dict[str, str] = {}
    for description in root.iter(DESCRIPTION):
        values = dict(description.attrib)  # XMP writes a property as attribute or as element
        values.update({child.tag: child.text or "" for child in description})
        if RATING in values:
            found.setdefault("rating", values[RATING])
        for name in DATES:
            if values.get(name):
                found.setdefault("date", values[name])
    return found
