"""Names that differ by case alone, on a disk that does not tell them apart, are one photo."""

# Paths are bytes here, which pathlib does not know.

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from photosd.watch.spelling import DirectorySpelling
from tests.darwin.folded import FoldedDisk
from tests.index.test_sidecars import Rated


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rated:
    shelf = Rated(tmp_path)
    FoldedDisk(bytes(shelf.root), monkeypatch)
    return shelf


def told(shelf: Rated, *names: str) -> dict[str, str]:
    """The states after a hint for each of these paths, in this order."""
    shelf.reconciler.comparer.paths([bytes(shelf.root / name) for name in names])
    shelf.work()
    return shelf.states()


@pytest.mark.parametrize("old_first", [True, False])
def test_a_photo_renamed_by_case_is_listed_once(shelf: Rated, old_first: bool) -> None:
    """Both names are hinted, and both are found; only one is written in the directory."""
    file = shelf.write("IMG_1.JPG")
    shelf.write("other.jpg", b"other")
    shelf.settle()
    file.rename(shelf.root / "img_1.jpg")
    names = ("IMG_1.JPG", "img_1.jpg") if old_first else ("img_1.jpg", "IMG_1.JPG")
    assert told(shelf, *names) == {"img_1.jpg": "indexed", "other.jpg": "indexed"}
    assert len(shelf.encoded) == 2


@pytest.mark.parametrize("old_first", [True, False])
def test_a_directory_renamed_by_case_is_listed_once(shelf: Rated, old_first: bool) -> None:
    """Its photos are not found under the former name any more."""
    shelf.write("Trip/a.jpg")
    shelf.write("Trip/b.jpg", b"b")
    shelf.settle()
    (shelf.root / "Trip").rename(shelf.root / "TRIP")
    trees = ("Trip", "TRIP") if old_first else ("TRIP", "Trip")
    folder = shelf.folders.all()[0]
    for tree in trees:
        shelf.reconciler.comparer.tree(folder, bytes(shelf.root / tree))
    shelf.work()
    assert shelf.states() == {"TRIP/a.jpg": "indexed", "TRIP/b.jpg": "indexed"}
    assert told(shelf, "Trip/a.jpg") == shelf.states()
    assert len(shelf.encoded) == 2


def test_names_that_differ_by_case_are_two_where_the_disk_says_so(tmp_path: Path) -> None:
    """As on most Linux disks; two hard links that differ by case, too, are two names."""
    shelf = Rated(tmp_path)
    file = shelf.write("a.jpg")
    (shelf.root / "A.JPG").hardlink_to(file)
    shelf.write("b.jpg", b"b")
    shelf.write("B.JPG", b"B")
    states = told(shelf, "a.jpg", "A.JPG", "b.jpg", "B.JPG", "Missing.jpg")
    assert states == dict.fromkeys(("a.jpg", "A.JPG", "b.jpg", "B.JPG"), "indexed")


def test_a_disk_that_folds_case(tmp_path: Path) -> None:
    """A real one, where it can be mounted: names are right only as they are written."""
    if os.geteuid() != 0 or not (mkfs := shutil.which("mkfs.ext4")):
        pytest.skip("needs root and mkfs.ext4")
    image, disk = tmp_path / "image", tmp_path / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    commands = (
        [mkfs, "-q", "-O", "casefold", "-E", "encoding=utf8", str(image)],
        ["mount", "-o", "loop", str(image), str(disk)],
    )
    for command in commands:
        if subprocess.run(command, capture_output=True, timeout=30, check=False).returncode:
            pytest.skip(f"{command[0]} does not work here")
    try:
        folder = disk / "Folder"
        folder.mkdir()
        subprocess.run(["chattr", "+F", str(folder)], check=True, timeout=30)
        (folder / "IMG_1.JPG").touch()
        assert (folder / "img_1.jpg").exists()
        root = bytes(disk)
        right = root + b"/Folder/IMG_1.JPG"
        assert DirectorySpelling().right(root, right) == right
        assert DirectorySpelling().right(root, root + b"/Folder/img_1.jpg") == right
    finally:
        subprocess.run(["umount", str(disk)], check=True, timeout=30)
