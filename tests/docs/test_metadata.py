"""The page of metadata: its examples of names give a date or none, and its lists are complete."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from photosd.core.sidecar_names import SidecarNames
from photosd.decode.messages import TakenFrom
from photosd.index.path_dates import of_file, of_folders
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "metadata.md").read_text()


def between(start: str, end: str) -> list[str]:
    """The quoted examples between two texts of the page."""
    part = PAGE.partition(start)[2].partition(end)[0]
    return re.findall(r"`([^`]+)`", part)


FILES = between("| names of files |", "| names of folders |")
FOLDERS = between("| names of folders |", "\nNumbers that are not dates")
NO_DATES = between("\nNumbers that are not dates", "\n\n\n")
SIDECARS = between("\n## Sidecars", "\nA sidecar's facts")


@pytest.mark.parametrize("name", FILES)
def test_a_name_of_a_file_gives_a_date(name: str) -> None:
    """Each example."""
    assert of_file(b"/p/" + name.encode()) is not None


@pytest.mark.parametrize("precision", ["day", "month", "year"])
def test_a_name_of_a_folder_gives_a_date(precision: str) -> None:
    """Each example, as precise as its row says."""
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| {precision} | `"))
    for name in re.findall(r"`([^`]+)`", row):
        found = of_folders(b"/p/" + name.encode() + b"a.jpg")
        assert found is not None and found.precision == precision, name


@pytest.mark.parametrize("name", NO_DATES)
def test_another_number_gives_no_date(name: str) -> None:
    """Each example."""
    path = b"/p/" + name.encode()
    assert of_file(path) is None
    assert of_folders(path + b"a.jpg" if name.endswith("/") else path) is None


def test_each_sidecar_belongs_to_its_photo() -> None:
    """Each file of the table is of one of the photos that it names."""
    files = [name.encode() for name in SIDECARS if name.endswith((".xmp", ".json"))]
    photos = (b"a.jpg", b"a(2).jpg", b"a-edited.jpg")
    assert len(files) == 9
    for name in files:
        assert any(SidecarNames([name]).of(photo) for photo in photos), name


def test_every_origin_of_a_date_is_listed() -> None:
    """In the order of the page."""
    rows = re.findall(r"^\| `([a-z ]+)` \|", PAGE.partition("## The date of a photo")[2], re.M)
    assert sorted(rows) == sorted(get_args(TakenFrom))
    assert len(FILES) > 15 and len(FOLDERS) == 19 and len(NO_DATES) == 6
