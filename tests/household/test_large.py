"""A household of 100,000 files: what only shows where everything is beyond every limit."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from photosd.core.paths import Home
from tests.household.daemon import StandInDaemon, expected, until
from tests.household.making import make_household

FILES = int(os.environ.get("PHOTOSD_TEST_HOUSEHOLD", "100000"))
SECONDS = 1800.0


@pytest.mark.chaos
@pytest.mark.timeout(2 * SECONDS)
def test_a_hundred_thousand_files(home: Home, tmp_path: Path) -> None:
    """All indexed as they must, searched to the end, found again under another name."""
    household = make_household(tmp_path / "photos", FILES)
    daemon = StandInDaemon(home)
    try:
        daemon.wait_until("ready")
        with daemon.client(timeout=SECONDS) as client:
            client.add(bytes(household.root))
            for _ in client.rescan(wait=True):
                pass
            assert daemon.contents() == household.contents()
            assert set(daemon.failed()) == household.paths("failed")
            assert daemon.wrong_vectors(set(household.contents().values())) == {}
            assert client.query("the sea", limit=1000, deadline_ms=20_000)["hits"]
            encoded = client.status()["encoder"]["images_encoded"]
            top = max(household.root.iterdir(), key=lambda one: sum(1 for _ in one.rglob("*")))
            top.rename(top.with_name("renamed"))
            started = time.monotonic()
            good, _ = expected(household.root)
            until(lambda: daemon.contents() == good, 120, "what was renamed is not found")
            print("renamed", f"{time.monotonic() - started:.1f} s")
            for _ in client.rescan(wait=True):
                pass
            assert client.status()["encoder"]["images_encoded"] == encoded
            answer = client.call(
                "query",
                {
                    "text": "the sea",
                    "limit": 1000,
                    "deadline_ms": 20_000,
                    "where": {"below": [str(household.root / "renamed")]},
                },
            )
            assert answer["hits"]
    finally:
        daemon.stop()
