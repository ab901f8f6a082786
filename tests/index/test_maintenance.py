"""Maintenance: one work at a time, and a rest after a failure."""

from __future__ import annotations

import threading

import pytest

from photosd.index import maintenance
from photosd.index.maintenance import Maintenance


class Work:
    """Runs until it is released; counts how often it ran."""

    def __init__(self) -> None:
        self.go, self.times = threading.Event(), 0

    def __call__(self) -> int:
        self.times += 1
        assert self.go.wait(60)
        return 0

    __name__ = "work"


def broken() -> int:
    """Work that fails."""
    raise OSError(28, "No space left on device")


def test_one_at_a_time() -> None:
    """A second caller does not wait, and no work starts twice."""
    keeper, work = Maintenance(), Work()
    for _ in range(3):
        keeper.begin(work)
    assert not keeper.wait_idle(0.05)
    work.go.set()
    assert keeper.wait_idle(10)
    assert work.times == 1
    keeper.begin(work)
    assert keeper.wait_idle(10)
    assert work.times == 2


def test_after_a_failure_it_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is not tried again at every commit, but it is tried again."""
    keeper, work = Maintenance(), Work()
    work.go.set()
    keeper.begin(broken)
    assert keeper.wait_idle(10)
    keeper.begin(work)
    assert keeper.wait_idle(10)
    assert work.times == 0
    monkeypatch.setattr(maintenance, "RETRY_SECONDS", 0.0)
    again = Maintenance()
    again.begin(broken)
    assert again.wait_idle(10)
    again.begin(work)
    assert again.wait_idle(10)
    assert work.times == 1
