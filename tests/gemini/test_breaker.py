"""After failures Gemini is not called for a while; then one call tries, and no query waits."""

from __future__ import annotations

import pytest

from photosd.core.errors import CloudUnavailable
from photosd.gemini.breaker import LONGEST_SECONDS, OPEN_SECONDS, Breaker


class Clock:
    """A time that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


OFFLINE = CloudUnavailable("nobody there")


def quota(seconds: float) -> CloudUnavailable:
    return CloudUnavailable("slow down", reason="quota", retry_after_ms=int(1000 * seconds))


def test_three_failures_in_a_row_open_it_and_one_probe_closes_it() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    breaker.attempt().failed(OFFLINE)
    breaker.attempt().failed(OFFLINE)
    breaker.attempt().succeeded()
    for _ in range(3):
        attempt = breaker.attempt()
        assert not attempt.probe
        attempt.failed(OFFLINE)
        attempt.failed(OFFLINE)  # told twice, counts once
    with pytest.raises(CloudUnavailable, match="nobody there") as closed:
        breaker.attempt()
    assert closed.value.retry_after_ms == 1000 * OPEN_SECONDS
    clock.now += OPEN_SECONDS
    probe = breaker.attempt()
    assert probe.probe
    with pytest.raises(CloudUnavailable):  # while it runs no other call tries
        breaker.attempt()
    probe.succeeded()
    assert not breaker.attempt().probe and breaker.trouble is None


def test_a_probe_that_fails_or_never_ends_leaves_it_open() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(3):
        breaker.attempt().failed(OFFLINE)
    clock.now += OPEN_SECONDS
    breaker.attempt().failed(OFFLINE)
    assert breaker.open_for == OPEN_SECONDS
    clock.now += OPEN_SECONDS
    breaker.attempt()  # never told
    clock.now += OPEN_SECONDS
    assert breaker.attempt().probe


@pytest.mark.parametrize("reason", ["auth", "key", "model"])
def test_what_will_not_pass_opens_it_at_once(reason: str) -> None:
    breaker = Breaker(Clock())
    breaker.attempt().failed(CloudUnavailable("no", reason=reason))
    with pytest.raises(CloudUnavailable):
        breaker.attempt()
    breaker.reset()  # a person changed something
    breaker.attempt()


@pytest.mark.parametrize(
    ("asked", "kept"), [(7, 7), (0, OPEN_SECONDS), (10 * LONGEST_SECONDS, LONGEST_SECONDS)]
)
def test_the_pause_that_is_asked_for_is_kept(asked: float, kept: float) -> None:
    breaker = Breaker(Clock())
    breaker.attempt().failed(quota(asked))
    assert breaker.open_for == kept
