"""Many parts end at once, within one deadline, whatever each of them does."""

from __future__ import annotations

import threading

import pytest

from photosd.core.clock import Deadline
from photosd.core.start_stop import stop_all


def test_a_part_that_hangs_delays_no_other() -> None:
    """The others are asked at once, and the deadline is one for all."""
    without_end, asked = threading.Event(), []

    def raises(_: Deadline) -> None:
        raise RuntimeError("a defect")

    def well(deadline: Deadline) -> None:
        asked.append(deadline)

    deadline = Deadline.after(3)  # showing the error takes long on a busy machine
    parts = {
        "a": lambda _: without_end.wait(),
        "b": raises,
        "c": well,
        "d": lambda _: without_end.wait(),
    }
    assert stop_all(parts, deadline) == ["a", "d"]
    assert deadline.remaining <= 0
    assert asked == [deadline]
    assert stop_all(parts, Deadline.after(-1)) != []  # one that is over is not waited for at all
    without_end.set()


def test_all_that_end_are_not_waited_for_longer() -> None:
    """The deadline is beyond that of the test."""
    assert stop_all({"a": lambda _: None}, Deadline.after(3600)) == []
    assert stop_all({}, Deadline.after(3600)) == []


def test_a_part_of_a_deadline_is_no_later() -> None:
    """Shares are of what remains."""
    deadline = Deadline.after(10)
    assert 5.5 < deadline.part(0.6).remaining <= 6
    assert deadline.part(1).at <= deadline.at + 0.1
    assert Deadline.after(-5).part(0.5).passed


def test_without_room_for_a_thread_all_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shortage of threads does not keep the process alive."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    asked: list[str] = []
    monkeypatch.setattr(threading.Thread, "start", refuse)
    parts = {name: lambda _, name=name: asked.append(name) for name in ("a", "b")}
    assert stop_all(parts, Deadline.after(60)) == []
    assert asked == ["a", "b"]


def test_a_part_of_a_deadline_is_never_later() -> None:
    """Also once the deadline has passed."""
    for seconds in (-1.0, 0.0, 5.0):
        whole = Deadline.after(seconds)
        assert whole.part(0.5).at <= whole.at
    assert 2.0 < Deadline.after(5.0).part(0.5).remaining <= 2.5
