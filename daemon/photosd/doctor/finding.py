"""A finding: a verdict, a message, and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from photosd.core.errors import PhotosdError

Verdict = Literal["ok", "warning", "fault", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor. A warning or fault always has a ``remedy``.

    If the remedy is safe, it can be applied: ``command`` are arguments of `photosd`, ``repair`` a
    function that raises OSError.
    """

    check: str
    verdict: Verdict
    says: str
    remedy: str | None = None
    command: tuple[str, ...] = ()
    repair: Callable[[], object] | None = None
    details: str | None = None

    @property
    def curable(self) -> bool:
        """Whether `photosd doctor --fix` can apply the remedy."""
        return bool(self.command or self.repair)


Findings = Iterator[Finding]


def ok(check: str, says: str) -> Finding:
    """A passed check."""
    return Finding(check, "ok", says)


def warning(check: str, says: str, remedy: str, *command: str) -> Finding:
    """A problem that does not affect results yet."""
    return Finding(check, "warning", says, remedy, command)


def fault(check: str, says: str, remedy: str, *command: str) -> Finding:
    """A problem that affects the user."""
    return Finding(check, "fault", says, remedy, command)


def failed(check: str, error: PhotosdError) -> Finding:
    """An error as a finding."""
    return Finding(check, "fault", f"{error.title}: {error}", error.remedy)


def unknown(check: str, says: str) -> Finding:
    """It could not be checked; another finding explains why."""
    return Finding(check, "unknown", says)
