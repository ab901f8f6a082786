"""Fixtures of the watcher's tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.watch.listening import Follower, write


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A temporary directory that is gone after the test: these trees are too large to keep."""
    directory = tempfile.mkdtemp(prefix="photosd-watch-")
    yield Path(directory)
    shutil.rmtree(os.fsencode(directory), ignore_errors=True)


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


@pytest.fixture
def watched(follower: Follower, root: Path) -> Follower:
    """A follower of a small tree."""
    for name in ("a/1.jpg", "a/b/2.jpg"):
        write(root / name)
    follower.add(root)
    follower.log.clear()
    return follower
