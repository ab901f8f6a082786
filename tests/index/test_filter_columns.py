"""Traits of very many rows: they let pass what those in RAM let pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from photosd.index.filter_columns import COLUMNS, FilterColumns
from photosd.index.filters import Columns, Filter, Traits, traits
from photosd.index.labels import label

CAMERAS = [None, "", " Leica Q ", "LEICA", "ﬁne", "İ", "ẞ", "a'b", "カメラ", "\U0001f4f7", "canon"]
PATHS = [b"/a/1.jpg", b"/a/b/2.JPG", b"/ab/3.cr2", b"/\xff/4.heic", b"5.png"]
MOMENTS = st.none() | st.sampled_from([-1e10, 0.0, 5.0, 1e10])
LATITUDES = st.sampled_from([-90.0, -89.9999, 0.0, 45.0, 89.9999, 90.0]) | st.floats(-90, 90)
LONGITUDES = st.sampled_from([-180.0, -179.9999, 0.0, 179.9999, 180.0]) | st.floats(-180, 180)
KM = st.sampled_from([0.0, 0.001, 1.0, 50.0, 20_015.0, 1e9]) | st.floats(0, 30_000)
LABELS = st.sampled_from([-(1 << 63), (1 << 63) - 1, -1, 0, 1])


@st.composite
def rows_of(draw: st.DrawFn) -> Traits:
    latitude = draw(st.none() | LATITUDES)
    facts = {
        "camera": draw(st.sampled_from(CAMERAS)),
        "rating": draw(st.none() | st.integers(-1, 5)),
        "width": draw(st.integers(0, 3)),
        "height": draw(st.integers(0, 3)),
        "format": draw(st.sampled_from([None, "jpeg", "heif"])),
        "latitude": latitude,
        "longitude": None if latitude is None else draw(LONGITUDES),
    }
    found = traits(facts, draw(st.lists(st.sampled_from(PATHS), max_size=3)), draw(MOMENTS))
    extremes = draw(st.sets(LABELS, max_size=2))
    labels = () if draw(st.booleans()) else (*found.labels, *sorted(extremes))
    return Traits(labels, found.camera, found.moment, found.latitude, found.longitude)


FILTERS = st.builds(
    Filter,
    below=st.lists(st.sampled_from([b"", b"/", b"/a", b"/a/", b"/a/b", b"/\xff"]), max_size=2).map(
        tuple
    ),
    since=MOMENTS,
    until=MOMENTS,
    camera=st.sampled_from(["Leica", "q", "FI", "SS", "'", "", "メ", "none", *CAMERAS[3:]]) | st.none(),  # noqa: E501
    near=st.none() | st.tuples(LATITUDES, LONGITUDES, KM),
    formats=st.lists(st.sampled_from(["jpg", "RAW", "cr2", "heic"]), max_size=2).map(tuple),
    rating=st.none() | st.integers(-1, 5),
    orientation=st.sampled_from([None, "landscape", "portrait", "square"]),
)  # fmt: skip


def batch_of(rows: list[Traits]) -> Any:
    return pa.record_batch(
        [
            pa.array([row.labels or None for row in rows], pa.list_(pa.int64())),
            pa.array([row.camera for row in rows], pa.string()),
            *(pa.array([getattr(r, n) for r in rows], pa.float64()) for n in COLUMNS[2:]),
        ],
        names=list(COLUMNS),
    )


@given(st.lists(rows_of(), max_size=30), st.integers(1, 30), st.data())
def test_what_passes_is_what_passes_in_ram(
    rows: list[Traits], size: int, data: st.DataObject
) -> None:
    """Whatever the batches, slices of larger ones among them, and also with other labels."""
    whole, columns = batch_of(rows), Columns(rows)
    found = FilterColumns.of(whole.slice(start, size) for start in range(0, len(rows), size))
    for _ in range(2):
        for _ in range(3):
            where = data.draw(FILTERS)
            assert np.flatnonzero(found.passing(where)).tolist() == columns.passing(where).tolist()
        picked = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1)))) if rows else []
        others = [data.draw(rows_of()) for _ in picked]
        moved = [
            Traits(
                other.labels,
                rows[row].camera,
                other.moment,
                other.latitude,
                other.longitude,
            )
            for row, other in zip(picked, others, strict=True)
        ]
        places = np.array(picked, np.int64)
        columns = columns.replaced(places, moved)
        found = found.relabelled(places, pa.Table.from_batches([batch_of(moved)]))


def test_nothing_is_lost_on_the_disk(tmp_path: Path) -> None:
    """Labels, places and cameras come back as they were."""
    rows = [Traits((-1, 1 << 62), "カメラ", 1.0, 2.0, 3.0), Traits((1,)), Traits()]
    found = FilterColumns.of([batch_of(rows)])
    found.save(tmp_path)
    again, where = FilterColumns.load(tmp_path), Filter(near=(2.0, 3.0, 1.0))
    assert again.passing(where).tolist() == found.passing(where).tolist() == [True, False, False]


def test_excluded_people_and_places() -> None:
    """Photos without any pass; a place may be a country."""
    labels = {name: label(kind, name) for kind, name in (
        ("person", "noa"), ("person", "dan"), ("place", "eilat"), ("country", "italy"),
    )}  # fmt: skip
    rows = [Traits((labels[name],)) for name in sorted(labels)] + [Traits()]  # dan eilat italy noa
    for where, passing in (
        (Filter(without_people=("Noa",)), [0, 1, 2, 4]),
        (Filter(without_people=("Noa", "Dan")), [1, 2, 4]),
        (Filter(without_places=("Italy", "Eilat")), [0, 3, 4]),
        (Filter(people=("Dan",), without_people=("Dan",)), []),
        (Filter(without_people=("Nobody",)), [0, 1, 2, 3, 4]),
    ):
        assert Columns(rows).passing(where).tolist() == passing
        found = FilterColumns.of([batch_of(rows)])
        assert np.flatnonzero(found.passing(where)).tolist() == passing
