"""Whatever breaks inside the watcher, it restarts by itself and loses no change."""

from __future__ import annotations

import dataclasses
import errno
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from photosd.watch.recovery import Recovery
from photosd.watch.watch_limits import WatchLimits

if sys.platform != "linux":
    pytest.skip("these faults are inotify's", allow_module_level=True)

from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, WatchDescriptor

from photosd.watch import inotify, roots, suspend, watcher
from photosd.watch.hints import Hint
from photosd.watch.ignore import IgnoreRules
from photosd.watch.inotify import InotifySource
from photosd.watch.source import Listener, Receive, Source
from tests.watch.listening import QUICK, Follower, NotedKernel, write

OVERFLOW = InotifyEvent(WatchDescriptor(-1), InotifyConstants.IN_Q_OVERFLOW, 0, b"")
EVERYTHING = Hint("overflow", b"")


class NotedRecovery(Recovery):
    """That of the watcher that was made last."""

    latest: ClassVar[NotedRecovery]

    def __init__(self, limits: WatchLimits) -> None:
        super().__init__(limits)
        NotedRecovery.latest = self


@pytest.fixture(autouse=True)
def _noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "Recovery", NotedRecovery)


def rebuilt(follower: Follower, times: int = 1) -> None:
    """Wait for that many new starts; then it hears, and knows every photo."""
    follower.until(lambda: follower.watcher.rebuilds >= times)
    follower.settle()
    assert EVERYTHING in follower.log
    assert follower.photos.keys() == follower.truth()


def test_lost_events_lead_to_exactly_one_new_start(watched: Follower, root: Path) -> None:
    """However many overflows one burst causes; and all files of the burst are found."""
    reader = NotedKernel.latest
    hear = reader.handle_event
    reader.handle_event = lambda event: None  # type: ignore[method-assign]
    for number in range(50):
        write(root / str(number % 7) / f"{number}.jpg")
        hear(OVERFLOW)
    reader.handle_event = hear  # type: ignore[method-assign]
    rebuilt(watched)
    assert watched.watcher.rebuilds == 1
    assert len(watched.photos) == 52
    # Its own end and its own walk have not overflown the next one.
    watched.until(lambda: NotedRecovery.latest.due_at is None)
    watched.settle()
    assert watched.watcher.rebuilds == 1


