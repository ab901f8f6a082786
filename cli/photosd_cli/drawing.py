"""Pictures as terminal output: kitty graphics, iTerm2 inline images, half blocks."""

from __future__ import annotations

import base64
from typing import NamedTuple

UPPER_HALF = "▀"
KITTY_CHUNK = 4096  # characters of base64 per escape sequence
STEPS = (0, 95, 135, 175, 215, 255)  # of the 6 x 6 x 6 colour cube in the 256 colours
GREYS = tuple(range(8, 248, 10))

Colour = tuple[int, int, int]


class DrawnPicture(NamedTuple):
    """A thumbnail: (height, width, 3) bytes of RGB or a JPEG, and the cells it covers."""

    data: bytes
    width: int
    height: int
    columns: int
    rows: int


def half_blocks(picture: DrawnPicture, *, true_colour: bool) -> list[str]:
    """Two pixels per cell, one above the other; a line of text per row, colours reset."""
    code = _true if true_colour else _of_256
    lines = []
    for top in range(0, picture.height, 2):
        line, before = [], ("", "")
        for x in range(picture.width):
            upper = code(_pixel(picture, x, top))
            # The last row of an odd number has no lower pixel: use the terminal's background.
            lower = code(_pixel(picture, x, top + 1)) if top + 1 < picture.height else ""
            if upper != before[0]:
                line.append(f"\x1b[38;{upper}m")
            if lower != before[1]:
                line.append(f"\x1b[48;{lower}m" if lower else "\x1b[49m")
            line.append(UPPER_HALF)
            before = (upper, lower)
        lines.append("".join(line) + "\x1b[0m")
    return lines


def kitty(picture: DrawnPicture) -> str:
    """RGB by kitty's protocol, also Ghostty's, drawn at the cursor, which does not move."""
    import zlib

    data = base64.b64encode(zlib.compress(picture.data, 1)).decode()
    chunks = [data[start : start + KITTY_CHUNK] for start in range(0, len(data), KITTY_CHUNK)]
    what = (
        f"a=T,f=24,o=z,s={picture.width},v={picture.height},"
        f"c={picture.columns},r={picture.rows},C=1,q=2,"
    )
    escapes = []
    for number, chunk in enumerate(chunks):
        head = what if number == 0 else ""
        escapes.append(f"\x1b_G{head}m={int(number < len(chunks) - 1)};{chunk}\x1b\\")
    return "".join(escapes)


def iterm(picture: DrawnPicture) -> str:
    """A JPEG by iTerm2's protocol, also WezTerm's and mintty's."""
    return (
        f"\x1b]1337;File=inline=1;size={len(picture.data)};width={picture.columns};"
        f"height={picture.rows};preserveAspectRatio=1;doNotMoveCursor=1:"
        f"{base64.b64encode(picture.data).decode()}\x07"
    )


def side_by_side(pictures: list[DrawnPicture], mode: str, gap: int, *, true_colour: bool) -> str:
    """Pictures in a row, left-aligned; the cursor ends at the start of the line below."""
    rows = max(picture.rows for picture in pictures)
    if mode == "blocks":
        drawn = [half_blocks(picture, true_colour=true_colour) for picture in pictures]
        lines = []
        for row in range(rows):
            cells = [
                lines_of[row] if row < len(lines_of) else " " * picture.columns
                for picture, lines_of in zip(pictures, drawn, strict=True)
            ]
            lines.append((" " * gap).join(cells) + "\n")
        return "".join(lines)
    # Add lines first, as the screen may scroll; then move up and draw each at its column.
    parts = ["\n" * rows, f"\x1b[{rows}A"]
    for picture in pictures:
        picture_drawn = kitty(picture) if mode == "kitty" else iterm(picture)
        parts.append(f"\x1b7{picture_drawn}\x1b8\x1b[{picture.columns + gap}C")
    return "".join([*parts, f"\r\x1b[{rows}B"])


def _pixel(picture: DrawnPicture, x: int, y: int) -> Colour:
    start = 3 * (y * picture.width + x)
    red, green, blue = picture.data[start : start + 3]
    return red, green, blue


def _true(colour: Colour) -> str:
    return f"2;{colour[0]};{colour[1]};{colour[2]}"


def _of_256(colour: Colour) -> str:
    """The nearest of the 256 colours: from the cube or the greys."""
    places = [min(range(6), key=lambda step: abs(STEPS[step] - part)) for part in colour]
    cube = (STEPS[places[0]], STEPS[places[1]], STEPS[places[2]])
    grey = min(range(24), key=lambda step: abs(GREYS[step] - sum(colour) / 3))
    if _distance((GREYS[grey],) * 3, colour) < _distance(cube, colour):
        return f"5;{232 + grey}"
    return f"5;{16 + 36 * places[0] + 6 * places[1] + places[2]}"


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
