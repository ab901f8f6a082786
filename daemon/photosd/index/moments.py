"""When a photo was taken: the one place that decides, for filters, answers and `photosd show`.

In order: what the photo and its sidecars state (`decode.date_taken`, `decode.merging`), the names
of its files, the names of their folders, the time of modification. `docs/reference/metadata.md` is
the order as users read it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from photosd.core import wall_clock
from photosd.decode.messages import TakenFrom
from photosd.index.path_dates import PathDate, Precision, of_file, of_folders

PRECISIONS: tuple[Precision, ...] = ("second", "day", "month", "year")  # the best first

LOOKS: tuple[tuple[Callable[[bytes], PathDate | None], TakenFrom], ...] = (
    (of_file, "file name"),
    (of_folders, "folder name"),
)


class Moment(msgspec.Struct, frozen=True):
    """``clock``: local time where it was taken, with its zone if known; if only the moment is
    known, this machine's time. ``unix``: Unix seconds, if in range. ``source``: where the date came
    from; None: unknown, as photosd 0.1 did not record it.
    """

    clock: datetime.datetime
    unix: float | None
    source: TakenFrom | None
    precision: Precision = "second"
    local: bool = True

    @property
    def wall(self) -> float:
        """Wall-clock seconds (core.wall_clock)."""
        return wall_clock.wall_seconds(self.clock)

    def facts(self) -> dict[str, Any]:
        """As facts of the photo: ``taken``, ``taken_at``, ``taken_from``, ``taken_precision``."""
        found = {
            "taken": self.clock.isoformat() if self.local else None,
            "taken_at": self.unix,
            "taken_from": self.source,
            "taken_precision": None if self.precision == "second" else self.precision,
        }
        return {name: fact for name, fact in found.items() if fact is not None}


def moment_of(
    facts: Mapping[str, Any], paths: Iterable[bytes], modified: float | None
) -> Moment | None:
    """When the photo with these facts (see decode.messages.Facts) at these paths was taken.

    ``modified``: the earliest time of modification of its files, Unix seconds.
    """
    source = facts.get("taken_from")
    if (taken := facts.get("taken")) is not None:
        clock, stated = datetime.datetime.fromisoformat(taken), facts.get("taken_precision")
        precision = next((one for one in PRECISIONS if one == stated), PRECISIONS[0])
        return Moment(clock, facts.get("taken_at"), source, precision)
    if (unix := facts.get("taken_at")) is not None:
        return _here(unix, source)
    paths = list(paths)
    for look, named in LOOKS:
        if (found := _best(look, paths)) is not None:
            return _of_name(found, named)
    return None if modified is None else _here(modified, "modified")


def _best(look: Callable[[bytes], PathDate | None], paths: Iterable[bytes]) -> PathDate | None:
    """The most precise date of several names, then the first."""
    found = [date for path in paths if (date := look(path)) is not None]
    return min(found, key=lambda date: PRECISIONS.index(date.precision), default=None)


def _of_name(found: PathDate, source: TakenFrom) -> Moment | None:
    try:
        unix = found.clock.timestamp()
    except (OverflowError, OSError, ValueError):
        unix = None
    if found.clock.tzinfo is not None and unix is not None:  # UTC says nothing of the local time
        return _here(unix, source)
    return Moment(found.clock, unix, source, found.precision)


def _here(unix: float, source: TakenFrom | None) -> Moment | None:
    """A moment whose local time is unknown: this machine's counts."""
    try:
        return Moment(wall_clock.shown_here(unix), unix, source, local=False)
    except OverflowError:
        return None
