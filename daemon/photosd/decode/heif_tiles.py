"""Tiles of HEIF pictures (ISO/IEC 23008-12, ``grid``): cameras store 12 megapixels as 48 pictures.

libheif decodes all of them into one picture; neither it nor pillow_heif offers a single one. The
file's list of items (ISO/IEC 14496-12, ``meta``) is changed so that a tile is its main picture.
"""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image, ImageChops, ImageStat

from photosd.decode.boxes import boxes
from photosd.decode.opening import OpenedPicture

GREYS = 8  # across and down, compared in a tile
# Mean difference of these between pictures that are not the same: as a share of their standard
# deviation (measured: 0.03 to 0.19 for the same, 1.1 for independent ones), but never this little.
UNLIKE, MIN_UNLIKE = 0.4, 4.0
HIDDEN = 0x01
# How to undo what libheif does to a picture: turn it left by degrees, mirror it.
UNDO: dict[str, dict[int | str, Image.Transpose]] = {
    "irot": {
        90: Image.Transpose.ROTATE_270,
        180: Image.Transpose.ROTATE_180,
        270: Image.Transpose.ROTATE_90,
    },
    "imir": {
        "horizontal": Image.Transpose.FLIP_LEFT_RIGHT,
        "vertical": Image.Transpose.FLIP_TOP_BOTTOM,
    },
}


Region = tuple[float, float, float, float]


class Items(NamedTuple):
    """The main picture of a file, and its tiles, row by row; none if it is in one piece."""

    main_at: int  # where the file states the main picture
    wide: int  # bytes of that number
    tiles: tuple[int, ...]
    flags_at: dict[int, int]  # by item: the byte that hides it


def items_of(data: bytes) -> Items:
    """The main picture and its tiles; raises StopIteration, KeyError, IndexError if broken."""
    meta = next(box for box in boxes(data, 0, len(data)) if box.kind == b"meta")
    inside = {box.kind: box for box in boxes(data, meta.start + 4, meta.end)}

    def number(at: int, wide: int) -> int:
        return int.from_bytes(data[at : at + wide])

    pitm, iinf, iref = inside[b"pitm"], inside[b"iinf"], inside.get(b"iref")
    wide, main_at = 4 if data[pitm.start] else 2, pitm.start + 4
    main = number(main_at, wide)
    tiles: tuple[int, ...] = ()
    if iref is not None:
        step = 4 if data[iref.start] else 2
        for one in boxes(data, iref.start + 4, iref.end):
            if one.kind == b"dimg" and number(one.start, step) == main:
                places = range(one.start + step + 2, one.end, step)
                tiles = tuple(number(at, step) for at in places)
    entries = boxes(data, iinf.start + (8 if data[iinf.start] else 6), iinf.end)
    return Items(
        main_at,
        wide,
        tiles,
        {number(at.start + 4, 4 if data[at.start] > 2 else 2): at.start + 3 for at in entries},
    )


def tile(data: bytes, items: Items, number: int) -> Image.Image:
    """One of the tiles, as stored."""
    import pillow_heif

    item, changed = items.tiles[number], bytearray(data)
    changed[items.main_at : items.main_at + items.wide] = item.to_bytes(items.wide)
    changed[items.flags_at[item]] &= ~HIDDEN & 0xFF
    return pillow_heif.open_heif(bytes(changed)).to_pillow()


def shows_the_same(data: bytes, picture: OpenedPicture, preview: Image.Image) -> bool:
    """Whether ``preview`` looks like the tile of ``picture`` where it has the most contrast.

    Also if there is none to compare. ``picture`` is not decoded yet.
    """
    items, tiling = items_of(data), picture.image.info.get("tiling")
    image = picture.image
    turns = image._heif_file[image.tell()]._c_image.transformations  # type: ignore[attr-defined]
    if len(items.tiles) < 2 or not tiling or any(kind not in UNDO for kind, *_ in turns):
        return True
    stored = preview.convert("L")
    for kind, how in reversed(turns):
        if (turn := UNDO[kind].get(how)) is not None:
            stored = stored.transpose(turn)
    turned = sum(how // 90 for kind, how in turns if kind == "irot") % 2
    sides = [tiling[name] for name in ("num_columns", "num_rows", "tile_width", "tile_height")]
    columns, rows, width, height = [sides[i ^ turned] for i in range(4)]
    size = picture.size[::-1] if turned else picture.size

    def region(number: int, across: float = 1, down: float = 1) -> Region:
        left, top = number % columns * width, number // columns * height
        right, bottom = min(left + width, size[0]), min(top + height, size[1])
        return left * across, top * down, right * across, bottom * down

    scale = stored.width / size[0], stored.height / size[1]
    seen = [
        stored.resize((GREYS, GREYS), Image.Resampling.BOX, region(number, *scale))
        for number in range(columns * rows)
    ]
    best = max(range(len(seen)), key=lambda number: _contrast(seen[number]))
    left, top, right, bottom = region(best)
    covered = (0, 0, round(right - left), round(bottom - top))
    part = tile(data, items, best).convert("L").crop(covered)
    full = part.resize((GREYS, GREYS), Image.Resampling.BOX)
    difference = ImageStat.Stat(ImageChops.difference(full, seen[best])).mean[0]
    return bool(difference < max(MIN_UNLIKE, UNLIKE * ImageStat.Stat(seen[best]).stddev[0]))


def _contrast(grey: Image.Image) -> int:
    values = grey.tobytes()
    return max(values) - min(values)
