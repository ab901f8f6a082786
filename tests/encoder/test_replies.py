"""Whatever the encoder answers, every future ends; one that talks nonsense is replaced."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from photosd.core.child import Death
from photosd.core.clock import Deadline
from photosd.core.errors import EncoderUnavailable, PhotosdError
from photosd.core.frames import Header, receive_frame, send_frame
from photosd.encoder import requests, supervisor
from photosd.encoder.encoder_errors import EncoderDied, EncodingFailed
from photosd.encoder.encoder_limits import EncoderLimits
from photosd.encoder.supervisor import PROBE_TEXT, Supervisor
from photosd.models.spec import STARTER, read_model

DIMENSION = read_model(STARTER).dimension
PIXELS = np.zeros((2, 8, 8, 3), np.uint8)
SOON = 20.0
Answer = Callable[["FakeChild", Header], None]


class FakeChild:
    """An encoder that is a thread: ready at once, answers as it is told."""

    pid = os.getpid()

    def __init__(self, answer: Answer, code: int | None = None) -> None:
        self.sock, self.theirs = socket.socketpair()
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def alive(self) -> bool:
        return False

    def kill(self, reason: str, *, dump: bool = True) -> Death:
        self.sock.close()
        return Death(reason, "", None, reaped=True)

    def exit_report(self) -> Death:
        return self.kill("killed by SIGKILL")

    def _serve(self) -> None:
        try:
            ready: Header = {"event": "ready", "device": "cpu", "doubt": None, "rss_mb": 1.0}
            ready |= {"text_device": "cpu", "devices": ["cpu"], "absent": None}
            times = {"load_seconds": 0.1, "first_ms": 1.0, "second_ms": 1.0}
            send_frame(self.theirs, {**ready, **times})
            while True:
                header, _ = receive_frame(self.theirs)
                self._answer(self, header)
        except (EOFError, OSError):
            self.theirs.close()

    def reply(self, header: Header, /, vectors: Any = None, **changes: Any) -> None:
        """A sound answer, with these changes."""
        number = len(header["texts"]) if header["op"] == "text" else header["shape"][0]
        if vectors is None:
            vectors = np.eye(1, DIMENSION, dtype=np.float32).repeat(number, axis=0)
        sound = {"id": header["id"], "ok": True, "shape": vectors.shape, "ms": 1.0}
        if header["op"] == "text":
            sound |= {"understood": [(1.0, [])] * number, "words_used": [None] * number}
        answer = {key: value for key, value in {**sound, **changes}.items() if value is not ...}
        send_frame(self.theirs, answer, [vectors.tobytes()])


def _row(*values: float) -> Any:
    return np.array([values], np.float32)


NONSENSE: dict[str, Answer] = {
    "too few vectors": lambda c, h: c.reply(h, np.eye(7, DIMENSION, dtype=np.float32)),
    "another dimension": lambda c, h: c.reply(
        h, np.eye(1, DIMENSION + 1, dtype=np.float32).repeat(h.get("shape", [1])[0], 0)
    ),
    "a shape that is none": lambda c, h: c.reply(h, shape=[3, 3]),
    "a shape of words": lambda c, h: c.reply(h, shape="many"),
    "no numbers": lambda c, h: c.reply(
        h, np.full((h.get("shape", [1])[0], DIMENSION), np.nan, np.float32)
    ),
    "no unit length": lambda c, h: c.reply(
        h, np.zeros((h.get("shape", [1])[0], DIMENSION), np.float32)
    ),
    "half the bytes": lambda c, h: c.reply(
        h,
        np.zeros((h.get("shape", [1])[0], DIMENSION), np.float16),
    ),
    "no shape": lambda c, h: c.reply(h, shape=...),
    "no verdict": lambda c, h: c.reply(h, ok=...),
    "no number": lambda c, h: c.reply(h, id=...),
    "a number that is none": lambda c, h: c.reply(h, id=[]),
    "a strange number": lambda c, h: c.reply(h, id=10**9),
    "a strange event": lambda c, h: send_frame(c.theirs, {"event": "pop"}),
    "a time that is none": lambda c, h: c.reply(h, ms="soon"),
    "a header that is none": lambda c, h: c.theirs.sendall(struct.pack(">II", 3, 0) + b"\x01ab"),
    "garbage": lambda c, h: c.theirs.sendall(b"\xff" * 64),
    "no parts": lambda c, h: send_frame(
        c.theirs, {"id": h["id"], "ok": True, "shape": [1, 1], "ms": 1.0}
    ),
    "silence for ever": lambda c, h: c.theirs.shutdown(socket.SHUT_RDWR),
}


class Bench:
    """A supervisor whose encoders are fakes; each takes the next script, the last one stays."""

    def __init__(self, *scripts: Answer) -> None:
        self.scripts = list(scripts)
        self.lives = 0
        limits = EncoderLimits(backoff_most=0.05, breaker_deaths=50, idle_probe=3600)
        launcher = SimpleNamespace(spawn=self._spawn, started=lambda _pid: None, close=lambda: None)
        with patch.object(supervisor, "EncoderLauncher", lambda: launcher):
            self.supervisor = Supervisor(STARTER, limits)
        self.supervisor.start()

    def _spawn(self, _directory: Any, _device: str) -> Any:
        script = self.scripts[min(self.lives, len(self.scripts) - 1)]
        self.lives += 1
        return FakeChild(script)

    def ready(self, lives: int = 1) -> None:
        end = time.monotonic() + SOON
        while self.lives < lives or self.supervisor.status()["state"] != "ready":
            assert time.monotonic() < end, self.supervisor.status()
            time.sleep(0.002)

    def images(self) -> Future[Any]:
        return self.supervisor.encode_images(PIXELS)

    def texts(self) -> Future[Any]:
        return self.supervisor.encode_texts(["a"], Deadline.after(SOON))


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(*scripts: Answer) -> Bench:
        made.append(Bench(*scripts))
        return made[-1]

    yield make
    for one in made:
        one.supervisor.stop()
        assert not one.supervisor.is_alive()


def sound(child: FakeChild, header: Header) -> None:
    child.reply(header)


def only(op: str, answer: Answer) -> Answer:
    """This answer to that kind of request, sound ones to the other."""
    return lambda child, header: (answer if header["op"] == op else sound)(child, header)


@pytest.mark.parametrize("nonsense", NONSENSE, ids=list(NONSENSE))
def test_a_batch_that_is_answered_with_nonsense_comes_back(
    bench: Callable[..., Bench], nonsense: str
) -> None:
    """Its future ends, nothing is said against its photos, and the next encoder takes it."""
    made = bench(only("image", NONSENSE[nonsense]), sound)
    made.ready()
    first, second = made.images(), made.images()
    for future in (first, second):
        error = future.exception(SOON)
        if future is second and error is None:
            continue  # sent after the death, to the next encoder
        assert isinstance(error, EncoderDied | PhotosdError)
        if isinstance(error, EncoderDied):
            assert error.cause == ("killed" if nonsense == "silence for ever" else "nonsense")
    made.ready(lives=2)
    assert made.images().result(SOON).shape == (2, DIMENSION)


@pytest.mark.parametrize(
    "nonsense", ["too few vectors", "no numbers", "no number", "garbage", "a strange number"]
)
def test_a_query_with_an_invalid_answer_gets_the_reason(
    bench: Callable[..., Bench], nonsense: str
) -> None:
    """Soon, with an error that says when to ask again."""

    def to_the_query(child: FakeChild, header: Header) -> None:
        (sound if header["texts"] == [PROBE_TEXT] else NONSENSE[nonsense])(child, header)

    made = bench(to_the_query, sound)
    made.ready()
    assert isinstance(made.texts().exception(SOON), EncoderUnavailable)
    made.ready(lives=2)
    assert made.texts().result(SOON).vectors.shape == (1, DIMENSION)


def test_an_answer_that_comes_twice_costs_nothing(bench: Callable[..., Bench]) -> None:
    """The first one counts; who talks so is replaced."""

    def twice(child: FakeChild, header: Header) -> None:
        child.reply(header)
        child.reply(header)

    made = bench(only("image", twice), sound)
    made.ready()
    assert made.images().result(SOON).shape == (2, DIMENSION)
    made.ready(lives=2)
    assert made.images().result(SOON).shape == (2, DIMENSION)


def test_an_answered_error_is_no_death(bench: Callable[..., Bench]) -> None:
    """Too little memory is told as that, and the encoder stays."""

    def short(child: FakeChild, header: Header) -> None:
        reason = "OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB"
        send_frame(child.theirs, {"id": header["id"], "ok": False, "reason": reason})

    made = bench(only("image", short))
    made.ready()
    for _ in range(9):
        error = made.images().exception(SOON)
        assert isinstance(error, EncodingFailed)
        assert error.shortage == "memory"
    assert made.lives == 1


def test_who_answers_with_errors_only_is_replaced(bench: Callable[..., Bench]) -> None:
    """As a GPU does that has failed once: whatever is asked of it fails."""

    def fail(child: FakeChild, header: Header) -> None:
        reason = "RuntimeError: CUDA error: device-side assert triggered"
        send_frame(child.theirs, {"id": header["id"], "ok": False, "reason": reason})

    made = bench(only("image", fail), sound)
    made.ready()
    for _ in range(3):
        error = made.images().exception(SOON)
        assert isinstance(error, EncodingFailed)
        assert error.shortage is None
    made.ready(lives=2)
    assert made.images().result(SOON).shape == (2, DIMENSION)


def test_a_request_after_the_stop_gets_an_error(bench: Callable[..., Bench]) -> None:
    """A caller after the end gets an error at once: no thread is left to answer."""
    made = bench(sound)
    made.ready()
    made.supervisor.stop()
    assert isinstance(made.texts().exception(SOON), EncoderUnavailable)
    assert isinstance(made.images().exception(SOON), PhotosdError)


@pytest.mark.parametrize("op", ["text", "image"])
def test_what_the_encoder_holds_ends_with_the_supervisor(
    bench: Callable[..., Bench], op: str
) -> None:
    """A request sent while photosd stopped used to wait without limit and to delay the stop."""
    held = threading.Event()
    made = bench(only(op, lambda _child, _header: held.set()))
    made.ready()
    held.clear()
    future = made.texts() if op == "text" else made.images()
    assert held.wait(SOON)
    made.supervisor.stop()
    assert isinstance(future.exception(SOON), EncoderUnavailable)


def test_the_background_goes_last_and_one_by_one(bench: Callable[..., Bench]) -> None:
    """A query that comes while two hundred texts wait is sent at once, behind one at most."""
    order: list[str] = []
    gate = threading.Event()

    def slow(child: FakeChild, header: Header) -> None:
        if header["op"] == "text":
            order.append(header["texts"][0])
            if len(order) == 3:  # the probe comes first
                gate.set()
                time.sleep(0.1)
        child.reply(header)

    made = bench(slow)
    made.ready()
    many = [made.supervisor.encode_texts([f"bg {n}"], None) for n in range(20)]
    assert gate.wait(SOON)
    made.supervisor.encode_texts(["query"], Deadline.after(SOON)).result(SOON)
    assert order.index("query") <= 4
    for future in many:
        future.result(SOON)
    assert [text for text in order if text.startswith("bg")] == [f"bg {n}" for n in range(20)]


def test_while_photos_are_encoded_the_background_hardly_moves(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first photos of a folder do not share the cores with it."""
    monkeypatch.setattr(requests, "BUSY_BACKGROUND_PAUSE", 1e6)
    held: list[tuple[FakeChild, Header]] = []
    made = bench(only("image", lambda c, h: held.append((c, h))))
    made.ready()
    images = made.images()
    while not held:
        time.sleep(0.002)
    many = [made.supervisor.encode_texts([f"bg {n}"], None) for n in range(20)]
    made.supervisor.encode_texts(["query"], Deadline.after(SOON)).result(SOON)
    assert sum(future.done() for future in many) <= 1
    child, header = held[0]
    child.reply(header)
    images.result(SOON)
    for future in many:
        future.result(SOON)
