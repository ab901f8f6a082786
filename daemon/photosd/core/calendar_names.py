"""Names of months and weekdays in ten languages: Unicode's CLDR (release/calendar_names.py)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal, NamedTuple

from photosd.core.wording import fold

TABLE = Path(__file__).with_suffix(".tsv")


class CalendarName(NamedTuple):
    """A name of a month (M, from 1) or a weekday (W; 0: Monday)."""

    language: str
    kind: Literal["M", "W"]
    number: int
    name: str


@functools.cache
def calendar_names() -> tuple[CalendarName, ...]:
    """All of them, abbreviations included."""
    found = []
    for line in TABLE.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            language, kind, number, name = line.split("\t")
            found.append(CalendarName(language, "M" if kind == "M" else "W", int(number), name))
    return tuple(found)


@functools.cache
def months() -> dict[str, int]:
    """The numbers of months by their names, folded (core/wording.py)."""
    return {fold(one.name): one.number for one in calendar_names() if one.kind == "M"}
