"""Attributes replaced or removed, and put back by `undo`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ABSENT = object()


def words(text: str) -> list[str]:
    """A list written as words."""
    return text.split()


class Patches:
    """Everything that is pretended in this process, in order."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []
        self.also: list[Callable[[], object]] = []  # called by `undo`

    def replace(self, owner: Any, name: str, value: Any) -> Any:
        """Set an attribute, new or not; returns the one before, `ABSENT` if there was none."""
        before = vars(owner).get(name, ABSENT)
        self._before.append((owner, name, before))
        setattr(owner, name, value)
        return before

    def remove(self, owner: Any, *names: str) -> None:
        """Delete the attributes that exist."""
        for name in names:
            if name in vars(owner):
                self._before.append((owner, name, vars(owner)[name]))
                delattr(owner, name)

    def undo(self) -> None:
        """Put everything back, last first."""
        for owner, name, before in reversed(self._before):
            if before is ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        self._before.clear()
        while self.also:
            self.also.pop()()
