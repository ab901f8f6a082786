"""The examples of docs/how-to/see-results.md run, on a library of painted scenes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd_cli.commands.demo import PICTURES
from tests.conftest import ROOT, RunningDaemon

PAGE = ROOT / "docs" / "how-to" / "see-results.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
EXAMPLES = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
XDG_OPEN = '#!/bin/sh\ntest -r "$1" && echo "$1" >> "$HOME/opened"\n'
FZF = "#!/bin/sh\nxargs -0 -n 1 photosd preview\n"


@pytest.fixture
def surroundings(daemon: RunningDaemon, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A home with pictures, a desktop, and fzf as far as we need it; `photosd` is ours."""
    pictures, tools = tmp_path / "Pictures", tmp_path / "bin"
    for directory in (pictures, tools):
        directory.mkdir()
    for name in ("sunset", "snow"):
        shutil.copy(PICTURES / f"{name}.jpg", pictures)
    for name, script in (
        ("xdg-open", XDG_OPEN),
        ("fzf", FZF),
        ("photosd", f'#!/bin/sh\nexec "{sys.executable}" -m photosd_cli.main "$@"\n'),
    ):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    daemon.wait_until("ready")
    daemon.index(pictures)
    yield {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "cli")]),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "DISPLAY": ":9",
        "TERM": "xterm-256color",
        "FZF_PREVIEW_COLUMNS": "20",
        "FZF_PREVIEW_LINES": "8",
    }


def test_every_example_runs(surroundings: dict[str, str], tmp_path: Path) -> None:
    """And leaves what it promises."""
    assert len(EXAMPLES) >= 10
    said: dict[str, str] = {}
    for example in EXAMPLES:
        if "jq" in example and shutil.which("jq") is None:
            continue
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", example],
            cwd=tmp_path,
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (example, done.stderr)
        said[example.partition("#")[0].strip()] = done.stdout
    for page in (tmp_path / "sheet.html", tmp_path / "all.html"):
        assert page.read_text().startswith("<!doctype html>")
        assert "sunset.jpg" in page.read_text()
    if sys.platform != "darwin":  # whose own program opens them
        opened = (tmp_path / "opened").read_text().splitlines()
        assert len(opened) >= 2
        assert opened[0].endswith(".html") and opened[-1].endswith("sunset.jpg")
    for example, out in said.items():
        if "preview" in example and "query" not in example and "--json" not in example:
            assert out.count("▀") > 100, example
        if "fzf" in example:
            assert out.count("▀") > 50
    if shutil.which("jq"):
        assert (tmp_path / "small.jpg").read_bytes().startswith(b"\xff\xd8")
