"""Metadata of a photo, from EXIF, IPTC and XMP, and of the files beside it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from PIL import TiffImagePlugin
from PIL.ExifTags import IFD, Base

from photosd.core.formats import suffix_of
from photosd.decode import coordinates, iptc, locations, sidecar_files, takeout, xmp
from photosd.decode.date_taken import stated, taken
from photosd.decode.geometry import stored_size
from photosd.decode.merging import merged
from photosd.decode.messages import Facts, SidecarFacts
from photosd.decode.motion import video_follows
from photosd.decode.opening import OpenedPicture
from photosd.decode.texts import (
    CAPTION_CHARACTERS,
    MAX_CHARACTERS,
    NAME_CHARACTERS,
    TITLE_CHARACTERS,
    caption,
    each_once,
    text,
    wide,
)

T = TypeVar("T")
Tags = Mapping[int, Any]

# Windows' EXIF tags.
XP_TITLE, XP_COMMENT, XP_AUTHOR, XP_KEYWORDS = 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E
SCREENSHOT = "Screenshot"
EMPTY_EXIF_BYTES = 64  # larger EXIF without any tag is broken
IPTC_RESOURCE = 0x0404  # in the blocks of Photoshop
XMP_TAG, IPTC_TAG = 700, 33723  # of TIFF and of raw files
FACTS = frozenset(Facts.__struct_fields__)


class Attempts:
    """Reads single facts: one that is broken costs no other. ``failed``: kinds of metadata that
    are there and could not be read.
    """

    def __init__(self) -> None:
        self.failed: dict[str, None] = {}

    def read(self, kind: str, read: Callable[[], T], default: T) -> T:
        """What ``read`` returns, or ``default``: metadata can be broken in countless ways."""
        try:
            return read()
        except Exception:
            self.failed[kind] = None
            return default


def of(picture: OpenedPicture, file: bytes = b"") -> Facts:
    """The facts in a loaded picture; hostile metadata affects single facts, not the photo.

    ``file``: its bytes, or the last ones. For the files beside it see `of_sidecars`.
    """
    attempts = Attempts()
    exif: Tags = attempts.read("exif", lambda: _exif(picture), {})
    details: Tags = attempts.read("exif", lambda: picture.directory(IFD.Exif), {})
    places: Tags = attempts.read("exif", lambda: picture.directory(IFD.GPSInfo), {})
    inside: dict[str, Any] = attempts.read("xmp", lambda: _xmp(picture), {})
    older: dict[str, Any] = attempts.read("iptc", lambda: _iptc(picture, attempts), {})
    camera = _attempt(lambda: _camera(exif))
    place = _attempt(lambda: coordinates.of_exif(places)) or _place(inside)
    latitude, longitude = place or (None, None)
    refused: list[str] = []
    dates = {**inside, "iptc_dates": older.get("dates", ())}
    date = _attempt(lambda: taken(exif, details, places, dates, longitude, refused))
    width, height = stored_size(picture.size, picture.orientation)
    return Facts(
        width=width,
        height=height,
        format=picture.format,
        orientation=picture.orientation,
        **({} if date is None else date.facts()),
        camera=camera,
        lens=_attempt(lambda: text(details.get(Base.LensModel))),
        latitude=latitude,
        longitude=longitude,
        rating=_rating(inside.get("rating"), exif.get(Base.Rating)),
        title=inside.get("title")
        or older.get("title")
        or wide(exif.get(XP_TITLE), TITLE_CHARACTERS)
        or inside.get("headline")
        or older.get("headline"),
        caption=caption(inside.get("caption"), camera)
        or caption(older.get("caption"), camera)
        or caption(text(exif.get(Base.ImageDescription), CAPTION_CHARACTERS), camera)
        or caption(wide(exif.get(XP_COMMENT), CAPTION_CHARACTERS), camera),
        tags=each_once(
            (
                *inside.get("tags", ()),
                *older.get("tags", ()),
                *_windows_tags(exif),
                *([SCREENSHOT] if _is_screenshot(details) else ()),
            )
        ),
        people=inside.get("people", ()),
        label=inside.get("label"),
        creator=inside.get("creator")
        or older.get("creator")
        or text(exif.get(Base.Artist), NAME_CHARACTERS)
        or wide(exif.get(XP_AUTHOR), NAME_CHARACTERS),
        **locations.joined((inside, older)),
        unreadable=tuple(attempts.failed),
        refused_dates=tuple(dict.fromkeys(refused)),
        motion=inside.get("has_video", False) or video_follows(file),
    )


def of_sidecars(paths: Iterable[bytes]) -> SidecarFacts:
    """The facts, by the names of `Facts`, in these files beside a photo, the most important first.

    They override the photo's own (see `decode.merging`). Raises OSError if one cannot be read now.
    """
    return merged({}, [_of_sidecar(path, data) for path, data in sidecar_files.read_all(paths)])


def _of_sidecar(path: bytes, data: bytes | sidecar_files.Unread) -> dict[str, Any]:
    if isinstance(data, str):
        return {"unreadable": [data]}
    try:
        if suffix_of(path) == b".json":
            return takeout.stated(data)
        inside = xmp.stated(data)
    except ValueError:
        return {"unreadable": ["sidecar"]}
    # The second may be the date of a scan or of an edited copy: EXIF's goes before it.
    refused: list[str] = []
    date = stated(inside["dates"], "sidecar", refused) or stated(
        [inside["created"] or ""], "xmp", refused
    )
    place = _place(inside)
    return {
        **{name: fact for name, fact in inside.items() if name in FACTS},
        **dict(zip(("latitude", "longitude"), place or (None, None), strict=True)),
        **({} if date is None else date.facts()),
        "title": inside["title"] or inside["headline"],
        "caption": caption(inside["caption"]),
        "rating": _rating(inside["rating"]),
        "refused_dates": refused,
    }


def _attempt(read: Callable[[], T]) -> T | None:
    """One fact, or None: metadata can be broken in countless ways."""
    try:
        return read()
    except Exception:
        return None


def _exif(picture: OpenedPicture) -> Tags:
    tags = picture.tags()
    if not tags and len(picture.image.info.get("exif") or b"") > EMPTY_EXIF_BYTES:
        raise ValueError("no tag is readable")
    return tags


def _xmp(picture: OpenedPicture) -> dict[str, Any]:
    """What XMP states; in a raw file, its own XMP takes precedence over its preview's."""
    data = None if picture.container is None else picture.container.get(XMP_TAG)
    data = data or picture.image.info.get("xmp")
    data = data.encode() if isinstance(data, str) else _bytes(data)
    return xmp.stated(data) if data.strip(b"\0 \r\n\t") else {}


