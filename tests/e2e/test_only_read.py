"""photosd reads photos and does nothing else to them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import RunningDaemon
from tests.e2e.test_damage import paint


@pytest.fixture
def daemon(quick_daemon: RunningDaemon) -> RunningDaemon:
    return quick_daemon


def test_photos_and_folders_stay_as_they_are(daemon: RunningDaemon, tmp_path: Path) -> None:
    """Bytes, times, modes and names, whatever is asked: found, shown, forgotten, removed."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(4):
        paint(folder / f"{number}.png", number)
    shutil.copy(folder / "0.png", folder / "copy.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no photo")
    before = _state(folder)
    daemon.wait_until("ready")
    daemon.index(folder)
    photo = str(folder / "1.png")
    with daemon.client(timeout=60) as client:
        client.query("a red picture", deadline_ms=10_000)
        client.call("thumbnail", {"path": photo})
        client.call("show", {"path": photo})
        client.call("duplicates", {"near": True})
        list(client.stream("rescan", {"wait": True}))
        client.call("purge", {})
        client.call("remove", {"path": str(folder)})
    assert _state(folder) == before


def _state(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        told = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (told.st_mode, told.st_mtime_ns, told.st_ctime_ns, told.st_ino, content)
    return found
