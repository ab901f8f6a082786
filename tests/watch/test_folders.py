"""The state of a folder: there, away, forbidden or remote, each with a reason and a remedy."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import tempfile
from pathlib import Path

import pytest

from photosd.watch.folder_state import FolderIdentity, photo_is_away, probe_folder
from photosd.watch.mounts import Mount, mount_of, mounts
from tests.watch.hangfs import shared
from tests.watch.listening import NO_RIGHTS, as_unprivileged, write


def test_a_folder_that_is_there(root: Path) -> None:
    """State ok, with what tells it from another one."""
    probe = probe_folder(os.fsencode(root))
    status = root.stat()
    assert (probe.state, probe.reason, probe.remedy) == ("ok", None, None)
    assert (probe.device, probe.inode) == (status.st_dev, status.st_ino)
    assert probe.filesystem
    assert probe_folder(os.fsencode(root), probe.identity).state == "ok"


def test_a_missing_folder_is_offline(tmp_path: Path) -> None:
    """It may come back: offline with a remedy, whatever is known about it."""
    probe = probe_folder(os.fsencode(tmp_path / "gone"), (1, 2))
    assert probe.state == "offline"
    assert "gone" in (probe.reason or "")
    assert probe.remedy


def test_a_remedy_can_be_pasted_whatever_the_name(tmp_path: Path) -> None:
    """As of a disk named after its owner: `Dana's Photos`."""
    path = tmp_path / "Dana's Photos"
    remedy = probe_folder(os.fsencode(path)).remedy or ""
    assert shlex.split(remedy.partition("or: ")[2]) == ["photosd", "remove", str(path)]


def test_a_file_instead_of_a_folder_is_offline(tmp_path: Path) -> None:
    """The reason says what it is."""
    probe = probe_folder(os.fsencode(write(tmp_path / "file")))
    assert probe.state == "offline"
    assert "not a folder" in (probe.reason or "")


def test_an_emptied_mount_point_is_offline() -> None:
    """Another device and another inode than recorded: unmounted, not deleted."""
    assert probe_folder(b"/proc", (1, 999_999)).state == "offline"


def test_a_disk_with_a_new_number_is_the_same_disk(root: Path) -> None:
    """After a restart devices have new numbers; the inode or the mount point still match."""
    here = probe_folder(os.fsencode(root))
    assert probe_folder(os.fsencode(root), (here.device + 7, here.inode)).state == "ok"
    moved = FolderIdentity(here.device + 7, here.inode + 1, here.mount_point)
    assert probe_folder(os.fsencode(root), moved).state == "ok"


def test_what_is_mounted_where_decides(root: Path) -> None:
    """A recorded mount point that is gone, or a new one in between, mean offline."""
    path = os.fsencode(root)
    here = probe_folder(path)
    disk = FolderIdentity(here.device, here.inode, path)
    gone = probe_folder(path, disk)
    assert (gone.state, "is not mounted" in (gone.reason or "")) == ("offline", True)
    table = {b"/": Mount(b"/", "ext4", ""), path: Mount(path, "ext4", "")}
    over = probe_folder(path, FolderIdentity(here.device, here.inode, b"/"), table=table)
    assert (over.state, "mounted over" in (over.reason or "")) == ("offline", True)
    assert probe_folder(path, disk, table=table).state == "ok"


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "vboxsf"])
def test_remote_file_systems_are_scanned(root: Path, kind: str) -> None:
    """They report no changes of other machines: scan_only, and the reason names them."""
    path = os.fsencode(root)
    probe = probe_folder(path, table={path: Mount(path, kind, "server:/photos")})
    assert probe.state == "scan_only"
    assert kind in (probe.reason or "")
    assert probe.inode == root.stat().st_ino


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "fuseblk", "apfs", "tmpfs", "exfat"])
def test_local_file_systems_are_watched(root: Path, kind: str) -> None:
    """NTFS and exFAT disks come as FUSE but are local."""
    assert (
        probe_folder(b"%s" % os.fsencode(root), table={b"/": Mount(b"/", kind, "")}).state == "ok"
    )


def test_a_server_that_does_not_answer_is_offline_in_time(tmp_path: Path) -> None:
    """A dead server holds ``stat`` for minutes; the caller does not wait for it."""
    with shared(tmp_path) as share:
        share.hang("all")
        probe = probe_folder(os.fsencode(share.point))  # while it still hangs
    assert (probe.state, "not answering" in (probe.reason or "")) == ("offline", True)


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o600])
def test_a_folder_that_may_not_be_read(mode: int) -> None:
    """No right to list or to enter is neither absence nor emptiness; the remedy says what to do."""
    with tempfile.TemporaryDirectory(dir="/tmp") as base:
        Path(base).chmod(0o755)
        folder = Path(base, "private")
        folder.mkdir()
        write(folder / "1.jpg")
        if os.geteuid() == 0:
            os.chown(folder, NO_RIGHTS, NO_RIGHTS)
        folder.chmod(mode)
        path = os.fsencode(folder)
        answer = as_unprivileged(lambda: _told(path))
        folder.chmod(0o755)
    assert answer.startswith("no_permission | ")
    assert "chmod" in answer


def test_a_photo_on_an_absent_disk_is_not_a_deleted_photo(root: Path) -> None:
    """A photo last seen on a disk mounted below the folder is away, not deleted, while the
    mount point shows the folder's own disk; on the folder's own disk it is deleted."""
    (root / "usb").mkdir()
    path, device = os.fsencode(root), root.stat().st_dev
    for photo in (path + b"/usb/1.jpg", path + b"/usb/a/b/2.jpg", path + b"/other/3.jpg"):
        assert photo_is_away(photo, device + 1, root=path, root_device=device)
        assert not photo_is_away(photo, device, root=path, root_device=device)


def test_no_photo_is_deleted_while_its_folder_cannot_be_asked(root: Path) -> None:
    """An input/output error of the folder itself says nothing of a disk mounted below."""
    path, device = os.fsencode(root), root.stat().st_dev

    def device_of(asked: bytes) -> int:
        if asked == path:
            raise OSError(errno.EIO, "Input/output error")
        return device

    photo = path + b"/usb/1.jpg"
    assert photo_is_away(photo, device + 1, root=path, root_device=device, device_of=device_of)


def test_the_table_of_mounts_is_read(tmp_path: Path) -> None:
    """Every path has a mount, and the mount of /proc is of type proc."""
    table = mounts()
    assert mount_of(os.fsencode(tmp_path), table).point in table
    if sys.platform == "linux":
        assert mount_of(b"/proc/self/status", table).filesystem == "proc"
    assert mount_of(b"/a/b", {b"/a/bc": Mount(b"/a/bc", "nfs", "")}).filesystem == ""


def _told(path: bytes) -> str:
    probe = probe_folder(path)
    return f"{probe.state} | {probe.remedy}"
