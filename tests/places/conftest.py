"""A table of places, made once for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.places.building import build
from photosd.places.table import Table
from tests.household.places import lend_places
from tests.places.world import write_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a small world."""
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def small(world: Path) -> Iterator[Table]:
    """The table of the small world."""
    build(world / "places.sqlite3", world)
    table = Table(world / "places.sqlite3")
    yield table
    table.close()


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """The table of GeoNames' places."""
    file = tmp_path_factory.mktemp("places") / "places.sqlite3"
    lend_places(file)
    table = Table(file)
    yield table
    table.close()
