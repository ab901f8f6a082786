"""Filters: every part of one, on both ways of searching, against the plainest reading of it."""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photosd.core.wall_clock import EPOCH, shown_here, wall_seconds
from photosd.index import vectors
from photosd.index.filters import Filter, traits
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from tests.index import tables

DIMENSION = 32
ROWS = 1200
MODIFIED = 5e8
FOLDERS = (b"/p", b"/p/spain", b"/p/spain/rome", b"/p/spain/rome 2", b"/p/home", b"/q/\xff")
CAMERAS = ("Canon EOS 6D", "Apple iPhone 15", "NIKON D750", None)
KINDS = (("JPEG", b"jpg"), ("HEIF", b"heic"), ("JPEG", b"CR2"), ("PNG", b"png"))
PEOPLE, TAGS = ["Noa", "Dan Levi", "\u05e0\u05d5\u05e2\u05d4"], ["Café", "beach-house", "ים"]
PLACES = ((41.9, 12.5), (48.86, 2.35), (-17.8, 179.99), None)  # Rome, Paris, Fiji, nowhere


def photo(number: int, vector: NDArray[np.float32]) -> Embedding:
    """One of a library in which every combination occurs."""
    kind, suffix = KINDS[number % 4]
    place = PLACES[number // 4 % 4] or (None, None)
    paths = [FOLDERS[number % 6] + b"/%d." % number + suffix]
    if number % 7 == 0:
        paths.append(FOLDERS[(number + 2) % 6] + b"/copy." + suffix)
    facts: dict[str, Any] = {
        "camera": CAMERAS[number // 3 % 4],
        "format": kind,
        "rating": (None, -1, 0, 3, 5)[number % 5],
        "width": (4000, 3000, 3000)[number % 3],
        "height": (3000, 4000, 2990)[number % 3],
        "taken": None if number % 11 == 0 else shown(number * 1e6) + "+05:00",
        "taken_at": None if number % 11 == 0 else number * 1e6 - 5 * 3600,
        "latitude": place[0],
        "longitude": place[1],
        "people": PEOPLE[: number % 4],
        "tags": TAGS[number % 3 :],
    }
    return Embedding(f"{number}-x", vector[None], facts, tuple(paths), modified=MODIFIED)


def shown(seconds: float) -> str:
    """What a clock shows after so many wall-clock seconds."""
    return (EPOCH + datetime.timedelta(seconds=seconds)).isoformat()


@pytest.fixture(scope="module")
def photos() -> list[Embedding]:
    generator = np.random.default_rng(3)
    values = generator.normal(size=(ROWS, DIMENSION)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return [photo(number, vector) for number, vector in enumerate(values)]


def passes(photo: Embedding, where: Filter) -> bool:
    """As the words of Filter say."""
    facts, path = photo.facts, photo.paths[0]
    when: float = wall_seconds(shown_here(MODIFIED))
    if facts["taken"] is not None:
        when = facts["taken_at"] + 5 * 3600
    camera, stars = facts["camera"] or "", facts["rating"] or 0
    kinds = {b"jpg": {"jpeg", "jpg"}, b"heic": {"heic", "heif"}, b"CR2": {"raw", "cr2"}}
    kind = kinds.get(path.rpartition(b".")[2], {"png"})
    wide, high = facts["width"], facts["height"]
    shape = (
        "square" if wide == 3000 and high == 2990 else "landscape" if wide > high else "portrait"
    )
    return (
        (
            not where.below
            or any(p.startswith(f.rstrip(b"/") + b"/") for p in photo.paths for f in where.below)
        )
        and (where.since is None or when >= where.since)
        and (where.until is None or when < where.until)
        and (where.camera is None or (camera != "" and where.camera.lower() in camera.lower()))
        and (where.near is None or _near(facts, where.near))
        and (not where.formats or bool(kind & {name.lower() for name in where.formats}))
        and (where.rating is None or stars >= where.rating)
        and (where.orientation is None or where.orientation == shape)
        and all(_named(name, facts["people"]) for name in where.people)
        and all(_named(name, facts["tags"]) for name in where.tags)
    )


def _named(name: str, names: list[str]) -> bool:
    spellings = {"NOA": "Noa", "dan levi": "Dan Levi", "נועה": "נועה"}
    spellings |= {"cafe": "Café", "Beach House": "beach-house", "ים": "ים"}
    return spellings.get(name) in names


def _near(facts: dict[str, Any], near: tuple[float, float, float]) -> bool:
    if facts["latitude"] is None:
        return False
    a, b = _point(facts["latitude"], facts["longitude"]), _point(*near[:2])
    return 6371.0088 * math.acos(min(1.0, sum(x * y for x, y in zip(a, b, strict=True)))) <= near[2]


def _point(latitude: float, longitude: float) -> tuple[float, float, float]:
    north, east = math.radians(latitude), math.radians(longitude)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)


FILTERS = (
    Filter(),
    Filter(below=(b"/p",)),
    Filter(below=(b"/p/spain/rome",)),  # and not "rome 2"
    Filter(below=(b"/p/spain/rome 2/", b"/q")),
    Filter(below=(b"/q/\xff",)),
    Filter(below=(b"/",)),
    Filter(below=(b"/p/20",)),  # a part of a name does not match a folder
    Filter(since=4e8, until=6e8),
    Filter(since=5e8, until=5e8 + 1),
    Filter(until=0.0),
    Filter(camera="CANON"),
    Filter(camera="o"),
    Filter(camera="leica"),
    Filter(camera=""),
    Filter(near=(41.8, 12.4, 30)),
    Filter(near=(41.8, 12.4, 5)),
    Filter(near=(-17.7, -179.9, 30)),  # across the date line
    Filter(near=(90, 0, 20_100)),
    Filter(formats=("jpg",)),
    Filter(formats=("RAW", "heic")),
    Filter(formats=("cr2",)),
    Filter(formats=("xyz",)),
    Filter(rating=3),
    Filter(rating=0),
    Filter(rating=-1),
    Filter(rating=6),
    Filter(orientation="portrait"),
    Filter(orientation="square"),
    Filter(people=("NOA",)),
    Filter(people=("NOA", "dan levi")),
    Filter(people=("נועה",), tags=("cafe",)),
    Filter(tags=("Beach House", "ים"), camera="canon"),
    Filter(people=("Da",)),  # a part of a name is another person
    Filter(tags=("NOA",)),  # a person is no tag
    Filter(below=(b"/p/spain",), camera="iphone", rating=3, since=1e8, orientation="landscape"),
    Filter(below=(b"/p",), near=(48.9, 2.3, 50), formats=("png", "jpg"), until=9e8),
)


@pytest.fixture(scope="module", params=["matrix", "ranked", "loaded"])
def store(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    photos: list[Embedding],
) -> VectorStore:
    """The library in RAM, behind the index on disk (a part of it not indexed yet), and reopened."""
    directory = tmp_path_factory.mktemp("store")
    found = opened(directory)
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "ranked":
            patch.setattr(vectors, "RAM_BYTES", 0)
            found.commit(photos[: ROWS // 2])
            assert found.wait_idle(60)
            patch.undo()
            found.commit(photos[ROWS // 2 :])
        else:
            found.commit(photos)
    found = found if request.param != "loaded" else opened(directory)
    assert bool(tables.states(directory)) == (request.param == "ranked")
    return found


def opened(directory: Path) -> VectorStore:
    store = VectorStore(directory, "test", DIMENSION)
    store.open()
    return store


@pytest.mark.parametrize("where", FILTERS, ids=str)
def test_what_passes_is_found_and_nothing_else(
    store: VectorStore, photos: list[Embedding], where: Filter
) -> None:
    """All of it when more is asked for than there is, the best of it in order when less."""
    query = photos[0].vectors[0]
    expected = [photo for photo in photos if passes(photo, where)]
    found = store.nearest(query, ROWS * 2, where)
    assert {content for content, _ in found} == {photo.content for photo in expected}
    best = sorted(expected, key=lambda photo: -float(photo.vectors[0] @ query))[:5]
    found = store.nearest(query, 5, where)
    assert [content for content, _ in found] == [photo.content for photo in best]
    assert [score for _, score in found] == pytest.approx(
        [float(photo.vectors[0] @ query) for photo in best], abs=1e-4
    )


def test_a_filter_that_passes_three_returns_these_three(
    store: VectorStore, photos: list[Embedding]
) -> None:
    """However far from the query they are."""
    where = Filter(since=600e6, until=603e6)
    expected = {photo.content for photo in photos if passes(photo, where)}
    assert len(expected) == 3
    query = -np.mean([p.vectors[0] for p in photos if p.content in expected], axis=0)
    found = store.nearest(query / np.linalg.norm(query), 20, where)
    assert {content for content, _ in found} == expected


ZONES = ["UTC", "Asia/Jerusalem", "America/Los_Angeles", "Pacific/Kiritimati"]


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This machine stands there."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_a_photo_is_in_the_year_of_its_own_clock(zone: str) -> None:
    """Half an hour after New Year in Jerusalem is of 2020, wherever the daemon runs."""
    new_year = wall_seconds(datetime.datetime(2020, 1, 1))
    for taken in ("2020-01-01T00:30:00+02:00", "2020-01-01T00:30:00", "2020-01-01T00:30:00-11:00"):
        facts = {"taken": taken, "taken_at": 1_577_831_400.0}
        assert traits(facts, (), None).moment == new_year + 1800


def test_what_has_no_clock_of_its_own_has_this_machines(zone: str) -> None:
    """Photos that photosd 0.1 has read, and files without a date."""
    local = datetime.datetime(2020, 1, 1, 0, 30)
    expected = wall_seconds(local)
    assert traits({"taken_at": local.timestamp()}, (), None).moment == expected
    assert traits({}, (), local.timestamp()).moment == expected
    assert traits({}, (), None).moment is None
    assert traits({"taken_at": 1e300}, (), None).moment is None
    assert traits({"taken_at": -3e10}, (), None).moment is not None
