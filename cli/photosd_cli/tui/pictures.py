"""Thumbnails as lines of cells: half blocks, or kitty's placeholders where they work."""

from __future__ import annotations

import functools
import os
from typing import NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from photosd_cli import preview
from photosd_cli.preview import DrawnPicture, Screen

PLACEHOLDER = "\U0010eeee"
# Combining marks that number the rows of a placeholder, from kitty's specification.
ROW_MARKS = tuple(
    map(
        chr,
        (
            *(0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D, 0x33E, 0x33F, 0x346, 0x34A, 0x34B, 0x34C),
            *(0x350, 0x351, 0x352, 0x357, 0x35B, 0x363, 0x364, 0x365, 0x366, 0x367, 0x368, 0x369),
            *(0x36A, 0x36B, 0x36C, 0x36D, 0x36E, 0x36F, 0x483, 0x484, 0x485, 0x486, 0x487, 0x592),
        ),
    )
)


class Drawn(NamedTuple):
    """A picture as strips, one per row; ``sent``: what the terminal must get before."""

    strips: list[Strip]
    columns: int
    sent: str = ""


class Drawer:
    """Draws thumbnails for one terminal; ``mode``: kitty, blocks or off."""

    def __init__(self) -> None:
        mode = preview.mode_of("auto", elsewhere=False)
        self.mode = "blocks" if mode == "iterm" else mode
        self._cell = preview.screen().cell  # before Textual takes stdout
        self._true = os.environ.get("COLORTERM", "") in ("truecolor", "24bit")
        self._number = os.getpid() % 0xFFFF << 8

    def room(self, columns: int, rows: int) -> Screen:
        """Cells for a picture."""
        return Screen(max(1, columns), max(1, min(rows, len(ROW_MARKS))), self._cell)

    def draw(self, picture: DrawnPicture) -> Drawn:
        """The picture in cells."""
        if self.mode == "kitty":
            self._number = self._number % 0xFFFFFF + 1
            return placeholders(picture, self._number)
        rows = preview.half_cells(picture, true_colour=self._true)
        return Drawn([_strip(row) for row in rows], picture.columns)


def placeholders(picture: DrawnPicture, number: int) -> Drawn:
    """A picture by kitty's Unicode placeholders: text whose colour is the picture's number."""
    colour = Style(color=Color.from_rgb(number >> 16, number >> 8 & 0xFF, number & 0xFF))
    strips = [
        Strip(
            [Segment((PLACEHOLDER + mark) + PLACEHOLDER * (picture.columns - 1), colour)],
            picture.columns,
        )
        for mark in ROW_MARKS[: picture.rows]
    ]
    return Drawn(strips, picture.columns, preview.kitty(picture, number))


def _strip(row: list[tuple[str, str]]) -> Strip:
    segments, begun = [], 0
    for place in range(1, len(row) + 1):
        if place == len(row) or row[place] != row[begun]:
            segments.append(Segment(preview.UPPER_HALF * (place - begun), _style(*row[begun])))
            begun = place
    return Strip(segments, len(row))


@functools.lru_cache(maxsize=20_000)
def _style(upper: str, lower: str) -> Style:
    return Style(color=_colour(upper), bgcolor=_colour(lower) if lower else None)


def _colour(code: str) -> Color:
    """The colour of an SGR code: ``2;255;0;0`` or ``5;196``."""
    kind, *parts = (int(part) for part in code.split(";"))
    return Color.from_ansi(parts[0]) if kind == 5 else Color.from_rgb(*parts)
