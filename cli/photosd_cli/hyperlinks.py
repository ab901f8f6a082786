"""Clickable paths: file URLs, and OSC 8 links on terminals known to support them."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

from photosd_cli import console, paths

MODES = ("auto", "always", "never")
AS_THEY_ARE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
LONGEST = 2000  # bytes of a link; terminals drop longer ones
FIRST_VTE = 5000  # 0.50, the first version that draws links well
FIRST_TMUX = (3, 4)

PROGRAMS = frozenset(
    ("iTerm.app", "WezTerm", "ghostty", "vscode", "mintty", "rio", "Hyper", "Tabby", "zed")
)
SIGNS = ("KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID")
TERMS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour")


def file_url(path: bytes, host: str = "") -> str:
    """The URL of a file; its bytes are percent-encoded."""
    encoded = "".join(chr(byte) if byte in AS_THEY_ARE else f"%{byte:02X}" for byte in path)
    return f"file://{host}{encoded}"


def linked(words: str, entry: Mapping[str, Any], mode: str = "auto") -> str:
    """``words`` (made inert) as a link to the path in a reply, if links are enabled."""
    if not wanted(mode):
        return words
    url = file_url(paths.raw(entry), socket.gethostname())
    return words if len(url) > LONGEST else f"\x1b]8;;{url}\x1b\\{words}\x1b]8;;\x1b\\"


def wanted(mode: str) -> bool:
    """Whether to write links on stdout."""
    return mode == "always" or (mode == "auto" and console.is_terminal(sys.stdout) and _capable())


def _capable() -> bool:
    """Whether the environment names a terminal with link support; the terminal is not queried."""
    told = os.environ.get
    term, program = told("TERM", ""), told("TERM_PROGRAM", "")
    if term == "dumb" or told("CI") or told("STY") or told("INSIDE_EMACS"):
        return False
    if told("TMUX"):
        return program == "tmux" and _numbers(told("TERM_PROGRAM_VERSION", "")) >= FIRST_TMUX
    if vte := told("VTE_VERSION"):
        return vte.isdecimal() and int(vte) >= FIRST_VTE
    return program in PROGRAMS or term.startswith(TERMS) or any(map(told, SIGNS))


def _numbers(version: str) -> tuple[int, ...]:
    """``3.4a`` as (3, 4)."""
    parts = version.split(".")
    digits = ("".join(c for c in part if c.isdecimal()) for part in parts)
    return tuple(int(part) for part in digits if part)
