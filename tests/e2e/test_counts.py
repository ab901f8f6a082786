"""The number of photos is the same in every command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from photosd_cli.commands.demo import PICTURES
from tests.conftest import ROOT, RunningDaemon


def test_counts_agree(daemon: RunningDaemon, tmp_path: Path) -> None:
    """Status, folders, list, facets, queries, index and failures, one photo being broken."""
    pictures = tmp_path / "Pictures"
    (pictures / "more").mkdir(parents=True)
    shutil.copy(PICTURES / "sunset.jpg", pictures)
    shutil.copy(PICTURES / "snow.jpg", pictures / "more")
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8 cut off")
    daemon.wait_until("ready")
    daemon.index(pictures)
    with daemon.client() as client:
        status, (folder,) = client.status(), client.folders()["folders"]
        photos, indexed = status["index"]["photos"], status["index"]["indexed"]
        assert (photos, indexed, status["index"]["failed"]) == (3, 2, 1)
        assert (folder["photos"], folder["failed"]) == (photos, 1)
        assert status["folders"][0]["photos"] == photos
        listed = {state: sum(map(len, client.paths(state))) for state in ("", "indexed", "failed")}
        assert listed == {"": photos, "indexed": indexed, "failed": 1}
        assert client.facets()["photos"] == indexed
        coverage = client.query("sunset")["coverage"]
        assert (coverage["photos"], coverage["indexed"], coverage["failed"]) == (photos, indexed, 1)
        assert len(client.failures()["failures"]) == 1
    said = {
        line: subprocess.run(
            [sys.executable, "-m", "photosd_cli.main", *line.split()],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'daemon'}{os.pathsep}{ROOT / 'cli'}"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        for line in ("status", "folders", "index", "query sunset")
    }
    assert "2 of 3 photos" in said["status"].stdout and "1 failed" in said["status"].stdout
    assert "3 photos, 1 failed" in said["folders"].stdout
    assert "2 photos indexed, 1 failed" in said["index"].stdout
    assert "2 photos searched" in said["query sunset"].stderr
