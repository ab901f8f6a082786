"""The agent is loaded, kicked and unloaded by the right calls; no Mac has run them yet."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd.service import units
from photosd.service.launchd import Launchd
from photosd.service.recipe import Recipe, ServiceError
from tests.conftest import ROOT

# Stands in for launchctl: an agent is known while it is loaded.
LAUNCHCTL = """#!/bin/sh
here=$(dirname "$0")
echo "$1" >> "$here/calls"
case $1 in
  print)
    case $2 in gui/*/*) ;; *) exit 0 ;; esac
    [ -f "$here/loaded" ] || exit 113; echo "	state = running" ;;
  bootstrap) touch "$here/loaded" ;;
  bootout) rm -f "$here/loaded" ;;
  kickstart) [ -f "$here/loaded" ] || exit 3 ;;
esac
"""


@pytest.fixture
def agent(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launchd:
    """An agent of a home directory of the test's, and a stand-in for launchctl."""
    (tmp_path / "bin").mkdir()
    launchctl = tmp_path / "bin" / "launchctl"
    launchctl.write_text(LAUNCHCTL)
    launchctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{launchctl.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    return Launchd(Recipe.here())


def calls(tmp_path: Path) -> list[str]:
    """What launchctl was asked since the last time, but for looking."""
    file = tmp_path / "bin" / "calls"
    asked = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return [call for call in asked if call != "print"]


def test_there_and_back(agent: Launchd, home: Home, tmp_path: Path) -> None:
    """Installed, running and current; again without a change; stopped, started, uninstalled."""
    file = tmp_path / "Library" / "LaunchAgents" / f"{units.LABEL}.plist"
    assert not agent.status().installed
    assert agent.install()
    assert calls(tmp_path) == ["bootout", "enable", "bootstrap", "kickstart"]
    assert plistlib.loads(file.read_bytes())["Label"] == units.LABEL
    status = agent.status()
    assert (status.installed, status.current, status.state) == (True, True, "running")
    assert status.serves == str(home.state)
    assert not agent.install()
    assert calls(tmp_path) == ["enable", "kickstart"]
    agent.stop()
    assert agent.status().state == "stopped"
    agent.stop()
    assert calls(tmp_path) == ["bootout"]
    agent.start()
    assert calls(tmp_path) == ["bootstrap", "kickstart"]
    assert agent.uninstall()
    assert not file.exists()
    assert not agent.uninstall()


def test_an_agent_that_somebody_wrote_is_left_alone(agent: Launchd) -> None:
    """Neither replaced nor removed."""
    file = next(iter(agent.files()))
    file.parent.mkdir(parents=True)
    theirs = plistlib.dumps({"Label": units.LABEL, "Program": "/Users/me/photos.sh"})
    file.write_bytes(theirs)
    for change in (agent.check, agent.install, agent.uninstall):
        with pytest.raises(ServiceError, match="was not written by photosd"):
            change()
    assert file.read_bytes() == theirs


def test_an_older_agent_is_noticed(agent: Launchd, tmp_path: Path) -> None:
    """After an update or a move."""
    agent.install()
    file = next(iter(agent.files()))
    file.write_bytes(file.read_bytes().replace(b"<integer>10</integer>", b"<integer>9</integer>"))
    assert not agent.status().current
    calls(tmp_path)
    assert agent.install()
    assert calls(tmp_path) == ["bootout", "enable", "bootstrap", "kickstart"]
    assert agent.status().current


@pytest.mark.skipif(not shutil.which("plutil"), reason="plutil is Apple's")
def test_apple_s_own_tool_accepts_it(agent: Launchd, tmp_path: Path) -> None:
    """On a Mac."""
    agent.install()
    file = next(iter(agent.files()))
    assert subprocess.run(["plutil", "-lint", file], timeout=20, check=False).returncode == 0


CHECK = ROOT / ".ci" / "macos-check.sh"


@pytest.mark.skipif(sys.platform == "darwin", reason="here it would begin")
def test_the_check_for_macs_refuses_elsewhere() -> None:
    """Rather than report what no Mac has done."""
    done = subprocess.run(
        [CHECK, "photosd"], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 2
    assert "for a Mac" in done.stderr


@pytest.mark.slow
def test_the_check_for_macs_works_as_far_as_it_can(tmp_path: Path) -> None:
    """All but launchd, on this machine."""
    photosd = Path(sys.executable).parent / "photosd"
    if not photosd.exists():
        pytest.skip("photosd is not installed beside this Python")
    done = subprocess.run(
        [CHECK, photosd],
        env={**os.environ, "PHOTOSD_CHECK_ANYWHERE": "1", "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout
