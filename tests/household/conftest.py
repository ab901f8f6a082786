"""A household of the size that `make test` uses, and a daemon that has indexed it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from photosd.core.paths import Home
from tests.household.daemon import StandInDaemon
from tests.household.household import Household
from tests.household.making import make_household

FILES = int(os.environ.get("PHOTOSD_TEST_HOUSEHOLD", "3000"))
SECONDS = 600.0


@dataclass(frozen=True)
class Indexed:
    """A household, and the daemon that has indexed it."""

    household: Household
    daemon: StandInDaemon


@pytest.fixture(scope="package")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexed]:
    """One for all tests here; they leave it as it was."""
    household = make_household(tmp_path_factory.mktemp("household") / "photos", FILES)
    home = Path(tempfile.mkdtemp(prefix="photosd-test-", dir="/tmp"))
    before = os.environ.get("PHOTOSD_HOME")
    os.environ["PHOTOSD_HOME"] = str(home)
    try:
        daemon = StandInDaemon(Home.from_environment())
    finally:
        os.environ.pop("PHOTOSD_HOME")
        if before is not None:
            os.environ["PHOTOSD_HOME"] = before
    try:
        daemon.wait_until("ready")
        with daemon.client(timeout=SECONDS) as client:
            client.add(bytes(household.root))
            for _ in client.rescan(wait=True):
                pass
        yield Indexed(household, daemon)
    finally:
        daemon.stop()
        shutil.rmtree(home, ignore_errors=True)