@pytest.fixture
def short_queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Real kernel queues of 512 events, lowered only while an instance is made."""
    setting = Path("/proc/sys/fs/inotify/max_queued_events")
    if not os.access(setting, os.W_OK):
        pytest.skip("only root may shorten the kernel's queue")
    usual = setting.read_text()

    def short(receive: Callable[[InotifyEvent], None]) -> NotedKernel:
        setting.write_text("512")
        try:
            return NotedKernel(receive)
        finally:
            setting.write_text(usual)

    monkeypatch.setattr(inotify, "InotifyReader", short)
    yield
    setting.write_text(usual)


def burst(root: Path, files: int) -> None:
    """Files made by another process, as fast as it can."""
    code = (
        "import os, sys\n"
        "for i in range(int(sys.argv[2])):\n"
        "    os.close(os.open(f'{sys.argv[1]}/{i % 50}/{i}.jpg', os.O_CREAT | os.O_WRONLY))\n"
    )
    for number in range(50):
        (root / str(number)).mkdir(exist_ok=True)
    subprocess.run([sys.executable, "-c", code, str(root), str(files)], check=True, timeout=100)


def test_a_real_overflow(short_queue: None, tmp_path: Path, root: Path) -> None:
    """W2, small: the kernel drops events while the reader is held up; one new start, none lost."""
    follower = Follower(tmp_path)
    try:
        for name in [f"d{number}" for number in range(1000)] + [str(n) for n in range(50)]:
            (root / name).mkdir()
        follower.add(root)
        reader, release = NotedKernel.latest, threading.Event()
        hear = reader.handle_event

        def held_up(event: InotifyEvent) -> None:
            release.wait(30)
            hear(event)

        reader.handle_event = held_up  # type: ignore[method-assign]
        burst(root, 3000)
        release.set()
        rebuilt(follower)
        assert len(follower.photos) == 3000
        assert follower.watcher.rebuilds == 1
        for number in range(1000):
            write(root / f"d{number}" / "1.jpg")
        follower.until(lambda: len(follower.photos) == 4000)  # perhaps after another overflow
    finally:
        follower.stop()


@pytest.mark.slow
@pytest.mark.parametrize("shortened", [False, True])
def test_bursts_at_full_size(
    shortened: bool, tmp_path: Path, root: Path, request: pytest.FixtureRequest
) -> None:
    """W1 and W2: 50,000 files at the default queue, and with a short one over 20,000 directories:
    it ends, nothing is missed, no directory is blind, and it is idle after."""
    if shortened:
        request.getfixturevalue("short_queue")
        for number in range(20_000):
            (root / f"d{number // 200}" / str(number)).mkdir(parents=True)
    follower = Follower(tmp_path, dataclasses.replace(QUICK, quiet=1.0))
    try:
        follower.add(root)
        burst(root, 50_000)
        follower.until(lambda: NotedRecovery.latest.due_at is None, 60)
        follower.settle()
        assert len(follower.photos) == 50_000
        assert follower.watcher.rebuilds <= 2
        for number in range(0, 20_000 if shortened else 0, 97):
            write(root / f"d{number // 200}" / str(number) / "probe.jpg")
        follower.settle()
        assert follower.photos.keys() == follower.truth()
        with pytest.raises(queue.Empty):
            follower.watcher.hints.get(timeout=1.0)
    finally:
        follower.stop()


def test_a_dead_reader_is_replaced(tmp_path: Path, root: Path) -> None:
    """W5: watchdog's thread dies of an exception; that is seen at once, without any probe."""
    follower = Follower(tmp_path, dataclasses.replace(QUICK, probe=1000.0))

    def die(_event: InotifyEvent) -> None:
        raise KeyError(1)

    try:
        follower.add(root)
        NotedKernel.latest.handle_event = die  # type: ignore[method-assign, assignment]
        write(root / "late.jpg")
        rebuilt(follower)
        assert len(follower.photos) == 1
    finally:
        follower.stop()


@pytest.fixture
def impatient(tmp_path: Path, root: Path) -> Iterator[Follower]:
    """One that soon takes a probe for lost. On a busy machine that may be wrong."""
    follower = Follower(tmp_path, dataclasses.replace(QUICK, answer=1.0))
    write(root / "a" / "1.jpg")
    follower.add(root)
    follower.log.clear()
    yield follower
    follower.stop()


def test_a_reader_without_events_is_replaced(impatient: Follower, root: Path) -> None:
    """Alive, but nothing arrives: only the probe can tell."""
    NotedKernel.latest.handle_event = lambda event: None  # type: ignore[method-assign]
    write(root / "late.jpg")
    rebuilt(impatient)
    assert os.fsencode(root / "late.jpg") in impatient.photos


