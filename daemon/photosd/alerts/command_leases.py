"""Leases: the files by which one process, and no second one, ever runs a command for a match."""

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

RUNNER = Path(__file__).with_name("command_runner.py")
INTERRUPTED = {"exit": None, "error": "it was killed before it had ended", "output": ""}


class CommandLeases:
    """A directory of leases; see command_runner.py for what is in one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def new(self) -> str:
        """A name nobody else has; nothing is made."""
        return secrets.token_hex(8)

    def launch(
        self, lease: str, seconds: float, argv: Sequence[bytes], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a launcher for it; it runs the command unless another one did. Raises OSError."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", RUNNER, self._file(lease), str(seconds), *argv],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,  # why it made no lease; its command has another
            start_new_session=True,  # Ctrl-C in the daemon's terminal is not meant for it
        )

    def result(self, lease: str) -> dict[str, Any] | None:
        """What the command came to; None: nobody has claimed it yet. Raises Running."""
        try:
            descriptor = os.open(self._file(lease), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            with contextlib.suppress(msgspec.MsgspecError):
                found = msgspec.json.decode(os.read(descriptor, 1 << 20))
                return dict(found)
            return INTERRUPTED
        except BlockingIOError as error:
            raise StillRunning from error
        finally:
            os.close(descriptor)

    def drop(self, lease: str) -> None:
        """It is written down elsewhere."""
        for file in (self._file(lease), *self._directory.glob(f"{lease}.*")):
            file.unlink(missing_ok=True)

    def sweep(self, kept: Collection[str]) -> None:
        """Drop all others: the daemon died between writing down and dropping."""
        for file in self._directory.glob("*"):
            if file.name.partition(".")[0] not in kept:
                file.unlink(missing_ok=True)

    def _file(self, lease: str) -> Path:
        return self._directory / lease


class StillRunning(Exception):
    """The command has not ended."""
