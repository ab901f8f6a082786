"""Disks as people have them, mounted for real: photos are not read again when they return."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photosd.core.paths import Home
from photosd.protocol.client import Client
from tests.household.daemon import StandInDaemon, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PHOTOS = 20
IMAGE_BYTES = 320 << 20  # XFS needs 300 MiB
SECONDS = 60.0
# By kind: how a disk of it is made, and mounted.
DISKS = {
    "ext4": ("mkfs.ext4 -q {image}", "mount -o loop {image} {point}"),
    "xfs": ("mkfs.xfs -q {image}", "mount -o loop {image} {point}"),
    "btrfs": ("mkfs.btrfs -q {image}", "mount -o loop {image} {point}"),
    "vfat": ("mkfs.vfat {image}", "mount -t vfat -o loop {image} {point}"),
    "exfat": ("mkfs.exfat {image}", "mount -t exfat -o loop {image} {point}"),
    "exfat by FUSE": ("mkfs.exfat {image}", "mount -t exfat-fuse -o loop {image} {point}"),
    "ntfs-3g": ("mkfs.ntfs -q -F {image}", "mount -t ntfs-3g -o loop {image} {point}"),
    "mergerfs": ("mkdir {image}.a {image}.b", "mergerfs {image}.a:{image}.b {point}"),
}


class Disk:
    """A disk in a file; skips the test if this machine cannot make or mount one of this kind."""

    def __init__(self, directory: Path, kind: str) -> None:
        make, self._mount = DISKS[kind]
        self.image, self.point = directory / "disk.img", directory / "disk"
        self.point.mkdir()
        with self.image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        self._run(make)

    def mount(self) -> None:
        """Plug it in."""
        self._run(self._mount)

    def unmount(self) -> None:
        """Pull it out."""
        subprocess.run(["umount", self.point], check=True, capture_output=True)

    def bytes_read(self) -> int:
        """By all processes so far; 0 if it is on no device of its own."""
        found = subprocess.run(
            ["losetup", "-nO", "NAME", "-j", self.image], capture_output=True, text=True, check=True
        )
        stat = [Path("/sys/block", Path(name).name, "stat") for name in found.stdout.split()]
        return sum(512 * int(one.read_text().split()[2]) for one in stat)

    def _run(self, command: str) -> None:
        words = command.format(image=self.image, point=self.point).split()
        if shutil.which(words[0]) is None:
            pytest.skip(f"{words[0]} is not installed")
        ran = subprocess.run(words, capture_output=True, check=False, text=True)
        if ran.returncode:
            pytest.skip(f"{command}: {ran.stderr.strip()[:200]}")


@pytest.fixture(params=sorted(DISKS))
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid():
        pytest.skip("only root may mount")
    made = Disk(tmp_path, request.param)
    made.mount()
    yield made
    if made.point.is_mount():
        subprocess.run(["umount", "-l", made.point], check=False)


@pytest.fixture
def daemon(home: Home) -> Iterator[StandInDaemon]:
    running = StandInDaemon(home)
    yield running
    running.stop()


def noise(number: int) -> Image.Image:
    """A picture that is large as a file."""
    return Image.fromarray(np.random.default_rng(number).integers(0, 255, (600, 800, 3), np.uint8))


def state(client: Client) -> str:
    """The state of the only folder."""
    return str(client.folders()["folders"][0]["state"])


def test_a_disk_that_returns_is_not_read_again(disk: Disk, daemon: StandInDaemon) -> None:
    """Row 14 of the faults: exFAT gives files new inode numbers, mergerfs sometimes does. A photo
    that was changed meanwhile is noticed, a deleted one forgotten.
    """
    photos = disk.point / "DCIM"
    photos.mkdir()
    for number in range(PHOTOS):
        noise(number).save(photos / f"{number:02}.jpg", quality=95)
    size = sum(file.stat().st_size for file in photos.iterdir())
    daemon.wait_until()
    with daemon.client() as client:
        client.call("add", {"path": str(photos)})
        list(client.stream("rescan", {"wait": True}))
        contents = daemon.contents()
        assert len(contents) == PHOTOS
        for _ in range(2):
            before = disk.bytes_read()
            disk.unmount()
            until(lambda: state(client) == "offline", SECONDS, "the disk is still there")
            disk.mount()
            until(lambda: state(client) != "offline", SECONDS, "the disk is still away")
            list(client.stream("rescan", {"wait": True}))
            assert daemon.contents() == contents
            assert disk.bytes_read() - before < size / 4
        disk.unmount()
        until(lambda: state(client) == "offline", SECONDS, "the disk is still there")
        disk.mount()
        noise(99).save(photos / "03.jpg", quality=95)
        (photos / "04.jpg").unlink()
        until(lambda: state(client) != "offline", SECONDS, "the disk is still away")
        list(client.stream("rescan", {"wait": True}))
        after = daemon.contents()
        assert contents.keys() - after.keys() == {bytes(photos / "04.jpg")}
        changed = {path for path, content in after.items() if content != contents[path]}
        assert changed == {bytes(photos / "03.jpg")}
