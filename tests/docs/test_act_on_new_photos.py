"""The examples of docs/how-to/act-on-new-photos.md run, and a new photo sets them off."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.paths import Home
from tests.alerts.conftest import NOTIFIER
from tests.alerts.scenes import eventually
from tests.conftest import ROOT, RunningDaemon
from tests.docs.examples import examples_of, painted, run, with_photosd

EXAMPLES = examples_of(ROOT / "docs" / "how-to" / "act-on-new-photos.md")
NOTE = '#!/bin/sh\nprintf "%s\\n" "$@" >> "$HOME/{0}"\n'


@pytest.fixture
def shell(home: Home, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A home with a daemon in it, a watched folder, and programs to run."""
    for name in ("Pictures/Phone", "Backup", "bin"):
        (tmp_path / name).mkdir(parents=True)
    tools = {name: NOTE.format(f"{name}.noted") for name in ("print-it", NOTIFIER)}
    environment = with_photosd(tmp_path, tools)
    daemon = RunningDaemon(home, environment)
    daemon.wait_until("ready")
    daemon.index(tmp_path / "Pictures")
    yield environment
    daemon.stop()


def test_every_example_runs(shell: dict[str, str], tmp_path: Path) -> None:
    """The queries are made, a photo comes, and each does what its chapter says."""
    assert len(EXAMPLES) >= 8
    made = [line for line in EXAMPLES if "--no-wait" not in line and "--remove" not in line]
    for example in made:
        done = run(example, tmp_path, shell)
        assert done.returncode == 0, (example, done.stderr)
    reading = [line for line in EXAMPLES if "--no-wait" in line]
    assert run(reading[0], tmp_path, shell).stdout == ""
    photo = os.fspath(painted(tmp_path / "Pictures" / "Phone", "sunset"))
    eventually((tmp_path / "Backup" / "sunset.jpg").exists)
    eventually((tmp_path / "print-it.noted").exists)
    eventually((tmp_path / f"{NOTIFIER}.noted").exists)
    eventually((tmp_path / "Sunsets" / "sunset.jpg").is_symlink)
    assert photo in (tmp_path / "print-it.noted").read_text()
    if shutil.which("jq"):
        told = run(reading[1], tmp_path, shell).stdout.splitlines()
        assert told in ([photo, "strong"], [photo, "fair"])
        assert run(reading[0], tmp_path, shell).stdout == ""
    else:
        assert run(reading[0], tmp_path, shell).stdout == f"{photo}\n"
    listed = run("photosd on --list", tmp_path, shell).stdout.splitlines()
    assert len(listed) == 5 and all("1 photo" in line for line in listed), listed
    (removing,) = (line for line in EXAMPLES if "--remove" in line)
    assert run(removing, tmp_path, shell).stdout.startswith("removed:   1  sunset")
