"""The doctor is quiet on a healthy system, however unusual that is."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd.doctor import crashes, machine
from photosd.doctor.checks import run_checks
from photosd.doctor.context import CheckContext
from photosd.doctor.finding import Finding
from photosd.index.database import Database
from tests.cli.stub import status_result
from tests.conftest import RunningDaemon
from tests.doctor.healthy import SETUPS, Scene, as_before
from tests.household.daemon import PRELUDE, StandInDaemon

REMOTE = """
from photosd.watch import mounts; mounts.Mount.remote = property(lambda _mount: True)
"""


def home_at(directory: Path) -> Home:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOSD_HOME", os.fspath(directory))
        patch.delenv("PHOTOSD_SOCKET", raising=False)
        return Home.from_environment()


@pytest.fixture(scope="module")
def daemon() -> Iterator[StandInDaemon]:
    """One for all; its home is reached by links, and so are its state, models and settings."""
    real = Path(tempfile.mkdtemp(prefix="photosd-well-", dir="/tmp"))
    link = real.with_name(f"{real.name}-link")
    link.symlink_to(real)
    home = home_at(link)
    for name in ("elsewhere/state", "elsewhere/models"):
        (real / name).mkdir(parents=True, mode=0o700)
    for place, name in ((home.state, "state"), (home.models, "models")):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(real / "elsewhere" / name)
    home.config.mkdir(parents=True, exist_ok=True)
    (real / "elsewhere" / "settings").write_text("# mine\n[watch]\nsettle_seconds = 0.2\n")
    home.settings.symlink_to(real / "elsewhere" / "settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOSD_HOME", os.fspath(link))
        running = StandInDaemon(home)
    running.wait_until("ready")
    yield running
    running.stop()
    shutil.rmtree(real)
    link.unlink()


def troubles(home: Home) -> list[Finding]:
    return [finding for finding in run_checks(home) if finding.verdict in ("fault", "warning")]


def faults(home: Home) -> list[str]:
    found = [finding for finding in troubles(home) if finding.verdict == "fault"]
    return [f"{finding.check}: {finding.says}" for finding in found]


@pytest.fixture(autouse=True)
def no_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever services this machine has are not looked at."""
    monkeypatch.setenv("XDG_CONFIG_HOME", os.fspath(tmp_path / "user-config"))


def test_before_any_folder_is_added(daemon: StandInDaemon) -> None:
    assert faults(daemon.home) == []


@pytest.mark.parametrize("name", SETUPS)
def test_a_healthy_set_up_has_no_fault(
    name: str, daemon: StandInDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_before(daemon):
        SETUPS[name](Scene(daemon, tmp_path / "scene", monkeypatch))
        assert faults(daemon.home) == []


def test_there_are_enough_of_them() -> None:
    assert len(SETUPS) >= 40


def test_a_plain_one_has_no_warning_either(
    daemon: StandInDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_before(daemon):
        scene = Scene(daemon, tmp_path / "scene", monkeypatch)
        scene.photo()
        scene.add()
        ours = [one for one in troubles(daemon.home) if one.check not in ("disk space", "memory")]
        assert ours == []


class RemoteDaemon(RunningDaemon):
    """Every file system seems to be a network share: folders are only scanned."""

    def __init__(self, home: Home) -> None:
        super().__init__(home, prelude=PRELUDE + REMOTE)


def test_a_share_that_is_only_scanned(home: Home, tmp_path: Path) -> None:
    """What changes between two scans is no fault, and its directories need no watches."""
    remote = RemoteDaemon(home)
    try:
        remote.wait_until("ready")
        scene = Scene(remote, tmp_path / "scene", pytest.MonkeyPatch())  # type: ignore[arg-type]
        for number in range(3):
            scene.photo(f"{number}/a.jpg")
        scene.add()
        assert faults(home) == []
        (scene.folder / "1" / "a.jpg").unlink()
        os.utime(scene.photo("2/a.jpg"), (1, 1))
        assert faults(home) == []
    finally:
        remote.stop()


@pytest.mark.parametrize(("point", "verdict"), [(b"/nowhere/Disk", "warning"), (b"/", "fault")])
def test_a_disk_that_is_unplugged_is_no_fault(home: Home, point: bytes, verdict: str) -> None:
    """People unplug their disks; a folder that is gone from a disk that is there is one."""
    home.state.mkdir(parents=True)
    database = Database(home.catalog)
    with database.write() as db:
        db.execute(
            "INSERT INTO folders(path, mount_point, state) VALUES('/nowhere/Disk/p', ?, 'offline')",
            (point,),
        )
    database.close()
    folder = {"path": "/nowhere/Disk/p", "state": "offline", "photos": 3, "reason": "away"}
    context = CheckContext(home)
    vars(context)["status"] = status_result(folders=[{**folder, "remedy": None}])
    (found,) = machine.folders(context)
    assert (found.verdict, found.check) == (verdict, "folders")
    assert found.remedy


@pytest.mark.parametrize(("state", "counts"), [("failed", False), ("indexed", True)])
def test_decoders_that_ended_over_quarantined_photos(home: Home, state: str, counts: bool) -> None:
    """Deaths over quarantined photos count in the check of photos; others count here."""
    home.log.parent.mkdir(parents=True)
    event = {"event": "decoder_died", "path": "/p/a.jpg", "reason": "killed", "level": "warning"}
    event["timestamp"] = datetime.now(UTC).isoformat()
    home.log.write_text(3 * (json.dumps(event) + "\n"))
    database = Database(home.catalog)
    with database.write() as db:
        db.execute("INSERT INTO folders(id, path, state) VALUES(1, '/p', 'ok')")
        db.execute(
            "INSERT INTO photos(path, folder, size, mtime_ns, inode, device, state, deaths)"
            " VALUES(?, 1, 1, 1, 1, 1, ?, 2)",
            (b"/p/a.jpg", state),
        )
    database.close()
    found = [one.verdict for one in crashes.crashes(CheckContext(home))]
    assert found == (["fault"] if counts else ["ok"])
