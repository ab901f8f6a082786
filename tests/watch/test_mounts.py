"""The table of mounts: one that cannot be read once is read later, and the last one stays."""

from __future__ import annotations

import errno
import os
import select
import sys
from pathlib import Path
from typing import Any

import pytest

from photosd.watch import folder_state, mounts
from photosd.watch.folder_state import probe_folder
from photosd.watch.mounts import MountWatch

if sys.platform != "linux":
    pytest.skip("the table of mounts is Linux's", allow_module_level=True)

DISK = b"23 1 8:2 / / rw - ext4 /dev/sda1 rw\n"
SHARE = b"24 1 0:9 / /mnt/nas rw - nfs4 nas:/photos rw\n"


class Kernel:
    """Reports each change of the table once, as the kernel does."""

    changes = 0

    def register(self, *_: Any) -> None:
        pass

    def poll(self, _seconds: float) -> list[int]:
        changes, Kernel.changes = Kernel.changes, 0
        return [changes] if changes else []


def test_a_change_that_could_not_be_read_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All folders were offline, and shares local disks, until the next mount."""
    file = tmp_path / "mountinfo"
    file.write_bytes(DISK)
    monkeypatch.setattr(mounts, "MOUNTINFO", file)
    monkeypatch.setattr(select, "poll", Kernel)
    watch = MountWatch()
    Kernel.changes += 1
    file.rename(tmp_path / "hidden")
    for _ in range(2):
        assert watch.changes() is None
        assert watch.table.keys() == {b"/"} and watch.unread is not None
    file.write_bytes(DISK + SHARE)
    assert watch.changes() == frozenset([b"/mnt/nas"])
    assert watch.table[b"/mnt/nas"].remote and watch.unread is None
    assert watch.changes() is None
    watch.close()


def test_a_folder_is_not_judged_without_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is neither on a local disk nor on another one than before; it is looked at again."""

    def refuse() -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(folder_state, "mounts", refuse)
    probe = probe_folder(os.fsencode(tmp_path))
    assert probe.state == "offline" and "Too many open files" in (probe.reason or "")
