"""The examples of docs/how-to/find-duplicates.md run, on painted scenes."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

from tests.conftest import ROOT, RunningDaemon
from tests.docs.examples import examples_of, painted, run, with_photosd

PAGE = ROOT / "docs" / "how-to" / "find-duplicates.md"


def test_every_example_runs(daemon: RunningDaemon, tmp_path: Path) -> None:
    """In their order: what is found, and, at the end, that only the copies went."""
    pictures, holiday, spare = (
        tmp_path / name for name in ("Pictures", "Pictures/Holiday", "Spare")
    )
    spare.mkdir()
    beach = painted(holiday, "beach")
    shutil.copy(beach, pictures / "beach (1).jpg")
    with Image.open(beach) as picture:
        picture.reduce(2).save(holiday / "small.png")
    painted(pictures, "forest")
    daemon.wait_until("ready")
    daemon.index(pictures)
    environment = with_photosd(tmp_path)
    examples = examples_of(PAGE)
    assert len(examples) == 7
    for example in examples:
        done = run(example, tmp_path, environment)
        assert done.returncode == 0, (example, done.stderr)
        silent = "Holiday" in example or "mv" in example
        assert ("beach (1).jpg" in done.stdout) is not silent
        assert ("small.png" in done.stdout) is ("--similar" in example)
        assert "forest" not in done.stdout
    assert sorted(file.name for file in tmp_path.rglob("*.[jp][pn]g")) == sorted(
        ["beach.jpg", "beach (1).jpg", "small.png", "forest.jpg"]
    )
    assert [file.name for file in spare.iterdir()] == ["beach (1).jpg"]
