"""Writes files where the user asks: never over a user's file, never among photos."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import stat
from pathlib import Path

from photosd.core.errors import OutputRefused, quoted
from photosd.core.macos import comparable
from photosd.core.paths import Home

MARK_BYTES = 8192  # of an existing file that are searched for the mark


def check_output(place: Path, home: Home, *, force: bool = False, mark: bytes = b"") -> bool:
    """Raise OutputRefused unless a file may be written at ``place``; returns whether one is
    replaced.

    It may be written if nothing is there, if the file there has ``mark`` in its first 8 KiB
    (photosd made it), or with ``force``; and never in a watched folder, except in photosd's own
    directory of contact sheets.
    """
    if place.is_dir():
        raise OutputRefused(f"{place} is a directory", remedy="name a file in it")
    if not place.parent.is_dir():
        raise OutputRefused(
            f"no such directory: {place.parent}", remedy=f"mkdir -p {quoted(place.parent)}"
        )
    inside = comparable(bytes(place.parent.resolve()) + b"/")
    own = inside == comparable(bytes(home.sheets.resolve()) + b"/")  # is never searched for photos
    for folder in [] if own else watched_folders(home):
        if inside.startswith(comparable(folder.rstrip(b"/") + b"/")):
            raise OutputRefused(
                f"{place} is in the watched folder {os.fsdecode(folder)}",
                remedy="choose a place outside your photo folders",
            )
    there = os.path.lexists(place)
    if there and not force and not _is_stream(place) and not _has(place, mark):
        others = "" if mark else ", or add --force"  # commands with a mark have no --force
        raise OutputRefused(f"{place} exists", remedy=f"choose another name{others}")
    return there


def write_output(
    place: Path,
    data: bytes,
    home: Home,
    *,
    force: bool = False,
    mark: bytes = b"",
    mode: int = 0o666,
) -> None:
    """Write ``data`` to ``place`` completely or not at all; raises OutputRefused or OSError.

    See `check_output` for what is refused. The umask is applied to ``mode``.
    """
    replaces = check_output(place, home, force=force, mark=mark)
    if _is_stream(place):
        place.write_bytes(data)
        return
    draft = place.with_name(f".photosd-{os.urandom(8).hex()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        if force or replaces:
            draft.replace(place)
        else:
            _move_new(draft, place)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def watched_folders(home: Home) -> list[bytes]:
    """The real paths of the watched folders, from the list beside the settings.

    If that is lost or damaged, from the catalog.
    """
    try:
        kept = json.loads((home.config / "folders.json").read_text())
        paths = [base64.b64decode(entry["path_b64"]) for entry in kept]
    except (OSError, ValueError, KeyError, TypeError):
        paths = _in_catalog(home.catalog)
    return [os.path.normpath(path) for path in paths]


def _in_catalog(file: Path) -> list[bytes]:
    import sqlite3  # imported here, because commands must start fast

    with contextlib.suppress(sqlite3.Error):
        opened = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
        with contextlib.closing(opened) as db:
            return [bytes(row[0]) for row in db.execute("SELECT path FROM folders")]
    return []


def _move_new(draft: Path, place: Path) -> None:
    """Rename the draft; a user's file created there meanwhile stays."""
    try:
        place.hardlink_to(draft)
        return
    except FileExistsError as error:
        raise _taken(place) from error
    except OSError:  # a file system without hard links
        try:
            os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError as error:
            raise _taken(place) from error
        draft.replace(place)


def _taken(place: Path) -> OutputRefused:
    return OutputRefused(f"{place} exists", remedy="choose another name")


def _is_stream(place: Path) -> bool:
    """Whether writing there replaces no file: /dev/null, a pipe, a terminal."""
    try:
        mode = place.stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _has(place: Path, mark: bytes) -> bool:
    if not mark or place.is_symlink():
        return False
    try:
        with place.open("rb") as file:
            return mark in file.read(MARK_BYTES)
    except OSError:
        return False
