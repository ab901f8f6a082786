"""Reads the table of places: the nearest place, places by name, names of countries and regions."""

from __future__ import annotations

import functools
import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.core import typed, wording
from photosd.core.errors import PlacesUnavailable
from photosd.places.building import CELLS, FORMAT, cell_of, package_version

Floats = NDArray[np.float64]

EARTH_KM = 6371.0088  # mean radius
DEGREE_KM = EARTH_KM * np.pi / 180
NEAR_KM = 30.0  # farther places give no name
COUNTRY_KM = 100.0  # farther ones give no country
ROW = np.dtype([("id", "<u4"), ("latitude", "<f4"), ("longitude", "<f4"), ("people", "<u4")])
CACHED_CELLS = 512  # of about 1 kB
CACHE_KB = 2000  # of SQLite
PAGES = ("count", "size")
MAX_FOUND = 50  # places of one name

# How far a place extends, as a circle: its radius in km is SPREAD * inhabitants ** GROWTH. These
# numbers, and those below, were fitted to 83 well-known coordinates, and tested with 82 others:
# docs/adr/0018-names-of-places.md.
SPREAD, GROWTH, MIN_PEOPLE, LARGEST_KM = 0.012, 0.47, 500, 20.0
PULL = 0.2  # outside of all circles: the distance to the edge, by inhabitants ** PULL
# A place is a part of one that has PARTS times its inhabitants and covers it; of one with MANY
# times, also if it is a little outside.
PARTS, MANY, FURTHER = 10, 30, 1.2
CENTRE = 0.3  # of the radius: so near the centre, a border between districts does not matter
# GeoNames files parts of Jerusalem under the one or the other.
SAME_COUNTRY = frozenset(("IL", "PS"))
DIRECTIONS = ("East ", "West ", "North ", "South ", "Old ")


