"""A real daemon whose workers are stand-ins, and what its index must hold for a folder."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pytest
import xxhash

from photosd.core.formats import is_photo_name, is_raw_name
from photosd.core.paths import Home
from photosd.decode import pixels
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import Shape
from tests.conftest import ENCODER_STANDS_IN, RunningDaemon
from tests.conftest import ROOT as PROJECT
from tests.household import stand_in
from tests.household.household import LEFT_ALONE, MARK

PRELUDE = f"""
import sys; sys.path.insert(0, {str(PROJECT)!r})
from tests.household.stand_in import install; install()
"""
LIMITS = DecodeLimits().resolved()
COSINE = 0.99


class StandInDaemon(RunningDaemon):
    """``orders``: the file of faults (tests.household.orders), which strike below ``photos``."""

    def __init__(self, home: Home, orders: Path | None = None, photos: Path | None = None) -> None:
        environment = {}
        if orders is not None and photos is not None:
            environment = {stand_in.ORDERS: str(orders), stand_in.ROOT: str(photos)}
        super().__init__(home, environment, PRELUDE)

    def contents(self) -> dict[bytes, str]:
        """The content id of every indexed path, as the catalog has it."""
        return dict(self.rows("SELECT path, content FROM photos WHERE state = 'indexed'"))

    def failed(self) -> dict[bytes, str]:
        """Every path that could not be indexed, and why."""
        return dict(self.rows("SELECT path, reason FROM photos WHERE state = 'failed'"))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What the catalog answers to a statement that reads."""
        with contextlib.closing(
            sqlite3.connect(f"file:{self.home.catalog}?mode=ro", uri=True)
        ) as db:
            return db.execute(statement).fetchall()

    def wrong_vectors(self, contents: Iterable[str]) -> dict[str, str]:
        """What is wrong with the vectors of these contents; to be asked of an idle daemon."""
        vectors, wrong = self.vectors(), {}
        for content in contents:
            if content not in vectors:
                wrong[content] = "there is none"
                continue
            found = np.array(vectors[content])
            expected = stand_in.vector_of(stand_in.stamp_of(content), found.shape[1])
            if (found @ expected).min() < COSINE:
                wrong[content] = "another photo's"
        return wrong

    def vectors(self) -> dict[str, list[Any]]:
        """The rows of every content in the index on the disk."""
        rows: dict[str, list[Any]] = {}
        for table in sorted(self.home.index.glob("vectors_*.lance")):
            found = lancedb.connect(self.home.index).open_table(table.stem)
            for row in found.search().select(["content", "vector"]).to_list():
                rows.setdefault(row["content"], []).append(row["vector"])
        return rows


@contextlib.contextmanager
def shared_daemon() -> Iterator[RunningDaemon]:
    """For several tests: a ready daemon on a home of its own, whose encoder is a stand-in."""
    directory = tempfile.mkdtemp(prefix="photosd-test-", dir="/tmp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOSD_HOME", directory)
        patch.delenv("PHOTOSD_SOCKET", raising=False)
        running = RunningDaemon(Home.from_environment(), prelude=ENCODER_STANDS_IN)
    try:
        running.wait_until("ready")
        yield running
    finally:
        running.stop()
        shutil.rmtree(directory, ignore_errors=True)


def until(done: Any, seconds: float, what: str) -> None:
    """Wait for ``done()``."""
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit, what
        time.sleep(0.1)


# -- what must be indexed, by the simplest means ----------------------------------------------


def expected(root: Path, excludes: Iterable[bytes] = ()) -> tuple[dict[bytes, str], set[bytes]]:
    """Content ids by path of what must be indexed in a folder now, and paths that must fail."""
    good: dict[bytes, str] = {}
    bad: set[bytes] = set()
    for path in photos_below(os.fsencode(root), excludes):
        data = Path(os.fsdecode(path)).read_bytes()
        if _decodes(data, is_raw_name(path)):
            good[path] = _content(data)
        else:
            bad.add(path)
    return good, bad


def misnamed(paths: Iterable[bytes]) -> dict[bytes, str]:
    """Content ids of the files among these that decode only under another name. They are indexed
    if another path has the same content, and fail otherwise."""
    found: dict[bytes, str] = {}
    for path in paths:
        data = Path(os.fsdecode(path)).read_bytes()
        if _decodes(data, not is_raw_name(path)):
            found[path] = _content(data)
    return found


def _content(data: bytes) -> str:
    return f"{len(data):x}-{xxhash.xxh3_128_hexdigest(data)}"


def photos_below(root: bytes, excludes: Iterable[bytes] = ()) -> Iterator[bytes]:
    """Files with a photo's name that no rule excludes."""
    patterns = [(root, pattern) for pattern in excludes]  # with the directory they count from
    for place, directories, files in os.walk(root):
        if MARK["nomedia"] in files:
            directories.clear()
            continue
        if MARK["ignore"] in files:
            lines = Path(os.fsdecode(place + b"/" + MARK["ignore"])).read_bytes().split(b"\n")
            patterns += [(place, line) for line in lines if line and not line.startswith(b"#")]
        directories[:] = [
            name
            for name in directories
            if not (name in LEFT_ALONE or _unwanted(place, name + b"/", patterns))
        ]
        for name in files:
            path = place + b"/" + name
            wanted = is_photo_name(name) and not _unwanted(place, name, patterns)
            if wanted and os.path.isfile(path):  # noqa: PTH113 (bytes); a link's target counts
                yield path


def _unwanted(place: bytes, name: bytes, patterns: list[tuple[bytes, bytes]]) -> bool:
    """Whether a test's pattern names it: ``*.gif`` names anything, ``drafts/`` a directory."""
    plain = name.removesuffix(b"/")
    return plain.startswith(b".") or any(
        fnmatch.fnmatchcase(name if pattern.endswith(b"/") else plain, pattern)
        for top, pattern in patterns
        if place == top or place.startswith(top + b"/")
    )


_decodable: set[tuple[str, bool]] = set()  # what has been found so


def _decodes(data: bytes, is_raw: bool) -> bool:
    """Whether the decoder's own code makes a picture of it."""
    key = xxhash.xxh3_128_hexdigest(data), is_raw
    if key not in _decodable:
        try:
            picture = stand_in.readable(b"a.dng" if is_raw else b"a.jpg", data, LIMITS)
            pixels.squares(picture, Shape(64))
        except Exception:  # Pillow raises whatever it likes
            return False
        _decodable.add(key)
    return True
