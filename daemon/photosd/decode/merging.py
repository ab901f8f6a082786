"""Merges the facts of a content with those of the sidecars of its photos.

A sidecar's facts replace the photo's own, because a user or a program has corrected them later.
Tags, people and what was unreadable or refused are united, and location fields of one place stay
together. A date from Google Takeout only fills a missing one, or replaces one that only GPS tells.
The first sidecar that states a fact counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from photosd.decode.locations import FIELDS, joined
from photosd.decode.texts import each_once

UNITED = ("tags", "people", "unreadable", "refused_dates")
DATE = ("taken", "taken_at", "taken_from", "taken_precision")
PLACE = ("latitude", "longitude")
CLOCK = len("2019-08-03T10:00:00")
FINE_CLOCK = len("2019-08-03T10:00:00.123000")
LENGTHS = {"year": len("2019"), "month": len("2019-08"), "day": len("2019-08-03")}


def merged(own: Mapping[str, Any], sidecars: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Facts by the names of `decode.messages.Facts`: ``own``, corrected by each of ``sidecars``,
    the most important first.
    """
    every = [*sidecars, own]
    found: dict[str, Any] = {}
    for facts in every:
        hidden = {*DATE, *UNITED, *FIELDS, *(PLACE if found.keys() & set(PLACE) else ())}
        stated = {name: fact for name, fact in facts.items() if fact is not None}
        found = {name: fact for name, fact in stated.items() if name not in hidden} | found
    found |= joined(every)
    dated = [facts for facts in every if any(facts.get(name) is not None for name in DATE[:2])]
    if dated:
        best = min(dated, key=_rank)
        if _is_more_precise(own, best):
            best = own
        found |= {name: best[name] for name in DATE if best.get(name) is not None}
    for name in UNITED:
        if words := each_once(word for facts in (own, *every) for word in _words(facts.get(name))):
            found[name] = list(words)
    return found


def merged_facts(own: str | None, sidecars: str | None) -> str:
    """`merged` as a function of SQL: JSON of an object, and of a list of objects.

    Whatever is damaged counts as empty.
    """
    every = [one for one in _decoded(sidecars, list) if isinstance(one, dict)]
    if not every and own:
        facts: dict[str, Any] = _decoded(own, dict)
        return own if facts else "{}"
    return msgspec.json.encode(merged(_decoded(own, dict), every)).decode()


def _words(stated: object) -> list[str]:
    """The texts of a list; none if it is damaged."""
    return (
        [one for one in stated if isinstance(one, str)] if isinstance(stated, list | tuple) else []
    )


def _rank(facts: Mapping[str, Any]) -> int:
    """The least is the most reliable date; of equal ones the first counts."""
    ranks = {"sidecar": 0, "xmp": 2, "exif changed": 3, "takeout": 4, "gps": 5}
    return ranks.get(str(facts.get("taken_from")), 1)


def _is_more_precise(own: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a sidecar repeats the photo's clock without its zone and its fraction of a second, or
    only its day, month or year.
    """
    clock, repeated = str(own.get("taken") or ""), str(other.get("taken") or "")
    length, least = (LENGTHS.get(str(one.get("taken_precision")), CLOCK) for one in (other, own))
    if length < CLOCK:
        return length < least and clock[:length] == repeated[:length]
    if len(repeated) not in (CLOCK, FINE_CLOCK):  # it has a zone
        return False
    # darktable writes fractions, zeros too, but no zone.
    zoned = len(clock) not in (CLOCK, FINE_CLOCK)
    return clock.startswith(repeated[:CLOCK] if zoned else repeated)


def _decoded(text: str | None, kind: type) -> Any:
    try:
        found = msgspec.json.decode(text or "null")
    except (msgspec.DecodeError, UnicodeError):
        found = None
    return found if isinstance(found, kind) else kind()
