"""Lines that fit a terminal: broken between words, measured in cells; pipes get them whole."""

from __future__ import annotations

import os
import re
from typing import IO

USUAL_COLUMNS = 80
NARROWEST = 20  # columns; below that a terminal breaks lines as well as we could
LONGEST_HANG = 0.5  # of the width
QUOTED = re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|`[^`\n]*`")  # paths and commands, to be copied
KEPT_BLANK = "\ue000"


def fit(text: str, stream: IO[str] | None, *, hang: int = 0) -> str:
    """``text`` in lines that are no wider than the terminal ``stream``.

    Lines after the first are indented as the first is, by ``hang`` more. A word that is wider than
    the terminal, and what stands in quotes, stays in one piece, so that it can be copied. Where
    ``stream`` is no terminal, the text is returned as it is.
    """
    columns = columns_of(stream)
    if columns is None or columns < NARROWEST:
        return text
    return "\n".join(_wrapped(line, columns, hang) for line in text.split("\n"))


def columns_of(stream: IO[str] | None) -> int | None:
    """How many columns a terminal has, 80 where it does not tell; None of what is no terminal."""
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
    """``text`` with blanks behind it, up to so many columns."""
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
