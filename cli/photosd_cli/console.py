"""Output and input: data on stdout, messages and errors on stderr; lines wrapped and coloured only
on terminals.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import IO, Any

from photosd.core.errors import BadRequest, PhotosdError
from photosd_cli.text import inert, span, version_skew

STYLES = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33"}
USUAL_COLUMNS = 80
NARROWEST = 20  # columns; narrower terminals wrap lines themselves
LONGEST_HANG = 0.5  # of the width
QUOTED = re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|`[^`\n]*`")  # paths and commands, to be copied
KEPT_BLANK = "\ue000"


class OutputClosed(Exception):
    """The reader of our output has closed it (`photosd list | head`); not an error."""


def set_up() -> None:
    """Make every stream survive any character."""
    for stream, errors in (
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)


# -- input ----------------------------------------------------------------------------------------


def stdin_lines() -> Iterator[str]:
    """The lines of stdin; raises BadRequest if stdin is closed."""
    yield from _readable(sys.stdin, "photosd query - < queries.txt")


def read_text(most: int, *, otherwise: str, stream: IO[str] | None = None) -> str:
    """All of ``stream``, or of stdin: at most ``most`` characters, invalid UTF-8 replaced.

    Raises BadRequest if it is longer, or stdin is closed; ``otherwise`` is the remedy.
    """
    found = _readable(stream or sys.stdin, otherwise).read(most + 1)
    if len(found) > most:
        raise BadRequest(f"the text is longer than {most:,} characters", remedy="shorten it")
    return found.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _readable(stream: IO[str] | None, otherwise: str) -> IO[str]:
    if stream is None or stream.closed:
        raise BadRequest("stdin is closed", remedy=otherwise)
    return stream


# -- data on stdout -------------------------------------------------------------------------------


def out(text: str = "", *, end: str = "\n") -> None:
    """One line of data."""
    if sys.stdout is not None:
        with _told_when_closed():
            sys.stdout.write(text + end)


def out_wrapped(text: str, *, hang: int = 0) -> None:
    """A message for people on stdout; on a terminal wrapped between words, ``hang`` as in `fit`."""
    out(fit(text, sys.stdout, hang=hang))


def out_bytes(data: bytes) -> None:
    """Raw bytes on stdout, for file names as they are on disk."""
    if sys.stdout is not None:
        with _told_when_closed():
            sys.stdout.flush()
            sys.stdout.buffer.write(data)


def answer(result: Mapping[str, Any], as_json: bool, *lines: str) -> None:
    """The result of a command: the one object of `--json`, or lines for people."""
    if as_json:
        out_json(result)
        return
    for line in lines:
        out(line)


def out_json(result: Mapping[str, Any]) -> None:
    """The one object of `--json`, indented on a terminal."""
    indent = 2 if is_terminal(sys.stdout) else None
    out(to_json({"version": 1, **result}, indent=indent))


def to_json(value: object, *, indent: int | None = None) -> str:
    """JSON in the encoding of stdout: ASCII if it is not UTF-8."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    is_utf8 = encoding.replace("-", "").replace("_", "") == "utf8"
    return json.dumps(value, ensure_ascii=not is_utf8, indent=indent)


def flush() -> None:
    """Write what is buffered."""
    if sys.stdout is not None:
        with _told_when_closed():
            sys.stdout.flush()


def discard() -> None:
    """Discard the rest of the output, so that the interpreter's last flush succeeds."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _told_when_closed() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosed from error


# -- messages and errors --------------------------------------------------------------------------


def note(text: str, style: str = "dim", *, hang: int = 0, whole: bool = False) -> None:
    """A message on stderr that never raises; ``hang`` as in `fit`.

    ``whole``: a command to be copied, which is not wrapped.
    """
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            shown = text if whole else fit(text, sys.stderr, hang=hang)
            sys.stderr.write(styled(shown, style, sys.stderr) + "\n")
            sys.stderr.flush()


def warn(text: str) -> None:
    """A warning, although the command succeeded."""
    note(f"! {text}", "yellow", hang=2)


def warn_of_skew(daemon_version: str | None) -> None:
    """Warn if the running daemon is older than this command, as after an upgrade."""
    if skew := version_skew(daemon_version):
        flush()
        warn(skew)


def report(error: PhotosdError, as_json: bool) -> int:
    """Show an error, as one object on stdout or as text on stderr; returns its exit code."""
    if as_json:
        out(to_json({"error": error.as_dict()}))
        return error.exit_code
    first, *more = error_lines(error)
    note(first, "red")
    for line in more:
        note(line, "", hang=2)
    return error.exit_code


def error_lines(error: PhotosdError) -> list[str]:
    """Title and cause of an error, then its remedy."""
    shown = error.as_dict()  # without secrets
    lines = f"{error.title}: {shown['message']}".removesuffix(": ").splitlines()
    lines += [f"  {line}" for line in shown["remedy"].splitlines()]
    if error.retry_after_ms and "again in" not in error.remedy:
        lines.append(f"  try again in {span(max(1, error.retry_after_ms / 1000))}")
    return [inert(line) for line in lines]


# -- terminals ------------------------------------------------------------------------------------


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether the stream is a terminal."""
    return stream is not None and not getattr(stream, "closed", False) and stream.isatty()


def is_interactive() -> bool:
    """Whether a user can type, and the terminal has a movable cursor."""
    both = is_terminal(sys.stdin) and is_terminal(sys.stdout)
    return both and os.environ.get("TERM", "dumb") not in ("dumb", "")


def styled(text: str, style: str, stream: IO[str] | None = None) -> str:
    """``text`` in a style of STYLES, if the stream (stdout by default) shows colours.

    Terminals do, unless NO_COLOR is set or they are dumb.
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    if not style or not text or plain or not is_terminal(stream or sys.stdout):
        return text
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"


def can_write(characters: str) -> bool:
    """Whether the encoding of stdout has these characters."""
    try:
        stream = sys.stdout if hasattr(sys.stdout, "encoding") else sys.__stdout__
        characters.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


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
    if stream is None or not is_terminal(stream):
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
