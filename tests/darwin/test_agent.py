"""The agent with the real command and the real daemon, on a Mac that Python and launchctl pretend.

`make macos-check` and the page for Macs run as a person runs them; the cases one by one are in
tests/service/test_launchd.py.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.darwin import pretend
from tests.docs.examples import examples_of, painted, run
from tests.service.pretended_launchctl import PretendedLaunchd
from tests.service.test_macos_check import CHECK, ON_A_MAC, programs

PLUTIL = f"""#!/bin/sh
exec "{sys.executable}" -I -S -c 'import plistlib, sys
plistlib.loads(open(sys.argv[2], "rb").read())' "$@"
"""
# Tests run as root in CI, and photosd refuses to be root's service.
COMMAND = f"""#!/bin/sh
exec "{sys.executable}" -P -c 'import sys
from photosd.service import selection
from photosd_cli.main import main
selection.refuse_root = lambda: None
sys.exit(main())' "$@"
"""


@pytest.fixture
def launchd(tmp_path: Path, mac: dict[str, str]) -> Iterator[PretendedLaunchd]:
    """A launchd whose jobs pretend, too; its seconds are half as long."""
    pretended = PretendedLaunchd(tmp_path / "launchd")
    path = f"{pretended.bin}:{mac['PATH']}"
    keep = [pretend.PRETEND, pretend.TEMPORARY, "TMPDIR"]
    pretended.set(slowness=0.5, keep=keep, path=path)
    tools = {name: text for name, text in ON_A_MAC.items() if name != "launchctl"}
    programs(pretended.bin, {**tools, "plutil": PLUTIL, "photosd": COMMAND})
    mac["PATH"] = path
    yield pretended
    pretended.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_check_passes(launchd: PretendedLaunchd, mac: dict[str, str]) -> None:
    """Install, reinstall with a changed file, restart three times, crash, stop, uninstall."""
    done = subprocess.run(
        [CHECK, launchd.bin / "photosd"],
        env=mac,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout
    assert not (Path(mac["HOME"]) / "Library/LaunchAgents/org.photosd.daemon.plist").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_page_for_macs(launchd: PretendedLaunchd, mac: dict[str, str]) -> None:
    """Its commands in order, from the first start to the last file that is removed."""
    user = Path(mac["HOME"])
    painted(user / "Documents" / "Scans", "beach")
    painted(user / "Pictures" / "Photos Library.photoslibrary" / "originals", "sunset")
    for name in ("Library/LaunchAgents", "Library/Application Support", ".zfunc"):
        (user / name).mkdir(parents=True)
    before = {file for file in user.rglob("*")}
    said = {}
    for line in examples_of(ROOT / "docs/how-to/on-a-mac.md"):
        if not line.startswith("uv "):
            done = run(line, user, mac)
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            said[line] = done.stdout
    assert "launchd: installed and started, running" in said["photosd service install"]
    assert "Scans" in said["photosd folders"]
    assert "rm -rf" in line
    assert launchd.calls()[-1] == "bootout"
    assert {file for file in user.rglob("*")} == before
