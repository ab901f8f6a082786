"""Painted pictures as new photos, and a program that notes what it is run for."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from photosd_cli.commands.demo import PICTURES


def write(path: Path | bytes, name: str) -> float:
    """Write one that never was before, in two parts; when the last was written, Unix seconds."""
    picture = (PICTURES / f"{name}.jpg").read_bytes()
    start, rest = picture[:2], picture[2:]
    data = start + b"\xff\xfe\x00\x12" + secrets.token_bytes(16) + rest  # a comment
    with open(path, "wb") as file:  # noqa: PTH123 (bytes)
        file.write(data[: len(data) // 2])
        file.flush()
        time.sleep(0.05)
        file.write(data[len(data) // 2 :])
    return time.time()


def noted(file: Path) -> list[bytes]:
    """What a recorder has noted so far."""
    return file.read_bytes().split(b"\0")[:-1] if file.exists() else []


def recorder(directory: Path, name: str = "record") -> tuple[str, Path]:
    """A program that notes its arguments, and the file it notes them in."""
    program, notes = directory / name, directory / f"{name}.noted"
    program.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" >> '{notes}'\n")
    program.chmod(0o755)
    return os.fspath(program), notes


def eventually(condition: Callable[[], bool], seconds: float = 40.0) -> None:
    """Wait for it; how soon is measured elsewhere."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not become true in time"
        time.sleep(0.05)
