"""The household itself: the same seed the same tree, and what it says of itself is so."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from photosd.core.formats import is_photo_name
from tests.household.daemon import expected
from tests.household.household import Household, listing
from tests.household.making import make_household
from tests.household.names import LONGEST

KINDS = {
    "camera", "phone", "messenger", "screenshot", "edited", "copy", "hard_link", "link", "burst",
    "raw", "live", "sidecar", "odd_name", "deep", "format", "damaged", "other", "unwanted", "mark",
    "marked", "special", "mode", "odd_time",
}  # fmt: skip


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Household:
    return make_household(tmp_path_factory.mktemp("household"), 1500, seed=3)


def test_the_same_seed_makes_the_same_tree(tmp_path: Path) -> None:
    """Names, bytes, modes and times, whatever was made before; another seed another one."""
    trees = []
    for number, seed in enumerate((7, 8, 7)):
        make_household(tmp_path / str(number), 700, seed)
        trees.append([entry for entry in listing(tmp_path / str(number)) if entry[3][:1] != b"/"])
    assert trees[0] == trees[2]
    assert trees[0] != trees[1]


@pytest.mark.parametrize("files", [20, 21, 500])
def test_there_are_as_many_as_asked_for(tmp_path: Path, files: int) -> None:
    """Counted on the disk, links and pipes among them."""
    household = make_household(tmp_path / "photos", files)
    found = {
        place + b"/" + name
        for place, directories, names in os.walk(os.fsencode(household.root))
        for name in [
            *names,
            *(d for d in directories if (Path(os.fsdecode(place)) / os.fsdecode(d)).is_symlink()),
        ]
    }
    assert found == {item.path for item in household.items}
    assert len(found) == files


def test_every_kind_is_there(household: Household) -> None:
    """And every outcome."""
    assert set(household.kinds()) == KINDS
    assert all(household.paths(outcome) for outcome in ("indexed", "ignored", "failed"))


def test_what_it_expects_is_what_the_rules_say(household: Household) -> None:
    """The description, beside a plain look at the tree."""
    good, bad = expected(household.root)
    assert good == household.contents()
    assert bad == household.paths("failed")
    assert {item.why for item in household.items if item.outcome != "indexed"} >= {
        "not a photo", "a bin or thumbnails", "a hidden name", ".nomedia", ".photosdignore",
        "a pipe",
        "a link to a directory", "it leads nowhere", "it leads in a circle", "truncated", "empty",
    }  # fmt: skip


def test_contents_are_shared_only_by_copies_and_links(household: Household) -> None:
    """Every other photo has bytes of its own."""
    seen: dict[str, str] = {}
    for item in household.items:
        if item.content is None or item.outcome != "indexed":
            continue
        if item.kind not in ("copy", "hard_link", "link"):
            assert item.content not in seen, item
        seen.setdefault(item.content, item.kind)


def test_names_are_as_odd_as_names_are(household: Household) -> None:
    """Longest ones, no UTF-8, both normal forms, newlines, dashes, right to left."""
    names = [item.name for item in household.items if is_photo_name(item.name)]
    texts = [os.fsdecode(name) for name in names]
    assert LONGEST in map(len, names)
    if sys.platform != "darwin":  # whose disks take none that are not UTF-8
        assert any(not text.isprintable() and "\udc80" <= max(text) <= "\udcff" for text in texts)
    assert any("\n" in text for text in texts)
    assert any(text.startswith("-") for text in texts)
    assert any("\u0590" <= letter <= "\u05ff" for text in texts for letter in text)
    for form in ("NFC", "NFD"):
        other = "NFD" if form == "NFC" else "NFC"
        assert any(
            unicodedata.normalize(form, text) == text != unicodedata.normalize(other, text)  # type: ignore[arg-type]
            for text in texts
        )


def test_times_are_from_1970_to_the_future(household: Household) -> None:
    """As the file system keeps them."""
    years = {
        item.mtime_ns // (31_557_600 * 10**9) + 1970 for item in household.items if item.content
    }
    assert min(years) == 1970 and max(years) > 2100
