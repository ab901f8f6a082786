"""Claims: the files by which one process, and no second one, ever runs a command for a match."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

LAUNCHER = Path(__file__).with_name("launcher.py")
INTERRUPTED = {"exit": None, "error": "it was killed before it had ended", "output": ""}


class Claims:
    """A directory of claims; see launcher.py for what is in one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def new(self) -> str:
        """A name nobody else has; nothing is made."""
        return secrets.token_hex(8)

    def launch(
        self, claim: str, seconds: float, argv: Sequence[bytes], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a launcher for it; it runs the command unless another one did. Raises OSError."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", LAUNCHER, self._file(claim), str(seconds), *argv],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,  # why it made no claim; its command has another
            start_new_session=True,  # Ctrl-C in the daemon's terminal is not meant for it
        )

    def result(self, claim: str) -> dict[str, Any] | None:
        """What the command came to; None: nobody has claimed it yet. Raises Running."""
        try:
            descriptor = os.open(self._file(claim), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            with contextlib.suppress(msgspec.MsgspecError):
                found = msgspec.json.decode(os.read(descriptor, 1 << 20))
                return dict(found)
            return INTERRUPTED
        except BlockingIOError as error:
            raise Running from error
        finally:
            os.close(descriptor)

    def drop(self, claim: str) -> None:
        """It is written down elsewhere."""
        for file in (self._file(claim), *self._directory.glob(f"{claim}.*")):
            file.unlink(missing_ok=True)

    def sweep(self, kept: Collection[str]) -> None:
        """Drop all others: the daemon died between writing down and dropping."""
        for file in self._directory.glob("*"):
            if file.name.partition(".")[0] not in kept:
                file.unlink(missing_ok=True)

    def _file(self, claim: str) -> Path:
        return self._directory / claim


class Running(Exception):
    """The command has not ended."""
