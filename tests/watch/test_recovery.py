"""The watcher restarts after quiet, later each time while trouble returns, but always."""

from __future__ import annotations

from photosd.watch.recovery import MAX_DELAY, Recovery
from photosd.watch.watch_limits import WatchLimits

LIMITS = WatchLimits()


def test_it_waits_for_quiet() -> None:
    """One second after the last of the trouble, not after the first."""
    recovery = Recovery(LIMITS)
    assert recovery.due_at is None
    assert recovery.trouble(100.0)
    assert recovery.due_at == 101.0
    assert not recovery.trouble(100.8), "more of the same is not news"
    assert recovery.due_at == 101.8


def test_continuous_trouble_delays_a_restart_by_a_limit() -> None:
    """It restarts at the latest after `MAX_DELAY`."""
    recovery = Recovery(LIMITS)
    for tenths in range(1000):
        recovery.trouble(tenths / 10)
    assert recovery.due_at == MAX_DELAY


def test_returning_trouble_waits_longer_each_time_up_to_five_minutes() -> None:
    """1, 2, 4 … 256, 300 seconds: a loop of rebuilding cannot eat the machine."""
    recovery, now, waits = Recovery(LIMITS), 1000.0, []
    for _ in range(11):
        recovery.trouble(now)
        assert recovery.due_at is not None
        waits.append(recovery.due_at - now)
        now = recovery.due_at
        recovery.recovered(now)
        now += 1.0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_after_a_calm_time_it_is_quick_again() -> None:
    """Trouble of last week does not slow today's recovery."""
    recovery = Recovery(LIMITS)
    for now in (0.0, 2.0, 6.0):
        recovery.trouble(now)
        recovery.recovered(now + 1)
    recovery.trouble(7.0 + LIMITS.calm + 1)
    assert recovery.due_at == 7.0 + LIMITS.calm + 1 + LIMITS.quiet
