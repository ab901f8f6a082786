"""Places: names for where photos were taken, by their coordinates or their location fields.

A thread that looks up contents whose facts are new or have changed, and writes the column
``contents.place``: a JSON object, see `Found`; null or ``{}`` without a place. The column
``unplaced`` is 1 for contents to look up, 2 for those that wait for the table of places.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from photosd.core.background import BackgroundLoop
from photosd.core.clock import Deadline
from photosd.core.errors import PlacesUnavailable
from photosd.core.query_priority import wait_for_queries
from photosd.index.database import UNWRITABLE, Database
from photosd.index.retries import Backoff
from photosd.places.gazetteer import Gazetteer
from photosd.places.table import Area, Place, Table

log = structlog.get_logger()

BATCH, WRITTEN_AT_ONCE = 500, 20  # contents
NOTIFY_SECONDS = 5.0  # labels are then updated for many contents at once
REST = 0.5  # of the time of a batch: searches and indexing come first
MAX_REST_SECONDS = 1.0  # a batch may have waited a minute for the table
NICENESS = 10
IDLE_SECONDS = 60.0
AGAIN_SECONDS = (60.0, 600.0, 3600.0)  # until the table is tried again
# The first condition lets SQLite use the index.
DUE, WAITING = "unplaced > 0 AND unplaced = 1", "unplaced > 0 AND unplaced = 2"
FIELDS = ("city", "sublocation", "region", "country", "country_code")

Facts = Mapping[str, Any]


class FoundPlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a content was taken. ``city``: the English name; ``hebrew``, ``local``: if known and
    another; ``names``: all names for searching, of the city, its part and its region;
    ``countries``: those of the country; ``km``: from the city's centre, if by coordinates.
    """

    city: str | None = None
    part: str | None = None
    hebrew: str | None = None
    local: str | None = None
    region: str | None = None
    country: str | None = None
    country_code: str | None = None
    km: float | None = None
    names: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


# What answers report.
REPORTED = ("city", "part", "region", "country", "country_code", "hebrew", "local", "km")


class Placing(BackgroundLoop):
    """Looks up places on each wake."""

    def __init__(
        self, database: Database, gazetteer: Gazetteer, on_places: Callable[[], object]
    ) -> None:
        """``on_places`` is called after places of contents have changed."""
        super().__init__("places")
        self._database, self._gazetteer, self._on_places = database, gazetteer, on_places
        self._backoff = Backoff()
        gazetteer.on_asked = self.wake
        database.changed.add(self.wake)

    def idle(self) -> bool:
        """Whether there is no work, except what waits for the table: making it takes a while."""
        if not self._gazetteer.ready:
            return True
        with self._database.read() as db:
            found = db.execute(f"SELECT 1 FROM contents WHERE {DUE} LIMIT 1")
            return found.fetchone() is None

    def stop(self, deadline: Deadline | None = None) -> None:
        """Stop the thread, and close the table."""
        super().stop(deadline)
        self._gazetteer.close()

    def run(self) -> None:
        """Until stopped, with low priority."""
        if sys.platform == "linux":  # elsewhere it would be the whole process
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        super().run()

    def work(self) -> float:
        """Look up all that are due, and rest in between."""
        self._make_needed_table()
        began = told = time.monotonic()
        found = False
        while not self.stopping.is_set() and self.turn():
            found = True
            self.stopping.wait(min(REST * (time.monotonic() - began), MAX_REST_SECONDS))
            began = time.monotonic()
            if began > told + NOTIFY_SECONDS:
                self._on_places()
                told, found = began, False
        if found:
            self._on_places()
        return IDLE_SECONDS

    def turn(self) -> bool:
        """Look up some; False if there were none. Raises StorageError."""
        with self._database.read() as db:
            rows = db.execute(
                f"SELECT content, facts FROM contents WHERE {DUE} LIMIT ?", (BATCH,)
            ).fetchall()
        if not rows:
            return False
        facts = {row["content"]: _decoded(row["facts"]) for row in rows}
        places = self._places(facts)
        for start in range(0, len(rows), WRITTEN_AT_ONCE):
            wait_for_queries()  # not within a transaction: others want to write
            self._write(rows[start : start + WRITTEN_AT_ONCE], places)
        return True

    def _write(self, rows: Sequence[Any], places: Mapping[str, FoundPlace | None]) -> None:
        with self._database.write() as db:
            for row in rows:
                try:
                    _keep(db, row["content"], row["facts"], places[row["content"]])
                except UNWRITABLE as error:
                    log.error("place_not_written", content=row["content"], cause=str(error))
                    _keep(db, row["content"], row["facts"], FoundPlace())

    def _places(self, facts: Mapping[str, Facts]) -> dict[str, FoundPlace | None]:
        """The place of each content; None if only the table knows, and it cannot be read."""
        places: dict[str, FoundPlace | None] = {content: FoundPlace() for content in facts}
        needed = [content for content, found in facts.items() if _is_located(found)]
        if not needed:
            return places
        if not self._gazetteer.ready:
            self._make_table()
        for content in needed:
            places[content] = None
        with contextlib.suppress(PlacesUnavailable), self._gazetteer.reading() as table:
            for content in needed:
                places[content] = place_of(facts[content], table)
        return places

    def _make_needed_table(self) -> None:
        """Make the table if a query needs it, or contents wait for it."""
        with self._database.read() as db:
            found = db.execute(f"SELECT 1 FROM contents WHERE {WAITING} LIMIT 1")
            waiting = found.fetchone() is not None
        if not (self._gazetteer.asked.is_set() or waiting):
            return
        self._make_table()
        if waiting and self._gazetteer.ready:
            with self._database.write(quiet=True) as db:
                db.execute(f"UPDATE contents SET unplaced = 1 WHERE {WAITING}")

    def _make_table(self) -> None:
        """Make the table if it is missing; a failure is reported once, and tried again later."""
        if self._backoff.seconds:
            return
        try:
            self._gazetteer.make(self.stopping)
        except PlacesUnavailable as error:
            if error.remedy != self._backoff.reason:
                log.warning(
                    "places_unavailable", title=error.title, cause=str(error), remedy=error.remedy
                )
            self._backoff.begin(error.remedy, AGAIN_SECONDS)
        else:
            self._backoff.reset(self._backoff.reason)


