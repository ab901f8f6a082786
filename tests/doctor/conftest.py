"""A healthy installation to plant faults in, and the doctor's findings about it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photosd.core.paths import Home
from photosd_cli.main import main
from tests.conftest import ENCODER_STANDS_IN, RunningDaemon

PICTURES = 6


@dataclass(frozen=True)
class Report:
    """What `photosd doctor --json` said, and its exit code."""

    code: int
    healthy: bool
    findings: list[dict[str, Any]]

    def trouble(self) -> list[dict[str, Any]]:
        """Findings that need something to be done."""
        return [f for f in self.findings if f["verdict"] in ("warning", "fault")]


Doctor = Callable[..., Report]


@pytest.fixture(scope="module")
def healthy() -> Iterator[Path]:
    """A home with some indexed pictures beside it; its daemon has stopped."""
    directory = Path(tempfile.mkdtemp(prefix="photosd-well-", dir="/tmp"))
    before = os.environ.get("PHOTOSD_HOME")
    os.environ["PHOTOSD_HOME"] = str(directory / "home")
    (directory / "photos").mkdir()
    for number in range(PICTURES):
        colour = (40 * number, 255 - 40 * number, 128)
        Image.new("RGB", (320, 240), colour).save(directory / "photos" / f"{number}.jpg")
    running = RunningDaemon(Home.from_environment(), prelude=ENCODER_STANDS_IN)
    running.wait_until("ready")
    running.index(directory / "photos")
    running.stop()
    if before is None:
        del os.environ["PHOTOSD_HOME"]
    else:
        os.environ["PHOTOSD_HOME"] = before
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def well(healthy: Path, home: Home) -> Home:
    """A copy of the healthy home, for one test to spoil. Its photos are a copy, too."""
    shutil.copytree(healthy / "home", home.state.parent, dirs_exist_ok=True, symlinks=True)
    return home


@pytest.fixture
def photos_of(healthy: Path) -> Iterator[Path]:
    """The pictures themselves; put back afterwards."""
    keep = healthy / "kept"
    shutil.copytree(healthy / "photos", keep)
    yield healthy / "photos"
    shutil.rmtree(healthy / "photos", ignore_errors=True)
    (healthy / "photos").unlink(missing_ok=True) if (healthy / "photos").is_file() else None
    shutil.copytree(keep, healthy / "photos")
    shutil.rmtree(keep)


@pytest.fixture
def doctor(
    home: Home, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Doctor:
    """Have this home examined; whatever services the machine has are not looked at."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user-config"))

    def run(*options: str) -> Report:
        capfd.readouterr()
        code = main(["doctor", "--json", *options])
        sys.stdout.flush()
        said = json.loads(capfd.readouterr().out)
        return Report(code, said["healthy"], said["findings"])

    return run
