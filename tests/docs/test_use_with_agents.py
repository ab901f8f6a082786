"""The examples of docs/how-to/use-with-agents.md run: the settings, and the program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.conftest import ROOT, RunningDaemon
from tests.docs.examples import examples_of, painted, with_photosd

PAGE = ROOT / "docs" / "how-to" / "use-with-agents.md"


@pytest.fixture
def shell(daemon: RunningDaemon, tmp_path: Path) -> dict[str, str]:
    """A home with a sunset in its library."""
    for name in ("sunset", "snow"):
        painted(tmp_path / "Pictures", name)
    daemon.wait_until("ready")
    daemon.index(tmp_path / "Pictures")
    return with_photosd(tmp_path)


@pytest.mark.slow
def test_the_examples_run(shell: dict[str, str], tmp_path: Path) -> None:
    """As they stand on the page."""
    (settings,) = examples_of(PAGE, "json")
    server = StdioServerParameters(**json.loads(settings)["mcpServers"]["photosd"], env=shell)

    async def ask() -> set[str]:
        with anyio.fail_after(60):
            async with Client(server) as client:
                return {tool.name for tool in (await client.list_tools()).tools}

    named = {line.split("`")[1] for line in PAGE.read_text().splitlines() if line[:3] == "| `"}
    assert anyio.run(ask) == named
    (program,) = examples_of(PAGE, "python")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=shell,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    photo, blocks = done.stdout.splitlines()
    assert photo.startswith(f"{tmp_path}/Pictures/sunset.jpg ")
    assert blocks == "['text', 'image']"
