"""The examples of docs/how-to/use-in-scripts.md run, on a library with an odd name in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunningDaemon
from tests.docs.examples import examples_of, painted, run, with_photosd

PAGE = ROOT / "docs" / "how-to" / "use-in-scripts.md"
FZF = "#!/bin/sh\ncat\n"  # everything is chosen


@pytest.fixture
def shell(daemon: RunningDaemon, tmp_path: Path) -> dict[str, str]:
    """A home with pictures, a sunset among them under a name that few scripts survive."""
    pictures = tmp_path / "Pictures"
    for name in ("beach", "snow", "forest"):
        painted(pictures, name)
    painted(pictures, "sunset").rename(pictures / "a 'sun'\nset.jpg")
    (tmp_path / "Found").mkdir()
    daemon.wait_until("ready")
    daemon.index(pictures)
    return with_photosd(tmp_path, {"fzf": FZF})


def test_every_example_runs(shell: dict[str, str], tmp_path: Path) -> None:
    """Every example runs, and passes odd names on whole where the page promises it."""
    examples = examples_of(PAGE)
    assert len(examples) >= 10
    said: dict[str, str] = {}
    for example in examples:
        if "jq" in example and shutil.which("jq") is None:
            continue
        done = run(example, tmp_path, shell)
        assert done.returncode == 0, (example, done.stderr)
        said[example.partition("  #")[0].strip()] = done.stdout
    assert [file.name for file in (tmp_path / "Found").iterdir()] == ["a 'sun'\nset.jpg"]
    (looped,) = (out for example, out in said.items() if "while" in example)
    assert looped == f"found: {tmp_path}/Pictures/a 'sun'\nset.jpg\n"
    assert said["photosd list -0 | tr -cd '\\0' | wc -c"].strip() == "4"
    if shutil.which("jq"):
        (many,) = (out for example, out in said.items() if "printf" in example)
        assert many.startswith(f"beach: {tmp_path}/Pictures/beach.jpg\nsunset: ")


@pytest.mark.slow
def test_the_program_runs(shell: dict[str, str], tmp_path: Path, daemon: RunningDaemon) -> None:
    """With a daemon, and without one."""
    (program,) = examples_of(PAGE, "python")
    command = [sys.executable, "-c", program]

    def output() -> str:
        return subprocess.run(
            command, env=shell, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    found = f"{tmp_path}/Pictures/a 'sun'\nset.jpg"
    assert output() in (f"{found} {strength}\n4 photos\n" for strength in ("strong", "fair"))
    daemon.stop()
    assert output() == "photosd start\n"
