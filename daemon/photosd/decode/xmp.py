"""Rating and date from XMP in a picture or a sidecar."""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH116

from __future__ import annotations

import errno
import os
import stat
from xml.etree import ElementTree

from photosd.core.formats import sidecar_names
from photosd.core.progress import tick

MOST_BYTES = 1 << 20
CHUNK = 256 << 10
ABSENT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG))
RATING = "{http://ns.adobe.com/xap/1.0/}Rating"
DATES = (
    "{http://ns.adobe.com/exif/1.0/}DateTimeOriginal",
    "{http://ns.adobe.com/photoshop/1.0/}DateCreated",
)
DESCRIPTION = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"


def sidecar_of(path: bytes) -> bytes | None:
    """The sidecar of a photo, ``photo.jpg.xmp`` or ``photo.xmp``; None if there is none.

    Special files and files that are too large count as none. Raises OSError if the sidecar cannot
    be read: it must not count as empty.
    """
    trouble: OSError | None = None
    for name in sidecar_names(path):
        try:
            if (data := _read(name)) is not None:
                return data
        except OSError as error:
            if error.errno not in ABSENT:
                trouble = trouble or error
    if trouble is not None:
        raise trouble
    return None


def _read(name: bytes) -> bytes | None:
    """All bytes of a regular file; None for other files."""
    found = os.stat(name)  # opening may affect some devices
    tick()
    if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
        return None
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    data = b""
    try:
        tick()
        while len(data) <= MOST_BYTES and (part := os.read(descriptor, CHUNK)):
            data += part
            tick()
    finally:
        os.close(descriptor)
    return data


def properties(data: bytes) -> dict[str, str]:
    """``rating`` and ``date`` as written, if present; nothing from hostile or broken XML."""
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
