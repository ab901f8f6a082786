"""Thumbnails in the terminal: protocol, available cells, layout."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from photosd.core.errors import BadRequest, PhotosdError
from photosd.protocol.client import Client
from photosd_cli import console, drawing, paths, text
from photosd_cli.drawing import DrawnPicture

if TYPE_CHECKING:
    from photosd.protocol.replies import ThumbnailResult

MODES = ("auto", "kitty", "iterm", "blocks", "off")
ITERM_LIKE = ("iTerm.app", "WezTerm", "mintty")
GAP = 2  # columns between pictures
MOST_ROWS, MOST_COLUMNS = 12, 40  # cells of one picture in a list
LONGEST_SIDE = 2560  # pixels, a size that the daemon keeps
USUAL_CELL = (10, 20)  # pixels of a cell, if the terminal does not report it


class Screen(NamedTuple):
    """A terminal, or the part available: cells, and pixels of one cell (width, height)."""

    columns: int
    rows: int
    cell: tuple[int, int] = USUAL_CELL


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
    fits = not told("NO_COLOR") and console.can_write(drawing.UPPER_HALF)
    return "blocks" if fits else "off"


def screen() -> Screen:
    """The terminal of stdout; 80 x 24 if unknown."""
    import fcntl
    import struct
    import termios

    if sys.stdout is None:
        return Screen(80, 24)
    try:
        answer = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
        rows, columns, width, height = struct.unpack("HHHH", answer)
    except (OSError, ValueError):
        return Screen(80, 24)
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
        min(MOST_COLUMNS, whole.columns), max(3, min(MOST_ROWS, whole.rows // 3)), whole.cell
    )
    troubles: list[PhotosdError] = []
    row: list[DrawnPicture] = []
    waiting: list[str] = []
    pictures = _pictures(client, [paths.raw(entry) for entry in entries], mode, room, troubles)
    for line, found in zip(lines, pictures, strict=True):
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


def true_colour() -> bool:
    """Whether the terminal reports more than 256 colours."""
    return os.environ.get("COLORTERM", "") in ("truecolor", "24bit")


def size_of(words: str) -> tuple[int, int]:
    """``40x12`` as columns and rows; raises BadRequest."""
    columns, _, rows_ = words.partition("x")
    if not (columns.isdecimal() and rows_.isdecimal() and int(columns) and int(rows_)):
        raise BadRequest(f"invalid size {words!r}", remedy="use COLUMNSxROWS: --size 40x12")
    return min(int(columns), 1000), min(int(rows_), 1000)


def _pictures(
    client: Client, files: list[bytes], mode: str, room: Screen, troubles: list[PhotosdError]
) -> Iterator[DrawnPicture | None]:
    """A picture per file, or None with the error added to ``troubles``."""
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
        console.out(drawing.side_by_side(row, mode, GAP, true_colour=true_colour()), end="")
    for line in lines:
        console.out(line)
    console.flush()
