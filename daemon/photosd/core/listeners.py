"""Listeners: functions to call when something has changed, whatever parts they belong to."""

from __future__ import annotations

from collections.abc import Callable


class Listeners:
    """Calls each listener that was added. Any thread may use it."""

    def __init__(self) -> None:
        self._calls: tuple[Callable[[], object], ...] = ()

    def add(self, call: Callable[[], object]) -> None:
        """Call it from now on."""
        self._calls += (call,)

    def remove(self, call: Callable[[], object]) -> None:
        """Call it no longer."""
        self._calls = tuple(one for one in self._calls if one != call)

    def notify(self) -> None:
        """Call all of them, in this thread."""
        for call in self._calls:
            call()
