"""An encoder whose accelerator aborts, hangs or gives wrong vectors: the CPU takes over."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from photosd.core.clock import Deadline
from photosd.encoder.accelerators import Accelerators
from photosd.encoder.encoder_limits import EncoderLimits
from photosd.encoder.model import WarmModel
from photosd.encoder.supervisor import EncoderDied, Supervisor
from photosd.models.spec import STARTER, read_model
from photosd.protocol.reports import EncoderReport
from tests.encoder.conftest import Zygotes
from tests.encoder.models import make_model
from tests.encoder.test_supervisor import PIXELS, QUICK, encode, until
from tests.faults import PLACE, VARIABLE

Start = Callable[..., Supervisor]
Gpu = Callable[..., None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def gpu(faults_file: Path, zygotes: Zygotes, monkeypatch: pytest.MonkeyPatch) -> Gpu:
    """What the accelerator of encoders that are started from here does (tests/faults); ``starts``
    is what each does as it starts.
    """
    file = faults_file
    monkeypatch.setenv(VARIABLE, str(file))
    monkeypatch.setenv("PYTHONPATH", PLACE, prepend=os.pathsep)

    def order(name: str = "mps", starts: str = "", **orders: object) -> None:
        draft = file.with_suffix(".new")
        found = {"device": {"name": name, **orders}, "encoder": {"open": starts}}
        draft.write_text(json.dumps(found))
        draft.replace(file)

    order()
    return order


@pytest.fixture
def known(tmp_path: Path) -> Accelerators:
    return Accelerators(tmp_path / "accelerators.json")


@pytest.fixture
def start(model: Path, gpu: Gpu, known: Accelerators) -> Iterator[Start]:
    started: list[Supervisor] = []

    def begin(limits: EncoderLimits = QUICK, directory: Path = model) -> Supervisor:
        started.append(Supervisor(directory, limits, known))
        started[-1].start()
        return started[-1]

    yield begin
    for supervisor in started:
        supervisor.stop()
        assert not supervisor.is_alive()


def served_by(supervisor: Supervisor, device: str, says: str | None = None) -> EncoderReport:
    """The status once images are encoded on ``device``; ``says``: a part of why it is the CPU."""
    end = time.monotonic() + 60
    while True:
        status = supervisor.status()
        reason = status["takeover"]["reason"] if status["takeover"] is not None else None
        told = reason is None if says is None else says in (reason or "")
        if status["state"] == "ready" and status["device"] == device and told:
            return status
        assert time.monotonic() < end, status
        time.sleep(0.02)


def on_cpu(supervisor: Supervisor, says: str = "died on mps 2 times: killed by") -> EncoderReport:
    """The status once the CPU has taken over, and both towers work."""
    status = served_by(supervisor, "cpu", says)
    assert status["text_device"] == "cpu"
    assert supervisor.encode_images(PIXELS).result(30).shape == (2, 32)
    assert encode(supervisor).vectors.shape == (1, 32)
    return status


def test_images_that_abort_on_it(start: Start, gpu: Gpu) -> None:
    """No photo is blamed; it is tried once more, while the CPU serves."""
    supervisor = start()
    assert served_by(supervisor, "mps")["text_device"] == "cpu"
    gpu(image="abort")
    with pytest.raises(EncoderDied, match="SIGABRT") as caught:
        supervisor.encode_images(PIXELS).result(30)
    assert caught.value.cause == "device"
    gpu()  # the next one warms up
    assert served_by(supervisor, "mps")["restarts"] == 2
    gpu(image="abort")
    with pytest.raises(EncoderDied, match="SIGABRT"):
        supervisor.encode_images(PIXELS).result(30)
    assert on_cpu(supervisor)["restarts"] == 3


def test_the_one_on_the_cpu_is_ready_when_it_aborts(start: Start, gpu: Gpu) -> None:
    """A text is answered although no encoder can start any more."""
    supervisor = start()
    served_by(supervisor, "mps")
    # Images wait until an encoder on the CPU is warm.
    assert supervisor.encode_images(PIXELS).result(30).shape == (2, 32)
    gpu(image="abort", starts="hang")
    with pytest.raises(EncoderDied, match="SIGABRT"):
        supervisor.encode_images(PIXELS).result(30)
    assert encode(supervisor).vectors.shape == (1, 32)
    status = supervisor.status()
    assert (status["device"], status["restarts"]) == ("cpu", 1)


def test_an_example_picture_outlives_an_abort(start: Start, gpu: Gpu) -> None:
    """The encoder on the CPU encodes it, within its deadline."""
    supervisor = start()
    served_by(supervisor, "mps")
    gpu(image="abort")
    asked = supervisor.encode_images(PIXELS, deadline=Deadline.after(60))
    assert asked.result(60).shape == (2, 32)


def test_it_is_tried_again_while_the_cpu_serves(start: Start, gpu: Gpu, tmp_path: Path) -> None:
    """A start that aborts or hangs on it is not noticed by queries."""
    supervisor = start()
    served_by(supervisor, "mps")
    supervisor.encode_images(PIXELS).result(30)
    tried = tmp_path / "tried"
    gpu(move="hang", image="abort", seen={"move": str(tried)})
    with pytest.raises(EncoderDied, match="SIGABRT"):
        supervisor.encode_images(PIXELS).result(30)
    told = served_by(supervisor, "cpu", "died on mps: killed by SIGABRT")["takeover"]
    assert told is not None and told["remedy"] == "no action needed: it is tried again"
    assert encode(supervisor).vectors.shape == (1, 32)
    end = time.monotonic() + 60
    while not tried.exists():
        assert time.monotonic() < end, supervisor.status()
        time.sleep(0.02)
    supervisor.limits = dataclasses.replace(QUICK, stall=0.5)
    assert encode(supervisor, "a cat").vectors.shape == (1, 32)
    assert on_cpu(supervisor, "self-test on mps failed: loading stalled")["restarts"] == 1


def test_texts_that_abort_on_it(start: Start, gpu: Gpu) -> None:
    """On devices that encode texts as well; the CPU answers the same query, within its deadline."""
    gpu("cuda")
    supervisor = start()
    assert served_by(supervisor, "cuda")["text_device"] == "cuda"
    gpu("cuda", text="abort")
    assert encode(supervisor, seconds=60).vectors.shape == (1, 32)
    on_cpu(supervisor, "died on cuda 2 times")


def test_an_abort_while_warming_up(start: Start, gpu: Gpu) -> None:
    """Twice, the second time beside the CPU; a second daemon starts on the CPU at once."""
    gpu(move="abort")
    assert on_cpu(start())["restarts"] == 1
    assert on_cpu(start())["restarts"] == 0


def test_a_hang(start: Start, gpu: Gpu) -> None:
    """It counts as a death once it is noticed; queries are answered meanwhile."""
    supervisor = start()
    for _death in (1, 2):
        served_by(supervisor, "mps")
        supervisor.encode_images(PIXELS).result(30)
        gpu(image="hang")
        held = supervisor.encode_images(PIXELS)
        time.sleep(0.1)
        assert encode(supervisor, seconds=30).vectors.shape == (1, 32)
        with pytest.raises(EncoderDied, match="hung"):
            held.result(60)
        gpu()
    on_cpu(supervisor, "died on mps 2 times: hung")


def test_a_hang_while_warming_up(start: Start, gpu: Gpu) -> None:
    """It takes long to notice, so one is enough."""
    gpu(move="hang")
    supervisor = start()
    end = time.monotonic() + 30
    while supervisor.status()["device"] != "mps":
        assert time.monotonic() < end, supervisor.status()
        time.sleep(0.02)
    usual, supervisor.limits = supervisor.limits, dataclasses.replace(QUICK, stall=0.5)
    # The query wakes it: this limit is shorter than imports need on a busy machine.
    asked = supervisor.encode_texts(["a dog"], Deadline.after(60))
    until(supervisor, "restarting", restarts=1)
    supervisor.limits = usual
    assert asked.result(60).vectors.shape == (1, 32)
    assert on_cpu(supervisor, "self-test on mps failed")["restarts"] == 1


def test_wrong_vectors_are_never_served(start: Start, gpu: Gpu) -> None:
    """One failed canary is enough: they would stay in the index."""
    gpu(wrong=True)
    supervisor = start(directory=STARTER)
    status = served_by(supervisor, "cpu", "self-test on mps failed")
    assert status["restarts"] == 1 and status["error"] is None


def test_too_little_memory_means_smaller_batches(start: Start, gpu: Gpu, model: Path) -> None:
    """The encoder stays, and every image gets the vector that the CPU gives it."""
    gpu(most=3)
    supervisor = start()
    until(supervisor, "ready")
    pixels = np.random.default_rng(1).integers(0, 255, (16, 32, 32, 3), np.uint8)
    found = supervisor.encode_images(pixels).result(10)
    exact = WarmModel(read_model(model), model, lambda _phase: None).encode_images(pixels)
    assert (found * exact).sum(axis=1).min() > 0.9999
    assert (supervisor.status()["device"], supervisor.status()["restarts"]) == ("mps", 0)


@pytest.mark.parametrize(("deed", "says"), [("raise", "cannot be used"), ("memory", "memory")])
def test_an_error_while_warming_up(start: Start, gpu: Gpu, deed: str, says: str) -> None:
    """This encoder uses the CPU; the next one tries the accelerator again."""
    gpu(move=deed)
    supervisor = start()
    status = on_cpu(supervisor, says)
    gpu()
    assert status["restarts"] == 1 and status["pid"] is not None
    os.kill(status["pid"], 9)
    assert served_by(supervisor, "mps")["restarts"] == 2


@pytest.mark.parametrize("name", ["mps", "cuda"])
def test_one_thread_uses_it(start: Start, gpu: Gpu, name: str) -> None:
    """It would abort if a second one did: texts and images at once are no reason for that."""
    gpu(name)
    supervisor = start()
    until(supervisor, "ready")
    images = [supervisor.encode_images(np.repeat(PIXELS, 8, axis=0)) for _ in range(4)]
    texts = [
        supervisor.encode_texts([f"a dog {number}"], Deadline.after(20)) for number in range(20)
    ]
    assert all(future.result(20).shape == (16, 32) for future in images)
    assert all(future.result(20).vectors.shape == (1, 32) for future in texts)
    assert (supervisor.status()["device"], supervisor.status()["restarts"]) == (name, 0)


def test_setting_the_device_tries_it_again(start: Start, gpu: Gpu, known: Accelerators) -> None:
    """Also to what it is already; and the CPU is left for the device as soon as it is idle."""
    gpu(wrong=True)
    supervisor = start(directory=STARTER)
    until(supervisor, "ready", restarts=1)
    gpu()
    known.choose("auto")
    supervisor.follow_device()
    until(supervisor, "ready", restarts=2)
    assert supervisor.status()["device"] == "mps" and supervisor.status()["takeover"] is None
    known.choose("cpu")
    supervisor.follow_device()
    until(supervisor, "ready", restarts=3)
    assert supervisor.status()["device"] == "cpu" and supervisor.status()["takeover"] is None
    supervisor.follow_device()
    time.sleep(0.5)
    assert supervisor.status()["restarts"] == 3


def test_a_device_that_is_not_there(start: Start, gpu: Gpu, known: Accelerators) -> None:
    """The CPU is used, and the status says why."""
    gpu("")
    known.choose("cuda")
    supervisor = start()
    until(supervisor, "ready")
    status = supervisor.status()
    if "cuda" in status["devices"]:
        pytest.skip("this machine has one")
    assert status["device"] == "cpu" and status["takeover"] is not None
    assert "no cuda device" in status["takeover"]["reason"]
