"""Which inode numbers can be believed, whatever else is mounted."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from photosd.watch import mounts
from photosd.watch.inodes import Inodes
from photosd.watch.scanner import Entry


@pytest.mark.skipif(sys.platform != "linux", reason="the table of mounts is Linux's")
@pytest.mark.parametrize("name", [b"Fot\xf6s", b"a\rb", b"a\x0cb", "a\u2028b".encode()])
def test_a_mount_of_an_odd_name_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    """The kernel writes spaces and ends of lines in a name as numbers, and nothing else."""
    card = b"24 1 8:1 / /media/" + name + b" rw - vfat /dev/sdb1 rw\n"
    file = tmp_path / "mountinfo"
    file.write_bytes(card + b"23 1 8:2 / /b rw - ext4 /dev/sda1 rw\n")
    monkeypatch.setattr(mounts, "MOUNTINFO", file)
    believed = Inodes()
    link = Entry(b"/a.jpg", 1, 1, 1, os.makedev(8, 2), os.makedev(8, 9))
    assert believed.stable(link)  # it leads to ext4
    assert not believed.stable(link._replace(device=os.makedev(8, 1)))
