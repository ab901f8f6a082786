"""What a service runs: command, environment, socket and directories."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import photosd
from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.core.socketpath import expanded

PLACES = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")


class ServiceError(PhotosdError):
    """The service manager cannot do what was asked."""

    code, title, exit_code = "service", "The service cannot be set up", 1


class NoManager(ServiceError):
    """No service manager responds in this session."""


@dataclass(frozen=True)
class ServiceSpec:
    """All data for a unit. ``socket`` is None if it is in the session's runtime directory."""

    command: tuple[str, ...]
    environment: dict[str, str]
    socket: Path | None
    home: Home

    @classmethod
    def here(cls) -> ServiceSpec:
        """The spec for this Python, this photosd and the home in this environment."""
        home = Home.from_environment()
        # Not resolved: a virtual environment's python is a link, and its name matters.
        command = (sys.executable, "-P", "-m", "photosd")
        named = "PHOTOSD_HOME" in _environment()
        return cls(command, _environment(), home.socket if named else None, home)

    @property
    def serves(self) -> str:
        """The name of the home in units, to distinguish services of several homes."""
        return str(self.home.state)

    def texts(self) -> list[str]:
        """All texts in a unit."""
        return [*self.command, *self.environment.values(), self.serves, str(self.socket or "")]

    def check(self) -> None:
        """Raises ServiceError if a name cannot be written into a unit."""
        for text in self.texts():
            if not text.isprintable():  # newlines, and bytes that are not UTF-8
                raise ServiceError(
                    f"{text!r} has characters that are invalid in a unit",
                    remedy="rename the directory",
                )


def _environment() -> dict[str, str]:
    """Variables of this environment that determine where photosd's files and code are."""
    if home := os.environ.get("PHOTOSD_HOME"):
        kept = {"PHOTOSD_HOME": str(expanded(home).absolute())}
    else:
        kept = {name: os.environ[name] for name in PLACES if os.environ.get(name)}
    paths = [str(Path(p).absolute()) for p in os.environ.get("PYTHONPATH", "").split(":") if p]
    if str(Path(photosd.__file__).parents[1]) in paths:  # a checkout that is not installed
        kept["PYTHONPATH"] = ":".join(paths)
    return kept
