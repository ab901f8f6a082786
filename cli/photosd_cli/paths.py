"""Paths between people, the shell and the daemon: made absolute, shown short, written raw."""

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
    """The path as the daemon wants it: absolute, symlinks left alone, as bytes."""
    if not path:  # as a script's unset variable gives it; "here" cannot be meant
        raise BadRequest("the path is empty", remedy="name a file or a folder")
    whole = Path(path) if Path(path).is_absolute() else _working_directory() / path
    return os.path.normpath(os.fsencode(whole))


def raw(entry: Mapping[str, Any]) -> bytes:
    """The bytes of a path in a reply, as the file system has them."""
    if encoded := entry.get("path_b64"):
        import base64

        return base64.b64decode(encoded)
    return os.fsencode(entry["path"])


def shown(path: str) -> str:
    """A path to look at: on a terminal short (``~``, or below where one stands), always inert."""
    return text.inert(_shortened(path) if console.is_terminal(sys.stdout) else path)


def write(entry: Mapping[str, Any], *, end: bytes = b"\n") -> None:
    """One path on stdout for other programs, its bytes untouched; inert if a person is looking."""
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
    except OSError:  # it was deleted under us
        return ""


def _working_directory() -> Path:
    """Where the person stands, by the name they came in (the shell's, when it is true)."""
    named = Path(os.environ.get("PWD", ""))
    with contextlib.suppress(OSError):
        if named.is_absolute() and named.samefile("."):
            return named
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise BadRequest("the current directory is gone", remedy="cd somewhere else") from error
