"""The supervisor replaces an encoder that dies, hangs or answers wrongly; callers get errors."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest

from photosd.core.clock import Deadline
from photosd.core.errors import EncoderUnavailable, ModelError, PhotosdError, Warming
from photosd.encoder import canary
from photosd.encoder.encoder_limits import EncoderLimits, RestartPolicy
from photosd.encoder.model import WarmModel
from photosd.encoder.supervisor import EncoderDied, Supervisor
from photosd.models.spec import STARTER, read_model
from tests.encoder.conftest import Zygotes
from tests.encoder.models import make_model
from tests.faults import PLACE, VARIABLE

QUICK = EncoderLimits(
    stall=20, text_least=1.0, text_most=1.0, image_least=1.0, image_most=1.0, idle_probe=0.5
)
PIXELS = np.zeros((2, 32, 32, 3), np.uint8)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


class Orders:
    """Faults on order for encoders started from here."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self(**{})

    def __call__(self, **orders: Any) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(
            json.dumps({"encoder": {k.replace("_", " "): v for k, v in orders.items()}})
        )
        draft.replace(self._file)


@pytest.fixture
def orders(faults_file: Path, monkeypatch: pytest.MonkeyPatch) -> Orders:
    monkeypatch.setenv(VARIABLE, str(faults_file))
    monkeypatch.setenv("PYTHONPATH", PLACE, prepend=os.pathsep)
    return Orders(faults_file)


@pytest.fixture
def start(model: Path, orders: Orders, zygotes: Zygotes) -> Iterator[Callable[..., Supervisor]]:
    """Start a supervisor; it and its encoder are gone after the test."""
    started: list[Supervisor] = []

    def begin(limits: EncoderLimits = QUICK, directory: Path = model) -> Supervisor:
        started.append(Supervisor(directory, limits))
        started[-1].start()
        return started[-1]

    yield begin
    pids = [s.status()["pid"] for s in started]
    for supervisor in started:
        supervisor.stop()
        assert not supervisor.is_alive()
    limit = time.monotonic() + 10
    while any(pid is not None and psutil.pid_exists(pid) for pid in pids):  # until they are reaped
        assert time.monotonic() < limit
        time.sleep(0.05)


def until(supervisor: Supervisor, state: str, seconds: float = 30, restarts: int = 0) -> None:
    limit = time.monotonic() + seconds
    while supervisor.status()["state"] != state or supervisor.status()["restarts"] < restarts:
        assert time.monotonic() < limit, supervisor.status()
        time.sleep(0.02)


def encode(supervisor: Supervisor, text: str = "a dog", seconds: float = 30) -> Any:
    return supervisor.encode_texts([text], Deadline.after(seconds)).result(seconds + 2)


def test_it_comes_up_and_answers(start: Callable[..., Supervisor]) -> None:
    """Unit vectors of the right shape; status tells what it did."""
    supervisor = start()
    answer = encode(supervisor)
    assert answer.vectors.shape == (1, 32)
    assert np.linalg.norm(answer.vectors[0]) == pytest.approx(1, abs=1e-4)
    images = supervisor.encode_images(PIXELS).result(10)
    assert images.shape == (2, 32)
    status = supervisor.status()
    assert (status["state"], status["images_encoded"], status["texts_encoded"]) == ("ready", 2, 1)
    assert status["rss_mb"]
    assert status["latency_ms"]["idle_p50"] > 0