def _iptc(picture: OpenedPicture, attempts: Attempts) -> dict[str, Any]:
    """What IPTC states: in Photoshop's block of a JPEG, in a tag of TIFF, with HEIF's metadata."""
    info = picture.image.info
    data = (info.get("photoshop") or {}).get(IPTC_RESOURCE) or _iptc_of_tiff(picture)
    for block in info.get("metadata") or ():
        if not data and block.get("type") == "iptc":
            data = block.get("data")
    found, whole = iptc.stated(data)
    if not whole:
        attempts.failed["iptc"] = None
    return found


def _iptc_of_tiff(picture: OpenedPicture) -> bytes:
    """Older programs declare its bytes as numbers of four, some in their own order of bytes."""
    if isinstance(picture.image, TiffImagePlugin.TiffImageFile):
        # Pillow gives one number only; IptcImagePlugin reads this attribute, too.
        data = picture.image.tag_v2._tagdata.get(IPTC_TAG, b"")
        if data[3:4] == iptc.START and data[:1] != iptc.START:
            data = b"".join(data[i : i + 4][::-1] for i in range(0, len(data), 4))
        return data
    return _bytes(picture.tags().get(IPTC_TAG))


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _camera(exif: Tags) -> str | None:
    """Maker and model, without repeating the maker: ``Canon EOS 6D``, ``Apple iPhone 15``."""
    make, model = text(exif.get(Base.Make)), text(exif.get(Base.Model))
    if make and model and not model.lower().startswith(make.split()[0].lower()):
        return f"{make} {model}"[:MAX_CHARACTERS]
    return model or make


def _place(inside: Mapping[str, Any]) -> coordinates.Place | None:
    return coordinates.of_xmp(inside)


def _windows_tags(exif: Tags) -> list[str]:
    every = wide(exif.get(XP_KEYWORDS), CAPTION_CHARACTERS) or ""
    return [word for part in every.split(";") if (word := part.strip()[:NAME_CHARACTERS])]


def _is_screenshot(details: Tags) -> bool:
    """Whether an iPhone or iPad marks it as one, in a comment; its name does not tell."""
    comment = _bytes(details.get(Base.UserComment)).removeprefix(b"ASCII\0\0\0")
    return comment.strip(b"\0 ") == SCREENSHOT.encode()


def _rating(*words: Any) -> int | None:
    """Stars, 0 to 5, -1 for rejected: the first that is valid."""
    for word in words:
        stars = _attempt(functools.partial(float, word))
        if stars is not None and -1 <= stars <= 5:
            return round(stars)
    return None
