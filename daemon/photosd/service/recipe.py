"""What a service has to run: the command, the environment, the socket and the directories."""

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
    """No service manager answers in this session."""


@dataclass(frozen=True)
class Recipe:
    """All a unit needs to know. ``socket`` is None where the session's runtime directory has it."""

    command: tuple[str, ...]
    environment: dict[str, str]
    socket: Path | None
    home: Home

    @classmethod
    def here(cls) -> Recipe:
        """The recipe of this Python, this photosd and the home that this environment names."""
        home = Home.from_environment()
        # Not resolved: a virtual environment's python is a link, and its name is what counts.
        command = (sys.executable, "-P", "-m", "photosd")
        named = "PHOTOSD_HOME" in _environment()
        return cls(command, _environment(), home.socket if named else None, home)

    @property
    def serves(self) -> str:
        """The name of the home in units, to tell one home's service from another's."""
        return str(self.home.state)

    def texts(self) -> list[str]:
        """Everything that ends up inside a unit."""
        return [*self.command, *self.environment.values(), self.serves, str(self.socket or "")]

    def check(self) -> None:
        """Raises ServiceError where a name cannot be written into a unit."""
        for text in self.texts():
            if not text.isprintable():  # newlines, and bytes that are not UTF-8
                raise ServiceError(
                    f"{text!r} has characters that no unit can hold",
                    remedy="give the directory a plainer name",
                )


def _environment() -> dict[str, str]:
    """What of this environment decides where photosd's files and its code are found."""
    if home := os.environ.get("PHOTOSD_HOME"):
        kept = {"PHOTOSD_HOME": str(expanded(home).absolute())}
    else:
        kept = {name: os.environ[name] for name in PLACES if os.environ.get(name)}
    paths = [str(Path(p).absolute()) for p in os.environ.get("PYTHONPATH", "").split(":") if p]
    if str(Path(photosd.__file__).parents[1]) in paths:  # a checkout that is not installed
        kept["PYTHONPATH"] = ":".join(paths)
    return kept
