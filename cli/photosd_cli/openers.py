"""Handing files to the desktop: to whatever program opens photos, or pages, there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from photosd.core.errors import NotFound, PhotosdError

MOST = 10  # windows at once
FAILS_WITHIN = 1.5  # seconds; after that the program is taken to be at work
REMEDY = "open it yourself: the path is printed; in a file manager, or with a browser"


class CannotOpen(PhotosdError):
    """The desktop has no program for it, or there is no desktop."""

    code, title, exit_code = "cannot_open", "Nothing opens that here", 1


def open_files(files: list[bytes]) -> None:
    """Open each; raises CannotOpen, or NotFound for one whose disk is away. Waits for none."""
    opener = _opener()
    for file in files:
        if not os.path.exists(file):  # noqa: PTH110 (bytes)
            raise NotFound(f"there is no file {os.fsdecode(file)}", remedy="connect its disk")
    # macOS takes many at once and makes one window of them; xdg-open takes one.
    groups = [files] if sys.platform == "darwin" else [[file] for file in files]
    started = [(_start([opener, *group]), group[0]) for group in groups]
    until = time.monotonic() + FAILS_WITHIN
    for running, file in started:
        try:
            code = running.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:  # the viewer itself, in the opener's place: it may stay
            continue
        if code != 0:
            raise CannotOpen(
                f"{opener} could not open {os.fsdecode(file)} (exit code {code})", remedy=REMEDY
            )


def _opener() -> str:
    """The program that knows what opens what."""
    if sys.platform == "darwin":
        return "/usr/bin/open"
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise CannotOpen("there is no screen: DISPLAY and WAYLAND_DISPLAY are empty", remedy=REMEDY)
    found = shutil.which("xdg-open")
    if found is None:
        raise CannotOpen("there is no xdg-open", remedy="sudo apt install xdg-utils")
    return found


def _start(line: list[str | bytes]) -> subprocess.Popen[bytes]:
    """A program on its own, that may outlive us."""
    try:
        return subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise CannotOpen(f"{error}", remedy=REMEDY) from error
