"""What photosd asks of a service manager of any kind, and what all of them need for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from photosd.service.recipe import NoManager, ServiceError

CALL_SECONDS = 90.0  # systemd waits for READY, at most TimeoutStartSec
NO_BUS = ("connect to bus", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
NO_BUS_REMEDY = (
    "log in as this user directly (not by su or sudo); for a machine without a desktop: "
    "loginctl enable-linger"
)


@dataclass(frozen=True)
class ServiceStatus:
    """How the service is set up. ``current``: its files are what would be written today."""

    manager: str
    installed: bool
    current: bool
    enabled: bool
    state: str
    detail: str
    serves: str | None
    files: list[str] = field(default_factory=list)


class Service(Protocol):
    """photosd as a service of this user. Every method may raise ServiceError."""

    def files(self) -> dict[Path, bytes]:
        """What has to be written, and where."""

    def check(self) -> None:
        """Raise ServiceError where `install` would fail; change nothing."""

    def install(self) -> bool:
        """Write the files, have it start at login, and start it; whether anything changed."""

    def uninstall(self) -> bool:
        """Stop it and leave nothing behind; whether there was anything."""

    def status(self) -> ServiceStatus:
        """How it is set up now."""

    def serves(self) -> str | None:
        """Which home it was installed for; from its files alone."""

    def start(self) -> None:
        """Have it running."""

    def stop(self) -> None:
        """Have it not running, and nothing that would start it again by itself."""


def call(command: Sequence[str], *, check: bool = True) -> str:
    """What a service manager's tool prints; raises ServiceError with its words when it fails."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=CALL_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise NoManager(
            f"there is no {command[0]} here",
            remedy="start photosd at login another way: photosd start",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ServiceError(
            f"`{' '.join(command)}` has not ended after {CALL_SECONDS:.0f} s",
            remedy="photosd logs",
        ) from error
    if check and done.returncode != 0:
        words = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        said = f"`{' '.join(command)}`: {words}"
        if any(sign in words for sign in NO_BUS):
            raise NoManager(said, remedy=NO_BUS_REMEDY)
        raise ServiceError(said, remedy="photosd service status; photosd logs")
    return done.stdout


def check_writable(directory: Path) -> None:
    """Raise ServiceError unless files can be made in ``directory``, or it can be made."""
    existing = next(place for place in (directory, *directory.parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise ServiceError(
            f"no file can be written to {directory}", remedy=f"check who owns {existing}"
        )


def refuse_strangers(files: Iterable[Path], ours: Callable[[Path], bool]) -> None:
    """Raise ServiceError where one of these files is there and not ``ours``: it is left alone."""
    for file in files:
        if file.is_file() and not ours(file):
            raise ServiceError(
                f"{file} was not written by photosd", remedy=f"move it away: mv '{file}' ~/"
            )


def replace_file(file: Path, content: bytes) -> bool:
    """Write a file whole or not at all; whether it had other content. 0644: it has no secrets."""
    try:
        if file.is_file() and file.read_bytes() == content:
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.new")
        draft.write_bytes(content)
        draft.chmod(0o644)
        draft.replace(file)
    except OSError as error:
        raise ServiceError(
            f"{file} cannot be written: {error.strerror}", remedy=f"check who owns {file.parent}"
        ) from error
    return True
