"""The folders themselves: too many watches, no right to read, gone, renamed, replaced."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("these faults are inotify's", allow_module_level=True)

from photosd.watch import inotify, roots
from photosd.watch.inotify_reader import InotifyReader
from tests.watch.listening import NO_RIGHTS, Follower, as_unprivileged, write


def set_budget(monkeypatch: pytest.MonkeyPatch, watches: int) -> None:
    """Allow this many watches."""
    for module in (inotify, roots):
        monkeypatch.setattr(module, "watch_budget", lambda: watches)


def test_a_folder_beyond_the_budget_is_scanned(
    follower: Follower, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its watches are left to others, the remedy is named, and a raised limit is noticed."""
    set_budget(monkeypatch, 20)
    small = tmp_path / "small"
    write(small / "1.jpg")
    for number in range(30):
        write(root / str(number) / "1.jpg")
    follower.add(small)
    follower.add(root)
    assert (follower.state(small), follower.state(root)) == ("watching", "scan_only")
    health = follower.watcher.health()[1]
    assert health.watches == 0
    assert "20" in (health.reason or "")
    assert "sysctl fs.inotify.max_user_watches=" in (health.remedy or "")
    assert len(follower.photos) == 31
    set_budget(monkeypatch, 100)
    follower.until(lambda: follower.state(root) == "watching")
    write(root / "29" / "2.jpg")
    follower.settle()
    assert follower.photos.keys() == follower.truth()


def test_a_folder_that_outgrows_the_budget_is_scanned(
    follower: Follower, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New directories take the last watches: one hint says that all must be scanned."""
    set_budget(monkeypatch, 20)
    follower.add(root)
    follower.log.clear()
    for number in range(30):
        write(root / str(number) / "1.jpg")
    follower.until(lambda: follower.state(root) == "scan_only")
    follower.settle()
    assert follower.hinted(root, "overflow")
    assert len(follower.misplaced_watches()) == 31, "none of its directories is watched any more"


def test_a_refusal_of_the_kernel_is_reported(
    follower: Follower, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOSPC although the budget is not used up: others hold the watches."""
    real = InotifyReader.watch

    def refuse(self: InotifyReader, path: bytes, mask: object) -> object:
        if path.endswith(b"/5"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, path, mask)  # type: ignore[arg-type]

    monkeypatch.setattr(InotifyReader, "watch", refuse)
    for number in range(10):
        write(root / str(number) / "1.jpg")
    follower.add(root)
    (health,) = follower.watcher.health()
    assert health.state == "scan_only"
    assert "kernel refused" in (health.reason or "")
    assert follower.photos.keys() == follower.truth()


def test_a_directory_that_becomes_readable_is_reported() -> None:
    """No right to read it now is noted, and the granting of it is news (as an ordinary user)."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        base = Path(name)
        if os.geteuid() == 0:
            os.chown(base, NO_RIGHTS, NO_RIGHTS)
        assert as_unprivileged(partial(_grant_later, base)) == "heard"


def _grant_later(base: Path) -> str:
    follower = Follower(base)
    try:
        private = base / "photos" / "private"
        write(private / "deep" / "1.jpg")
        private.chmod(0)
        follower.add(base / "photos")
        if follower.photos or follower.state(base / "photos") != "watching":
            return "read without a right"
        private.chmod(0o700)
        follower.until(lambda: len(follower.photos) == 1, 5)
        write(private / "deep" / "2.jpg")
        follower.settle()
        return "heard" if len(follower.photos) == 2 else "deaf"
    finally:
        follower.stop()


def gone_and_back(make: Callable[[Path], None], follower: Follower, root: Path) -> None:
    """Remove the root by ``make``, then bring another one, and see what is heard."""
    make(root)
    follower.until(lambda: follower.state(root) == "away")
    assert follower.hinted(root, "overflow")
    follower.log.clear()
    write(root / "new" / "3.jpg")
    follower.until(lambda: follower.state(root) == "watching")
    follower.settle()
    assert follower.hinted(root, "overflow")
    write(root / "new" / "4.jpg")
    follower.settle()
    assert follower.photos.keys() == follower.truth()
    assert len(follower.photos) == 2
    assert follower.watcher.rebuilds == 0


def test_a_root_that_is_deleted_and_made_again(watched: Follower, root: Path) -> None:
    """W6: watched again under its name, with a hint to scan it."""
    gone_and_back(shutil.rmtree, watched, root)


def test_a_root_that_is_renamed_away(watched: Follower, root: Path) -> None:
    """W6: what was it is no longer listened to, what takes its name is."""
    gone_and_back(_rename_away, watched, root)
    watched.log.clear()
    write(root.parent / "elsewhere" / "5.jpg")
    assert watched.settle() == []


def test_a_parent_that_is_renamed(follower: Follower, tmp_path: Path) -> None:
    """W6: the regular look notices it, without an event."""
    root = tmp_path / "home" / "photos"
    write(root / "1.jpg")
    follower.add(root)
    (tmp_path / "home").rename(tmp_path / "house")
    follower.until(lambda: follower.state(root) == "away")
    (tmp_path / "house").rename(tmp_path / "home")
    follower.until(lambda: follower.state(root) == "watching")
    write(root / "2.jpg")
    follower.settle()
    assert follower.photos.keys() == follower.truth()


def test_a_root_replaced_between_two_looks(watched: Follower, root: Path) -> None:
    """Even when the new directory gets the old one's inode number."""
    for _ in range(10):
        subprocess.run(["rm", "-rf", root], check=True)
        write(root / "again" / "1.jpg")
    watched.until(lambda: watched.state(root) == "watching" and watched.hinted(root, "overflow"))
    watched.settle()
    write(root / "again" / "2.jpg")
    watched.until(lambda: watched.photos.keys() == watched.truth())
    assert len(watched.photos) == 2


def test_a_root_replaced_by_one_with_the_same_numbers(
    watched: Follower, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Device and inode numbers are given out again; the watch itself tells."""
    monkeypatch.setattr(roots, "identity_of", lambda _path: (1, 1))
    watched.until(lambda: watched.hinted(root, "overflow"))
    watched.settle()
    root.rename(root.parent / "elsewhere")
    write(root / "1.jpg")
    watched.until(lambda: len(watched.photos) == 1)
    watched.settle()
    write(root / "2.jpg")
    watched.settle()
    assert watched.photos.keys() == watched.truth()


def test_a_folder_that_is_not_there_yet(follower: Follower, tmp_path: Path) -> None:
    """Away until it appears; the others are not affected."""
    late = tmp_path / "late"
    follower.add(late)
    assert follower.state(late) == "away"
    write(late / "1.jpg")
    follower.until(lambda: follower.state(late) == "watching")
    follower.settle()
    assert follower.photos.keys() == follower.truth() != set()


def _rename_away(path: Path) -> None:
    path.rename(path.parent / "elsewhere")
