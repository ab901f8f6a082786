"""The library of most tests of searches."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.search.library import Library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Four photos, each on an axis of its own."""
    library = Library(tmp_path)
    with library.together():
        for axis in range(4):
            library.add(f"/p/axis {axis}.jpg", axis, taken_at=1e9 + axis)
    return library
