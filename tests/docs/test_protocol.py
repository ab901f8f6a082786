"""docs/protocol.md says what the code does, and its examples run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from release.protocol_page import render
from tests.conftest import ROOT, RunningDaemon

PAGE = ROOT / "docs" / "protocol.md"
EXAMPLES = re.findall(r"^echo .*$", PAGE.read_text(), flags=re.MULTILINE)


def test_the_reference_is_that_of_this_code() -> None:
    """`make docs` generates it."""
    assert PAGE.read_text() == render(), "run: make docs"


@pytest.mark.skipif(
    not (shutil.which("nc") and shutil.which("jq")), reason="needs nc (OpenBSD's) and jq"
)
def test_the_shell_examples_run(daemon: RunningDaemon) -> None:
    """Each prints something and ends well."""
    daemon.wait_until("ready")
    assert len(EXAMPLES) >= 3
    for example in EXAMPLES:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", example],
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, (example, done.stderr)
    assert (
        "ready"
        in subprocess.run(
            ["bash", "-c", EXAMPLES[1]],
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout
    )
