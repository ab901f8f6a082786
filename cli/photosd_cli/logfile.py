"""The daemon's log for people: its JSON lines as one line of words each."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from photosd_cli import text

POLL_SECONDS = 0.25
TAIL_BYTES = 1 << 20
FIRST = ("timestamp", "level", "event", "exception")


def tail(file: Path, lines: int, since: int = 0) -> list[str]:
    """The last ``lines`` lines written after byte ``since``; none when there is no log."""
    try:
        with file.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            start = max(since if since <= size else 0, size - TAIL_BYTES)
            log.seek(start)
            found = log.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    return found[max(0, len(found) - lines) :]


def follow(file: Path) -> Iterator[str]:
    """Every line written from now on, for ever; goes on in the next file after a rotation."""
    position, inode, rest = _size(file), _inode(file), b""
    while True:
        if inode != _inode(file):
            position, inode, rest = 0, _inode(file), b""
        if _size(file) > position:
            with file.open("rb") as log:
                log.seek(position)
                rest += log.read()
                position = log.tell()
            *complete, rest = rest.split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in complete)
        else:
            time.sleep(POLL_SECONDS)


def readable(line: str) -> str:
    """One JSON line as ``19:02:11 warning  event  key=value …``; other lines as they are."""
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        return text.inert(line)
    words = [
        _clock(event.get("timestamp")),
        f"{event.get('level', ''):<7}",
        str(event.get("event")),
    ]
    words += [f"{key}={value}" for key, value in event.items() if key not in FIRST]
    shown = text.inert("  ".join(words))
    stack = str(event.get("exception") or "").splitlines()
    return "\n".join([shown, *(f"    {text.inert(frame)}" for frame in stack)])


def _clock(timestamp: object) -> str:
    """Local date and time of an ISO moment."""
    try:
        moment = datetime.fromisoformat(str(timestamp))
    except ValueError:
        return "?"
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _inode(file: Path) -> int:
    return file.stat().st_ino if file.exists() else 0
