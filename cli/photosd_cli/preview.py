"""Thumbnails in the terminal: kitty graphics, iTerm2 inline images, or half blocks."""

from __future__ import annotations

import base64
import functools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from photosd.core.errors import BadRequest, PhotosdError
from photosd.protocol.client import Client
from photosd_cli import console, paths, text

if TYPE_CHECKING:
    from photosd.protocol.replies import ThumbnailResult

MODES = ("auto", "kitty", "iterm", "blocks", "off")
ITERM_LIKE = ("iTerm.app", "WezTerm", "mintty")
GAP = 2  # columns between pictures
MAX_ROWS, MAX_COLUMNS = 12, 40  # cells of one picture in a list
LONGEST_SIDE = 2560  # pixels, a size that the daemon keeps
USUAL_CELL = (10, 20)  # pixels of a cell, if the terminal does not report it
UPPER_HALF = "▀"
KITTY_CHUNK = 4096  # characters of base64 per escape sequence
STEPS = (0, 95, 135, 175, 215, 255)  # of the 6 x 6 x 6 colour cube in the 256 colours
GREYS = tuple(range(8, 248, 10))
EXACT = frozenset(STEPS)
# Bayer's matrix, scaled to half a step of the colour cube to either side.
DITHER = [
    [round((value / 15 - 0.5) * 36) for value in row]
    for row in ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))
]

Colour = tuple[int, int, int]


class Screen(NamedTuple):
    """A terminal, or the part available: cells, and pixels of one cell (width, height)."""

    columns: int
    rows: int
    cell: tuple[int, int] = USUAL_CELL


class DrawnPicture(NamedTuple):
    """A thumbnail: (height, width, 3) bytes of RGB or a JPEG, and the cells it covers."""

    data: bytes
    width: int
    height: int
    columns: int
    rows: int


def mode_of(asked: str, *, elsewhere: bool = False) -> str:
    """The protocol to use, or ``off``, from the environment; the terminal is not queried.

    ``elsewhere``: the output ends on a terminal although stdout is not one.
    """
    if asked != "auto":
        return asked
    told = os.environ.get
    term, program = told("TERM") or "dumb", told("TERM_PROGRAM")
    if not (elsewhere or console.is_terminal(sys.stdout)) or term == "dumb":
        return "off"
    if not (elsewhere or told("TMUX") or told("STY")):  # they do not pass pictures through
        if told("KITTY_WINDOW_ID") or term.endswith(("-kitty", "-ghostty")) or program == "ghostty":
            return "kitty"
        if program in ITERM_LIKE or told("LC_TERMINAL") == "iTerm2":
            return "iterm"
    # Not if colours are off, nor in an encoding without the character.
    fits = not told("NO_COLOR") and console.can_write(UPPER_HALF)
    return "blocks" if fits else "off"


