"""Whatever stat says, whichever step fails: every photo ends indexed, or failed with a reason."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from photosd.core.filestat import LARGEST, normalised
from photosd.decode import reading
from photosd.decode.messages import ContentIdentity
from photosd.index.comparison import Comparison
from photosd.index.folders import Folders
from photosd.watch import scanner
from photosd.watch.ignore import IgnoreRules
from photosd.watch.scanner import scan
from photosd.watch.walk import walk
from tests.index.test_pipeline import Bench, FakePool

PHOTOS = 6
SECONDS_1900, SECONDS_2300 = -2_208_988_800, 10_413_792_000

integers = st.one_of(
    st.integers(0, (1 << 64) - 1), st.sampled_from([0, LARGEST, LARGEST + 1, (1 << 64) - 1])
)
times = st.one_of(
    st.integers(SECONDS_1900 * 10**9, SECONDS_2300 * 10**9),
    st.integers(SECONDS_1900 // 2, SECONDS_2300 // 2).map(lambda s: s * 2 * 10**9),  # FAT's
    st.sampled_from([-1, 0, 1, LARGEST, LARGEST + 1, -LARGEST - 2]),
)


@st.composite
def statuses(draw: st.DrawFn) -> dict[str, int]:
    """What stat says of one file besides its kind and size."""
    names = ("st_ino", "st_dev", "st_uid", "st_gid")
    found = {name: draw(integers) for name in names}
    return found | {"st_mtime_ns": draw(times), "st_ctime_ns": draw(times)}


class Status:
    """A stat result with drawn numbers; in place of ``os.stat_result``, which cannot be made so."""

    def __init__(self, real: os.stat_result, drawn: dict[str, int]) -> None:
        self._real, self._drawn = real, drawn

    def __getattr__(self, name: str) -> Any:
        return self._drawn[name] if name in self._drawn else getattr(self._real, name)


class Found:
    """A directory entry whose stat is drawn."""

    def __init__(self, entry: os.DirEntry[bytes], drawn: dict[str, int]) -> None:
        self.name, self.path, self._entry, self._drawn = entry.name, entry.path, entry, drawn

    def stat(self, *, follow_symlinks: bool = True) -> Any:
        return Status(self._entry.stat(follow_symlinks=follow_symlinks), self._drawn)

    def is_symlink(self) -> bool:
        return self._entry.is_symlink()


class ReadingPool(FakePool):
    """Identities are those that a decoder process would tell."""

    def identity_now(self, path: bytes) -> ContentIdentity:
        return reading.identify(path)


@contextmanager
def world(drawn: dict[bytes, dict[str, int]]) -> Iterator[None]:
    """Let every caller of stat on these files get what was drawn."""
    by_inode = {os.stat(path).st_ino: numbers for path, numbers in drawn.items()}  # noqa: PTH116
    stat, fstat = os.stat, os.fstat

    def told(real: os.stat_result) -> Any:
        return Status(real, by_inode[real.st_ino]) if real.st_ino in by_inode else real

    def walked(*given: Any, **more: Any) -> Any:
        for directory, level, files in walk(*given, **more):
            yield (
                directory,
                level,
                [Found(f, drawn[f.path]) if f.path in drawn else f for f in files],
            )

    with (
        patch.object(scanner, "walk", walked),
        patch.object(os, "stat", lambda *a, **k: told(stat(*a, **k))),
        patch.object(os, "fstat", lambda descriptor: told(fstat(descriptor))),
    ):
        yield


SICK = {
    "never": "",
    "compared": "BEFORE INSERT ON photos WHEN NEW.state = 'pending'",
    "indexed": "BEFORE UPDATE ON photos WHEN NEW.state = 'indexed'",
    "failed": "BEFORE UPDATE ON photos WHEN NEW.state = 'failed' AND NEW.code IS NOT 'catalog'",
    "any change": "BEFORE UPDATE ON photos WHEN 1",
}


@given(
    drawn=st.lists(statuses(), min_size=PHOTOS, max_size=PHOTOS),
    sick=st.dictionaries(st.integers(0, PHOTOS - 1), st.sampled_from(sorted(SICK)), max_size=2),
)
@example(
    drawn=[
        {
            "st_ino": 1 << 63,
            "st_dev": 1,
            "st_uid": 0,
            "st_gid": 0,
            "st_mtime_ns": 0,
            "st_ctime_ns": 0,
        }
    ]
    * PHOTOS,
    sick={},
)
@example(
    drawn=[
        {
            "st_ino": 1,
            "st_dev": 1,
            "st_uid": 0,
            "st_gid": 0,
            "st_ctime_ns": 0,
            "st_mtime_ns": 10_098_000_000 * 10**9,
        }
    ]
    * PHOTOS,
    sick={0: "indexed"},
)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_stat_says_every_photo_ends(
    drawn: list[dict[str, int]], sick: dict[int, str]
) -> None:
    """From scan to commit, with damaged files: no other photo waits for the odd one."""
    with tempfile.TemporaryDirectory(prefix="photosd-stat-") as directory:
        bench = Bench(Path(directory))
        bench.pool = ReadingPool()
        bench.pipeline = bench.make_pipeline()
        files = [bench.folder / f"{n}.jpg" for n in range(PHOTOS)]
        for number, file in enumerate(files):
            file.write_bytes(b"broken" if number == PHOTOS - 1 else bytes([number]) * 50)
        numbers = {bytes(file): one for file, one in zip(files, drawn, strict=True)}
        with bench.database.write() as db:
            for number, step in sick.items():
                if SICK[step]:
                    path = bytes(files[number]).hex()
                    db.execute(
                        f"CREATE TRIGGER sick{number} {SICK[step]} AND NEW.path = x'{path}'"
                        " BEGIN SELECT RAISE(ABORT, 'sick'); END"
                    )
        try:
            with world(numbers):
                compare(bench)
                bench.pipeline.start()
                bench.settle(30)
                compare(bench)  # the same again: nothing is new
                bench.settle(30)
        finally:
            bench.pipeline.stop()
        check(bench, files, sick)
        bench.database.close()


def compare(bench: Bench) -> None:
    """Compare the folder as the reconciler does."""
    comparison = Comparison(
        bench.catalog,
        settle_seconds=lambda: 0.0,
        is_embedded=lambda content: bench.contents.has_embedding("fake", content),
    )
    folder = Folders(bench.database, bench.folder.parent / "folders.json").all()[0]
    with bench.catalog.batch():
        for entry in scan(bytes(bench.folder), None, IgnoreRules(bytes(bench.folder))):
            comparison.compare(folder, entry, bench.catalog.get(entry.path))
    bench.pipeline.wake()


def check(bench: Bench, files: list[Path], sick: dict[int, str]) -> None:
    """Sound photos are indexed, others failed with a reason or have no row at all."""
    for number, file in enumerate(files):
        photo = bench.catalog.get(bytes(file))
        if sick.get(number, "never") == "any change":
            assert photo is None or photo.state != "pending"
            continue
        assert photo is not None, number
        expected = "failed" if number == PHOTOS - 1 or number in sick else "indexed"
        if sick.get(number) in ("never", "failed"):
            expected = "failed" if number == PHOTOS - 1 else "indexed"
        assert photo.state == expected, (number, photo)
        assert photo.state == "indexed" or photo.reason


@given(statuses())
def test_what_is_normalised_can_be_held(drawn: dict[str, int]) -> None:
    """Every number fits in 64 bits with a sign; what fits already stays as it is."""
    with tempfile.NamedTemporaryFile() as file:
        found = normalised(Status(os.fstat(file.fileno()), drawn))  # type: ignore[arg-type]
    assert all(-LARGEST - 1 <= number <= LARGEST for number in found)
    if abs(drawn["st_mtime_ns"]) <= LARGEST:
        assert found.mtime_ns == drawn["st_mtime_ns"]
    if drawn["st_ino"] <= LARGEST:
        assert found.inode == drawn["st_ino"]
