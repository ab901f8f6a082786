"""The examples of docs/how-to/use-gemini.md run, with a stand-in for Gemini."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from photosd_cli.commands.demo import PICTURES
from tests.conftest import ROOT, RunningDaemon
from tests.gemini.fake_gemini import KEY, FakeGemini, wait_for

PAGE = ROOT / "docs" / "how-to" / "use-gemini.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
EXAMPLES = [line for block in BLOCKS for line in block.splitlines() if line.strip()]


@pytest.fixture
def gemini() -> Iterator[FakeGemini]:
    with FakeGemini({"שקיעה מעל הים": ["a sunset over the sea"]}) as server:
        yield server


def test_every_example_runs(daemon: RunningDaemon, gemini: FakeGemini) -> None:
    """In the order of the page; exactly the data that it names arrives."""
    directory = daemon.home.state.parent
    pictures = directory / "Pictures"
    pictures.mkdir()
    shutil.copy(PICTURES / "sunset.jpg", pictures)
    photosd = directory / "photosd"
    photosd.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m photosd_cli.main "$@"\n')
    photosd.chmod(0o755)
    daemon.wait_until("ready")
    daemon.index(pictures)
    with daemon.client() as client:
        client.call("config_set", {"name": "cloud.base_url", "value": gemini.url})
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "cli")]),
        "PATH": f"{directory}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(directory),
        "YOUR_KEY": KEY,
    }
    assert len(EXAMPLES) >= 12
    for example in EXAMPLES:
        done = subprocess.run(
            ["bash", "-c", example],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        allowed = (0, 1) if " query " in example else (0,)  # 1: no good matches
        assert done.returncode in allowed, (example, done.stdout, done.stderr)
        if "enable gemini" in example:
            wait_for(lambda: gemini.images)
    assert (directory / "copy.jpg").read_bytes() in gemini.images
    assert not any(b"my own business" in request.raw for request in gemini.requests)
    assert not daemon.home.cloud.exists()
