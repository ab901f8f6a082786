"""Workers that a silent file system blocks are few, and none of them is taken for an answer."""

from __future__ import annotations

import errno
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from photosd.watch import filesystem, responsiveness
from photosd.watch.filesystem import LEFT_BEHIND, Filesystem, NotAnswering
from photosd.watch.filesystem_workers import AnswerPart
from photosd.watch.mounts import Mount

HOUR = 3600.0
STEP = 0.5


class Blocked:
    """A process in a call that never returns; killing it changes nothing until ``released``."""

    released = False

    def __init__(self) -> None:
        self.ready, self._discarded = True, False

    def send(self, call: str, arguments: tuple[Any, ...]) -> None:
        """The call begins."""

    def receive(self, seconds: float) -> AnswerPart | None:
        """As the real one: once killed, its connection is closed."""
        clock.now += max(seconds, 0.01)
        if self._discarded:
            return AnswerPart([], errno.EIO)
        return AnswerPart([], 0) if self.released else None

    def discard(self) -> None:
        """Kill it."""
        self._discarded = True

    @property
    def usable(self) -> bool:
        return not self._discarded

    @property
    def lingers(self) -> bool:
        return self._discarded and not self.released


clock = SimpleNamespace(now=1000.0)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Blocked]:
    """Every worker that was started."""
    time = SimpleNamespace(monotonic=lambda: clock.now)
    monkeypatch.setattr(responsiveness, "time", time)
    monkeypatch.setattr(filesystem, "time", time)
    monkeypatch.setattr(Blocked, "released", False)
    return []


@pytest.fixture
def share(begun: list[Blocked]) -> Filesystem:
    def begin(_share: Filesystem) -> Blocked:
        begun.append(Blocked())
        return begun[-1]

    share = Filesystem(Mount(b"/nas", "nfs", "nas:/"), begin, threading.Event(), threading.Event())
    with pytest.raises(NotAnswering):
        list(share.call(b"/nas/photos", "look", b"/nas/photos"))
    assert share.silent_since is not None
    return share


def an_hour_of(share: Filesystem) -> bool:
    """Whether it ever counted as answering."""
    end, answered = clock.now + HOUR, False
    while clock.now < end:
        answered |= share.look_after()
        clock.now += STEP
    return answered


def test_a_silent_share_blocks_few_processes_and_stays_silent(
    share: Filesystem, begun: list[Blocked]
) -> None:
    """A killed worker counted as an answer: the share came back every few seconds, with more."""
    assert not an_hour_of(share)
    assert 1 < len(begun) <= LEFT_BEHIND


def test_it_is_used_again_once_they_end(
    share: Filesystem, begun: list[Blocked], monkeypatch: pytest.MonkeyPatch
) -> None:
    an_hour_of(share)
    monkeypatch.setattr(Blocked, "released", True)
    assert an_hour_of(share)
    assert share.silent_since is None
