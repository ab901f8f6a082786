"""Whatever Gemini does, a query gets its local answer in time, and the reason is the right one."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ENCODER_STANDS_IN
from tests.gemini.conftest import Cloudy, paths
from tests.gemini.fake_gemini import (
    BAD_KEY,
    BROKEN,
    FORBIDDEN,
    GONE,
    HANG,
    KEY,
    OVERLOADED,
    Answer,
    error,
    quota,
    wait_for,
    written,
)

DEADLINE, WAIT_SECONDS = 0.5, 10.0  # seconds for Gemini: where it is too late, and else

WORDS_FAULTS: dict[str, tuple[Answer, str, str]] = {
    "no JSON inside": (Answer(body=written("Sure! Here you go")), "bad_answer", "cannot be"),
    "no captions": (Answer(body=written('{"prompts": []}')), "bad_answer", "0 captions"),
    "too many captions": (
        Answer(body=written('{"prompts": ["a", "b", "c", "d", "e"]}')),
        "bad_answer",
        "5 captions",
    ),
    "not English": (
        Answer(body=written('{"prompts": ["שקיעה"]}')),
        "bad_answer",
        "not in English",
    ),
    "more than asked for": (
        Answer(body=written('{"prompts": ["a dog"], "do": "rm"}')),
        "bad_answer",
        "no JSON of the form",
    ),
    "captions that are numbers": (
        Answer(body=written('{"prompts": [1]}')),
        "bad_answer",
        "no JSON of the form",
    ),
    "blocked": (
        Answer(body={"promptFeedback": {"blockReason": "SAFETY"}}),
        "bad_answer",
        "cannot be",
    ),
}
VECTOR_FAULTS: dict[str, tuple[Answer, str, str]] = {
    "none of the vectors": (Answer(missing=1), "bad_answer", "0 vectors for 1"),
    "a vector of another size": (Answer(dimensions=12), "bad_answer", "instead of 768"),
    "NaN": (Answer(value="NaN"), "bad_answer", "cannot be understood"),
    "infinite": (Answer(body=b'{"embeddings":[{"values":[1e999]}]}'), "bad_answer", "cannot be"),
    "no unit vector": (Answer(scale=3), "bad_answer", "not unit vectors"),
    "null": (Answer(body={"embeddings": None}), "bad_answer", "0 vectors for 1"),
}
FAULTS: dict[str, tuple[Answer, str, str]] = {
    "bad key": (BAD_KEY, "auth", "API key not valid"),
    "unauthorised": (error(401, "UNAUTHENTICATED", "no"), "auth", "401"),
    "forbidden": (FORBIDDEN, "auth", "403"),
    "model gone": (GONE, "model", "404"),
    "quota": (quota("7s"), "quota", "429"),
    "quota in HTML": (Answer(429, b"<html>slow down"), "quota", "429"),
    "bad request": (error(400, "INVALID_ARGUMENT", "no such field"), "refused", "400"),
    "broken": (BROKEN, "server", "500"),
    "overloaded": (OVERLOADED, "server", "503"),
    "sent elsewhere": (
        Answer(302, b"", headers={"Location": "http://127.0.0.1:9/"}),
        "server",
        "does not follow",
    ),
    "slow": (Answer(after=2 * DEADLINE), "deadline", "did not answer"),
    "trickle": (Answer(trickle=0.1), "deadline", "did not answer"),
    "black hole": (HANG, "deadline", "did not answer"),
    "garbage": (Answer(body=b"\xff\xfe{{{"), "bad_answer", "cannot be understood"),
    "empty": (Answer(body=b""), "bad_answer", "cannot be understood"),
    "a list": (Answer(body=[1, 2, 3]), "bad_answer", "cannot be understood"),
}
HYBRID, GEMINI = FAULTS | WORDS_FAULTS, FAULTS | VECTOR_FAULTS
CASES = [("hybrid", name) for name in HYBRID] + [("gemini", name) for name in VECTOR_FAULTS]
SAME = [("gemini", name) for name in FAULTS]  # faults that come about in the same lines


@pytest.fixture(scope="module")
def cloudy(make_cloudy: Callable[..., Cloudy]) -> Cloudy:
    """A daemon with both modes agreed to and every marked photo sent."""
    made = make_cloudy(prelude=ENCODER_STANDS_IN)
    made.put_key()
    made.paint()
    made.enable("gemini")
    made.set(deadline_seconds=WAIT_SECONDS)
    made.warm()
    wait_for(lambda: made.status()["photos_sent"] == 3)
    return made


def trouble(cloudy: Cloudy) -> dict[str, Any]:
    found: dict[str, Any] = wait_for(lambda: cloudy.status()["trouble"])
    return found


@pytest.mark.parametrize("mode", ["hybrid", "gemini"])
def test_it_helps_while_all_is_well(cloudy: Cloudy, mode: str) -> None:
    cloudy.fresh()
    before = len(cloudy.gemini.requests)
    result = cloudy.query("something green", mode=mode)
    assert result["mode_used"] == result["mode_requested"] == mode
    assert result["fallback_reason"] is None
    assert len(cloudy.gemini.requests) == before + 1
    again = cloudy.query("something green", mode=mode)
    assert paths(again) == paths(result)
    assert len(cloudy.gemini.requests) == before + 1, "remembered answers are not asked for again"


@pytest.mark.parametrize(
    ("mode", "name"),
    [*CASES, *(pytest.param(*case, marks=pytest.mark.slow) for case in SAME)],
    ids=[f"{mode}-{name}" for mode, name in CASES + SAME],
)
def test_a_fault_costs_no_answer(cloudy: Cloudy, mode: str, name: str) -> None:
    answer, reason, says = (HYBRID if mode == "hybrid" else GEMINI)[name]
    cloudy.fresh()
    cloudy.set(mode=mode, deadline_seconds=WAIT_SECONDS)
    cloudy.warm()
    text = f"a snowy forest, {mode} {name}"
    local = cloudy.local(text)
    if reason == "deadline":
        cloudy.set(deadline_seconds=DEADLINE)
    cloudy.gemini.always = answer
    result = cloudy.query(text)
    assert paths(result) == local
    assert (result["mode_requested"], result["mode_used"]) == (mode, "local")
    assert result["fallback_reason"] == reason
    assert says in trouble(cloudy)["message"]
    assert KEY not in str(cloudy.status())


def test_an_answer_too_late_is_remembered_for_the_next(cloudy: Cloudy) -> None:
    cloudy.fresh()
    cloudy.set(mode="hybrid")
    cloudy.warm()
    cloudy.set(deadline_seconds=DEADLINE)
    cloudy.gemini.answers.append(Answer(after=2.0))
    assert cloudy.query("late but true")["fallback_reason"] == "deadline"
    cloudy.gemini.always = BROKEN
    wait_for(lambda: cloudy.query("late but true")["mode_used"] == "hybrid")


def test_three_failures_in_a_row_cost_no_more_time(cloudy: Cloudy) -> None:
    """And one that asks for a pause gets it."""
    cloudy.fresh()
    cloudy.set(mode="hybrid")
    cloudy.warm()
    cloudy.set(deadline_seconds=DEADLINE)
    cloudy.gemini.always = Answer(after=5.0)
    for number in range(3):
        assert cloudy.query(f"slow {number}")["fallback_reason"] == "deadline"
    asked = len(cloudy.gemini.requests)
    assert cloudy.query("the fourth")["fallback_reason"] == "deadline"
    assert len(cloudy.gemini.requests) == asked
    assert 0 < cloudy.status()["closed_for_s"] <= 60
    cloudy.fresh()
    cloudy.set(deadline_seconds=WAIT_SECONDS)
    cloudy.gemini.answers.append(quota("33s"))
    assert cloudy.query("a fifth")["fallback_reason"] == "quota"
    assert 20 < cloudy.status()["closed_for_s"] <= 33
    asked = len(cloudy.gemini.requests)
    assert cloudy.query("a sixth")["fallback_reason"] == "quota"
    assert len(cloudy.gemini.requests) == asked


def answered_with(cloudy: Cloudy, reason: str) -> bool:
    """Whether the Gemini worker is at work and meets what it is to meet."""
    cloudy.fresh()
    return bool(cloudy.query("starting?")["fallback_reason"] == reason)


def test_no_server_and_a_silent_server(cloudy: Cloudy) -> None:
    """A refused connection, and an address that accepts and never says a word."""
    cloudy.fresh()
    cloudy.set(mode="hybrid")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        closed_port = "http://127.0.0.1:9"
        for url, reason in ((closed_port, "offline"), (_url(silent), "deadline")):
            cloudy.set(
                base_url=url, deadline_seconds=WAIT_SECONDS if url == closed_port else DEADLINE
            )
            assert cloudy.query("before consent to the address")["fallback_reason"] == "consent"
            cloudy.enable("gemini")
            cloudy.set(mode="hybrid")
            wait_for(functools.partial(answered_with, cloudy, reason))
            cloudy.fresh()
            local = cloudy.local("snow at night")
            result = cloudy.query("snow at night")
            assert paths(result) == local
            assert result["fallback_reason"] == reason
    cloudy.set(base_url=cloudy.gemini.url, deadline_seconds=WAIT_SECONDS)
    cloudy.enable("gemini")
    cloudy.warm()


def test_a_killed_or_stopped_worker_is_replaced(cloudy: Cloudy) -> None:
    import psutil

    def worker() -> psutil.Process | None:
        for child in psutil.Process(cloudy.daemon.process.pid).children():
            if "photosd.gemini" in child.cmdline():
                return child
        return None

    cloudy.fresh()
    cloudy.set(mode="hybrid")
    cloudy.warm()
    first = worker()
    assert first is not None
    assert KEY not in " ".join(first.cmdline()) and KEY not in str(first.environ())
    first.kill()
    first.wait(60)
    wait_for(lambda: cloudy.query("is it back?")["mode_used"] == "hybrid")
    second = worker()
    assert second is not None and second.pid != first.pid
    cloudy.set(deadline_seconds=DEADLINE)
    second.suspend()
    assert cloudy.query("is it asleep?")["fallback_reason"] == "deadline"
    second.kill()
    cloudy.set(deadline_seconds=WAIT_SECONDS)


def test_one_dim_line_tells_it(cloudy: Cloudy) -> None:
    cloudy.fresh()
    cloudy.set(mode="hybrid")
    cloudy.warm()
    cloudy.gemini.always = OVERLOADED
    ran = cloudy.run("query", "snow", "in", "the", "dark")
    assert ran.stderr.count("hybrid: Gemini has an internal error; local results") == 1
    assert "Gemini" not in ran.stdout
    quiet = cloudy.run("query", "snow", "in", "the", "dark", "--local")
    assert "Gemini" not in quiet.stderr


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"
