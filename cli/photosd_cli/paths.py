"""Paths between user, shell and daemon: made absolute, shortened for display, written raw."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photosd.core.errors import BadRequest
from photosd.core.socketpath import expanded
from photosd_cli import console, text


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
    return text.inert(_shortened(path) if console.is_terminal(sys.stdout) else path)


def write(entry: Mapping[str, Any], *, end: bytes = b"\n") -> None:
    """Write a path on stdout for programs, bytes unchanged; inert on a terminal."""
    if end == b"\n" and console.is_terminal(sys.stdout):
        console.out(text.inert(entry["path"]))
    else:
        console.out_bytes(raw(entry) + end)


def _shortened(path: str) -> str:
    for base, instead in ((_here(), ""), (str(expanded("~")), "~/")):
        if base not in ("", "/", "~") and path.startswith(base + "/"):
            rest = path[len(base) + 1 :]
            return f"./{rest}" if not instead and rest.startswith(("-", "~")) else instead + rest
    return path


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted meanwhile
        return ""


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
