"""Folders that macOS protects: explained before its dialog, bounded while it waits, named when it
refuses (rows 4 and 14 of the faults on a Mac).
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from photosd.core import macos
from photosd.core.errors import FolderError
from photosd.decode.reading import failure_of
from photosd.watch import mounts, responsiveness
from photosd.watch.filesystems import Filesystems
from photosd.watch.folder_state import probe_folder
from photosd_cli.main import main
from tests.cli.stub import StubDaemon
from tests.index.test_sidecars import Rated

SETTINGS = "System Settings → Privacy & Security → Files and Folders"


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The home directory of a user of a Mac."""
    home = tmp_path / "me"
    for name in ("Desktop", "Documents", "Photos"):
        (home / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(macos, "sys", SimpleNamespace(platform="darwin"))
    return home


class Guard:
    """Answers for macOS when a directory is listed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.pending: dict[str, threading.Event] = {}
        self.denied: set[str] = set()
        self._scandir = os.scandir
        patch.setattr(os, "scandir", self._list)

    def ask(self, place: Path) -> threading.Event:
        """A dialog about this place, open until the event is set."""
        return self.pending.setdefault(str(place), threading.Event())

    def _list(self, path: Any = ".") -> Any:
        shown = os.fsdecode(path)
        for place, answered in self.pending.items():
            if (shown + "/").startswith(place + "/"):
                answered.wait(30)
        if any((shown + "/").startswith(place + "/") for place in self.denied):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
        return self._scandir(path)


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    guard = Guard(monkeypatch)
    monkeypatch.setattr(responsiveness, "DISK_SECONDS", 1.0)
    yield guard
    for answered in guard.pending.values():
        answered.set()


def until(true: Callable[[], object]) -> None:
    limit = time.monotonic() + 20
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_an_open_dialog_delays_only_its_folder(mac: Path, guard: Guard) -> None:
    """Row 14: one disk holds them all, and each call to it waited behind the dialog."""
    answered = guard.ask(mac / "Desktop")
    with Filesystems() as filesystems:
        probe = probe_folder(bytes(mac / "Desktop"), look=filesystems.look)
        assert probe.state == "offline"
        assert "macOS may be asking" in (probe.reason or "")
        assert SETTINGS in (probe.remedy or "")
        for name in ("Documents", "Photos"):
            assert probe_folder(bytes(mac / name), look=filesystems.look).state == "ok"
        answered.set()
        until(lambda: not filesystems.silent(bytes(mac / "Desktop")))
        assert probe_folder(bytes(mac / "Desktop"), look=filesystems.look).state == "ok"


def test_other_folders_are_indexed_while_a_dialog_is_open(
    tmp_path: Path, mac: Path, guard: Guard
) -> None:
    """Row 14: what is waited for is said; it is compared once the user has answered."""
    for name in ("Desktop", "Documents", "Photos"):
        (mac / name / f"{name}.jpg").write_bytes(name.encode())
    shelf = Rated(tmp_path)
    with shelf.folders.filesystems:
        folder = shelf.folders.add(bytes(mac))
        answered = guard.ask(mac / "Desktop")
        reconciler = shelf.reconciler
        reconciler.start()
        try:
            done = reconciler.request()

            def listed() -> set[str]:
                return {
                    os.fsdecode(p.path)[len(str(mac)) + 1 :]
                    for p in shelf.catalog.below(folder.path)
                }

            until(lambda: listed() == {"Documents/Documents.jpg", "Photos/Photos.jpg"})
            until(lambda: reconciler.comparer.unreadable(folder.id))
            unread = reconciler.comparer.unreadable(folder.id)
            assert unread is not None
            assert unread.path == bytes(mac / "Desktop")
            assert "macOS may be asking" in unread.reason
            assert SETTINGS in unread.remedy
            assert done.wait(20)
            answered.set()
            until(lambda: "Desktop/Desktop.jpg" in listed())
            until(lambda: reconciler.comparer.unreadable(folder.id) is None)
        finally:
            reconciler.stop()


def test_adding_a_folder_behind_a_dialog_has_a_time_limit(
    tmp_path: Path, mac: Path, guard: Guard
) -> None:
    """`photosd add` ends with a remedy."""
    shelf = Rated(tmp_path)
    guard.ask(mac / "Desktop")
    with shelf.folders.filesystems, pytest.raises(FolderError) as refused:
        shelf.folders.add(bytes(mac / "Desktop"))
    assert "answer the dialog" in (refused.value.remedy or "")


def test_a_refused_folder_is_named_with_its_place_in_the_settings(mac: Path, guard: Guard) -> None:
    """macOS refuses with EPERM; permissions of the file system with EACCES."""
    guard.denied.add(str(mac / "Desktop"))
    with Filesystems() as filesystems:
        probe = probe_folder(bytes(mac / "Desktop"), look=filesystems.look)
    assert probe.state == "no_permission"
    assert probe.remedy == macos.REMEDY
    assert "Python" in macos.REMEDY
    assert SETTINGS in macos.REMEDY
    assert failure_of(PermissionError(errno.EPERM, "")).remedy == macos.REMEDY
    assert "chmod" in failure_of(PermissionError(errno.EACCES, "")).remedy


def test_a_refused_folder_inside_of_a_watched_one_is_named(
    tmp_path: Path, mac: Path, guard: Guard
) -> None:
    """Row 4: it was mentioned nowhere; on a Mac the remedy is not chmod."""
    (mac / "Photos" / "a.jpg").write_bytes(b"a")
    inside = mac / "Photos" / "Private"
    inside.mkdir()
    shelf = Rated(tmp_path)
    with shelf.folders.filesystems:
        folder = shelf.folders.add(bytes(mac / "Photos"))
        guard.denied.add(str(inside))
        shelf.reconciler.comparer.tree(folder, folder.path)
        unread = shelf.reconciler.comparer.unreadable(folder.id)
    assert unread is not None
    assert (unread.path, unread.remedy) == (bytes(inside), macos.REMEDY)


def test_on_linux_the_remedy_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(macos, "sys", SimpleNamespace(platform="linux"))
    assert "chmod" in failure_of(PermissionError(errno.EPERM, "")).remedy
    assert macos.protected_directories() == []
    assert macos.explanation(["/Volumes/x"]) is None


@pytest.mark.parametrize(
    ("place", "asked"),
    [
        ("Desktop", True),
        ("desktop/Trip", True),
        ("Documents", True),
        ("Downloads/x", True),
        ("Pictures", True),
        ("/Volumes/Photos", True),
        ("Photos", False),
        ("DesktopPhotos", False),
        ("/tmp", False),
    ],
)
def test_one_explanation_before_the_first_dialog(mac: Path, place: str, asked: bool) -> None:
    """It says who will ask, what for, and where to change the answer."""
    text = macos.explanation([str(mac / place)])
    assert (text is not None) == asked
    assert text is None or all(word in text for word in ("macOS", "Python", "Allow", SETTINGS))


def test_links_are_followed_and_no_share_is_asked(
    mac: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server of a share may be away: the command would hang before the daemon knows."""
    share = tmp_path / "Volumes" / "share"
    share.mkdir(parents=True)
    (mac / "again").symlink_to(share / "inner")
    (mac / "link").symlink_to("again")
    (mac / "loop").symlink_to("loop")
    monkeypatch.setattr(macos, "VOLUMES", f"{share.parent}/")
    for name in ("lstat", "stat", "readlink"):
        call: Any = getattr(os, name)

        def checked(path: Any, *given: Any, call: Any = call, **more: Any) -> Any:
            assert not os.fsdecode(path).startswith(str(share)), path
            return call(path, *given, **more)

        monkeypatch.setattr(os, name, checked)
    assert macos.explanation([str(share / "inner")]) is not None
    assert macos.explanation([str(mac / "link" / "2024")]) is not None
    assert macos.explanation([str(mac / "loop" / "x"), str(mac / "Photos")]) is None


def test_add_explains_before_the_daemon_reads(
    mac: Path, home: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, however many folders are added; on the error output."""
    stub = StubDaemon(home.socket)
    said: list[str] = []

    def added(params: dict[str, Any]) -> dict[str, Any]:
        said.append(capsys.readouterr().err)
        return {"path": params["path"], "state": "ok", "reason": None}

    stub.answers["add"] = added
    try:
        assert main(["add", "--json", str(mac / "Desktop"), str(mac / "Documents")]) == 0
    finally:
        stub.close()
    assert [text.count("macOS may ask") for text in said] == [1, 0]


def test_a_protected_directory_is_a_place_of_its_own(mac: Path) -> None:
    """Its calls have a thread of their own; a directory on a share does not change."""
    table = mounts.mounts()
    desktop = table[bytes(mac / "Desktop")]
    assert desktop.protected
    assert desktop.filesystem == mounts.mount_of(bytes(mac / "Photos"), table).filesystem
    with Filesystems() as filesystems:
        places = [filesystems.of(bytes(mac / name)) for name in ("Desktop", "Documents", "Photos")]
    assert len(set(map(id, places))) == 3
