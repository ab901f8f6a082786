"""The sidecar stamp of a photo: from a listing, from one that is out of date, and back to paths."""

from __future__ import annotations

import os
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from photosd.watch import sidecar_stamps
from photosd.watch.ignore import IgnoreRules
from photosd.watch.scanner import scan, sidecar_of
from photosd.watch.sidecar_stamps import DIRECTORIES, Listings, files_of


def quiet(directory: Path) -> None:
    """The directory changed long ago."""
    os.utime(directory, (1e9, 1e9))


@pytest.mark.parametrize("name", ["a.jpg", "a b;c:d%.jpg", "א.jpg", os.fsdecode(b"\xff.jpg")])
def test_a_stamp_names_its_files(tmp_path: Path, name: str) -> None:
    """A tree and a single photo give the same; whatever is in the names."""
    (tmp_path / name).touch()
    (tmp_path / f"{name}.xmp").write_text("x")
    (tmp_path / f"{name}.json").write_text("yy")
    (tmp_path / f"{name}_01.xmp").mkdir()
    path = bytes(tmp_path / name)
    (entry,) = scan(bytes(tmp_path), None, IgnoreRules(bytes(tmp_path), ()))
    assert entry.sidecar == sidecar_of(path, None)
    assert list(files_of(path, entry.sidecar)) == [path + b".xmp", path + b".json"]
    assert entry.sidecar.isascii()


def test_an_ignored_sidecar_does_not_count(tmp_path: Path) -> None:
    """A tree and a single photo agree."""
    (tmp_path / "a.jpg").touch()
    (tmp_path / "a.xmp").touch()
    rules = IgnoreRules(bytes(tmp_path), ("*.xmp",))
    (entry,) = scan(bytes(tmp_path), None, rules)
    assert entry.sidecar == sidecar_of(bytes(tmp_path / "a.jpg"), rules) == ""


def test_a_directory_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it does not change; and again when it has."""
    listed: list[bytes] = []
    real = os.scandir

    def counted(path: bytes) -> Any:
        listed.append(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", counted)
    listings, photo = Listings(), bytes(tmp_path / "a.jpg")
    (tmp_path / "a.jpg.xmp").touch()
    quiet(tmp_path)
    for _ in range(3):
        assert listings.names_of(photo) == (b"a.jpg.xmp",)
    assert len(listed) == 1
    (tmp_path / "a.xmp").touch()
    time.sleep(0.02)
    assert set(listings.names_of(photo)) >= {b"a.jpg.xmp", b"a.xmp"}


def test_a_directory_that_changes_all_the_time_is_not_listed_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The likely names and those of hints are tried instead."""
    monkeypatch.setattr(sidecar_stamps, "WORTH", 1e9)
    listings, photo = Listings(), bytes(tmp_path / "a.jpg")
    assert listings.names_of(photo) == ()
    (tmp_path / "a_01.jpg.xmp").touch()
    assert b"a_01.jpg.xmp" not in listings.names_of(photo)
    assert b"a_01.jpg.xmp" in listings.names_of(photo, [b"a_01.jpg.xmp"])
    assert {b"a.jpg.xmp", b"a.xmp"} <= set(listings.names_of(photo))


def test_of_many_directories_the_last_are_kept(tmp_path: Path) -> None:
    """Each is right, however many there are."""
    listings = Listings()
    for _ in range(2):
        for number in range(DIRECTORIES + 1):
            directory = tmp_path / str(number)
            directory.mkdir(exist_ok=True)
            (directory / "a.xmp").touch()
            quiet(directory)
            assert listings.names_of(bytes(directory / "a.jpg")) == (b"a.xmp",)


def test_a_directory_that_may_not_be_listed_shows_the_likely_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With permission to enter only."""

    def refuse(_path: bytes) -> Any:
        raise PermissionError

    monkeypatch.setattr(os, "scandir", refuse)
    (tmp_path / "a.jpg.xmp").touch()
    photo = bytes(tmp_path / "a.jpg")
    assert list(files_of(photo, sidecar_of(photo, None))) == [photo + b".xmp"]


def test_one_file_that_answers_to_two_forms_of_its_name_counts_once(tmp_path: Path) -> None:
    """As on disks of Macs; here a hard link."""
    photo = bytes(tmp_path / "é.jpg")
    sidecar = tmp_path / "é.jpg.xmp"
    sidecar.touch()
    (tmp_path / unicodedata.normalize("NFD", sidecar.name)).hardlink_to(sidecar)
    assert len(list(files_of(photo, sidecar_of(photo, None)))) == 1


def test_a_live_photo_is_one_photo(tmp_path: Path) -> None:
    """Its video and Apple's edits beside it are neither photos nor sidecars."""
    for name in ("IMG_1.HEIC", "IMG_1.MOV", "IMG_1.AAE", "IMG_1.MOV.json", "PXL_1.MP.jpg"):
        (tmp_path / name).write_text("x")
    found = sorted(scan(bytes(tmp_path), None, IgnoreRules(bytes(tmp_path), ())))
    names = [entry.path.rpartition(b"/")[2] for entry in found]
    assert (names, [entry.sidecar for entry in found]) == (
        [b"IMG_1.HEIC", b"PXL_1.MP.jpg"],
        ["", ""],
    )
