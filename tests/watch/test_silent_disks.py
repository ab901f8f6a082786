"""The watcher leaves alone what does not answer, and hears of everything else meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from photosd.watch.filesystems import Filesystems
from photosd.watch.ignore import IgnoreRules
from photosd.watch.watcher import Watcher, WatchLimits
from tests.watch.hangfs import shared


def within(seconds: float, condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_disk_that_hangs_does_not_hold_the_watcher(tmp_path: Path) -> None:
    """A FUSE file system of this machine is watched; then its server stops answering."""
    local = tmp_path / "local"
    local.mkdir()
    limits = WatchLimits(tick=0.1, roots=0.3)
    with shared(tmp_path, "fuse.bindfs") as share, Filesystems() as filesystems:
        watcher = Watcher(tmp_path / "probe", limits, answers=filesystems.answers)
        watcher.start()
        for root in (share.point, local):
            watcher.add(os.fsencode(root), IgnoreRules(os.fsencode(root)))

        def states() -> list[str]:
            return [root.state for root in watcher.health()]

        within(20, lambda: states() == ["watching", "watching"])
        share.hang("all")
        within(20, lambda: states() == ["away", "watching"])
        assert watcher.barrier(10)
        while not watcher.hints.empty():
            watcher.hints.get()
        (local / "a.jpg").write_bytes(b"a")
        within(30, lambda: not watcher.hints.empty())
        share.hang()
        within(20, lambda: states() == ["watching", "watching"])
        watcher.stop()