def test_after_a_counted_crash_the_state_is_not_ready(
    start: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes to decide what follows from it."""
    supervisor = start()
    until(supervisor, "ready")
    before, died = supervisor.status()["pid"], RestartPolicy.died

    def slowly(policy: RestartPolicy, served: float) -> float:
        time.sleep(0.3)
        return died(policy, served)

    monkeypatch.setattr(RestartPolicy, "died", slowly)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    until(supervisor, "ready", restarts=1)
    assert supervisor.status()["pid"] not in (None, before)


def test_a_text_outlives_an_encoder_that_is_killed(
    start: Callable[..., Supervisor], orders: Orders
) -> None:
    """By the kernel, short of memory, for example: the text is not the cause."""
    supervisor = start()
    until(supervisor, "ready")
    orders(text="hang")
    held = supervisor.encode_texts(["a dog"], Deadline.after(30))
    time.sleep(0.3)
    orders()
    pid = supervisor.status()["pid"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert held.result(32).vectors.shape == (1, 32)


def test_an_encoder_that_ends_for_lack_of_threads_blames_no_photo(
    start: Callable[..., Supervisor], orders: Orders
) -> None:
    """OpenMP ends the process then; photos that were encoded at that moment were quarantined."""
    supervisor = start()
    until(supervisor, "ready")
    orders(image="out_of_threads")
    with pytest.raises(EncoderDied) as died:
        supervisor.encode_images(PIXELS).result(30)
    assert died.value.cause == "killed"


def test_only_encoders_that_do_not_last_are_replaced_later() -> None:
    """One was killed every 80 s; after the third, queries waited for up to four seconds."""
    policy = RestartPolicy(QUICK)
    assert [policy.died(served=80.0) for _ in range(4)] == [0.0] * 4
    assert policy.died(served=80.0) == QUICK.breaker_pause
    policy = RestartPolicy(QUICK)
    assert policy.died(served=0.0) == 0.0
    assert 0.1 <= policy.died(served=0.0) <= 1.0
    assert 0.1 <= policy.died(served=0.0) <= 2.0
    assert policy.died(served=80.0) == 0.0


def test_a_text_never_waits_past_its_deadline(
    start: Callable[..., Supervisor], orders: Orders
) -> None:
    """While the model loads, the error says when to retry."""
    orders.__call__(**{"load weights": "slow:2"})
    supervisor = start()
    with pytest.raises(Warming) as caught:
        encode(supervisor, seconds=0.2)
    assert caught.value.retry_after_ms
    until(supervisor, "ready")


LONGER = pytest.mark.chaos  # its like is tested already; left to `make chaos`


@pytest.mark.parametrize(
    "fault",
    [
        "hang_gil",
        "crash",
        "stop",
        pytest.param("hang", marks=LONGER),
        pytest.param("exit", marks=LONGER),
    ],
)
def test_whatever_befalls_a_query_the_encoder_comes_back(
    start: Callable[..., Supervisor], orders: Orders, fault: str
) -> None:
    """The query in progress fails with a reason; a new encoder answers the next."""
    supervisor = start()
    encode(supervisor)
    first = supervisor.status()["pid"]
    orders(text=fault)
    with pytest.raises(PhotosdError):
        encode(supervisor, seconds=3)
    orders()
    until(supervisor, "ready", restarts=1)
    assert encode(supervisor).vectors.shape == (1, 32)
    assert supervisor.status()["pid"] != first
    assert not psutil.pid_exists(first or -1)
    assert supervisor.status()["last_restart_reason"]


def test_a_crash_on_images_is_reported_for_these_images(
    start: Callable[..., Supervisor], orders: Orders
) -> None:
    """With the reason, so that it can try them one by one."""
    supervisor = start()
    encode(supervisor)
    orders(poison=200)
    pixels = PIXELS.copy()
    pixels[1] = 200
    with pytest.raises(EncoderDied, match="SIGSEGV"):
        supervisor.encode_images(pixels).result(10)
    until(supervisor, "ready", restarts=1)
    assert supervisor.encode_images(PIXELS).result(10).shape == (2, 32)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_signal_from_outside(start: Callable[..., Supervisor], number: signal.Signals) -> None:
    """Killed or stopped while idle: the probe finds out, a query in the meantime may wait."""
    supervisor = start()
    encode(supervisor)
    pid = supervisor.status()["pid"]
    assert pid is not None
    os.kill(pid, number)
    until(supervisor, "ready", restarts=1)
    encode(supervisor)


def test_images_do_not_hold_up_a_query(start: Callable[..., Supervisor], orders: Orders) -> None:
    """A query is answered while the image lane hangs; the lane is found out after that."""
    supervisor = start(EncoderLimits(image_least=4, image_most=4))
    encode(supervisor)
    orders(image="hang")
    held = supervisor.encode_images(PIXELS)
    encode(supervisor)
    assert not held.done()
    with pytest.raises(EncoderDied, match="hung"):
        held.result(15)


@pytest.mark.parametrize(
    "phase",
    [
        "load weights",
        pytest.param("import torch", marks=LONGER),
        pytest.param("warm-up", marks=LONGER),
        pytest.param("canary", marks=LONGER),
    ],
)
def test_a_stalled_start_is_found_out(
    start: Callable[..., Supervisor], orders: Orders, zygotes: Zygotes, phase: str
) -> None:
    """No progress in a phase for the stall limit: replaced, with the phase in the reason."""
    if phase == "import torch":
        zygotes.end()
    orders.__call__(**{phase: "hang"})
    supervisor = start(EncoderLimits(stall=5.0, breaker_pause=2.0))
    limit = time.monotonic() + 60
    # On a busy machine, an earlier phase may take as long, too.
    while phase not in (supervisor.status()["last_restart_reason"] or ""):
        assert time.monotonic() < limit, supervisor.status()
        time.sleep(0.02)
    supervisor.limits = QUICK
    orders()
    until(supervisor, "ready", seconds=60)


@pytest.mark.slow
def test_a_slow_start_that_moves_is_left_alone(
    start: Callable[..., Supervisor], orders: Orders
) -> None:
    """Slower than the stall limit, but with progress all the time."""
    orders.__call__(**{"load weights": "slow:9"})
    supervisor = start(EncoderLimits(stall=6.0))
    until(supervisor, "ready", seconds=40)
    assert supervisor.status()["restarts"] == 0


def test_a_crash_loop_opens_the_breaker(start: Callable[..., Supervisor], orders: Orders) -> None:
    """Queries are refused at once with the reason; when the cause is gone, it recovers."""
    orders(open="exit")
    supervisor = start(EncoderLimits(breaker_deaths=3, breaker_pause=1.0, backoff_most=0.2))
    until(supervisor, "broken")
    with pytest.raises(EncoderUnavailable, match="crashed 3 times"):
        encode(supervisor, seconds=5)
    orders()
    until(supervisor, "ready")
    assert supervisor.status()["error"] is None


def test_a_model_with_other_outputs_may_not_serve(
    start: Callable[..., Supervisor], orders: Orders, model: Path, tmp_path: Path
) -> None:
    """Its canary differs from what was recorded: refused with title and remedy."""
    directory = make_model(tmp_path / "lying")
    spec = json.loads((directory / "model.json").read_text())
    spec["canary"] = {"texts": ["a dog"], "vectors": [[1.0] + [0.0] * 31]}
    (directory / "model.json").write_text(json.dumps(spec))
    supervisor = start(EncoderLimits(breaker_pause=5), directory)
    until(supervisor, "broken")
    error = supervisor.status()["error"]
    assert error is not None
    assert "differ" in error["message"]
    assert error["remedy"]


@pytest.mark.parametrize("damage", ["garbage", pytest.param("truncated", marks=LONGER), "missing"])
def test_damaged_weights_are_refused_in_words(
    start: Callable[..., Supervisor], tmp_path: Path, damage: str
) -> None:
    """No crash loop, no silence: what is wrong with which file."""
    directory = make_model(tmp_path / "damaged")
    file = directory / "weights.safetensors"
    size = file.stat().st_size
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[: size // 2])
    elif damage == "garbage":
        file.write_bytes(b"\xff" * size)
    else:
        file.unlink()
    supervisor = start(EncoderLimits(breaker_pause=5), directory)
    until(supervisor, "broken")
    error = supervisor.status()["error"]
    assert error is not None
    assert "weights.safetensors" in error["message"]


def test_too_little_memory_is_refused_with_the_numbers(
    start: Callable[..., Supervisor], orders: Orders
) -> None:
    """Rather than swapping."""
    orders(model_bytes=10**15)
    supervisor = start(EncoderLimits(breaker_pause=5))
    until(supervisor, "broken")
    error = supervisor.status()["error"]
    assert error is not None
    assert "1,300,000,367 MB" in error["message"]


@pytest.mark.slow
def test_growing_memory_recycles_between_batches(
    start: Callable[..., Supervisor], orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The encoder is replaced, nothing fails."""
    monkeypatch.setattr("photosd.encoder.memory.LOOK_SECONDS", 0.2)
    supervisor = start(EncoderLimits(memory_mb=1500, idle_probe=0.3, text_least=8))
    encode(supervisor)
    orders(text="memory:1500")
    encode(supervisor)
    orders()
    until(supervisor, "ready", restarts=1)
    reason = supervisor.status()["last_restart_reason"]
    assert reason is not None
    assert "recycled" in reason


def _zygote() -> psutil.Process:
    for child in psutil.Process().children():
        if "photosd.encoder.zygote" in child.cmdline():
            return child
    raise AssertionError("there is no zygote")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere encoders are spawned")
@pytest.mark.parametrize(
    "fault", [pytest.param(signal.SIGKILL, marks=pytest.mark.slow), signal.SIGSTOP]
)
def test_a_zygote_that_fails_is_replaced(
    start: Callable[..., Supervisor], fault: signal.Signals
) -> None:
    """Dead, it takes its encoder along; stopped, it is found out when it is needed."""
    supervisor = start(dataclasses.replace(QUICK, first_message=2.0))
    until(supervisor, "ready")
    zygote, encoder = _zygote(), psutil.Process(supervisor.status()["pid"])
    assert encoder.ppid() == zygote.pid
    zygote.send_signal(fault)
    if fault == signal.SIGSTOP:
        encoder.kill()
    encoder.wait(30)
    until(supervisor, "ready", restarts=1)
    assert encode(supervisor).vectors.shape == (1, 32)
    assert _zygote().pid != zygote.pid
    assert not zygote.is_running() or zygote.status() == psutil.STATUS_ZOMBIE


def test_no_encoder_outlives_a_daemon_that_is_killed(model: Path, orders: Orders) -> None:
    """Neither the zygote nor an encoder that hangs in native code with the GIL held."""
    orders(text="hang_gil")
    code = (
        "import sys; from pathlib import Path; from photosd.core.clock import Deadline;"
        "from photosd.encoder.supervisor import Supervisor;"
        "s = Supervisor(Path(sys.argv[1])); s.start();"
        "s.encode_texts(['a'], Deadline.after(99)); print('asked', file=sys.stderr);"
        "s.join()"
    )
    family: list[psutil.Process] = []
    command = [sys.executable, "-c", code, str(model)]
    log = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=log, stderr=subprocess.PIPE) as daemon:
        try:
            assert daemon.stderr is not None
            assert daemon.stderr.readline() == b"asked\n"
            end = time.monotonic() + 60
            while len(family) < (2 if sys.platform == "linux" else 1) or not _hangs(family[-1]):
                assert time.monotonic() < end
                family = psutil.Process(daemon.pid).children(recursive=True)
                time.sleep(0.05)
        finally:
            daemon.kill()
    gone, alive = psutil.wait_procs(family, timeout=30)
    assert not alive and len(gone) == len(family)


