"""The service under launchd: an agent of the user's desktop session. Not yet run on a Mac."""

from __future__ import annotations

import os
from pathlib import Path

from photosd.core.socketpath import expanded
from photosd.service import units
from photosd.service.manager import (
    ServiceStatus,
    call,
    check_writable,
    refuse_strangers,
    replace_file,
)
from photosd.service.recipe import Recipe


class Launchd:
    """photosd's agent in ~/Library/LaunchAgents."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._file = expanded("~/Library/LaunchAgents") / f"{units.LABEL}.plist"
        self._domain = f"gui/{os.getuid()}"
        self._target = f"{self._domain}/{units.LABEL}"

    def files(self) -> dict[Path, bytes]:
        """The agent's property list."""
        return {self._file: units.launchd_agent(self._recipe)}

    def check(self) -> None:
        """The desktop session exists, and the agent's file would not replace another program's."""
        call(["launchctl", "print", self._domain])
        check_writable(self._file.parent)
        self._refuse_stranger()

    def install(self) -> bool:
        """Idempotent; a loaded agent with other content is reloaded."""
        self._refuse_stranger()
        self._recipe.home.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        changed = [replace_file(file, content) for file, content in self.files().items()]
        if any(changed):
            call(["launchctl", "bootout", self._target], check=False)
        call(["launchctl", "enable", self._target])
        self.start()
        return any(changed)

    def uninstall(self) -> bool:
        """Stop the agent and remove its file."""
        if not self._file.exists():
            return False
        self._refuse_stranger()
        self.stop()
        self._file.unlink(missing_ok=True)
        return True

    def status(self) -> ServiceStatus:
        """State from the file and launchd."""
        data = self._file.read_bytes() if self._file.is_file() else b""
        printed = call(["launchctl", "print", self._target], check=False)
        states = [line.split("=")[1].strip() for line in printed.splitlines() if "state =" in line]
        return ServiceStatus(
            manager="launchd",
            installed=bool(data),
            current=data == units.launchd_agent(self._recipe),
            enabled=bool(printed),
            state=states[0] if states else "stopped",
            detail="",
            serves=self.serves(),
            files=[str(self._file)] if data else [],
        )

    def serves(self) -> str | None:
        """The home in the agent's file."""
        return units.served_by_agent(self._file.read_bytes()) if self._file.is_file() else None

    def start(self) -> None:
        """Load the agent (which starts it); restart one that is loaded and has ended."""
        if not call(["launchctl", "print", self._target], check=False):
            call(["launchctl", "bootstrap", self._domain, str(self._file)])
        call(["launchctl", "kickstart", self._target])

    def stop(self) -> None:
        """Unload the agent until the next login or `photosd start`."""
        if call(["launchctl", "print", self._target], check=False):
            call(["launchctl", "bootout", self._target])

    def _refuse_stranger(self) -> None:
        refuse_strangers(
            [self._file], lambda file: units.served_by_agent(file.read_bytes()) is not None
        )
