"""Thousands of random operations: following the hints always ends at what is on disk."""

# Names are bytes here, which pathlib does not know.
# ruff: noqa: PTH114

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.watch.scanner import Entry, scan
from tests.watch.listening import Follower, files_below, write

NAMES = ["a", "b.jpg", "c", "été", "d d", "x\ny", "\udcff", "e.png"]
FILES = ["1.jpg", "2.PNG", "3.heic", "b.jpg", "t.txt", "ü.jpg", "\udcfe.jpg", ".h.jpg"]


class Walk:
    """Random operations on a few directories, of which only some are watched."""

    def __init__(self, seed: str, places: list[Path]) -> None:
        self._random, self._places = random.Random(seed), places
        self.linked: set[int] = set()  # inodes that have or had several names
        self._operations = [
            self._make_tree, self._make_tree, self._write, self._write, self._write, self._append,
            self._replace, self._delete, self._move_file, self._move_directory,
            self._move_directory, self._copy_tree, self._delete_tree, self._hard_link,
            self._soft_link, self._mark, self._file_for_directory,
        ]  # fmt: skip

    def step(self) -> None:
        """One operation; one that cannot be is no harm."""
        with contextlib.suppress(OSError, shutil.Error):
            self._random.choice(self._operations)()

    def _directory(self) -> Path:
        """Some directory, more likely a shallow one."""
        place = self._random.choice(self._places)
        for _ in range(self._random.randrange(5)):
            below = [Path(e.path) for e in os.scandir(place) if e.is_dir(follow_symlinks=False)]
            if not below:
                break
            place = self._random.choice(sorted(below))
        return place

    def _file(self) -> Path:
        """Some file, or where one could be; no ignore file, lest it is changed by a link."""
        directory = self._directory()
        files = [
            Path(entry.path)
            for entry in os.scandir(directory)
            if entry.is_file() and entry.name[0] != "."
        ]
        return self._random.choice(sorted(files)) if files else directory / "1.jpg"

    def _new_file(self) -> Path:
        return self._directory() / self._random.choice(FILES)

    def _make_tree(self) -> None:
        top = self._directory() / self._random.choice(NAMES)
        for _ in range(self._random.randrange(1, 6)):
            deep = top.joinpath(*self._random.choices(NAMES, k=self._random.randrange(3)))
            write(deep / self._random.choice(FILES))

    def _write(self) -> None:
        write(self._new_file(), b"x" * self._random.randrange(100))

    def _append(self) -> None:
        with self._file().open("ab") as file:
            file.write(b"y")

    def _replace(self) -> None:
        target = self._file()
        write(target.parent / "tmp~", b"z" * 7).replace(target)

    def _delete(self) -> None:
        self._file().unlink()

    def _move_file(self) -> None:
        self._file().rename(self._new_file())

    def _move_directory(self) -> None:
        self._not_a_place().rename(self._directory() / self._random.choice(NAMES))

    def _copy_tree(self) -> None:
        source, target = self._not_a_place(), self._directory() / self._random.choice(NAMES)
        if source not in target.parents and len(files_below(source)) < 60:
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)

    def _delete_tree(self) -> None:
        if self._random.random() < 0.4:
            shutil.rmtree(self._not_a_place())

    def _hard_link(self) -> None:
        file = self._file()
        self.linked.add(file.stat().st_ino)
        self._new_file().hardlink_to(file)

    def _soft_link(self) -> None:
        target = self._file() if self._random.random() < 0.5 else self._directory()
        self._new_file().symlink_to(target)

    def _mark(self) -> None:
        mark = self._directory() / self._random.choice([".nomedia", ".photosdignore"])
        if mark.exists():
            mark.unlink()
        elif self._random.random() < 0.3:
            write(mark, b"/c/\n*.PNG\n")

    def _file_for_directory(self) -> None:
        directory = self._not_a_place()
        shutil.rmtree(directory)
        write(directory)

    def _not_a_place(self) -> Path:
        directory = self._directory()
        if directory in self._places:
            raise OSError("the watched folders themselves stay")
        return directory


def differences(follower: Follower, linked: set[int]) -> set[bytes]:
    """Photos that the follower has wrong, in path, size or time.

    What happens to a file under one of its names is told for that name only, and what happens to
    the target of a link not at all: there only a scan helps, and neither is counted here.
    """
    truth: dict[bytes, Entry] = {}
    for root, rules in follower.rules.items():
        truth.update({entry.path: entry for entry in scan(root, None, rules)})
    wrong = truth.keys() ^ follower.photos.keys()
    for path in truth.keys() & follower.photos.keys():
        if truth[path] != follower.photos[path] and truth[path].inode not in linked:
            wrong.add(path)
    return {path for path in wrong if not os.path.islink(path)}


@pytest.fixture
def places(tmp_path: Path, follower: Follower) -> Iterator[list[Path]]:
    """Two watched folders and a place outside, on the same disk."""
    made = [tmp_path / name for name in ("one", "two", "outside")]
    for place in made:
        place.mkdir()
    for place in made[:2]:
        follower.add(place)
    yield made


@pytest.mark.parametrize("seed", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_hints_lead_to_the_current_state(follower: Follower, places: list[Path], seed: str) -> None:
    """3,000 operations; at each of 60 pauses the hints describe the exact state, without a scan."""
    walk, most = Walk(seed, places), 0
    for pause in range(60):
        for _ in range(50):
            walk.step()
        follower.settle()
        wrong, most = differences(follower, walk.linked), max(most, len(follower.photos))
        assert not wrong, f"seed {seed}, pause {pause}: {wrong}"
        if sys.platform == "linux":
            assert not (watches := follower.misplaced_watches()), f"seed {seed}: {watches}"
    assert follower.watcher.rebuilds == 0
    assert most > 20, "a walk without photos tests nothing"


@pytest.mark.parametrize("seed", ["3"])
def test_hints_lead_to_the_current_state_under_load(
    follower: Follower, places: list[Path], seed: str
) -> None:
    """Three at once: watches are added while everything moves; when they rest, it is exact."""
    linked: set[int] = set()
    for pause in range(2):
        walks = [Walk(f"{seed}{pause}{number}", places) for number in range(3)]
        walkers = [threading.Thread(target=_steps, args=(walk, 250)) for walk in walks]
        for walker in walkers:
            walker.start()
        while any(walker.is_alive() for walker in walkers):
            follower.follow()
            walkers[0].join(0.01)
        linked.update(*(walk.linked for walk in walks))
        follower.settle()
        wrong = differences(follower, linked)
        assert not wrong, f"seed {seed}, pause {pause}: {wrong}"
        for place in places[:2]:
            for path, _, _ in os.walk(os.fsencode(place)):
                (Path(os.fsdecode(path)) / "probe.jpg").write_bytes(b"p%d" % pause)
        follower.settle()
        wrong = differences(follower, linked)
        assert not wrong, f"seed {seed}, pause {pause}, blind: {wrong}"
        if sys.platform == "linux":
            assert not (watches := follower.misplaced_watches()), f"seed {seed}: {watches}"
    assert follower.watcher.rebuilds == 0


def _steps(walk: Walk, number: int) -> None:
    for _ in range(number):
        walk.step()
