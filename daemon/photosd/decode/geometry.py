"""The squares of a photo that a model sees: torchvision's arithmetic, and tiles for wide photos.

Resize, then rotate upright, then crop, each with torchvision's rounding: a difference of one pixel
costs 30 dB. To save work, each square is computed from its own box of the stored picture and then
rotated.

Tiles: a photo up to 1.6:1 gives its centre square. A longer one gives squares along its long axis,
two up to 2:1 and three beyond, so that all of it is covered; past 3:1 the long axis is squeezed by
at most 1.6, and past 4.8:1 gaps remain between the three.
"""

from __future__ import annotations

from dataclasses import dataclass

from photosd.decode.messages import Shape

TILED_FROM = 1.6
MAX_TILES = 3
MAX_SQUEEZE = 1.6

# EXIF orientations by the operation that makes the stored picture upright.
MIRRORED_ACROSS = frozenset({2, 3, 7, 8})  # stored columns are reversed on the upright axis
MIRRORED_DOWN = frozenset({3, 4, 6, 7})  # … and stored rows
TURNED = frozenset({5, 6, 7, 8})  # stored rows become upright columns

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Plan:
    """The whole upright photo resized to ``width`` x ``height``, and corners of the squares."""

    width: int
    height: int
    corners: tuple[tuple[int, int], ...]


def plan(width: int, height: int, shape: Shape) -> Plan:
    """The squares of side ``shape.size`` that an upright photo of this size gives."""
    side, short, long = shape.size, min(width, height), max(width, height)
    aspect = long / short
    if aspect > TILED_FROM:
        return _tiles(width, height, side, aspect)
    if shape.resize_mode == "squash":
        return Plan(side, side, ((0, 0),))
    stretched = int(side * long / short)
    offset = round((stretched - side) / 2)
    if width <= height:
        return Plan(side, stretched, ((0, offset),))
    return Plan(stretched, side, ((offset, 0),))


def _tiles(width: int, height: int, side: int, aspect: float) -> Plan:
    stretched = int(side * aspect)
    count = 2 if aspect <= 2 else MAX_TILES
    if aspect > MAX_TILES:
        stretched = max(MAX_TILES * side, int(stretched / MAX_SQUEEZE))
    offsets = [round((stretched - side) * index / (count - 1)) for index in range(count)]
    if width <= height:
        return Plan(side, stretched, tuple((0, offset) for offset in offsets))
    return Plan(stretched, side, tuple((offset, 0) for offset in offsets))


def stored_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Upright (width, height) as stored, or stored as upright: the swap is its own inverse."""
    return (size[1], size[0]) if orientation in TURNED else size


def stored_box(
    square: tuple[int, int], side: int, resized: Plan, orientation: int, stored: Box
) -> Box:
    """The box in the stored picture, itself in the box ``stored``, of the square at this upright
    corner.
    """
    left, top = square
    across, down = (top, left) if orientation in TURNED else (left, top)
    width, height = stored_size((resized.width, resized.height), orientation)
    if orientation in MIRRORED_ACROSS:
        across = width - side - across
    if orientation in MIRRORED_DOWN:
        down = height - side - down
    scale_x = (stored[2] - stored[0]) / width
    scale_y = (stored[3] - stored[1]) / height
    return (
        stored[0] + across * scale_x,
        stored[1] + down * scale_y,
        # A rounding error must not push the last square out of the picture.
        min(stored[2], stored[0] + (across + side) * scale_x),
        min(stored[3], stored[1] + (down + side) * scale_y),
    )
