"""The soak as a test: twenty minutes, or PHOTOSD_SOAK_MINUTES."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.soak import soak
from tests.conftest import RunningDaemon

MINUTES = float(os.environ.get("PHOTOSD_SOAK_MINUTES", "20"))


@pytest.mark.chaos
@pytest.mark.timeout(60 * MINUTES + 180)
def test_nothing_fails_and_nothing_grows(daemon: RunningDaemon, tmp_path: Path) -> None:
    """Every query answered, every photo in its place; what the daemon holds stays flat."""
    outcome = soak(daemon, tmp_path.resolve() / "photos", MINUTES)
    assert not outcome.faults, outcome
