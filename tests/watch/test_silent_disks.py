"""The watcher leaves alone what does not answer, and hears of everything else meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from photosd.watch.filesystems import Filesystems
from photosd.watch.hints import Hint
from photosd.watch.ignore import IgnoreRules
from photosd.watch.watcher import Watcher, WatchLimits
from tests.watch.automount import automounted
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


def test_an_automount_whose_server_is_away_does_not_hold_the_watcher(tmp_path: Path) -> None:
    """It is in a watched folder. Its first access waits for as long as the automounter does."""
    local, other = tmp_path / "local", tmp_path / "other"
    (local / "nas").mkdir(parents=True)
    other.mkdir()
    with automounted(local / "nas"), Filesystems() as filesystems:
        watcher = Watcher(tmp_path / "probe", WatchLimits(tick=0.1), answers=filesystems.answers)
        watcher.start()
        for root in (local, other):
            watcher.add(os.fsencode(root), IgnoreRules(os.fsencode(root)))
        within(20, lambda: [r.state for r in watcher.health()] == ["scan_only", "watching"])
        assert watcher.barrier(10)
        while not watcher.hints.empty():
            watcher.hints.get()
        (other / "a.jpg").write_bytes(b"a")
        assert watcher.hints.get(timeout=30) == Hint("path", bytes(other / "a.jpg"))
        watcher.stop()
