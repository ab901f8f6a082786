"""How long a file system is waited for: a slow one for as long as it answers, a silent one not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from photosd.watch import responsiveness
from photosd.watch.filesystem_workers import AnswerPart, FilesystemWorker
from photosd.watch.responsiveness import ANSWER_SECONDS, CALL_PINGS, PING_SECONDS, Responsiveness

STEP = 0.1


class Clock:
    """The time; it advances on request."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """This moment."""
        return self.now


class Server:
    """Answers a ping after ``seconds``; None: never."""

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        self.ready = self.usable = True
        self.seconds, self.sent, self.discarded = seconds, 0, False
        self._clock, self._asked_at = clock, 0.0
        self.lingers = False

    def send(self, call: str, arguments: tuple[Any, ...]) -> None:
        """A ping of the mount point."""
        assert (call, arguments) == ("ping", (b"/share",))
        self.sent, self._asked_at = self.sent + 1, self._clock.now

    def receive(self, seconds: float) -> AnswerPart | None:
        """The answer, when it is time; it is never waited for."""
        assert seconds == 0
        if self.seconds is None or self._clock.now - self._asked_at < self.seconds:
            return None
        return AnswerPart([], 0)

    def discard(self) -> None:
        """No more pings."""
        self.discarded = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(responsiveness, "time", SimpleNamespace(monotonic=clock.monotonic))
    yield clock


def share() -> Responsiveness:
    return Responsiveness(b"/share", lambda: None)


def until_over(
    clock: Clock,
    one: Responsiveness,
    server: FilesystemWorker,
    over: Callable[[], bool],
    seconds: float = 200.0,
) -> float:
    """After how many seconds it is; ``seconds`` when it is not."""
    begun = clock.now
    while not over() and clock.now - begun < seconds:
        one.turn(lambda: server)
        clock.now += STEP
    return clock.now - begun


def test_a_share_that_says_nothing_is_silent(clock: Clock) -> None:
    one, server = share(), Server(clock, None)
    with one.waiting() as waiting:
        took = until_over(clock, one, server, waiting.timed_out)
    assert ANSWER_SECONDS < took < ANSWER_SECONDS + 0.5 and server.sent == 1


def test_a_share_that_answers_pings_alone_is_silent_as_soon(clock: Clock) -> None:
    """It hangs on one kind of request."""
    one, server = share(), Server(clock, 0.0)
    with one.waiting() as waiting:
        took = until_over(clock, one, server, waiting.timed_out)
    assert ANSWER_SECONDS < took < ANSWER_SECONDS + 0.5


def test_a_share_that_is_slow_is_waited_for(clock: Clock) -> None:
    """A call needs many answers; each takes two seconds."""
    one, server = share(), Server(clock, 2.0)
    with one.waiting() as waiting:
        assert until_over(clock, one, server, waiting.timed_out, 16.0) >= 16.0
        waiting.heard()
        assert until_over(clock, one, server, waiting.timed_out, 16.0) >= 16.0
        assert until_over(clock, one, server, waiting.timed_out) < 2 * CALL_PINGS + 1
        waiting.heard()
        server.seconds = None
        assert ANSWER_SECONDS < until_over(clock, one, server, waiting.timed_out) < 9


def test_more_who_wait_are_waited_for_longer(clock: Clock) -> None:
    """A ping waits behind what they have asked."""
    one, server = share(), Server(clock, 2.0)
    with one.waiting() as waiting:
        until_over(clock, one, server, waiting.timed_out, 5.0)
        expected = one.expected
        with one.waiting(), one.waiting():
            assert one.expected == 2 * expected
            server.seconds = 2 * one.expected
            waiting.heard()
            assert until_over(clock, one, server, waiting.timed_out, 16.0) >= 16.0


def test_a_share_is_not_silent_before_a_ping_was_sent(clock: Clock) -> None:
    """Its process comes up late on a busy machine."""
    one, server = share(), Server(clock, 1.0)
    server.ready = False
    with one.waiting() as waiting:
        assert until_over(clock, one, server, waiting.timed_out, 6.0) >= 6.0
        server.ready = True
        assert until_over(clock, one, server, waiting.timed_out, 6.0) >= 6.0
    with one.waiting() as waiting:
        one.close()
        server.ready, server.seconds = False, None
        assert until_over(clock, one, server, waiting.timed_out) > 20
    silent = share()
    server.ready = False
    with silent.waiting() as waiting:
        until_over(clock, silent, server, waiting.timed_out, 6.0)
        server.ready = True
        assert until_over(clock, silent, server, waiting.timed_out) < 2 * PING_SECONDS + 0.5


def test_a_share_that_answers_is_not_pinged(clock: Clock) -> None:
    one, server = share(), Server(clock, 0.0)
    with one.waiting() as waiting:
        for _ in range(100):
            one.turn(lambda: server)
            waiting.heard()
            clock.now += STEP
    assert not server.sent and not one.pinging


def test_what_pings_took_is_forgotten(clock: Clock) -> None:
    """And the process ends."""
    one, server = share(), Server(clock, 2.0)
    with one.waiting() as waiting:
        until_over(clock, one, server, waiting.timed_out, 8.0)
    assert one.expected > 0
    clock.now += 100
    one.turn(lambda: server)
    clock.now += 100
    one.turn(lambda: server)
    assert (one.expected, server.discarded, one.pinging) == (0, True, False)


def test_a_pinger_that_was_lost_is_replaced(clock: Clock) -> None:
    one, lost, next_one = share(), Server(clock, None), Server(clock, 1.0)
    with one.waiting() as waiting:
        until_over(clock, one, lost, waiting.timed_out, 1.0)
        assert lost.sent == 1
        lost.usable = False
        assert until_over(clock, one, next_one, waiting.timed_out, 6.0) >= 6.0
    assert lost.discarded and next_one.sent


def test_a_disk_of_this_machine_is_not_pinged(clock: Clock) -> None:
    one, server = Responsiveness(None, lambda: None), Server(clock, 0.0)
    with one.waiting() as waiting:
        assert 15 < until_over(clock, one, server, waiting.timed_out) < 15.5
    assert not server.sent


def test_a_quick_share_is_found_silent_as_soon_whoever_waits(clock: Clock) -> None:
    """Pings of it need not wait behind the others. One that was late once may need longer."""
    for late in (False, True):
        one, server = share(), Server(clock, None)
        with one.waiting() as waiting, one.waiting(), one.waiting():
            if late:
                clock.now += 1
                waiting.heard()
            waiting.heard()
            took = until_over(clock, one, server, waiting.timed_out)
        assert (took < ANSWER_SECONDS + 0.5) is not late


def test_the_process_for_pings_may_start_slowly(clock: Clock) -> None:
    """It is started before a ping is due."""
    one, server = share(), Server(clock, None)
    server.ready = False
    begun = list[float]()

    def begin() -> FilesystemWorker:
        begun.append(clock.now)
        return server

    with one.waiting() as waiting:
        waiting.heard()
        since = clock.now
        while not waiting.timed_out():
            one.turn(begin)
            clock.now += STEP
            server.ready = bool(begun) and clock.now - begun[0] > 1
    assert clock.now - since < ANSWER_SECONDS + 0.5