def _keep(db: Any, content: str, facts: str, place: FoundPlace | None) -> None:
    """Store a place; facts that changed meanwhile are looked up again."""
    if place is None:
        db.execute(
            "UPDATE contents SET unplaced = 2 WHERE content = ? AND facts = ?", (content, facts)
        )
        return
    text = msgspec.json.encode(place).decode()
    changed = db.execute(
        "UPDATE contents SET place = ?1 WHERE content = ?2 AND facts = ?3"
        " AND coalesce(place, '{}') <> ?1",
        (text, content, facts),
    ).rowcount
    db.execute("UPDATE contents SET unplaced = 0 WHERE content = ? AND facts = ?", (content, facts))
    if changed:
        db.execute(
            "INSERT INTO unfiled SELECT model, content FROM embedded WHERE content = ?"
            " ON CONFLICT DO NOTHING",
            (content,),
        )


def _is_located(facts: Facts) -> bool:
    """Whether it has coordinates or a location field."""
    return _coordinates(facts) is not None or any(_text(facts, name) for name in FIELDS)


def place_of(facts: Facts, table: Table) -> FoundPlace:
    """The place of a content with these facts; location fields are never guessed from others."""
    if (point := _coordinates(facts)) is not None and (near := table.nearest(*point)) is not None:
        km = None if near.place is None else near.km
        return _found(table, near.country, near.place, near.part, km)
    code = _country(facts, table)
    city = _text(facts, "city")
    return _found(table, code, _named(city, code, _text(facts, "region"), table) if city else None)


def _coordinates(facts: Facts) -> tuple[float, float] | None:
    latitude, longitude = facts.get("latitude"), facts.get("longitude")
    if isinstance(latitude, (int, float)) and isinstance(longitude, (int, float)):
        return float(latitude), float(longitude)
    return None


def _country(facts: Facts, table: Table) -> str | None:
    """The code of the country in the location fields."""
    for name in ("country_code", "country"):
        if (text := _text(facts, name)) and (code := table.country_named(text)):
            return code
    return None


def _named(city: str, code: str | None, region: str | None, table: Table) -> Place | None:
    """The place of this name: in this country, the largest in this region; without a country, the
    only one of this name.
    """
    found = table.find(city, country=code or "")
    if code is None:
        return found[0] if len(found) == 1 else None
    within = (place for place in found if region and table.is_in(place, region))
    return next(within, found[0] if found else None)


def _found(
    table: Table,
    code: str | None,
    place: Place | None,
    part: Place | None = None,
    km: float | None = None,
) -> FoundPlace:
    code = place.country if place is not None else code
    country = table.area(code) if code else None
    region = table.area(f"{code}.{place.region}") if place is not None else None
    names = [] if place is None else place.every_name
    if part is not None:
        names += filter(None, (part.name, part.hebrew, part.local))
    names += _every_name(region)
    return FoundPlace(
        city=place.name if place else None,
        part=part.name if part else None,
        hebrew=place.hebrew if place else None,
        local=place.local if place else None,
        region=region.english if region else None,
        country=country.english if country else None,
        country_code=code,
        km=km,
        names=tuple(dict.fromkeys(names)),
        countries=tuple(_every_name(country)),
    )


def _every_name(area: Area | None) -> Sequence[str]:
    return [] if area is None else area.every_name


def _text(facts: Facts, name: str) -> str | None:
    value = facts.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _decoded(facts: str) -> Facts:
    """Stored facts; empty if damaged."""
    with contextlib.suppress(msgspec.DecodeError, UnicodeError):
        found = msgspec.json.decode(facts)
        if isinstance(found, dict):
            return found
    return {}
