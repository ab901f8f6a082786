"""Opens files in the desktop's default program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from photosd.core.errors import NotFound, PhotosdError

MAX_WINDOWS = 10  # windows at once
FAILS_WITHIN = 1.5  # seconds; after that the program counts as started
REMEDY = "open the printed path in a file manager or a browser"


class CannotOpen(PhotosdError):
    """The desktop has no program for it, or there is no desktop."""

    code, title, exit_code = "cannot_open", "No program can open this file", 1


def open_files(files: list[bytes]) -> None:
    """Open each file without waiting; raises CannotOpen, or NotFound if its disk is offline."""
    opener = _opener()
    for file in files:
        if not os.path.exists(file):  # noqa: PTH110 (bytes)
            raise NotFound(
                f"no such file: {os.fsdecode(file)}",
                remedy="photosd folders shows if its disk is not connected",
            )
    # macOS opens many files in one window; xdg-open takes one.
    groups = [files] if sys.platform == "darwin" else [[file] for file in files]
    started = [(_start([opener, *group]), group[0]) for group in groups]
    until = time.monotonic() + FAILS_WITHIN
    for running, file in started:
        try:
            code = running.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:  # the opener may have become the viewer: leave it running
            continue
        if code != 0:
            raise CannotOpen(
                f"{opener} could not open {os.fsdecode(file)} (exit code {code})", remedy=REMEDY
            )


def _opener() -> str:
    """The program that opens files by type."""
    if sys.platform == "darwin":
        return "/usr/bin/open"
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise CannotOpen("no display: DISPLAY and WAYLAND_DISPLAY are empty", remedy=REMEDY)
    found = shutil.which("xdg-open")
    if found is None:
        raise CannotOpen("xdg-open is not installed", remedy="sudo apt install xdg-utils")
    return found


def _start(line: list[str | bytes]) -> subprocess.Popen[bytes]:
    """Start a detached program that may outlive this one."""
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
