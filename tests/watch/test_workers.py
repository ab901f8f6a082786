"""The worker that makes the calls to a file system survives any result of a call."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from photosd.watch import filesystem, filesystem_calls, filesystems, responsiveness
from photosd.watch.filesystem import NotAnswering
from photosd.watch.filesystem_workers import FilesystemProcess
from photosd.watch.filesystems import Filesystems


def make_all_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls to any file system are made by processes."""
    for module in (filesystem, filesystems):
        monkeypatch.setattr(module, "can_hang", lambda _mount: True)


@pytest.fixture(params=["thread", "process"])
def disks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Filesystems]:
    """A local disk, and a share."""
    if request.param == "process":
        make_all_hang(monkeypatch)
    monkeypatch.setattr(responsiveness, "DISK_SECONDS", 2.0)
    with Filesystems() as disks:
        yield disks


def test_a_path_that_no_system_takes_silences_no_disk(disks: Filesystems, tmp_path: Path) -> None:
    """Python refuses it with something that is no OSError; the thread ended with it."""
    path = os.fsencode(tmp_path)
    with pytest.raises(OSError, match="Invalid argument") as refused:
        disks.look(path + b"/a\0b")
    assert not isinstance(refused.value, NotAnswering)
    assert disks.look(path) == (tmp_path.stat().st_dev, tmp_path.stat().st_ino)


def test_no_defect_in_a_call_silences_a_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Too little memory for a call, or an unknown error."""
    for error, number in ((MemoryError(), errno.ENOMEM), (RecursionError(), errno.EIO)):

        def fails(_path: bytes, error: Exception = error) -> Iterator[object]:
            raise error
            yield

        monkeypatch.setattr(responsiveness, "DISK_SECONDS", 2.0)
        monkeypatch.setitem(filesystem_calls.CALLS, "link", fails)
        with Filesystems() as disks:
            with pytest.raises(OSError) as refused:
                disks.ask(os.fsencode(tmp_path), "link")
            assert refused.value.errno == number
            assert disks.look(os.fsencode(tmp_path))


def test_a_thread_that_cannot_be_started_is_an_error_of_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Callers expect OSError; anything else ended the thread of a decoder."""
    begin = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "filesystem":
            raise RuntimeError("can't start new thread")
        begin(thread)

    with Filesystems() as disks:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(OSError, match="can't start new thread") as refused:
                disks.look(os.fsencode(tmp_path))
            assert refused.value.errno == errno.EAGAIN
            assert disks.place(os.fsencode(tmp_path)) == os.fsencode(tmp_path)
        assert disks.look(os.fsencode(tmp_path))


@pytest.mark.parametrize("hurt", ["killed", "in the middle of a frame"])
def test_a_process_that_was_lost_is_replaced(
    hurt: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The kernel ends one when memory is short; its share answers all the same."""
    made: list[Hurt] = []

    class Hurt(FilesystemProcess):
        hurt = False

        def __init__(self) -> None:
            super().__init__()
            made.append(self)

        @property
        def usable(self) -> bool:
            return super().usable and not self.hurt

    make_all_hang(monkeypatch)
    monkeypatch.setattr(filesystems, "FilesystemProcess", Hurt)
    path, before = os.fsencode(tmp_path), set(psutil.Process().children())
    with Filesystems() as disks:
        known = disks.look(path)
        (worker,) = made
        if hurt == "killed":
            (process,) = set(psutil.Process().children()) - before
            process.kill()
            limit = time.monotonic() + 20
            while worker.usable:
                assert time.monotonic() < limit
                time.sleep(0.01)
        else:
            worker.hurt = True
        assert disks.look(path) == known
        assert len(made) == 2 and made[1].usable and not worker.usable


def test_who_asks_while_it_stops_does_not_wait_for_a_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No thread is left to start a worker; the caller used to wait half a minute anyway."""
    make_all_hang(monkeypatch)
    with Filesystems() as disks:
        disks.of(os.fsencode(tmp_path))
    monkeypatch.setattr(filesystems, "START_SECONDS", 3600)
    with pytest.raises(NotAnswering):
        disks.look(os.fsencode(tmp_path))


def test_a_check_that_gets_no_thread_fails_no_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`status` starts one for each share."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    make_all_hang(monkeypatch)
    with Filesystems() as disks:
        path = os.fsencode(tmp_path)
        assert not disks.silent(path)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            disks.start_check(path)
        assert disks.look(path) == (tmp_path.stat().st_dev, tmp_path.stat().st_ino)


def test_a_worker_that_cannot_start_names_its_file_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A link may lead there from a disk that answers: only the link waits."""
    make_all_hang(monkeypatch)
    over = threading.Event()

    def start() -> None:
        over.wait()
        raise OSError("too late")

    monkeypatch.setattr(filesystems, "START_SECONDS", 0.0)
    monkeypatch.setattr(filesystems, "FilesystemProcess", start)
    with Filesystems() as disks:
        try:
            with pytest.raises(NotAnswering) as unknown:
                disks.look(os.fsencode(tmp_path))
        finally:
            over.set()
        assert unknown.value.filename == disks.of(os.fsencode(tmp_path)).mount.point
