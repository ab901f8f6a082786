"""What only a namespace of its own allows: mounts that come and go, a small limit of watches.

Run by test_namespaces.py as ``python -m tests.watch.inside_namespace CASE DIRECTORY``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from photosd.watch.folder_state import photo_is_away, probe_folder
from photosd.watch.ignore import IgnoreRules
from tests.watch.listening import Follower, write


def mount(point: Path) -> None:
    """An empty file system on ``point``."""
    point.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", point], check=True, timeout=60)


def unmount(point: Path) -> None:
    """Unmount it as soon as no thread reads there."""
    for _ in range(100):
        if subprocess.run(["umount", point], timeout=60).returncode == 0:
            return
        time.sleep(0.02)
    raise AssertionError(f"{point} stays busy")


def root_unmounted_and_back(follower: Follower, base: Path) -> None:
    """The folder is a disk of its own: away is heard at once and is not emptiness."""
    root = base / "disk"
    mount(root)
    write(root / "a" / "1.jpg")
    follower.add(root)
    known = probe_folder(os.fsencode(root)).identity
    assert follower.state(root) == "watching"
    follower.log.clear()
    unmount(root)
    follower.until(lambda: follower.hinted(root, "overflow"), 2)
    assert probe_folder(os.fsencode(root), known).state == "offline"
    assert probe_folder(os.fsencode(root), known[:2]).state == "offline"
    write(root / "under.jpg")
    follower.settle()
    follower.log.clear()
    mount(root)
    write(root / "b" / "2.jpg")
    follower.until(lambda: follower.hinted(root, "overflow"), 2)
    assert probe_folder(os.fsencode(root), known).state == "ok"
    follower.settle()
    write(root / "b" / "3.jpg")
    follower.settle()
    assert follower.photos.keys() == follower.truth()
    assert len(follower.photos) == 2
    assert follower.watcher.rebuilds == 0
    unmount(root)


def mounted_over(follower: Follower, base: Path) -> None:
    """Something is mounted over the folder: its photos are hidden, not deleted."""
    root = base / "photos"
    write(root / "1.jpg")
    follower.add(root)
    follower.log.clear()
    known = probe_folder(os.fsencode(root)).identity
    mount(root)
    follower.until(lambda: follower.hinted(root, "overflow"), 2)
    assert probe_folder(os.fsencode(root), known).state == "offline"
    follower.settle()
    follower.log.clear()
    unmount(root)
    follower.until(lambda: follower.hinted(root, "overflow"), 2)
    assert probe_folder(os.fsencode(root), known).state == "ok"
    follower.settle()
    write(root / "2.jpg")
    follower.settle()
    assert len(follower.photos) == 2


def mounted_inside(follower: Follower, base: Path) -> None:
    """A disk below the folder: its photos are heard of, and its absence is not their deletion."""
    root = base / "photos"
    usb = root / "sub" / "usb"
    usb.mkdir(parents=True)
    write(root / "1.jpg")
    follower.add(root)
    mount(usb)
    follower.until(lambda: follower.hinted(usb, "subtree"), 2)
    photo = write(usb / "trip" / "2.jpg")
    follower.settle()
    write(usb / "trip" / "3.jpg")
    follower.settle()
    assert len(follower.photos) == 3
    assert follower.photos.keys() == follower.truth()
    seen, folder = follower.photos[os.fsencode(photo)], root.stat().st_dev

    def away(path: Path) -> bool:
        return photo_is_away(
            os.fsencode(path), seen.device, root=os.fsencode(root), root_device=folder
        )

    photo.unlink()
    assert not away(photo), "the disk is there and the photo is not"
    follower.settle()
    follower.log.clear()
    unmount(usb)
    follower.until(lambda: follower.hinted(usb, "subtree"), 2)
    assert away(photo)
    assert away(usb / "trip" / "3.jpg")
    follower.settle()
    write(usb / "under.jpg")
    follower.settle()
    assert follower.photos.keys() == follower.truth()
    assert follower.watcher.rebuilds == 0


def remounted_in_a_moment(follower: Follower, base: Path) -> None:
    """Unmounted and mounted again between two looks: the table is as before, the disk is not."""
    root = base / "photos"
    usb = root / "usb"
    for number in range(3):
        mount(usb)
        for name in ("1.jpg", "a/2.jpg", "a/b/3.jpg"):
            write(usb / name)
        if not number:
            follower.add(root)
        follower.until(lambda: len(follower.photos) == 3, 2)
        follower.settle()
        unmount(usb)
    mount(usb)
    write(usb / "a" / "4.jpg")
    write(usb / "a" / "5.jpg")
    follower.until(lambda: follower.photos.keys() == follower.truth(), 2)
    assert len(follower.photos) == 2
    assert follower.watcher.rebuilds == 0


def bound_twice(follower: Follower, base: Path) -> None:
    """The same directory under two paths: a change is told under both."""
    root = base / "photos"
    (root / "a").mkdir(parents=True)
    (root / "b").mkdir()
    subprocess.run(["mount", "--bind", root / "a", root / "b"], check=True, timeout=60)
    follower.add(root)
    write(root / "a" / "1.jpg")
    follower.settle()
    assert len(follower.photos) == 2
    unmount(root / "b")
    follower.until(lambda: len(follower.photos) == 1, 2)
    follower.settle()
    write(root / "a" / "2.jpg")
    follower.settle()
    assert follower.photos.keys() == follower.truth()


def watch_limit(follower: Follower, base: Path) -> None:
    """W3: a limit of 100 watches for 200 directories: scanned, told, and lifted when raised."""
    limit = Path("/proc/sys/user/max_inotify_watches")
    usual = limit.read_text()
    limit.write_text("100")
    root = base / "photos"
    for number in range(200):
        write(root / str(number) / "1.jpg")
    follower.add(root)
    (health,) = follower.watcher.health()
    assert health.state == "scan_only", health
    assert "sysctl fs.inotify.max_user_watches=" in (health.remedy or "")
    assert len(follower.photos) == 200
    write(root / "late" / "1.jpg")
    assert follower.settle() == []
    mount(root / "usb")
    follower.until(lambda: follower.hinted(root / "usb", "subtree"), 2)
    limit.write_text(usual)
    follower.until(lambda: follower.state(root) == "watching", 5)
    follower.settle()
    write(root / "late" / "2.jpg")
    follower.settle()
    assert len(follower.photos) == 202


def no_instances(follower: Follower, base: Path) -> None:
    """Without an inotify instance folders are scanned, with the remedy, until there is one."""
    limit = Path("/proc/sys/user/max_inotify_instances")
    usual = limit.read_text()
    limit.write_text("0")
    second = Follower(base / "second")
    try:
        root = base / "photos"
        write(root / "1.jpg")
        second.watcher.add(os.fsencode(root), rules := IgnoreRules(os.fsencode(root)))
        second.rules[os.fsencode(root)] = rules
        second.until(lambda: second.state(root) == "scan_only", 5)
        assert "max_user_instances" in (second.watcher.health()[0].remedy or "")
        limit.write_text(usual)
        second.until(lambda: second.state(root) == "watching", 10)
        second.settle()
        assert len(second.photos) == 1
    finally:
        second.stop()


CASES = (
    root_unmounted_and_back, mounted_over, mounted_inside,
    remounted_in_a_moment, bound_twice, watch_limit, no_instances,
)  # fmt: skip

if __name__ == "__main__":
    case = next(case for case in CASES if case.__name__ == sys.argv[1])
    place = Path(sys.argv[2])
    following = Follower(place)
    try:
        case(following, place)
    finally:
        following.stop()
