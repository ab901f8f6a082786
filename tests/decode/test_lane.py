"""A lane has as many threads as it was told last, whatever it was told before."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photosd.core.child import Death
from photosd.core.clock import Deadline
from photosd.core.frames import send_frame
from photosd.decode import decoder as decoders
from photosd.decode import lane as lanes
from photosd.decode.decode_errors import DecodeFailed, Nonsense, NotDelivered
from photosd.decode.decoder import Decoder
from photosd.decode.lane import DecoderLane, Task
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import ContentIdentity, DecodeRequest, Facts, Reply
from photosd.decode.pool import Pool
from tests.decode.waiting import SHAPE, SOON, wait_for

IDENTITY = ContentIdentity(content_id="1-a", size=1, mtime_ns=0, inode=1, device=1)
FACTS = Facts(width=1, height=1, format="JPEG")
REQUEST = DecodeRequest(op="identify", path=b"/a.jpg")


class QuickDecoder:
    """Answers after a moment, without a process."""

    pid: int | None = None
    broken = 0

    def __init__(self, *, urgent: bool) -> None:
        self.closed = False

    def ensure(self, _limits: DecodeLimits) -> None:
        if QuickDecoder.broken > 0:
            QuickDecoder.broken -= 1
            raise OSError(24, "Too many open files")

    def ask(self, _request: DecodeRequest, _deadline: Deadline | None) -> Any:
        time.sleep(0.001)
        return Reply(), []

    def interrupt(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lanes, "Decoder", QuickDecoder)
    monkeypatch.setattr(lanes, "FIRST_PAUSE", 0.01)
    QuickDecoder.broken = 0
    yield


@pytest.fixture
def real_decoder() -> type[Decoder]:
    return Decoder


def _lane(workers: int) -> DecoderLane:
    lane = DecoderLane("test", workers, DecodeLimits, urgent=False)
    lane.start()
    return lane


def _threads() -> int:
    """Threads of lanes named as those here."""
    return sum(thread.name.startswith("decode-test-") for thread in threading.enumerate())


def _submit(lane: DecoderLane, count: int) -> list[Future[object]]:
    return [lane.submit(Task(REQUEST, lambda answer: answer)) for _ in range(count)]


def test_the_same_size_twice_leaves_threads() -> None:
    """Each changed setting names the size again, while a surplus thread is still at work."""
    lane = _lane(4)
    futures = _submit(lane, 40)
    for _ in range(20):
        lane.resize(1)
    for future in [*futures, *_submit(lane, 5)]:
        future.result(SOON)
    wait_for(lambda: lane.idle == _threads() == 1)
    lane.stop(Deadline.after(5))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(0, 6), st.sampled_from((0.0, 0.0005, 0.002))),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
)
def test_it_settles_at_the_last_size(steps: list[tuple[int, int, float]], crowd: bool) -> None:
    """From any thread, at any rate, while tasks run: every task ends, and the size is the last."""
    lane = _lane(2)
    futures: list[Future[object]] = []
    others = [threading.Thread(target=lane.resize, args=(n,)) for n in (3, 1, 5) if crowd]
    for (size, tasks, pause), other in itertools.zip_longest(steps, others[: len(steps)]):
        futures += _submit(lane, tasks)
        if other is not None:
            other.start()
        lane.resize(size)
        time.sleep(pause)
    for other in others[: len(steps)]:
        other.join()
    size = steps[-1][0]
    lane.resize(size)
    for future in [*futures, *_submit(lane, 3)]:
        future.result(SOON)
    wait_for(lambda: lane.idle == _threads() == size)
    lane.stop(Deadline.after(5))
    assert not _threads()


def test_an_unexpected_error_at_start_ends_no_thread() -> None:
    """The task hears of it, and the next one is served."""
    lane = _lane(1)
    QuickDecoder.broken = 1
    (failed,) = _submit(lane, 1)
    assert isinstance(failed.exception(SOON), DecodeFailed)
    (served,) = _submit(lane, 1)
    served.result(SOON)
    lane.stop(Deadline.after(5))


def test_a_system_without_room_for_a_thread_fails_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them waits without limit, and the next one tries again."""
    with monkeypatch.context() as patch:

        def refuse(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", refuse)
        lane = _lane(2)
        (failed,) = _submit(lane, 1)
        assert isinstance(failed.exception(SOON), DecodeFailed)
    (served,) = _submit(lane, 1)
    served.result(SOON)
    lane.stop(Deadline.after(5))


@pytest.mark.parametrize(
    "answer",
    [
        (Reply(), []),
        (Reply(identity=IDENTITY), [b""]),
        (Reply(identity=IDENTITY, facts=FACTS), []),
        (Reply(identity=IDENTITY, facts=FACTS), [bytearray(5)]),
    ],
)
def test_an_answer_that_makes_no_sense_costs_the_process_not_the_photo(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    """The caller hears so, and that it may be tried again; another process takes the next file."""
    closed: list[object] = []
    monkeypatch.setattr(QuickDecoder, "ask", lambda _decoder, _request, _deadline: answer)
    monkeypatch.setattr(QuickDecoder, "close", lambda decoder: closed.append(decoder))
    pool = Pool(1)
    pool.start()
    error = pool.decode(b"/a.jpg", SHAPE).exception(SOON)
    assert isinstance(error, Nonsense) and error.transient
    assert len(closed) == 1
    pool.stop()


class GarbledChild:
    """A process that answers with something else."""

    pid, alive = 0, True

    def __init__(self, said: bytes) -> None:
        self.sock, self._theirs = socket.socketpair()
        send_frame(self._theirs, {"ready": True})
        self._theirs.sendall(said)

    def kill(self, reason: str, *, dump: bool = True) -> Death:
        return Death(reason, "", None, reaped=True)


@pytest.mark.parametrize(
    "said",
    [
        b"\xff" * 64,
        struct.pack(">II", 3, 0) + b"\x01ab",
        struct.pack(">II", 6, 0) + msgspec.msgpack.encode({"tiles": "x"})[:6],
    ],
)
def test_garbage_from_a_decoder_is_no_death_of_the_photo(
    real_decoder: type[Decoder], monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """The process is replaced, and nothing is counted against the file."""
    monkeypatch.setattr(decoders, "Child", lambda *_, **__: GarbledChild(said))
    decoder = real_decoder(urgent=False)
    decoder.ensure(DecodeLimits())
    with pytest.raises(Nonsense):
        decoder.ask(REQUEST)
    assert decoder.pid is None


def test_an_answer_that_was_not_taken_is_not_the_next_ones(
    real_decoder: type[Decoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is too short to receive it: the process that sent it is replaced."""
    monkeypatch.setattr(decoders, "Child", lambda *_, **__: GarbledChild(b""))
    decoder = real_decoder(urgent=False)
    decoder.ensure(DecodeLimits())

    def refuse(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(decoders, "send_frame", lambda *_: None)
    monkeypatch.setattr(decoders, "readable", lambda *_: True)
    monkeypatch.setattr(decoders, "receive_frame", refuse)
    with pytest.raises(MemoryError):
        decoder.ask(REQUEST)
    assert decoder.pid is None


class Starting(QuickDecoder):
    """Has a process once it was told to; remembers in which order that happened."""

    started: ClassVar[list[Starting]] = []
    answered: ClassVar[list[Starting]] = []

    def ensure(self, limits: DecodeLimits) -> None:
        if self.pid is None:
            self.pid = 1
            Starting.started.append(self)

    def ask(self, request: DecodeRequest, deadline: Deadline | None) -> Any:
        Starting.answered.append(self)
        return super().ask(request, deadline)


def test_a_process_that_is_up_takes_the_next_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is started before the first file comes, and no other one while it can do the work."""
    monkeypatch.setattr(lanes, "Decoder", Starting)
    Starting.started, Starting.answered = [], []
    lane = _lane(4)
    lane.warm()
    wait_for(lambda: len(Starting.started) == 1)
    lane.warm()
    for _ in range(20):
        _submit(lane, 1)[0].result(SOON)
        wait_for(lambda: lane.idle == 4)
    assert len(Starting.started) == 1 and set(Starting.answered) == set(Starting.started)
    for future in _submit(lane, 50):
        future.result(SOON)
    lane.stop(Deadline.after(SOON))


def test_a_file_waits_for_the_process_that_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than for another one that would be started later."""
    goes_on = threading.Event()

    class Slow(Starting):
        def ensure(self, limits: DecodeLimits) -> None:
            super().ensure(limits)
            goes_on.wait(SOON)

    monkeypatch.setattr(lanes, "Decoder", Slow)
    Starting.started, Starting.answered = [], []
    lane = _lane(4)
    lane.warm()
    wait_for(lambda: len(Starting.started) == 1)
    first, second = _submit(lane, 2)
    wait_for(lambda: len(Starting.started) == 2)
    goes_on.set()
    first.result(SOON)
    second.result(SOON)
    assert len(Starting.started) == 2
    lane.stop(Deadline.after(SOON))


class SilentDisks:
    """A share whose server is away."""

    def place(self, path: bytes) -> bytes:
        return path

    def silent(self, _path: bytes) -> bool:
        return True

    def waiting(self, _path: bytes) -> AbstractContextManager[None]:
        return nullcontext()

    def report_silent(self, _path: bytes) -> None:
        pass


def test_whatever_is_read_of_a_silent_disk_takes_no_decoder() -> None:
    """Sidecars, too: each held one for a minute, and there may be thousands."""
    pool = Pool(1, disks=SilentDisks())
    pool.start()
    futures: list[Future[Any]] = [
        pool.decode(b"/a.jpg", SHAPE),
        pool.identify(b"/a.jpg"),
        pool.sidecars(b"/a.jpg", [[b"/a.xmp"]]),
        pool.thumbnail(b"/a.jpg", (8, 8)),
    ]
    for future in futures:
        assert isinstance(future.exception(SOON), NotDelivered)
    pool.stop()


class UnknownDisks(SilentDisks):
    """Cannot be asked the first times: the system is out of threads."""

    left = 3

    def place(self, path: bytes) -> bytes:
        if UnknownDisks.left:
            UnknownDisks.left -= 1
            raise RuntimeError("can't start new thread")
        return path

    def silent(self, _path: bytes) -> bool:
        return False

    def report_silent(self, _path: bytes) -> None:
        raise RuntimeError("can't start new thread")


def test_a_disk_that_cannot_be_asked_leaves_no_future_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The photo was never heard of again, and a place in the pipeline was lost permanently."""
    pool = Pool(1, disks=UnknownDisks())
    pool.start()
    asked = [pool.identify(b"/a.jpg") for _ in range(UnknownDisks.left)]
    for future in asked:
        error = future.exception(SOON)
        assert isinstance(error, DecodeFailed) and error.transient

    def silent(*_: Any) -> Any:
        raise NotDelivered

    monkeypatch.setattr(QuickDecoder, "ask", silent)
    assert isinstance(pool.identify(b"/a.jpg").exception(SOON), NotDelivered)
    pool.stop()


class LinkedDisks(SilentDisks):
    """A local disk, with links to the share as sidecars."""

    def __init__(self) -> None:
        self.waited: list[bytes] = []
        self.away = True

    def place(self, path: bytes) -> bytes:
        return b"/share" + path if path.endswith(b".xmp") else path

    def silent(self, path: bytes) -> bool:
        return self.away and path.startswith(b"/share/")

    def waiting(self, path: bytes) -> AbstractContextManager[None]:
        self.waited.append(path)
        return nullcontext()


def test_a_sidecar_that_leads_to_a_silent_share_takes_no_decoder() -> None:
    """Its photo is on the local disk and is decoded. A share that answers is waited for."""
    disks = LinkedDisks()
    pool = Pool(1, disks=disks)
    pool.start()
    files = [b"/no such b.JSON", b"/no such a.xmp"]
    silent = pool.sidecars(b"/no such a.jpg", [files])
    assert isinstance(silent.exception(SOON), NotDelivered) and disks.waited == []
    assert not isinstance(pool.identify(b"/no such a.jpg").exception(SOON), NotDelivered)
    disks.away = False
    assert not isinstance(pool.sidecars(b"/no such a.jpg", [files]).exception(SOON), NotDelivered)
    assert disks.waited == [b"/no such a.jpg", b"/share/no such a.xmp"]
    pool.stop()