def screen() -> Screen:
    """The terminal of stdout; 80 x 24 if unknown."""
    import fcntl
    import struct
    import termios

    try:
        answer = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
    except (AttributeError, OSError, ValueError):  # no terminal, closed, or None
        answer = bytes(8)
    rows, columns, width, height = struct.unpack("HHHH", answer)
    if not rows or not columns:
        return Screen(80, 24)
    cell = (width // columns, height // rows)
    return Screen(columns, rows, cell if min(cell) > 0 else USUAL_CELL)


def picture(client: Client, path: bytes, mode: str, room: Screen) -> DrawnPicture:
    """One photo as large as ``room`` allows; raises the daemon's errors."""
    small = client.thumbnail(path, **_request(mode, room))
    return _picture(small, mode, room)


def rows(
    client: Client, entries: Sequence[Mapping[str, Any]], lines: Sequence[str], mode: str
) -> None:
    """Show photos of a reply side by side, their lines of text below each row."""
    whole = screen()
    room = Screen(
        min(MAX_COLUMNS, whole.columns), max(3, min(MAX_ROWS, whole.rows // 3)), whole.cell
    )
    troubles: list[PhotosdError] = []
    row: list[DrawnPicture] = []
    waiting: list[str] = []
    each = pictures(client, [paths.raw(entry) for entry in entries], mode, room, troubles)
    for line, found in zip(lines, each, strict=True):
        if found is not None:
            taken = sum(one.columns + GAP for one in row)
            if row and taken + found.columns > whole.columns:
                _write(row, waiting, mode)
                console.out()
                row, waiting = [], []
            row.append(found)
        waiting.append(line)
    _write(row, waiting, mode)
    if troubles:
        console.flush()
        what = text.count(len(troubles), "picture")
        console.warn(
            f"{what} cannot be shown: {text.inert(f'{troubles[0]}; {troubles[0].remedy}')}"
        )


def size_of(words: str) -> tuple[int, int]:
    """``40x12`` as columns and rows; raises BadRequest."""
    columns, _, rows_ = words.partition("x")
    if not (columns.isdecimal() and rows_.isdecimal() and int(columns) and int(rows_)):
        raise BadRequest(f"invalid size {words!r}", remedy="use COLUMNSxROWS: --size 40x12")
    return min(int(columns), 1000), min(int(rows_), 1000)


def pictures(
    client: Client,
    files: list[bytes],
    mode: str,
    room: Screen,
    troubles: list[PhotosdError] | None = None,
) -> Iterator[DrawnPicture | None]:
    """A picture per file, or None with the error added to ``troubles``."""
    troubles = [] if troubles is None else troubles
    left = len(files)
    try:
        for small in client.thumbnails(files, **_request(mode, room)):
            left -= 1
            if isinstance(small, PhotosdError):
                troubles.append(small)
                yield None
            else:
                yield _picture(small, mode, room)
    except PhotosdError as error:  # the daemon stopped: show the lines without pictures
        troubles.append(error)
    for _ in range(left):
        yield None


def _request(mode: str, room: Screen) -> dict[str, Any]:
    cell = (1, 2) if mode == "blocks" else room.cell
    width = min(LONGEST_SIDE, room.columns * cell[0])
    height = min(LONGEST_SIDE, room.rows * cell[1])
    if mode == "iterm":  # a JPEG in the next stored size; the terminal scales it
        return {"pixels": max(width, height), "form": "jpeg"}
    return {"pixels": width, "height": height, "form": "rgb"}


def _picture(small: ThumbnailResult, mode: str, room: Screen) -> DrawnPicture:
    width, height, data = small["width"], small["height"], base64.b64decode(small["data_b64"])
    if mode == "blocks":
        return DrawnPicture(data, width, height, width, (height + 1) // 2)
    across, down = width / room.cell[0], height / room.cell[1]
    shrink = min(1.0, room.columns / across, room.rows / down)
    columns, rows_ = max(1, round(across * shrink)), max(1, int(down * shrink + 0.99))
    return DrawnPicture(data, width, height, columns, rows_)


def _write(row: list[DrawnPicture], lines: list[str], mode: str) -> None:
    if row:
        console.out(side_by_side(row, mode, GAP), end="")
    for line in lines:
        console.out(line)
    console.flush()


# -- drawing --------------------------------------------------------------------------------------


def half_cells(picture: DrawnPicture, *, true_colour: bool) -> list[list[tuple[str, str]]]:
    """Rows of cells: the colour codes of the upper pixel and of the one below.

    Without true colour pixels are dithered to the 256 colours. The last row of an odd number has no
    lower pixel: an empty code is the terminal's background.
    """
    code = _true_code if true_colour else _dithered_code
    return [
        [
            (
                code(_pixel(picture, x, top), x, top),
                code(_pixel(picture, x, top + 1), x, top + 1) if top + 1 < picture.height else "",
            )
            for x in range(picture.width)
        ]
        for top in range(0, picture.height, 2)
    ]


def half_blocks(picture: DrawnPicture, *, true_colour: bool) -> list[str]:
    """Two pixels per cell, one above the other; a line of text per row, colours reset."""
    lines = []
    for row in half_cells(picture, true_colour=true_colour):
        line, before = [], ("", "")
        for upper, lower in row:
            if upper != before[0]:
                line.append(f"\x1b[38;{upper}m")
            if lower != before[1]:
                line.append(f"\x1b[48;{lower}m" if lower else "\x1b[49m")
            line.append(UPPER_HALF)
            before = (upper, lower)
        lines.append("".join(line) + "\x1b[0m")
    return lines


def kitty(picture: DrawnPicture, number: int | None = None) -> str:
    """RGB by kitty's protocol, also Ghostty's, drawn at the cursor, which does not move.

    ``number``: the picture gets it, and is drawn where placeholders of this number are.
    """
    import zlib

    data = base64.b64encode(zlib.compress(picture.data, 1)).decode()
    chunks = [data[start : start + KITTY_CHUNK] for start in range(0, len(data), KITTY_CHUNK)]
    what = (
        f"a=T,f=24,o=z,s={picture.width},v={picture.height},"
        f"c={picture.columns},r={picture.rows},C=1,q=2,"
    )
    if number is not None:
        what += f"U=1,i={number},"
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


def side_by_side(pictures: list[DrawnPicture], mode: str, gap: int = 0) -> str:
    """Pictures in a row, left-aligned; the cursor ends at the start of the line below."""
    rows = max(picture.rows for picture in pictures)
    if mode == "blocks":
        true_colour = os.environ.get("COLORTERM", "") in ("truecolor", "24bit")
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


def _true_code(colour: Colour, _x: int, _y: int) -> str:
    return f"2;{colour[0]};{colour[1]};{colour[2]}"


def _dithered_code(colour: Colour, x: int, y: int) -> str:
    """The code of one of the 256 colours near ``colour``; which one depends on the place, so that
    an area has the right colour on average (ordered dither). A colour that there is stays.
    """
    if set(colour) <= EXACT or (len(set(colour)) == 1 and colour[0] in GREYS):
        return _of_256(colour)
    shift = DITHER[y % 4][x % 4]
    red, green, blue = (min(255, max(0, part + shift)) for part in colour)
    return _of_256((red, green, blue))


@functools.lru_cache(maxsize=65_536)
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
