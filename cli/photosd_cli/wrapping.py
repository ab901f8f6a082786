"""Wraps lines to the terminal's width, measured in cells; pipes get them unwrapped."""

from __future__ import annotations

import os
import re
from typing import IO

USUAL_COLUMNS = 80
NARROWEST = 20  # columns; narrower terminals wrap lines themselves
LONGEST_HANG = 0.5  # of the width
QUOTED = re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|`[^`\n]*`")  # paths and commands, to be copied
KEPT_BLANK = "\ue000"


def fit(text: str, stream: IO[str] | None, *, hang: int = 0) -> str:
    """``text`` wrapped to the width of the terminal ``stream``.

    Lines after the first are indented like the first plus ``hang``. A word wider than the terminal,
    and quoted text, stays in one piece, so that it can be copied. If ``stream`` is not a terminal,
    the text is returned unchanged.
    """
    columns = columns_of(stream)
    if columns is None or columns < NARROWEST:
        return text
    return "\n".join(_wrapped(line, columns, hang) for line in text.split("\n"))


def columns_of(stream: IO[str] | None) -> int | None:
    """Columns of a terminal, 80 if unknown; None if it is not a terminal."""
    if stream is None or stream.closed or not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_COLUMNS
    except (OSError, ValueError):
        return USUAL_COLUMNS


def cells(text: str) -> int:
    """Columns that ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    from wcwidth import width

    return width(text)


def padded(text: str, columns: int) -> str:
    """``text`` padded with blanks to this many columns."""
    return text + " " * (columns - cells(text))


def _wrapped(line: str, columns: int, hang: int) -> str:
    if cells(line) <= columns:
        return line
    from wcwidth import wrap

    words = line.lstrip(" ")
    indent = " " * (len(line) - len(words))
    later = indent + " " * hang
    kept = QUOTED.sub(lambda found: found[0].replace(" ", KEPT_BLANK), words)
    lines = wrap(
        kept,
        columns,
        initial_indent=indent,
        subsequent_indent=later if len(later) <= LONGEST_HANG * columns else "",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(KEPT_BLANK, " ")
