"""The hook into watchdog's private reader: these fail when a new release changes it."""

# Names are bytes here, which pathlib does not know.
# ruff: noqa: PTH104, PTH123, PTH208

from __future__ import annotations

import errno
import os
import queue
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("inotify is Linux's", allow_module_level=True)

from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, WatchDescriptor

from photosd.watch.inotify_reader import DIRECTORY_MASK, InotifyReader

SECONDS = 60.0


class Reading:
    """A reader and what it has handed on."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[InotifyEvent] = queue.SimpleQueue()
        self.reader = InotifyReader(self.events.put)
        self.reader.start()

    def next(self) -> InotifyEvent:
        """The next event; fails when none comes."""
        return self.events.get(timeout=SECONDS)


@pytest.fixture
def reading() -> Iterator[Reading]:
    """A running reader."""
    running = Reading()
    yield running
    running.reader.retire()


def test_every_event_is_handed_on_raw(reading: Reading, tmp_path: Path) -> None:
    """Number, mask, cookie and name as the kernel wrote them, moves unpaired and without delay."""
    number = reading.reader.watch(os.fsencode(tmp_path), DIRECTORY_MASK)
    with open(os.fsencode(tmp_path) + b"/\xff\n.jpg", "wb"):
        pass
    event = reading.next()
    assert (event.wd, event.name, event.is_create) == (number, b"\xff\n.jpg", True)
    assert reading.next().is_close_write
    os.rename(os.fsencode(tmp_path) + b"/\xff\n.jpg", tmp_path / "b.jpg")
    moved_from, moved_to = reading.next(), reading.next()
    assert (moved_from.is_moved_from, moved_to.is_moved_to) == (True, True)
    assert moved_from.cookie == moved_to.cookie


def test_an_overflow_is_passed_on(reading: Reading, tmp_path: Path) -> None:
    """The overflow event is handed on; watchdog's own rebuilding, which loops, never runs."""
    reading.reader.handle_event(
        InotifyEvent(WatchDescriptor(-1), InotifyConstants.IN_Q_OVERFLOW, 0, b"")
    )
    assert reading.next().is_queue_overflow
    unused = reading.reader._watch_for_wd  # noqa: SLF001 (watchdog's)
    assert not unused


def test_reading_and_listing_cause_no_events(reading: Reading, tmp_path: Path) -> None:
    """Our own reads cause no work (W12)."""
    photo = tmp_path / "1.jpg"
    photo.write_bytes(b"x" * 4096)
    reading.reader.watch(os.fsencode(tmp_path), DIRECTORY_MASK)
    for _ in range(3):
        assert photo.read_bytes()
        assert os.listdir(tmp_path)
    (tmp_path / "last").mkdir()
    assert reading.next().name == b"last"


def test_the_same_directory_has_the_same_number(reading: Reading, tmp_path: Path) -> None:
    """Watching again under another name is recognised, as after a rename."""
    (tmp_path / "a").mkdir()
    first = reading.reader.watch(os.fsencode(tmp_path / "a"), DIRECTORY_MASK)
    (tmp_path / "a").rename(tmp_path / "b")
    assert reading.reader.watch(os.fsencode(tmp_path / "b"), DIRECTORY_MASK) == first
    assert reading.reader.held() == 1
    reading.reader.unwatch(first)
    assert reading.reader.held() == 0


def test_refusals_are_raised(reading: Reading, tmp_path: Path) -> None:
    """Absent directories, files and links are told apart from success."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    for name, number in [("absent", errno.ENOENT), ("file", errno.ENOTDIR),
                         ("link", errno.ENOTDIR)]:  # fmt: skip
        with pytest.raises(OSError, match="directory") as caught:
            reading.reader.watch(os.fsencode(tmp_path / name), DIRECTORY_MASK)
        assert caught.value.errno == number


def test_retiring_is_silent_and_gives_the_descriptor_back(tmp_path: Path) -> None:
    """No news of its own end, no descriptor left; also when the reader died while reading."""
    for dies in (False, True):
        before = len(os.listdir("/proc/self/fd"))
        reading = Reading()
        for number in range(20):
            (tmp_path / str(number)).mkdir(exist_ok=True)
            reading.reader.watch(os.fsencode(tmp_path / str(number)), DIRECTORY_MASK)
        if dies:
            setattr(reading.reader, "_check_inotify_fd", _fail)  # noqa: B010 (watchdog's)
            (tmp_path / "0" / "event").mkdir()
            assert reading.next().is_create
            reading.reader.join(SECONDS)
            assert not reading.reader.is_alive()
        reading.reader.retire()
        assert not reading.reader.is_alive()
        assert reading.events.empty()
        assert len(os.listdir("/proc/self/fd")) <= before  # others may end late


def test_children_do_not_inherit_it(reading: Reading) -> None:
    """Decoders and the encoder must not hold watches of a daemon that is gone."""
    links = [file for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    found = [int(file.name) for file in links if "inotify" in str(file.readlink())]
    assert found and not any(os.get_inheritable(number) for number in found)


def _fail() -> bool:
    raise OSError(errno.EIO, "broken")
