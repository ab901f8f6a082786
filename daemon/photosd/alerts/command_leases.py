"""Claims: files that ensure that exactly one process runs a command for a match."""

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
INTERRUPTED = {"exit": None, "error": "it was killed before it ended", "output": ""}


class CommandLeases:
    """A directory of leases; see command_runner.py for their content."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def new(self) -> str:
        """A unique name; no file is created."""
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
            stderr=subprocess.PIPE,  # why it created no lease; its command uses the other
            start_new_session=True,  # Ctrl-C in the daemon's terminal must not stop it
        )

    def result(self, lease: str) -> dict[str, Any] | None:
        """The result of the command; None: not claimed yet. Raises Running."""
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
        """Delete it; its result is stored elsewhere."""
        for file in (self._file(lease), *self._directory.glob(f"{lease}.*")):
            file.unlink(missing_ok=True)

    def sweep(self, kept: Collection[str]) -> None:
        """Delete all others: the daemon crashed between storing and deleting."""
        for file in self._directory.glob("*"):
            if file.name.partition(".")[0] not in kept:
                file.unlink(missing_ok=True)

    def _file(self, lease: str) -> Path:
        return self._directory / lease


class StillRunning(Exception):
    """The command has not ended."""
