"""Tiles of HEIF pictures (ISO/IEC 23008-12, ``grid``): cameras store 12 megapixels as 48 pictures.

libheif decodes all of them into one picture, which takes 16 bytes a pixel; pillow_heif offers no
single one. The file's list of items (ISO/IEC 14496-12, ``meta``) is changed so that a tile, or each
of them, is a picture of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from PIL import Image, ImageChops, ImageStat

from photosd.decode.boxes import Box, boxes, described
from photosd.decode.opening import DRAFT_FACTOR, OpenedPicture

GREYS = 8  # across and down, compared in a tile
# Mean difference of these between pictures that are not the same: as a share of their standard
# deviation (0.03 to 0.12 for thumbnails of real phones), but never this little.
UNLIKE, MIN_UNLIKE = 0.4, 4.0
FLAGS = 3  # of an item, after its entry's beginning
SHOWN = 0xFE  # without the flag that hides it
NO_TYPE = b"xxxx"  # libheif ignores it
# What libheif does to a picture: turn it left by degrees, mirror it.
TURNS: dict[str, dict[int, Image.Transpose]] = {
    "irot": {
        90: Image.Transpose.ROTATE_90,
        180: Image.Transpose.ROTATE_180,
        270: Image.Transpose.ROTATE_270,
    },
    "imir": {
        0: Image.Transpose.FLIP_TOP_BOTTOM,
        1: Image.Transpose.FLIP_LEFT_RIGHT,
    },
}
UNDO = {
    Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
    Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
}

Region = tuple[float, float, float, float]


class Items(NamedTuple):
    """The main picture of a file, and its tiles, row by row; none if it is in one piece."""

    main: int
    main_at: int  # where the file states the main picture
    wide: int  # bytes of that number
    tiles: tuple[int, ...]
    thumbnails: tuple[int, ...]
    entries: dict[int, int]  # by item: where its entry begins
    references: tuple[int, ...]  # where their types are


class Grid(NamedTuple):
    """How the tiles of a stored picture are arranged, and what makes it upright.

    ``size`` is that of the stored picture, (width, height); ``turns`` are libheif's.
    """

    columns: int
    rows: int
    width: int
    height: int
    size: tuple[int, int]
    turns: tuple[tuple[str, int], ...]

    def region(self, number: int, across: float = 1, down: float = 1) -> Region:
        """The part of the picture that a tile covers, scaled."""
        left, top = number % self.columns * self.width, number // self.columns * self.height
        right, bottom = min(left + self.width, self.size[0]), min(top + self.height, self.size[1])
        return left * across, top * down, right * across, bottom * down


def items_of(data: bytes) -> Items:
    """The main picture and its tiles; raises StopIteration, KeyError, IndexError if broken."""
    inside = described(data)

    def number(at: int, wide: int) -> int:
        return int.from_bytes(data[at : at + wide])

    pitm, iinf, iref = inside[b"pitm"], inside[b"iinf"], inside.get(b"iref")
    wide, main_at = 4 if data[pitm.start] else 2, pitm.start + 4
    main = number(main_at, wide)
    tiles: tuple[int, ...] = ()
    thumbnails: list[int] = []
    references: list[Box] = []
    if iref is not None:
        step = 4 if data[iref.start] else 2
        references = list(boxes(data, iref.start + 4, iref.end))
        for one in references:
            source = number(one.start, step)
            to = tuple(number(at, step) for at in range(one.start + step + 2, one.end, step))
            if one.kind == b"dimg" and source == main:
                tiles = to
            if one.kind == b"thmb" and main in to:
                thumbnails.append(source)
    entries = boxes(data, iinf.start + (8 if data[iinf.start] else 6), iinf.end)
    return Items(
        main,
        main_at,
        wide,
        tiles,
        tuple(thumbnails),
        {number(at.start + 4, 4 if data[at.start] > 2 else 2): at.start for at in entries},
        tuple(one.start - 4 for one in references),
    )


def grid_of(picture: OpenedPicture) -> Grid | None:
    """How a picture, not decoded yet, is stored in tiles; None if it is not, or is cropped."""
    image, tiling = picture.image, picture.image.info.get("tiling")
    turns = image._heif_file[image.tell()]._c_image.transformations  # type: ignore[attr-defined]
    if not tiling or any(how[0] not in TURNS.get(kind, ()) for kind, *how in turns):
        return None
    sides = [tiling[name] for name in ("num_columns", "num_rows", "tile_width", "tile_height")]
    turned = sum(how // 90 for kind, how in turns if kind == "irot") % 2
    columns, rows, width, height = (sides[number ^ turned] for number in range(4))
    if columns * rows < 2:
        return None
    size = picture.size[::-1] if turned else picture.size
    return Grid(columns, rows, width, height, size, turns)


def tile(data: bytes, items: Items, number: int) -> Image.Image:
    """One of the tiles, as stored."""
    import pillow_heif

    return pillow_heif.open_heif(with_main(data, items, items.tiles[number])).to_pillow()


def with_main(data: bytes, items: Items, item: int) -> bytes:
    """The file, changed so that this item is its main picture."""
    changed = bytearray(data)
    changed[items.main_at : items.main_at + items.wide] = item.to_bytes(items.wide)
    changed[items.entries[item] + FLAGS] &= SHOWN
    for at in items.references:
        if data[at : at + 4] == b"thmb":  # libavif refuses thumbnails
            changed[at : at + 4] = NO_TYPE
    return bytes(changed)


def tile_by_tile(
    data: bytes, picture: OpenedPicture, wanted: tuple[int, int]
) -> OpenedPicture | None:
    """The whole picture, decoded and reduced to about 3 times ``wanted``, in little memory; None if
    it is not in tiles that can be decoded alone.
    """
    try:
        canvas = _reduced(data, picture, wanted)
    except Exception:  # the usual way finds out what is wrong
        return None
    return None if canvas is None else dataclasses.replace(picture, image=canvas)


def _reduced(data: bytes, picture: OpenedPicture, wanted: tuple[int, int]) -> Image.Image | None:
    import pillow_heif

    items, grid = items_of(data), grid_of(picture)
    factor = 1 if grid is None else _factor(grid, DRAFT_FACTOR * max(wanted) / max(picture.size))
    if grid is None or factor == 1:
        return None
    file = pillow_heif.open_heif(_pictures_of_tiles(data, items))
    found = [one._c_image.item_id for one in file][: len(items.tiles)]
    if found != list(items.tiles) or not _same_colours(file[0].info, picture.image.info):
        return None
    size = -(-grid.size[0] // factor), -(-grid.size[1] // factor)
    canvas = Image.new(picture.image.mode, size)
    for number in range(len(items.tiles)):
        left, top, right, bottom = (round(side) for side in grid.region(number))
        part = file[0].to_pillow()
        del file[0]  # with its pixels
        if part.size != (grid.width, grid.height) or part.mode != canvas.mode:
            return None
        part = part.crop((0, 0, right - left, bottom - top)).reduce(factor)
        canvas.paste(part, (left // factor, top // factor))
    for kind, how in grid.turns:
        canvas = canvas.transpose(TURNS[kind][how])
    canvas.info = picture.image.info
    return canvas


def _factor(grid: Grid, least: float) -> int:
    """The power of two by which tiles are reduced, to no less than this share of their sides."""
    factor = 1
    while 2 * factor * least <= 1 and not (grid.width | grid.height) % (2 * factor):
        factor *= 2
    return factor


def _pictures_of_tiles(data: bytes, items: Items) -> bytes:
    """The file, changed so that each tile is a picture of its own, and the whole is none."""
    changed = bytearray(with_main(data, items, items.tiles[0]))
    for at in items.references:
        changed[at : at + 4] = NO_TYPE
    entry = items.entries[items.main]
    kind_at = entry + (10 if data[entry] > 2 else 8)
    changed[kind_at : kind_at + 4] = NO_TYPE
    for item, at in items.entries.items():
        changed[at + FLAGS] = changed[at + FLAGS] & SHOWN | (item not in items.tiles)
    return bytes(changed)


def _same_colours(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("icc_profile", "nclx_profile"))


def shows_the_same(data: bytes, picture: OpenedPicture, preview: Image.Image) -> bool:
    """Whether ``preview`` looks like the tile of ``picture`` where it has the most contrast.

    Also if there is none to compare. ``picture`` is not decoded yet.
    """
    items, grid = items_of(data), grid_of(picture)
    if grid is None or not items.tiles:
        return True
    stored = preview.convert("RGB")
    for kind, how in reversed(grid.turns):
        turn = TURNS[kind][how]
        stored = stored.transpose(UNDO.get(turn, turn))
    scale = stored.width / grid.size[0], stored.height / grid.size[1]
    seen = [
        stored.resize((GREYS, GREYS), Image.Resampling.BOX, grid.region(number, *scale))
        for number in range(grid.columns * grid.rows)
    ]
    best = max(range(len(seen)), key=lambda number: _contrast(seen[number]))
    left, top, right, bottom = grid.region(best)
    covered = (0, 0, round(right - left), round(bottom - top))
    part = tile(data, items, best).convert("RGB").crop(covered)
    full = part.resize((GREYS, GREYS), Image.Resampling.BOX)
    difference = ImageStat.Stat(ImageChops.difference(full, seen[best])).mean
    varied = ImageStat.Stat(seen[best]).stddev
    return sum(difference) < max(3 * MIN_UNLIKE, UNLIKE * sum(varied))


def _contrast(colours: Image.Image) -> int:
    values = colours.convert("L").tobytes()
    return max(values) - min(values)
