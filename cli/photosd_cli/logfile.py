"""The daemon's log for people: each JSON line as one readable line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from photosd_cli import text

POLL_SECONDS = 0.25
TAIL_BYTES = 1 << 20  # bytes per read
ROTATED = 3  # rotated files that are kept; see photosd.core.log
LEVELS = ("debug", "info", "warning", "error", "critical")
STYLES = {"debug": "dim", "warning": "yellow", "error": "red", "critical": "red"}
FIRST = ("timestamp", "level", "event", "exception")


def tail(
    file: Path, lines: int, since: int = 0, wanted: Callable[[str], bool] | None = None
) -> list[str]:
    """The last ``lines`` lines that are ``wanted``, written after byte ``since``.

    None if there is no log. If the file has too few and ``since`` is 0, lines of rotated files come
    first.
    """
    names = [file.name, *(f"{file.name}.{number}" for number in range(1, ROTATED + 1))]
    found: list[str] = []
    for name in names if since == 0 else names[:1]:
        if len(found) >= lines:
            break
        found = _last_of(file.with_name(name), lines - len(found), since, wanted) + found
    return found


def _last_of(file: Path, lines: int, since: int, wanted: Callable[[str], bool] | None) -> list[str]:
    """Last lines of one file; read in pieces of TAIL_BYTES from its end."""
    found: list[str] = []
    try:
        with file.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            first = since if since <= end else 0
            rest = b""  # end of a line that begins in the piece before
            while end > first and len(found) < lines:
                start = max(first, end - TAIL_BYTES)
                log.seek(start)
                piece = log.read(end - start) + rest
                rest, end = (b"", start) if start == first else (piece.partition(b"\n")[0], start)
                text = piece[len(rest) :].decode("utf-8", "replace")
                words = [line for line in text.splitlines() if line]
                found = [one for one in words if wanted is None or wanted(one)] + found
    except FileNotFoundError:
        return []
    return found[max(0, len(found) - lines) :]


def follow(file: Path) -> Iterator[str]:
    """Every line written from now on; follows the file across rotation."""
    log, rest = _opened(file), b""
    if log is not None:
        log.seek(0, os.SEEK_END)
    while True:
        moved = log is None or _inode(file) != os.fstat(log.fileno()).st_ino
        # After this check, so that the last lines of the old file are read.
        data = log.read() if log is not None else b""
        if data:
            *complete, rest = (rest + data).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in complete)
        elif moved and (following := _opened(file)) is not None:
            if log is not None:
                log.close()
            log, rest = following, b""
        else:
            time.sleep(POLL_SECONDS)


def event_of(line: str) -> dict[str, Any] | None:
    """The fields of a JSON line; None for other lines."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def level_of(line: str) -> str:
    """Level of a JSON line; "info" for other lines."""
    return str((event_of(line) or {}).get("level", "info"))


def readable(line: str) -> str:
    """A JSON line as ``19:02:11 warning  event  key=value …``; other lines unchanged."""
    event = event_of(line)
    if event is None:
        return text.inert(line)
    words = [
        _clock(event.get("timestamp")),
        f"{event.get('level', ''):<7}",
        str(event.get("event")),
    ]
    words += [
        f"{key}={value}"
        for key, value in event.items()
        if key not in FIRST and value not in (None, "", [], {})  # false and 0 are shown
    ]
    shown = text.inert("  ".join(words))
    stack = str(event.get("exception") or "").splitlines()
    return "\n".join([shown, *(f"    {text.inert(frame)}" for frame in stack)])


def _clock(timestamp: object) -> str:
    """Local date and time of an ISO timestamp."""
    try:
        moment = datetime.fromisoformat(str(timestamp))
    except ValueError:
        return "?"
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _opened(file: Path) -> IO[bytes] | None:
    try:
        return file.open("rb")
    except FileNotFoundError:
        return None


def _inode(file: Path) -> int:
    try:
        return file.stat().st_ino
    except FileNotFoundError:
        return 0
