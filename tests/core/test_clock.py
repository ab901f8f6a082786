"""Pauses end in time whatever happens to the clock that people set."""

from __future__ import annotations

import time

import pytest

from photosd.core.clock import Pause

DAY = 86_400.0


@pytest.mark.parametrize(("step", "left"), [(0.0, 60.0), (-DAY, 60.0), (30.0, 30.0), (DAY, 0.0)])
def test_a_pause_ends_though_the_clock_is_set(
    monkeypatch: pytest.MonkeyPatch, step: float, left: float
) -> None:
    """Back: after as long as was asked for. Ahead, as after sleep: at the moment that was named."""
    pause = Pause.to(time.time() + 60.0)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + step)
    assert pause.remaining == pytest.approx(left, abs=1.0)


def test_a_pause_may_last_until_it_is_ended() -> None:
    """Without a moment it has no end; none at all has ended."""
    assert Pause.to(float("inf")).remaining == float("inf")
    assert Pause().remaining == Pause.to(0.0).remaining == 0.0
