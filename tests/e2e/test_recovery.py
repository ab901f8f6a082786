"""Whatever ends the daemon, the next one converges to the folder."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunningDaemon


def embedded(daemon: RunningDaemon) -> int:
    with daemon.client() as client:
        return int(client.call("status", {})["index"]["indexed"])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [pytest.param(n, marks=pytest.mark.chaos) for n in (3, 20)])
def test_kills_while_indexing(
    daemon: RunningDaemon, photos: Path, tmp_path: Path, kills: int
) -> None:
    """kill -9 at random moments: nothing acknowledged is encoded again, nothing is missing."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, file in enumerate(sorted((photos / "library").glob("*.jpg"))):
        shutil.copy(file, folder / f"{number:03}.jpg")
    daemon.wait_until("ready")
    with daemon.client() as client:
        client.call("add", {"path": str(folder)})
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    acknowledged = 0
    for kill in range(kills):
        if kill % 4 == 0:  # keep something to do until the end
            with daemon.client() as client:
                if kill:
                    client.call("reindex", {})
            acknowledged = 0
        time.sleep(chance.uniform(0, 0.8))
        now = embedded(daemon)
        assert now >= acknowledged, f"seed {seed}: {acknowledged - now} acknowledged were lost"
        daemon.kill()
        daemon.restart()
        daemon.wait_until("ready")
        acknowledged = now
    result: Any = daemon.index()
    assert result["indexed"] == len(list(folder.iterdir())), f"seed {seed}"
    assert result["failed"] == 0, f"seed {seed}"
    encoded = images_encoded(daemon)
    with daemon.client() as client:
        client.call("reindex", {})
    daemon.index()
    everything = images_encoded(daemon) - encoded  # a wide photo counts once for each tile
    assert encoded <= everything - acknowledged, f"seed {seed}"


def images_encoded(daemon: RunningDaemon) -> int:
    with daemon.client() as client:
        return int(client.call("status", {})["encoder"]["images_encoded"])
