"""Opens files in the desktop's programs, shows them in its file manager, copies them."""

from __future__ import annotations

import base64
import contextlib
import mimetypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from photosd.core.errors import NotFound, PhotosdError
from photosd_cli import console
from photosd_cli.paths import file_url

MAX_WINDOWS = 10  # windows at once
FAILS_WITHIN = 1.5  # seconds; after that the program counts as started
REMEDY = "open the printed path in a file manager or a browser"
CLIPBOARD_REMEDY = "install wl-clipboard (Wayland) or xclip (X11)"
# pbcopy reads the encoding from it; without one, as in some terminals, é became √©.
UTF_8 = {"LC_ALL": "en_US.UTF-8"}
PROGRAM_SECONDS = 10
SHOW_ITEMS = (
    *("dbus-send", "--session", "--print-reply", "--reply-timeout=3000"),
    *("--dest=org.freedesktop.FileManager1", "/org/freedesktop/FileManager1"),
    "org.freedesktop.FileManager1.ShowItems",
)


class CannotOpen(PhotosdError):
    """The desktop has no program for it, or there is no desktop."""

    code, title, exit_code = "cannot_open", "No program can open this file", 1


def open_files(files: list[bytes]) -> None:
    """Open each file without waiting; raises NotFound for one that is not there, or CannotOpen."""
    _refuse_missing(files)
    if not files:
        return
    opener = _opener(files[0])
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


def _refuse_missing(files: list[bytes]) -> None:
    for file in files:
        if not os.path.exists(file):  # noqa: PTH110 (bytes)
            raise NotFound(
                f"no such file: {os.fsdecode(file)}",
                remedy="it was moved or deleted, or its disk is not connected: photosd folders",
            )


def _opener(file: bytes) -> str:
    """The program that opens files by type; ``file`` is the one to open."""
    if sys.platform == "darwin":
        return "/usr/bin/open"
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise CannotOpen(
            f"no display for {os.fsdecode(file)}: DISPLAY and WAYLAND_DISPLAY are empty",
            remedy=REMEDY,
        )
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


def reveal_files(files: list[bytes]) -> None:
    """Show files selected in the file manager, or their folders if it cannot select."""
    _refuse_missing(files)
    if sys.platform == "darwin":
        _run(["/usr/bin/open", "-R", *files])
        return
    _opener(files[0])  # refuses without a display
    if shutil.which("dbus-send"):
        urls = ",".join(map(file_url, files))  # a comma in a name is percent-encoded
        line = [*SHOW_ITEMS, f"array:string:{urls}", "string:"]
        with contextlib.suppress(CannotOpen):
            _run(line)
            return
    open_files(list(dict.fromkeys(os.path.dirname(file) for file in files)))  # noqa: PTH120 (bytes)


def copy_text(words: bytes) -> None:
    """Put text on the clipboard; through the terminal itself (OSC 52) if no program does it."""
    if copy_by_program(words):
        return
    if not console.is_terminal(sys.stderr):
        raise CannotOpen("no program for the clipboard", remedy=CLIPBOARD_REMEDY)
    sys.stderr.write(f"\x1b]52;c;{base64.b64encode(words).decode()}\x07")
    sys.stderr.flush()


def copy_by_program(words: bytes) -> bool:
    """Put text on the clipboard by a program; whether there is one."""
    for line in _clipboard_programs():
        if shutil.which(line[0]):
            _run(line, given=words, environment=UTF_8 if line[0] == "pbcopy" else None)
            return True
    return False


def copy_picture(file: bytes) -> None:
    """Put a picture on the clipboard, as a file on macOS."""
    _refuse_missing([file])
    kind = mimetypes.guess_type(os.fsdecode(file))[0] or "image/jpeg"
    if sys.platform == "darwin":
        script = "on run argv\nset the clipboard to (POSIX file (item 1 of argv))\nend run"
        _run(["/usr/bin/osascript", "-e", script, file])
    elif os.environ.get("WAYLAND_DISPLAY") and shutil.which("wl-copy"):
        with open(file, "rb") as stream:  # noqa: PTH123 (bytes)
            _run(["wl-copy", "--type", kind], given=stream.read())
    elif os.environ.get("DISPLAY") and shutil.which("xclip"):
        _run(["xclip", "-selection", "clipboard", "-t", kind, "-i", file])
    else:
        raise CannotOpen("no program for pictures on the clipboard", remedy=CLIPBOARD_REMEDY)


def _clipboard_programs() -> list[tuple[str, ...]]:
    if sys.platform == "darwin":
        return [("pbcopy",)]
    programs: list[tuple[str, ...]] = []
    if os.environ.get("WAYLAND_DISPLAY"):
        programs.append(("wl-copy",))
    if os.environ.get("DISPLAY"):
        programs += [("xclip", "-selection", "clipboard"), ("xsel", "--clipboard", "--input")]
    return programs


def _run(
    line: Sequence[str | bytes], *, given: bytes = b"", environment: Mapping[str, str] | None = None
) -> None:
    """Run a program to its end with ``given`` on stdin; raises CannotOpen."""
    try:
        done = subprocess.run(
            line,
            input=given,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PROGRAM_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotOpen(f"{error}", remedy=REMEDY) from error
    if done.returncode != 0:
        raise CannotOpen(
            f"{os.fsdecode(line[0])} failed (exit code {done.returncode})", remedy=REMEDY
        )
