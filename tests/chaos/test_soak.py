"""The soak as a test: twenty minutes, or PHOTOSD_SOAK_MINUTES."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from photosd.core.paths import Home
from tests.chaos.soak import soak
from tests.chaos.troubles import troubles
from tests.conftest import RunningDaemon

MINUTES = float(os.environ.get("PHOTOSD_SOAK_MINUTES", "20"))


@pytest.mark.chaos
@pytest.mark.timeout(60 * MINUTES + 480)
def test_nothing_fails_and_nothing_grows(home: Home, tmp_path: Path) -> None:
    """Every query is answered, every photo is in its place; memory and files held stay flat.

    This holds also while a share hangs and the disk is full, where the system permits these.
    """
    place = tmp_path.resolve()
    with troubles(place, home.state) as suffered:
        daemon = RunningDaemon(home)
        try:
            outcome = soak(daemon, place / "photos", MINUTES, suffered=suffered)
        finally:
            daemon.stop()
    assert not outcome.faults, outcome
