"""Asking ourselves whether we still hear: files that come and go in the runtime directory."""

from __future__ import annotations

import contextlib
import itertools
import threading
from pathlib import Path

PREFIX = "photosd-probe-"


class Probe:
    """Makes files in the probe directory and waits for the watcher to hear of them.

    The kernel keeps the order of one watcher's events, so hearing of a file means that everything
    before it was heard too.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._numbers = itertools.count()
        self._waiting: dict[bytes, threading.Event] = {}

    def prepare(self) -> None:
        """Make the directory, and sweep what a killed daemon left in it; raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self.directory.glob(f"{PREFIX}*"):
            left.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the directory, unless somebody else has put something into it."""
        with contextlib.suppress(OSError):
            self.directory.rmdir()

    def send(self) -> tuple[bytes, threading.Event]:
        """Make a file that shall be heard of; the event is set when it was. Any thread."""
        name = f"{PREFIX}{next(self._numbers)}"
        heard = self._waiting[name.encode()] = threading.Event()
        file = self.directory / name
        with contextlib.suppress(OSError):  # then nothing will be heard, which is the truth
            file.touch(mode=0o600)
            file.unlink(missing_ok=True)
        return name.encode(), heard

    def heard(self, name: bytes) -> None:
        """A file of this name was heard of."""
        if (waiting := self._waiting.pop(name, None)) is not None:
            waiting.set()

    def give_up(self, name: bytes) -> None:
        """Nobody waits for this one any more."""
        self._waiting.pop(name, None)
