"""Tests event delivery: creates and deletes files in the runtime directory."""

from __future__ import annotations

import contextlib
import itertools
import threading
from pathlib import Path

PREFIX = "photosd-probe-"


class Probe:
    """Creates files in the probe directory and waits for their events.

    The kernel keeps the order of one watcher's events, so the event of a file means that all
    earlier ones have arrived.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._numbers = itertools.count()
        self._waiting: dict[bytes, threading.Event] = {}

    def prepare(self) -> None:
        """Create the directory, and delete files left by a killed daemon; raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self.directory.glob(f"{PREFIX}*"):
            left.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the directory, unless it contains other files."""
        with contextlib.suppress(OSError):
            self.directory.rmdir()

    def send(self) -> tuple[bytes, threading.Event]:
        """Create a file; the event is set when its event arrives. Any thread."""
        name = f"{PREFIX}{next(self._numbers)}"
        heard = self._waiting[name.encode()] = threading.Event()
        file = self.directory / name
        with contextlib.suppress(OSError):  # then no event will arrive, which is the truth
            file.touch(mode=0o600)
            file.unlink(missing_ok=True)
        return name.encode(), heard

    def heard(self, name: bytes) -> None:
        """The event of this file arrived."""
        if (waiting := self._waiting.pop(name, None)) is not None:
            waiting.set()

    def cancel(self, name: bytes) -> None:
        """Stop waiting for this one."""
        self._waiting.pop(name, None)