def _hangs(process: psutil.Process) -> bool:
    """Whether it has asked for what hangs: it is warm, so it idles with its two lanes up."""
    with contextlib.suppress(psutil.Error):
        return process.num_threads() >= 3
    return False


def test_the_starter_must_match_known_pictures(model: Path) -> None:
    """Four painted scenes are found by their captions; for other models there is a warning."""
    spec = read_model(STARTER)
    right = WarmModel(spec, STARTER, lambda _phase: None)
    assert canary.check(right, spec) is None
    blind = WarmModel(read_model(model), model, lambda _phase: None)
    doubt = canary.check(blind, read_model(model))
    assert doubt is not None and "known pictures" in doubt
    named = msgspec.structs.replace(read_model(model), name="starter")
    with pytest.raises(ModelError, match="known pictures"):
        canary.check(blind, named)


@pytest.mark.slow
def test_an_encoder_without_a_core_is_not_called_hung(
    start: Callable[..., Supervisor], orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine busy with other programs a batch takes long, and convicts no photo."""
    ticks = itertools.count()  # as if it waited for a core at every look
    monkeypatch.setattr(
        "photosd.encoder.supervisor.seconds_without_core", lambda _pid: 0.9 * next(ticks)
    )
    supervisor = start()
    until(supervisor, "ready")
    orders(image="wait:3")
    assert supervisor.encode_images(PIXELS).result(30).shape == (2, 32)
    assert supervisor.status()["restarts"] == 0