class Area(msgspec.Struct, frozen=True):
    """A country or a region. ``names``: all of them, the English one first."""

    code: str
    hebrew: str | None
    local: str | None
    names: tuple[str, ...]

    @property
    def english(self) -> str:
        """Its English name."""
        return self.names[0]

    @property
    def every_name(self) -> list[str]:
        """All names, each once."""
        return list(dict.fromkeys(filter(None, (*self.names, self.hebrew, self.local))))


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A populated place. ``name``: GeoNames' main name, mostly English; ``local``, ``hebrew``: null
    if unknown. ``more``: other Hebrew names. ``country``: ISO code, ``region``: GeoNames' code.
    """

    id: int
    name: str
    country: str
    region: str
    latitude: float
    longitude: float
    population: int
    hebrew: str | None = None
    local: str | None = None
    more: tuple[str, ...] = ()

    @property
    def every_name(self) -> list[str]:
        """All names to show or search, each once."""
        return list(dict.fromkeys(filter(None, (self.name, self.hebrew, self.local, *self.more))))


class Near(msgspec.Struct, frozen=True):
    """What is at a point. ``place``: as a person would name it; ``part``: of it, where the point is
    (a quarter, a suburb). ``km``: to the place's centre. ``country``: its code, also without a
    place.
    """

    country: str
    place: Place | None = None
    part: Place | None = None
    km: float = 0.0


class Table:
    """The table, opened read-only; any thread may use it.

    Takes about 3 MB of memory: SQLite's cache, and cells that were read lately.
    """

    def __init__(self, file: Path) -> None:
        """Raises PlacesUnavailable, OSError or sqlite3.Error if it is missing, damaged or was made
        from another version of the package.
        """
        self._lock = threading.Lock()
        if not file.is_file():
            raise FileNotFoundError(file)
        self._db = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        try:
            self._db.execute(f"PRAGMA cache_size = -{CACHE_KB}")
            self._check(file)
        except BaseException:
            self._db.close()
            raise
        self._cell = functools.lru_cache(CACHED_CELLS)(self._read_cell)

    def _check(self, file: Path) -> None:
        """Reads little, since a query may wait; damage of single pages is found when they are."""
        pages, size = (self._db.execute(f"PRAGMA page_{one}").fetchone()[0] for one in PAGES)
        if pages * size != file.stat().st_size:
            raise sqlite3.DatabaseError("the table of places is incomplete")
        facts = dict(self._db.execute("SELECT key, value FROM meta"))
        wanted = {"format": str(FORMAT), "package": package_version()}
        if any(facts.get(key) != value for key, value in wanted.items()):
            raise PlacesUnavailable("the table of places is of another version")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    # -- by coordinates ---------------------------------------------------------------------------

    def nearest(self, latitude: float, longitude: float) -> Near | None:
        """What is at this point, degrees; None far from every place, or for invalid coordinates."""
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # also false for NaN
            return None
        rows = self._around(latitude, longitude, NEAR_KM)
        away = distances(latitude, longitude, rows)
        rows, away = rows[away <= NEAR_KM], away[away <= NEAR_KM]
        if not len(rows):
            return self._far(latitude, longitude)
        people = np.maximum(rows["people"].astype(np.float64), MIN_PEOPLE)
        radii = np.minimum(SPREAD * people**GROWTH, LARGEST_KM)
        inside = away < radii
        pull = (people / 1000) ** PULL
        order = np.where(inside, away / radii - 1, (away - radii) / pull)
        first = int(np.argmin(order))
        best = self._whole(first, rows, people, radii)
        found = self._place(int(rows["id"][best]))
        part = None if best == first else self._place(int(rows["id"][first]))
        return Near(found.country, found, part, round(float(away[best]), 1))

    def _whole(self, first: int, rows: NDArray[np.void], people: Floats, radii: Floats) -> int:
        """The place that this one is a part of; itself if it is none."""
        part = self._place(int(rows["id"][first]))
        apart = distances(part.latitude, part.longitude, rows)
        covers = np.where(people >= PARTS * people[first], radii, 0.0)
        covers = np.where(people >= MANY * people[first], FURTHER * radii, covers)
        best = first
        for row in np.flatnonzero(apart < covers):
            other = self._place(int(rows["id"][row]))
            if people[row] > people[best] and _belongs(part, other, apart[row] / radii[row]):
                best = int(row)
        name = self._place(int(rows["id"][best])).name
        town = next((name.removeprefix(one) for one in DIRECTIONS if name.startswith(one)), None)
        if town is not None:
            for row in np.flatnonzero((people >= 2 * people[best]) & (apart < radii / 2)):
                if self._place(int(rows["id"][row])).name == town:
                    return int(row)
        return best

    def _far(self, latitude: float, longitude: float) -> Near | None:
        """Only the country."""
        rows = self._around(latitude, longitude, COUNTRY_KM)
        away = distances(latitude, longitude, rows)
        if not len(rows) or away.min() > COUNTRY_KM:
            return None
        return Near(self._place(int(rows["id"][int(np.argmin(away))])).country)

    def _around(self, latitude: float, longitude: float, km: float) -> NDArray[np.void]:
        """The rows of all cells within this distance."""
        degrees = km / DEGREE_KM
        low, _ = cell_of(max(-90.0, latitude - degrees), longitude)
        high, _ = cell_of(min(90.0, latitude + degrees), longitude)
        widest = max(abs(latitude - degrees), abs(latitude + degrees))
        across = 180.0 if widest >= 90 else degrees / np.cos(np.radians(widest))
        columns = _columns(longitude, float(across))
        with self._lock:
            parts = [
                self._cell(row * 360 * CELLS + start, row * 360 * CELLS + end)
                for row in range(low, high + 1)
                for start, end in columns
            ]
        return np.concatenate(parts)

    def _read_cell(self, first: int, last: int) -> NDArray[np.void]:
        found = self._db.execute(
            "SELECT places FROM cells WHERE cell BETWEEN ? AND ?", (first, last)
        )
        return np.frombuffer(b"".join(row[0] for row in found), ROW)

    # -- by name ----------------------------------------------------------------------------------

    def find(self, name: str, *, country: str = "", limit: int = MAX_FOUND) -> list[Place]:
        """Places of this name in any language, the most inhabitants first."""
        key = wording.key(name)
        with self._lock:
            rows = self._db.execute(
                "SELECT p.* FROM names n JOIN places p USING(id) WHERE n.name = ?"
                " AND (? = '' OR p.country = ?) ORDER BY p.population DESC LIMIT ?",
                (key, country, country, limit),
            ).fetchall()
        return [_place_of(row) for row in rows]

    def beginning(self, text: str, *, limit: int = MAX_FOUND) -> list[Place]:
        """Places with a name that begins with ``text``, the most inhabitants first."""
        key = wording.key(text)
        with self._lock:
            rows = self._db.execute(
                "SELECT p.* FROM places p WHERE id IN (SELECT id FROM names WHERE name >= ?"
                " AND name < ? || char(1114111)) ORDER BY population DESC LIMIT ?",
                (key, key, limit),
            ).fetchall()
        return [_place_of(row) for row in rows]

    def main_names(self, keys: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """The main names of the places that have these keys (`core.wording.key`) among theirs, and
        the English names of their countries.
        """
        found: dict[str, list[tuple[str, str]]] = {}
        with self._lock:
            rows = self._db.execute(
                "SELECT n.name, p.name, a.names FROM json_each(?) k"
                " JOIN names n ON n.name = k.value JOIN places p ON p.id = n.id"
                " JOIN areas a ON a.code = p.country ORDER BY p.population DESC",
                (json.dumps(list(keys)),),
            ).fetchall()
        for key, name, countries in rows:
            found.setdefault(key, []).append((name, countries.partition("\n")[0]))
        return found

    def area(self, code: str) -> Area | None:
        """A country by its ISO code, or a region (``IT.16``); None if its name is not known."""
        with self._lock:
            row = self._db.execute(
                "SELECT code, hebrew, local, names FROM areas WHERE code = ?", (code,)
            ).fetchone()
        return None if row is None else Area(row[0], row[1], row[2], tuple(row[3].split("\n")))

    def is_in(self, place: Place, name: str) -> bool:
        """Whether a place is in the region or the country of this name or code."""
        region = self.area(f"{place.country}.{place.region}")
        names = [place.region, *(() if region is None else region.every_name)]
        is_region = wording.key(name) in map(wording.key, names)
        return is_region or self.country_named(name) == place.country

    def country_named(self, name: str) -> str | None:
        """The code of the country with this name or code, also of three letters."""
        key = wording.key(name)
        return self._countries.get(key) if key else None

    @functools.cached_property
    def _countries(self) -> dict[str, str]:
        with self._lock:
            rows = self._db.execute(
                "SELECT code, hebrew, local, names, fields FROM areas WHERE fields IS NOT NULL"
            ).fetchall()
        found: dict[str, str] = {}
        for code, hebrew, local, names, _ in rows:
            for name in filter(None, (code, hebrew, local, *names.split("\n"))):
                found.setdefault(wording.key(name), code)
        for code, *_, fields in rows:
            for name in fields.split("\n"):
                found.setdefault(wording.key(name), code)
        return found

    def _place(self, number: int) -> Place:
        with self._lock:
            row = self._db.execute("SELECT * FROM places WHERE id = ?", (number,)).fetchone()
        return _place_of(row)


def _place_of(row: Sequence[object]) -> Place:
    *facts, more = row
    return typed.convert([*facts, str(more).split("\n") if more else []], Place)


def _belongs(part: Place, whole: Place, share: float) -> bool:
    """Whether a place inside another is a part of it; ``share``: its distance by the radius."""
    if part.country == whole.country and part.region == whole.region:
        return True
    return share < CENTRE and {part.country, whole.country} <= SAME_COUNTRY


def _columns(longitude: float, across: float) -> list[tuple[int, int]]:
    """Ranges of columns, west to east; two where they cross the antimeridian."""
    if across >= 180:
        return [(0, 360 * CELLS - 1)]
    first, last = cell_of(0.0, longitude - across)[1], cell_of(0.0, longitude + across)[1]
    if first <= last:
        return [(first, last)]
    return [(first, 360 * CELLS - 1), (0, last)]


def distances(latitude: float, longitude: float, rows: NDArray[np.void]) -> Floats:
    """Kilometres from a point to each row, on the great circle (haversine)."""
    here, there = np.radians(latitude), np.radians(rows["latitude"].astype(np.float64))
    along = np.radians(rows["longitude"].astype(np.float64) - longitude)
    share = np.sin((there - here) / 2) ** 2
    share = share + np.cos(here) * np.cos(there) * np.sin(along / 2) ** 2
    found: Floats = 2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(1.0, share)))
    return found
