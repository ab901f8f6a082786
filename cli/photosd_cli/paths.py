"""Paths between user, shell and daemon: made absolute, shortened and linked for display, raw."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photosd.core.errors import BadRequest
from photosd.core.socketpath import expanded
from photosd_cli import console, text

LINK_MODES = ("auto", "always", "never")
LONGEST_LINK = 2000  # bytes; terminals drop longer ones
# Terminals known to support links (OSC 8).
FIRST_VTE = 5000  # 0.50, the first version that draws links well
FIRST_TMUX = (3, 4)
PROGRAMS = frozenset(
    ("iTerm.app", "WezTerm", "ghostty", "vscode", "mintty", "rio", "Hyper", "Tabby", "zed")
)
SIGNS = ("KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID")
TERMS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour")


def absolute(path: str) -> bytes:
    """The absolute path as bytes, symlinks not resolved."""
    if not path:  # an empty variable in a script; not the current directory
        raise BadRequest("the path is empty", remedy="name a file or a folder")
    whole = Path(path) if Path(path).is_absolute() else _working_directory() / path
    return os.path.normpath(os.fsencode(whole))


def raw(entry: Mapping[str, Any]) -> bytes:
    """The bytes of a path in a reply, as on disk."""
    if encoded := entry.get("path_b64"):
        import base64

        return base64.b64decode(encoded)
    return os.fsencode(entry["path"])


def shown(path: str) -> str:
    """A path for display, inert; short on a terminal (``~``, or relative to the current
    directory).
    """
    if console.is_terminal(sys.stdout):
        here = ""
        with contextlib.suppress(OSError):  # it was deleted meanwhile
            here = str(Path.cwd())
        if rest := _below(path, here):
            path = f"./{rest}" if rest.startswith(("-", "~")) else rest
        else:
            path = below_home(path)
    return text.inert(path)


def below_home(path: str) -> str:
    """The same path; the user's home directory is ``~``."""
    rest = _below(path, str(expanded("~")))
    return f"~/{rest}" if rest else path


def _below(path: str, base: str) -> str:
    """The path relative to ``base``; empty if it is not below, or ``base`` is unknown."""
    if base in ("", "/", "~") or not path.startswith(base + "/"):
        return ""
    return path[len(base) + 1 :]


def write(entry: Mapping[str, Any], *, end: bytes = b"\n") -> None:
    """Write a path on stdout for programs, bytes unchanged; inert on a terminal."""
    if end == b"\n" and console.is_terminal(sys.stdout):
        console.out(text.inert(entry["path"]))
    else:
        console.out_bytes(raw(entry) + end)


def _working_directory() -> Path:
    """The current directory, by the shell's name for it if correct."""
    named = Path(os.environ.get("PWD", ""))
    with contextlib.suppress(OSError):
        if named.is_absolute() and named.samefile("."):
            return named
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise BadRequest(
            "the current directory was deleted", remedy="cd to another directory"
        ) from error


# -- links ----------------------------------------------------------------------------------------


def file_url(path: bytes, host: str = "") -> str:
    """The URL of a file; its bytes are percent-encoded."""
    from urllib.parse import quote_from_bytes

    return f"file://{host}{quote_from_bytes(path)}"


def shortened(path: str, columns: int) -> str:
    """The end of ``path`` that fits in ``columns``, after ``…``; a cut name starts at a slash if
    one is near.
    """
    if console.cells(path) <= columns or not console.can_write("…"):
        return path
    start = len(path)
    room = columns - 1
    while start and console.cells(path[start - 1 :]) <= room:
        start -= 1
    slash = path.find("/", start, -1)
    name = path.rfind("/", 0, -1)
    return "…" + path[slash if 0 <= slash <= max(name, start) else start :]


def linked(entry: Mapping[str, Any], mode: str = "auto", columns: int | None = None) -> str:
    """The path in a reply for display, clickable if links are enabled.

    ``columns``: those that it may take; None for the whole path.
    """
    words = shown(entry["path"])
    if columns is not None:
        words = shortened(words, columns)
    if not links_wanted(mode):
        return words
    import socket

    url = file_url(raw(entry), socket.gethostname())
    return words if len(url) > LONGEST_LINK else f"\x1b]8;;{url}\x1b\\{words}\x1b]8;;\x1b\\"


def links_wanted(mode: str) -> bool:
    """Whether to write links on stdout."""
    return mode == "always" or (mode == "auto" and console.is_terminal(sys.stdout) and _capable())


def _capable() -> bool:
    """Whether the environment names a terminal with link support; the terminal is not queried."""
    told = os.environ.get
    term, program = told("TERM", ""), told("TERM_PROGRAM", "")
    if term == "dumb" or told("CI") or told("STY") or told("INSIDE_EMACS"):
        return False
    if told("TMUX"):
        version = map(int, re.findall(r"\d+", told("TERM_PROGRAM_VERSION", "")))
        return program == "tmux" and tuple(version) >= FIRST_TMUX
    if vte := told("VTE_VERSION"):
        return vte.isdecimal() and int(vte) >= FIRST_VTE
    return program in PROGRAMS or term.startswith(TERMS) or any(map(told, SIGNS))
