"""A lane tells a model that hangs from one that waits for a core, and forgives only so long."""

from __future__ import annotations

import time

import pytest

from photosd.encoder import requests
from photosd.encoder.requests import MAX_EXCUSES, EncodeRequest, Kind, LaneQueue

LIMIT = 2.0


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(requests, "time", clock)
    return clock


def busy(kind: Kind) -> LaneQueue:
    """A lane whose encoder has one request."""
    lane = LaneQueue(kind)
    lane.submit(EncodeRequest({}, (), 1, None, lambda _header, _blobs, _items: None))
    assert len(list(lane.sendable())) == 1
    return lane


def verdict(lane: LaneQueue, clock: Clock, share: float) -> float:
    """Seconds until the lane counts as hung, while it has no core for ``share`` of the time."""
    began, coreless = clock.now, 0.0
    while True:
        due = lane.look_at(LIMIT)
        coreless += share * (due - clock.now)
        clock.now = due
        if lane.hangs(coreless, LIMIT):
            return clock.now - began


@pytest.mark.parametrize("kind", ["text", "image"])
def test_what_has_a_core_and_does_not_answer_hangs(clock: Clock, kind: Kind) -> None:
    """At the limit, no sooner and no later."""
    assert verdict(busy(kind), clock, 0.0) == LIMIT


@pytest.mark.parametrize("kind", ["text", "image"])
def test_what_waits_for_a_core_is_forgiven_for_a_while(clock: Clock, kind: Kind) -> None:
    """A process that spins on a busy machine looks the same, so it ends somewhere."""
    assert verdict(busy(kind), clock, 0.8) == LIMIT + MAX_EXCUSES[kind] * LIMIT / 2


def test_short_waits_for_a_core_do_not_count(clock: Clock) -> None:
    """Every process waits a little."""
    assert verdict(busy("text"), clock, 0.1) == LIMIT


def test_an_answer_restarts_the_count(clock: Clock) -> None:
    """Progress is progress."""
    lane = LaneQueue("text")
    for _ in range(2):
        lane.submit(EncodeRequest({}, (), 1, None, lambda _header, _blobs, _items: None))
    first, _second = list(lane.sendable())
    clock.now = lane.look_at(LIMIT)
    assert not lane.hangs(0.0, LIMIT)
    lane.arrived(first.number, 0.01)
    assert verdict(lane, clock, 0.0) == LIMIT


def test_an_idle_lane_is_never_looked_at() -> None:
    """Nothing sent, nothing overdue."""
    lane = LaneQueue("text")
    assert lane.look_at(LIMIT) > time.monotonic() + 1e9
