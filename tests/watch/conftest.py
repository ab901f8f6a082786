"""Fixtures of the watcher's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.watch.listening import Follower


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder to watch."""
    directory = tmp_path / "photos"
    directory.mkdir()
    return directory


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Follower]:
    """A watcher with quick limits, and one who follows its hints."""
    following = Follower(tmp_path)
    yield following
    following.stop()
