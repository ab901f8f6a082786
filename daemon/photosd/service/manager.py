"""The interface of service managers, and shared helpers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from photosd.core.atomic_write import replace_file
from photosd.service.service_spec import NoManager, ServiceError

CALL_SECONDS = 90.0  # systemd waits for READY, at most TimeoutStartSec
NO_BUS = ("connect to bus", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
NO_BUS_REMEDY = (
    "log in as this user directly (not by su or sudo); for a machine without a desktop: "
    "loginctl enable-linger"
)


@dataclass(frozen=True)
class ServiceStatus:
    """State of the service. ``current``: its files are what would be written now.

    ``trouble``: how it fails although it may run right now, "" if it does not.
    """

    manager: str
    installed: bool
    current: bool
    enabled: bool
    state: str
    detail: str
    serves: str | None
    files: list[str] = field(default_factory=list)
    trouble: str = ""


class Service(Protocol):
    """photosd as a service of this user. Every method may raise ServiceError."""

    def files(self) -> dict[Path, bytes]:
        """The files to write, with paths."""

    def check(self) -> None:
        """Raise ServiceError if `install` would fail; change nothing."""

    def install(self) -> bool:
        """Write the files, enable and start the service; returns whether anything changed."""

    def uninstall(self) -> bool:
        """Stop and remove the service; returns whether there was one."""

    def status(self) -> ServiceStatus:
        """The current state."""

    def serves(self) -> str | None:
        """The home it was installed for; from its files only."""

    def start(self) -> None:
        """Start it."""

    def stop(self) -> None:
        """Stop it, including everything that would start it again."""


def call(command: Sequence[str], *, check: bool = True) -> str:
    """The output of a service manager's tool; raises ServiceError with its message if it fails."""
    done = run_tool(command)
    if check and done.returncode != 0:
        raise tool_failed(command, done.stderr or done.stdout, done.returncode)
    return done.stdout


def run_tool(
    command: Sequence[str], *, seconds: float = CALL_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run a service manager's tool; raises NoManager without it, ServiceError if it hangs."""
    try:
        return subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise NoManager(
            f"{command[0]} is not installed",
            remedy="start photosd at login another way: photosd start",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ServiceError(
            f"`{' '.join(command)}` did not finish within {seconds:.0f} s", remedy="photosd logs"
        ) from error


def tool_failed(command: Sequence[str], output: str, code: int) -> ServiceError:
    """The error for a tool that failed, with its message."""
    words = output.strip() or f"exit code {code}"
    said = f"`{' '.join(command)}`: {words}"
    if any(sign in words for sign in NO_BUS):
        return NoManager(said, remedy=NO_BUS_REMEDY)
    return ServiceError(said, remedy="photosd service status; photosd logs")


def check_writable(directory: Path) -> None:
    """Raise ServiceError unless files can be created in ``directory``, or it can be created."""
    existing = next(place for place in (directory, *directory.parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise ServiceError(f"{directory} is not writable", remedy=f"check who owns {existing}")


def refuse_foreign_files(files: Iterable[Path], ours: Callable[[Path], bool]) -> None:
    """Raise ServiceError if one of these files exists and is not ``ours``: it is not changed."""
    for file in files:
        if file.is_file() and not ours(file):
            raise ServiceError(
                f"{file} was not written by photosd", remedy=f"move it away: mv '{file}' ~/"
            )


def install_file(file: Path, content: bytes) -> bool:
    """Write a file; returns whether its content changed. 0644: it has no secrets."""
    try:
        if file.is_file() and file.read_bytes() == content:
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, content, 0o644)
    except OSError as error:
        raise ServiceError(
            f"{file} cannot be written: {error.strerror}", remedy=f"check who owns {file.parent}"
        ) from error
    return True
