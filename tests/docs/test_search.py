"""The examples of docs/how-to/search.md run, on a library of painted scenes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from photosd.places.building import build
from tests.conftest import ROOT, RunningDaemon
from tests.docs.examples import examples_of, painted, run, with_photosd

EXAMPLES = examples_of(ROOT / "docs" / "how-to" / "search.md")


@pytest.fixture
def shell(daemon: RunningDaemon, tmp_path: Path) -> dict[str, str]:
    """A home with two beaches, one of them with everything a filter may ask for."""
    pictures = tmp_path / "Pictures"
    for name in ("beach", "sunset", "snow", "forest", "sunflower"):
        painted(pictures, name)
    painted(
        pictures / "Holiday",
        "beach",
        camera="Canon EOS",
        taken="2019:08:31 18:00:00",
        place=(32.08, 34.78),
        rating=4,
    )
    shutil.copy(pictures / "sunset.jpg", pictures / "copy of sunset.jpg")
    daemon.wait_until("ready")
    build(daemon.home.places)  # the daemon makes it, too, at the lowest priority
    daemon.index(pictures)
    return with_photosd(tmp_path)


def test_every_example_runs(shell: dict[str, str], tmp_path: Path) -> None:
    """And finds what its line is about."""
    assert len(EXAMPLES) >= 15
    for example in EXAMPLES:
        done = run(example, tmp_path, shell)
        assert done.returncode == 0 or "--weak" in example, (example, done.stderr)
        best, *_ = done.stdout.splitlines()
        if example.startswith('photosd query "beach"') and "--plus" not in example:
            assert "beach.jpg" in best, example
        if re.search(r'August 2019"($|  )', example):
            assert "Holiday" in best and "/Pictures/beach.jpg" not in done.stdout, example
            assert "read as: " in done.stderr, example
        if re.search(r"--(in|camera|place|near|rating|since 2018)\b", example):
            assert "Holiday" in best, example
            assert "/Pictures/beach.jpg" not in done.stdout, example


def test_a_page_continues_where_the_one_before_ended(shell: dict[str, str], tmp_path: Path) -> None:
    """By the command that the page before names."""
    first = run("photosd query beach -n 1", tmp_path, shell)
    more = re.search(r"more: (photosd query --cursor \S+)", first.stderr)
    assert more is not None, first.stderr
    second = run(f"{more[1]} -n 10 --weak", tmp_path, shell)
    assert second.stdout and first.stdout not in second.stdout
