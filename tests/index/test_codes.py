"""Codes of vectors: the nearest are those that float32 finds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from photosd.index import codes
from photosd.index.codes import HIGH, LOW, Codes
from photosd.index.matrix import Vectors

Floats = NDArray[np.floating]

DIMENSION = 128
ROWS = 5000


def unit(vectors: Floats) -> Vectors:
    found: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return found


@pytest.fixture(params=["even", "outliers", "clusters"])
def rows(request: pytest.FixtureRequest) -> Vectors:
    """As random as can be; with a few numbers that are far larger, as CLIP has; much alike."""
    generator = np.random.default_rng(1)
    found = generator.normal(size=(ROWS, DIMENSION)).astype(np.float32)
    if request.param == "outliers":
        found[:, 7] += 60
        found[:, 50] *= 9
    if request.param == "clusters":
        found = (
            generator.normal(size=(20, DIMENSION))[np.arange(ROWS) % 20] + 0.05 * found
        ).astype("f4")
    return unit(found)


@pytest.fixture(params=["one thread", "two threads"])
def made(
    tmp_path: Path, rows: Vectors, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Codes:
    """In more than one part, and multiplied in more than one step."""
    monkeypatch.setattr(codes, "AT_ONCE", 999 * DIMENSION)
    monkeypatch.setattr(codes, "MANY_AT_ONCE", 999 * DIMENSION)
    if request.param == "two threads":
        monkeypatch.setattr(codes, "MANY_BYTES", ROWS * DIMENSION)
    return Codes.write(tmp_path, DIMENSION, np.array_split(rows, 7))


def queries() -> Vectors:
    return unit(np.random.default_rng(2).normal(size=(15, DIMENSION)))


def test_the_nearest_are_those_of_float32(made: Codes, rows: Vectors) -> None:
    """In their order, with their cosines to the fourth digit."""
    assert len(made) == ROWS
    for query in [*queries(), *rows[:8]]:
        exact = rows @ query
        found, cosines = made.nearest(query, 20)
        assert cosines == pytest.approx(np.sort(exact)[::-1][:20], abs=1e-4)
        assert exact[found] == pytest.approx(cosines, abs=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.9])
def test_only_what_passes_is_found(made: Codes, rows: Vectors, share: float) -> None:
    """Whether few rows pass, which are copied together, or many."""
    passing = np.random.default_rng(3).random(ROWS) < share
    for query in queries():
        expected = np.sort((rows @ query)[passing])[::-1][:20]
        found, cosines = made.nearest(query, 20, passing)
        assert passing[found].all()
        assert cosines == pytest.approx(expected, abs=1e-4)


def test_very_many_as_near_as_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst of thousands: some of them are found, none of them wrong."""
    monkeypatch.setattr(codes, "MAX_EXACT", 100)
    generator = np.random.default_rng(4)
    burst = unit(np.ones((1, DIMENSION)) + 1e-4 * generator.normal(size=(ROWS, DIMENSION)))
    others = unit(generator.normal(size=(ROWS, DIMENSION)))
    made = Codes.write(tmp_path, DIMENSION, [others, burst])
    found, cosines = made.nearest(burst[0], 20)
    assert len(found) == 20 and (found >= ROWS).all() and cosines.min() > 0.9999


def test_rows_come_back(made: Codes, rows: Vectors) -> None:
    """To 16 bits, of unit length."""
    assert np.abs(made.vectors(np.arange(ROWS)) - rows).max() < 3e-5


def test_wiped_rows_are_not_on_the_disk(made: Codes, tmp_path: Path) -> None:
    """Neighbours are."""
    made.wipe(np.array([3, 4999]))
    for name in (HIGH, LOW):
        kept = np.fromfile(tmp_path / name, np.int8).reshape(ROWS, DIMENSION)
        assert not kept[[3, 4999]].any() and kept[[2, 4, 4998]].any(axis=1).all()


@pytest.mark.parametrize("name", [HIGH, LOW])
def test_files_that_are_not_whole_are_refused(made: Codes, tmp_path: Path, name: str) -> None:
    """The store that opens them makes them again."""
    del made
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])
    with pytest.raises(ValueError, match="incomplete"):
        Codes(tmp_path, DIMENSION)


def test_no_rows(tmp_path: Path) -> None:
    """Nothing is found."""
    made = Codes.write(tmp_path, DIMENSION, [])
    found, cosines = made.nearest(queries()[0], 20)
    assert len(made) == len(found) == len(cosines) == 0


OUT_OF_THREADS = """
import os, resource, sys, threading
from pathlib import Path
import numpy as np
from photosd.index import codes

codes.MANY_BYTES, codes.cores = 1, lambda: 2
rows = np.eye(8, 64, dtype=np.float32)
made = codes.Codes.write(Path(sys.argv[1]), 64, [rows])
if os.getuid() == 0:  # who has no such limit
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
before = resource.getrlimit(resource.RLIMIT_NPROC)
resource.setrlimit(resource.RLIMIT_NPROC, (1, before[1]))
try:
    threading.Thread(target=bool).start()
except RuntimeError:
    print(made.nearest(rows[3], 1)[0].tolist())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_a_system_out_of_threads_ends_no_search(tmp_path: Path) -> None:
    """OpenMP ended the daemon, for lack of a second thread."""
    command = [sys.executable, "-c", OUT_OF_THREADS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "[3]\n"), done.stderr
