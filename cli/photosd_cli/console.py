"""Output: data on stdout, messages on stderr, colour only on terminals."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import IO, Any

from photosd.core.errors import BadRequest
from photosd_cli.wrapping import fit

STYLES = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33"}


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


def lines() -> Iterator[str]:
    """The lines of stdin; raises BadRequest if stdin is closed."""
    if sys.stdin is None or sys.stdin.closed:
        raise BadRequest("stdin is closed", remedy="photosd query - < queries.txt")
    yield from sys.stdin


def text(most: int, *, otherwise: str, stream: IO[str] | None = None) -> str:
    """All of ``stream``, or of stdin: at most ``most`` characters, invalid UTF-8 replaced.

    Raises BadRequest if it is longer, or stdin is closed; ``otherwise`` is the remedy.
    """
    stream = stream or sys.stdin
    if stream is None or stream.closed:
        raise BadRequest("stdin is closed", remedy=otherwise)
    found = stream.read(most + 1)
    if len(found) > most:
        raise BadRequest(f"the text is longer than {most:,} characters", remedy="shorten it")
    return found.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def asks(question: str, *, otherwise: str) -> bool:
    """Whether the user at the terminal confirms; raises BadRequest without a terminal.

    ``otherwise`` is the command that needs no confirmation.
    """
    if not is_terminal(sys.stdin):
        raise BadRequest("this needs your confirmation", remedy=otherwise)
    import click

    return click.confirm(question, default=False, err=True)


def out(text: str = "", *, end: str = "\n") -> None:
    """One line of data."""
    if sys.stdout is not None:
        try:
            sys.stdout.write(text + end)
        except BrokenPipeError as error:
            raise OutputClosed from error


def tell(text: str, style: str = "", *, hang: int = 0) -> None:
    """A message for people on stdout; on a terminal wrapped between words, ``hang`` as in `fit`."""
    out(styled(fit(text, sys.stdout, hang=hang), style, sys.stdout))


def out_bytes(data: bytes) -> None:
    """Raw bytes on stdout, for file names as they are on disk."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
        except BrokenPipeError as error:
            raise OutputClosed from error


def out_json(result: Mapping[str, Any]) -> None:
    """The one object of `--json`, indented on a terminal."""
    indent = 2 if is_terminal(sys.stdout) else None
    out(as_json({"version": 1, **result}, indent=indent))


def as_json(value: object, *, indent: int | None = None) -> str:
    """JSON in the encoding of stdout: ASCII if it is not UTF-8."""
    return json.dumps(value, ensure_ascii=not _is_utf8(sys.stdout), indent=indent)


def flush() -> None:
    """Write what is buffered."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise OutputClosed from error


def discard() -> None:
    """Discard the rest of the output, so that the interpreter's last flush succeeds."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


def styled(text: str, style: str, stream: IO[str] | None) -> str:
    """``text`` in a style of STYLES, if ``stream`` shows colours."""
    if not style or not text or not has_colour(stream):
        return text
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"


def has_colour(stream: IO[str] | None) -> bool:
    """Whether to use colours: on a terminal, unless NO_COLOR is set or it is dumb."""
    return (
        is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def can_write(characters: str) -> bool:
    """Whether the encoding of stdout has these characters."""
    try:
        characters.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _is_utf8(stream: IO[str] | None) -> bool:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether the stream is a terminal."""
    return stream is not None and not stream.closed and stream.isatty()
