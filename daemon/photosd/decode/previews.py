"""The reduced picture that a file holds beside the full one; it is decoded many times faster.

It is used if it is large enough, has the proportions, orientation and mode of the full one, and
shows the same as far as a cheap look tells:

- HEIF: thumbnails with the transformations, crop and colour profile of the picture (pillow_heif's
  ``draft``). If the picture consists of tiles, one is decoded and compared (`heif_tiles`).
- AVIF: thumbnails with the same of these properties, if it is not cropped.
- JPEG: previews of cameras, listed by an index (CIPA DC-007) that also has the length of the full
  picture: an index copied from another file has a wrong one.
- TIFF: reduced pages (NewSubfileType), as in pyramids.

PNG and WebP hold none. EXIF thumbnails are not used: many programs leave them as they were when
they edit a picture, and nearly all are too small.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

from PIL import Image
from PIL.ExifTags import Base
from PIL.MpoImagePlugin import MpoImageFile
from PIL.TiffImagePlugin import TiffImageFile

from photosd.decode import heif_tiles
from photosd.decode.boxes import described, properties_of
from photosd.decode.limits import DecodeLimits
from photosd.decode.opening import DRAFT_FACTOR, OpenedPicture, open_picture

ENOUGH = 0.9  # of the pixels that a model looks at, across and down
ASPECT = 0.02  # the proportions may differ by this share
MAX_PAGES = 16  # of a TIFF, looked at
REDUCED, MASK = 1, 4  # kinds of pages in TIFF
MP_ENTRIES = 0xB002
# Properties of a picture in AVIF that its thumbnail must have, too.
CROP = b"clap"
SHOWN_AS = frozenset((b"irot", b"imir", b"colr", CROP))
END_OF_JPEG = b"\xff\xd9"

Size = tuple[int, int]


def find(
    data: bytes, picture: OpenedPicture, wanted: Size, limits: DecodeLimits, share: float = ENOUGH
) -> OpenedPicture | None:
    """The smallest reduced picture in ``data`` with this share of ``wanted`` (width, height, as
    stored), decoded; None if ``picture``, which is not decoded yet, has none.
    """
    reader = READERS.get(picture.format)
    if reader is None:
        return None
    least = math.ceil(share * wanted[0]), math.ceil(share * wanted[1])
    try:
        fitting = [one for one in reader(data, least, limits) if _fits(one, picture, least)]
        if not fitting:
            return None
        image = min(fitting, key=lambda one: one.width * one.height)
        own = picture.container or picture.image.getexif()
        found = dataclasses.replace(picture, image=image, container=own)
        if found.orientation != picture.orientation:
            return None
        found.load(wanted)
        image.info.setdefault("icc_profile", picture.image.info.get("icc_profile"))
        if picture.format == "HEIF" and not heif_tiles.shows_the_same(data, picture, image):
            return None
    except Exception:  # the full picture is decoded, and tells what is wrong
        return None
    return found


def _fits(image: Image.Image, picture: OpenedPicture, least: Size) -> bool:
    across, down = image.width / picture.size[0], image.height / picture.size[1]
    return (
        image.width >= least[0]
        and image.height >= least[1]
        and max(across, down) < 1
        and abs(across / down - 1) <= ASPECT
        and image.mode == picture.image.mode
    )


def _of_heif(data: bytes, least: Size, limits: DecodeLimits) -> Iterator[Image.Image]:
    image = open_picture(data, limits, check=False).image
    better = int(least[0] * DRAFT_FACTOR), int(least[1] * DRAFT_FACTOR)
    if image.draft(None, better) or image.draft(None, least):
        yield image


def _of_avif(data: bytes, least: Size, limits: DecodeLimits) -> Iterator[Image.Image]:
    items, inside = heif_tiles.items_of(data), described(data)

    def shown(item: int) -> list[bytes]:
        every = properties_of(data, inside, item)
        return [data[start - 4 : end] for kind, start, end in every if kind in SHOWN_AS]

    main = shown(items.main)
    for item in items.thumbnails[:MAX_PAGES]:
        if shown(item) == main and not any(one.startswith(CROP) for one in main):
            changed = heif_tiles.with_main(data, items, item)
            yield open_picture(changed, limits, check=False).image


def _of_mpo(data: bytes, least: Size, limits: DecodeLimits) -> Iterator[Image.Image]:
    first = open_picture(data, limits, check=False).image
    index = first.mpinfo if isinstance(first, MpoImageFile) else None
    entries = index[MP_ENTRIES] if index else []
    if not entries or data[entries[0]["Size"] - 2 : entries[0]["Size"]] != END_OF_JPEG:
        return
    for number, entry in enumerate(entries[:MAX_PAGES]):
        if entry["Attribute"]["MPType"].startswith("Large Thumbnail"):
            image = open_picture(data, limits, check=False).image
            image.seek(number)
            yield image


def _of_tiff(data: bytes, least: Size, limits: DecodeLimits) -> Iterator[Image.Image]:
    first = open_picture(data, limits, check=False).image
    if not isinstance(first, TiffImageFile):
        return
    below = first.tag_v2.get(Base.SubIFDs, ())
    for offset in (below if isinstance(below, tuple) else (below,))[:MAX_PAGES]:
        page = _opened_tiff(data, limits)
        page._frame_pos = [offset]
        page._seek(0)
        if _is_reduced(page):
            yield page
    for number in range(1, MAX_PAGES):
        page = _opened_tiff(data, limits)
        try:
            page.seek(number)
        except EOFError:
            return
        if _is_reduced(page):
            yield page


def _opened_tiff(data: bytes, limits: DecodeLimits) -> TiffImageFile:
    image = open_picture(data, limits, check=False).image
    if not isinstance(image, TiffImageFile):
        raise TypeError
    return image


def _is_reduced(page: TiffImageFile) -> bool:
    kind = int(page.tag_v2.get(Base.NewSubfileType, 0))
    return kind & (REDUCED | MASK) == REDUCED


Reader = Callable[[bytes, Size, DecodeLimits], Iterator[Image.Image]]
READERS: dict[str, Reader] = {
    "HEIF": _of_heif, "AVIF": _of_avif, "MPO": _of_mpo, "TIFF": _of_tiff,
}  # fmt: skip