def test_an_exception_while_digesting_is_survived(
    watched: Follower, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W4: a mistake of ours costs a new start, not the watching."""

    def fail(*_: object) -> None:
        raise ValueError("a mistake")

    with monkeypatch.context() as patch:
        patch.setattr(watched.watcher.batch, "path", fail)
        write(root / "late.jpg")
        watched.until(lambda: NotedRecovery.latest.due_at is not None)
    rebuilt(watched)
    assert os.fsencode(root / "late.jpg") in watched.photos


def test_an_exception_while_looking_around_is_survived(
    watched: Follower, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The periodic checks cannot end the thread either."""

    def fail(*_: object) -> None:
        raise OSError("no mounts today")

    with monkeypatch.context() as patch:
        patch.setattr(roots.Roots, "check", fail)
        watched.until(lambda: NotedRecovery.latest.due_at is not None)
    rebuilt(watched)
    write(root / "new.jpg")
    watched.settle()
    assert watched.photos.keys() == watched.truth()


def test_watches_that_the_kernel_does_not_have_are_missed(
    watched: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the records differ from the kernel's twice in a row, they are rebuilt."""
    monkeypatch.setattr(watcher, "PROBES_BETWEEN_COUNTS", 1)
    before = NotedKernel.latest
    before.held = lambda: 99_999  # type: ignore[method-assign]
    rebuilt(watched)
    assert NotedKernel.latest is not before
    assert not watched.misplaced_watches()


def test_more_events_than_the_limit_count_as_lost(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue between reader and watcher is bounded; a scan finds the rest."""
    follower = Follower(tmp_path, dataclasses.replace(QUICK, pending=100))
    held, release, look_again = threading.Event(), threading.Event(), InotifySource.look_again

    def hold(source: InotifySource) -> None:
        held.set()
        release.wait(30)
        look_again(source)

    try:
        follower.add(root)
        monkeypatch.setattr(InotifySource, "look_again", hold)
        assert held.wait(30)
        for number in range(300):
            write(root / f"{number}.jpg")
        release.set()
        rebuilt(follower)
        assert len(follower.photos) == 300
    finally:
        follower.stop()


def test_after_sleep_everything_is_compared(
    watched: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W11: the computer was suspended; disks may have changed meanwhile."""
    before, looks = suspend.suspended_seconds(), list[None]()

    def suspended_seconds() -> float:
        looks.append(None)
        return before + 60

    monkeypatch.setattr(suspend, "suspended_seconds", suspended_seconds)
    watched.until(lambda: EVERYTHING in watched.log)
    watched.log.clear()
    done = len(looks)
    watched.until(lambda: len(looks) > done + 1)
    watched.settle()
    assert EVERYTHING not in watched.log, "once for each sleep"
    assert watched.watcher.rebuilds == 0


def test_a_clock_that_is_set_changes_nothing(
    watched: Follower, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W11: nothing here looks at the time of day."""
    for offset in (1e9, -1e9):
        monkeypatch.setattr(time, "time", lambda offset=offset: offset)
        photo = write(root / f"{offset}.jpg")
        assert {hint.path for hint in watched.settle()} == {os.fsencode(photo)}
    assert watched.watcher.rebuilds == 0


class Refusing:
    """Makes sources, of which the first ones are refused by the kernel."""

    def __init__(self, refusals: int, number: int) -> None:
        self.left, self._number = refusals, number

    def __call__(self, receive: Receive, listener: Listener) -> Source:
        source = InotifySource(receive, listener)
        if self.left:
            self.left -= 1
            source.open = self._refuse  # type: ignore[method-assign, assignment]
        return source

    def _refuse(self, _directory: bytes) -> None:
        raise OSError(self._number, os.strerror(self._number))


def test_without_instances_folders_are_scanned_until_there_are_some(
    tmp_path: Path, root: Path
) -> None:
    """Too many watchers on this account: scan_only with the line that helps, then it recovers."""
    refusing = Refusing(10**6, errno.EMFILE)
    follower = Follower(tmp_path, make_source=refusing)
    try:
        follower.watcher.add(os.fsencode(root), rules := IgnoreRules(os.fsencode(root)))
        follower.rules[os.fsencode(root)] = rules
        follower.until(lambda: follower.state(root) == "scan_only")
        (health,) = follower.watcher.health()
        assert "max_user_instances" in (health.remedy or "")
        refusing.left = 0
        follower.until(lambda: follower.state(root) == "watching")
        write(root / "1.jpg")
        follower.settle()
        assert follower.photos.keys() == follower.truth() != set()
    finally:
        follower.stop()


def test_a_probe_directory_that_is_deleted_comes_back(impatient: Follower, tmp_path: Path) -> None:
    """A cleaner of /tmp deletes it: the watcher restarts and makes the directory again."""
    (tmp_path / "probe").rmdir()
    rebuilt(impatient)
    assert (tmp_path / "probe").is_dir()
