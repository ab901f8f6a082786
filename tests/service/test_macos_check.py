"""The scripts that try photosd on a Mac: they pass on a system that works, and on no other.

They run here as far as Linux allows; `uname`, `hdiutil` and others of macOS are stand-ins.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCRIPTS = ROOT / "tests" / "darwin"
CHECK, VOLUMES = SCRIPTS / "macos-check.sh", SCRIPTS / "macos-volumes.sh"
# What a daemon that is dead can do: commands that exit with 0 and print nothing.
MUTE = "#!/bin/sh\nexit 0\n"
NOT_RUNNING = "#!/bin/sh\necho photosd is not running >&2\nexit 3\n"
STALE = """#!/bin/sh
case "$*" in
  "status --json") echo '{"pid": 999999999, "encoder": {"pid": 999999998, "device": "cpu"}}' ;;
  list) printf '/red.jpg\\n/caf\\n/new.jpg\\n/moved/blue.jpg\\n' ;;
  query*) echo '{"hits": [{}]}' ;;
esac
"""
# Checks that only a daemon that lives can pass, by the beginning of their names.
ALIVE = (
    "it lives",
    "a query is answered",
    "the doctor finds nothing",
    "queries are answered again",
    "it restarts",
    "the encoder is stopped",
    "it answers",
    "launchd has started it",
    "by another process",
    "the agent restarts",
    "launchd starts it again",
    "it lives as an agent",
)
ON_A_MAC = {
    "uname": "#!/bin/sh\ncase $1 in -srm) echo Darwin 25.0.0 arm64 ;; *) echo Darwin ;; esac\n",
    "sw_vers": "#!/bin/sh\necho ProductVersion: 26.0\n",
    "launchctl": MUTE,
    "plutil": MUTE,
    "lsof": "#!/bin/sh\nexit 1\n",
}


def programs(directory: Path, scripts: dict[str, str]) -> Path:
    """These scripts in a directory, with a Python beside them."""
    directory.mkdir(exist_ok=True)
    for name, text in scripts.items():
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    if not (directory / "python").exists():
        (directory / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (directory / "python").chmod(0o755)
    return directory


def tried(script: Path, photosd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, photosd],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def passed(output: str) -> list[str]:
    return re.findall(r"^ok +(.*)$", output, re.MULTILINE)


@pytest.mark.skipif(sys.platform == "darwin", reason="here it would begin")
@pytest.mark.parametrize("script", [CHECK, VOLUMES], ids=["check", "volumes"])
def test_they_refuse_elsewhere(script: Path, tmp_path: Path) -> None:
    """Rather than report what no Mac has done."""
    done = tried(script, programs(tmp_path / "bin", {"photosd": MUTE}) / "photosd")
    assert done.returncode == 2
    assert "for a Mac" in done.stderr


@pytest.mark.parametrize(
    "photosd", [MUTE, NOT_RUNNING, STALE], ids=["mute", "not running", "stale"]
)
def test_a_dead_daemon_does_not_pass(photosd: str, tmp_path: Path) -> None:
    """An empty pid differed from the one before, and so "launchd starts it again" passed."""
    place = programs(tmp_path / "bin", {**ON_A_MAC, "photosd": photosd})
    (tmp_path / "Library" / "LaunchAgents").mkdir(parents=True)
    path = f"{place}:{os.environ['PATH']}"
    done = tried(CHECK, place / "photosd", PATH=path, HOME=str(tmp_path), WAIT="0")
    assert done.returncode == 1, done.stdout + done.stderr
    wrong = [name for name in passed(done.stdout) if name.startswith(ALIVE)]
    assert wrong == []
    failed = re.findall(r"^FAILED +(.*)$", done.stdout, re.MULTILINE)
    assert len([name for name in failed if name.startswith(ALIVE)]) >= 15


def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    """Its folder is deleted, and those of the user are not touched."""
    before = set(Path("/tmp").glob("photosd-check.*"))
    for name in ("Pictures", "Documents", "Library"):
        (tmp_path / name).mkdir()
    place = programs(tmp_path / "bin", {**ON_A_MAC, "photosd": NOT_RUNNING})
    path = f"{place}:{os.environ['PATH']}"
    tried(
        CHECK, place / "photosd", PATH=path, HOME=str(tmp_path), WAIT="0", KEEP=f"{tmp_path}/kept"
    )
    assert set(Path("/tmp").glob("photosd-check.*")) <= before
    names = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*")}
    assert {name for name in names if not name.startswith("bin")} == {
        "Pictures",
        "Documents",
        "Library",
        "kept",
        "kept/agent.txt",
    }


@pytest.mark.slow
def test_it_passes_here_as_far_as_it_can(tmp_path: Path) -> None:
    """All but launchd, on this machine."""
    photosd = Path(sys.executable).parent / "photosd"
    if not photosd.exists():
        pytest.skip("photosd is not installed beside this Python")
    done = tried(CHECK, photosd, PHOTOSD_CHECK_ANYWHERE="1", XDG_CONFIG_HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout


# Disk images of a Linux that has them: a directory beside the "image", mounted where macOS would.
HDIUTIL = """#!/bin/sh
verb=$1; shift
name=
while [ $# -gt 0 ]; do
  case $1 in
    -size | -fs) shift ;;
    -volname) name=$2; shift ;;
    -*) ;;
    *) place=$1 ;;
  esac
  shift
done
case $verb in
  create) mkdir "$place.files" && echo "$name" > "$place" ;;
  attach)
    volume=$VOLUMES/$(cat "$place")
    mkdir "$volume" && mount --bind "$place.files" "$volume" ;;
  detach) umount "$place" && rmdir "$place" ;;
esac
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin" or os.getuid() != 0, reason="it mounts, on Linux")
def test_disks_that_come_and_go(tmp_path: Path) -> None:
    """What `make macos-volumes` does with images; case and accents differ on Linux."""
    photosd = Path(sys.executable).parent / "photosd"
    if not photosd.exists():
        pytest.skip("photosd is not installed beside this Python")
    probe = "mount --bind /usr /mnt"
    if subprocess.run(["unshare", "--mount", "sh", "-c", probe], capture_output=True).returncode:
        pytest.skip("nothing can be mounted")
    place = programs(tmp_path / "bin", {"hdiutil": HDIUTIL})
    (tmp_path / "Volumes").mkdir()
    path = f"{place}:{os.environ['PATH']}"
    done = tried(VOLUMES, photosd, PATH=path, VOLUMES=str(tmp_path / "Volumes"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout
    assert list((tmp_path / "Volumes").iterdir()) == []
