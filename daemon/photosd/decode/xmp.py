"""XMP: what it states about a photo, in a picture or in a sidecar.

Format: ISO 16684-1 (RDF/XML); properties by Adobe, IPTC, the Metadata Working Group, Microsoft,
digiKam, Lightroom, darktable.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from photosd.decode import locations
from photosd.decode.texts import (
    CAPTION_CHARACTERS,
    MAX_CHARACTERS,
    NAME_CHARACTERS,
    TITLE_CHARACTERS,
    decoded,
    each_once,
    line,
)

MAX_BYTES = 16 << 20  # of editors that keep masks in it
MAX_DEPTH = 100
MAX_ELEMENTS = 200_000  # take 50 MB
ROOTS = (b"x:xmpmeta", b"x:xapmeta", b"rdf:RDF")
DECLARED = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*[\"']([\w.-]+)")
# Declared for Latin and for Hebrew text, rightly or wrongly.
AMBIGUOUS = frozenset(
    (b"ascii", b"us-ascii", b"iso-8859-1", b"iso-8859-8", b"latin1", b"windows-1252",
     b"windows-1255", b"cp1252", b"cp1255")
)  # fmt: skip
# What no XML may contain: control characters, also as references, and a plain "&".
FORBIDDEN = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
    "|&#(?:0*(?:[0-8]|1[124-9]|2\\d|3[01])|x0*(?:[0-8bcef]|1[\\da-f]));",
    re.IGNORECASE,
)
AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-fA-F]+);)")

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
EXIF = "{http://ns.adobe.com/exif/1.0/}"
TIFF = "{http://ns.adobe.com/tiff/1.0/}"
PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
IPTC = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}"
EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
LIGHTROOM = "{http://ns.adobe.com/lightroom/1.0/}"
DIGIKAM = "{http://www.digikam.org/ns/1.0/}"
DARKTABLE = "{http://darktable.sf.net/}"
MICROSOFT = ("{http://ns.microsoft.com/photo/1.0/}", "{http://ns.microsoft.com/photo/1.0}")
MWG = "{http://www.metadataworkinggroup.com/schemas/regions/}"
CAMERA = "{http://ns.google.com/photos/1.0/camera/}"  # of Android
DISPLAY_NAME = "{http://ns.microsoft.com/photo/1.2/t/Region#}PersonDisplayName"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

DESCRIPTION, ITEM, VALUE = RDF + "Description", RDF + "li", RDF + "value"
LISTS = (RDF + "Bag", RDF + "Seq", RDF + "Alt")
DATES = (EXIF + "DateTimeOriginal", PHOTOSHOP + "DateCreated")
# Hierarchical tags, and what separates their levels.
HIERARCHIES = {
    LIGHTROOM + "hierarchicalSubject": "|",
    DIGIKAM + "TagsList": "/",
    **dict.fromkeys((space + "LastKeywordXMP" for space in MICROSOFT), "/"),
}
BY_PROGRAMS = ("darktable", "_digikam")  # tags that programs add for themselves
PEOPLE = frozenset(("face", "pet", ""))  # types of regions
COLOURS = {"0": "Red", "1": "Yellow", "2": "Green", "3": "Blue", "4": "Purple"}  # of darktable
LOCATIONS = (EXT + "LocationCreated", EXT + "LocationShown")  # the first is the camera's
# Fields of a photo, the properties that state them, and those of IPTC's structured locations.
PLACES = {
    "sublocation": (IPTC + "Location", EXT + "Sublocation"),
    "city": (PHOTOSHOP + "City", EXT + "City"),
    "region": (PHOTOSHOP + "State", EXT + "ProvinceState"),
    "country": (PHOTOSHOP + "Country", EXT + "CountryName"),
    "country_code": (IPTC + "CountryCode", EXT + "CountryCode"),
}


class Unreadable(ValueError):
    """The data is not XMP, is too large, or uses what a photo never needs."""


class _Builder(ElementTree.TreeBuilder):
    """Refuses entities, which may expand to gigabytes, depths that exhaust the stack, and more
    elements than fit into memory.
    """

    depth = elements = 0

    def doctype(self, *_: object) -> None:
        raise Unreadable("document type")

    def start(self, tag: Any, attrs: Any, /) -> Any:
        self.depth += 1
        self.elements += 1
        if self.depth > MAX_DEPTH or self.elements > MAX_ELEMENTS:
            raise Unreadable("too deep, or too many elements")
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Any:
        self.depth -= 1
        return super().end(tag)


def stated(data: bytes) -> dict[str, Any]:
    """Facts by their names in `decode.messages.Facts`; ``rating``, and ``latitude`` and
    ``longitude`` as written; ``dates``: as written, the best first; ``created``:
    the date of the file, often that of the photo; ``gps_date``; ``headline``.

    Raises Unreadable.
    """
    return _stated(_parsed(data))


def _parsed(data: bytes) -> Element:
    if len(data) > MAX_BYTES:
        raise Unreadable("too large")
    for attempt in _readings(data):
        try:
            parser = ElementTree.XMLParser(target=_Builder())  # noqa: S314 (see _Builder)
            parser.feed(attempt)
            return parser.close()
        except (ElementTree.ParseError, LookupError, UnicodeError):
            continue
    raise Unreadable("broken")


def _readings(data: bytes) -> Iterator[bytes | str]:
    """The document in UTF-8, whatever it declares; as it declares; without what is around it; in
    the encoding that it seems to have; and without what XML forbids.
    """
    if b"\0" in data[:4]:
        code = "utf-16-be" if data[0] in (0, 0xFE) else "utf-16-le"
        text = data.decode(code, "replace").strip("\ufeff\0 \r\n\t")
        yield text
        yield _repaired(text)
        return
    data = data.strip(b"\0 \r\n\t")
    with contextlib.suppress(UnicodeDecodeError):
        yield data.decode("utf-8-sig")
    declared = DECLARED.search(data[:200])
    if declared is not None and declared[1].lower() in AMBIGUOUS:
        yield decoded(data)
    yield data
    for name in ROOTS:
        begin, end = data.find(b"<" + name), data.rfind(b"</" + name)
        if 0 <= begin < end:
            packet = data[begin : data.find(b">", end) + 1]
            yield packet
            yield decoded(packet)
            yield _repaired(decoded(packet))
            return


def _repaired(text: str) -> str:
    return AMPERSAND.sub("&amp;", FORBIDDEN.sub(" ", text))


def _stated(root: Element) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for description in (one for rdf in root.iter(RDF + "RDF") for one in rdf.findall(DESCRIPTION)):
        for name, texts in _properties(description):
            if texts:
                found.setdefault(name, texts)
    places = [
        dict(_properties(one))
        for name in LOCATIONS
        for element in root.iter(name)
        for one in _structures(element)
    ]

    def first(name: str, most: int = NAME_CHARACTERS) -> str | None:
        return line(next(iter(found.get(name, ())), None), most)

    colour = first(DARKTABLE + "colorlabels")
    people = [*found.get(EXT + "PersonInImage", ()), *_people(root)]
    return {
        "title": first(DC + "title", TITLE_CHARACTERS),
        "headline": first(PHOTOSHOP + "Headline", TITLE_CHARACTERS),
        "caption": first(DC + "description", CAPTION_CHARACTERS)
        or first(TIFF + "ImageDescription", CAPTION_CHARACTERS),
        "tags": each_once(line(tag, NAME_CHARACTERS) for tag in _tags(found)),
        "people": each_once(line(name, NAME_CHARACTERS) for name in people),
        "rating": first(XMP + "Rating"),
        "label": first(XMP + "Label", MAX_CHARACTERS) or COLOURS.get(colour or ""),
        "creator": first(DC + "creator") or first(TIFF + "Artist"),
        "dates": [text for name in DATES if (text := first(name))],
        "created": first(XMP + "CreateDate") or first(EXIF + "DateTimeDigitized"),
        "has_video": "1" in (first(CAMERA + "MotionPhoto"), first(CAMERA + "MicroVideo")),
        "gps_date": first(EXIF + "GPSTimeStamp"),
        "latitude": first(EXIF + "GPSLatitude"),
        "latitude_ref": first(EXIF + "GPSLatitudeRef"),
        "longitude": first(EXIF + "GPSLongitude"),
        "longitude_ref": first(EXIF + "GPSLongitudeRef"),
        **locations.joined([_location(found, 0), *(_location(one, 1) for one in places)]),
    }


def _people(root: Element) -> Iterator[str]:
    """Names in the regions of a picture, and in IPTC's details of people."""
    for element in root.iter():
        if element.tag == MWG + "RegionList":
            yield from _faces(element)
        elif element.tag in (EXT + "PersonName", DISPLAY_NAME):
            yield from _texts(element)
        yield element.attrib.get(DISPLAY_NAME, "")


def _properties(node: Element) -> Iterator[tuple[str, list[str]]]:
    """Names and texts of a description or structure; XMP writes attributes or elements."""
    yield from ((name, [text]) for name, text in node.attrib.items() if text)
    yield from ((child.tag, _texts(child)) for child in node)


def _texts(node: Element) -> list[str]:
    """The texts of a property: one, or the items of a list; the default language first."""
    for kind in LISTS:
        if (items := node.find(kind)) is not None:
            every = items.findall(ITEM)
            if kind == LISTS[2]:
                every.sort(key=lambda item: item.attrib.get(LANGUAGE) != "x-default")
            return [text for item in every if (text := _text(item))]
    text = _text(node)
    return [text] if text else []


def _text(node: Element) -> str | None:
    value = node.find(f".//{VALUE}") if len(node) else node
    return None if value is None else (value.text or "").strip() or None


def _structures(node: Element) -> Iterator[Element]:
    """The structures in a property: in a list or alone, in each of RDF's notations."""
    items = [item for kind in LISTS for one in node.findall(kind) for item in one.findall(ITEM)]
    for item in items or [node]:
        inner = item.find(DESCRIPTION)
        yield item if inner is None else inner


def _faces(regions: Element) -> Iterator[str]:
    """Names of people and pets in the regions of a picture; others frame bar codes and focus."""
    for region in _structures(regions):
        fields = dict(_properties(region))
        kind = next(iter(fields.get(MWG + "Type", ())), "")
        if kind.strip().casefold() in PEOPLE:
            yield from fields.get(MWG + "Name", ())


def _tags(found: dict[str, list[str]]) -> Iterator[str]:
    """Keywords as people wrote them, and each level of hierarchical ones."""
    for word in found.get(DC + "subject", ()):
        yield from _levels(word, "|")
    for name, separator in HIERARCHIES.items():
        for path in found.get(name, ()):
            yield from _levels(path, separator)


def _levels(path: str, separator: str) -> Iterable[str]:
    levels = [level.strip() for level in path.split(separator)]
    return () if levels[0].casefold().startswith(BY_PROGRAMS) else levels


def _location(stated: dict[str, list[str]], kind: int) -> dict[str, str | None]:
    """Location fields: of properties (``kind`` 0) or of one structure (1)."""
    return {
        name: line(next(iter(stated.get(names[kind], ())), None), NAME_CHARACTERS)
        for name, names in PLACES.items()
    }
