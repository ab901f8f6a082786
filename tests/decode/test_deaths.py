"""Decoder processes die, hang and do not start; they get replaced, and the reason is told."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from photosd.core.child import Child
from photosd.decode import decoder, lane
from photosd.decode.decode_errors import (
    DecodeFailed,
    DecoderDied,
    DecoderUnavailable,
)
from tests.decode.conftest import Order
from tests.decode.pictures import encoded, jpeg, scene, write
from tests.decode.waiting import SHAPE, SOON, Make, failure, gone, wait_for


@pytest.mark.parametrize("deed", ["crash", "exit"])
def test_a_dead_decoder_is_replaced_and_the_next_file_decodes(
    make: Make, order: Order, tmp_path: Path, photo: bytes, deed: str
) -> None:
    """The file that was being read fails with the signal or exit code, and the stack."""
    order({"name": "poison.jpg", "do": deed})
    pool = make()
    pool.decode(photo, SHAPE).result(SOON)
    (victim,) = pool.pids
    died = failure(pool, write(tmp_path / "poison.jpg", jpeg(scene())))
    assert isinstance(died, DecoderDied) and died.code == "decoder_died"
    assert ("SIGSEGV" if deed == "crash" else "exited with code 1") in died.reason
    assert deed == "exit" or "sitecustomize.py" in died.stack
    assert pool.decode(photo, SHAPE).result(SOON).facts.width == 96
    assert gone(victim) and pool.pids != [victim]


@pytest.mark.parametrize("deed", ["hang", "hang_gil", "stop", "spin"])
def test_a_hung_decoder_is_killed_in_time_and_its_stack_kept(
    make: Make, order: Order, photo: bytes, deed: str
) -> None:
    """In Python, in native code that holds the GIL, stopped from outside, in an endless loop."""
    order({"name": "photo.jpg", "do": deed})
    pool = make(decode_seconds=0.4)
    died = pool.decode(photo, SHAPE, urgent=True).exception(SOON)
    assert isinstance(died, DecoderDied)
    assert died.reason in (
        "decoding made no progress for 1.2 s",
        "decoding took more than 0.4 s of processor time",
    )
    assert ("processor" in died.reason) == (deed == "spin")
    assert "sitecustomize.py" in died.stack
    order()
    assert pool.decode(photo, SHAPE).result(SOON).facts.width == 96


def test_a_decoder_killed_in_the_middle_of_a_file_is_replaced(
    make: Make, order: Order, tmp_path: Path, photo: bytes
) -> None:
    """As by the OOM killer."""
    seen, until = tmp_path / "seen", tmp_path / "until"
    order({"name": "photo.jpg", "do": "wait", "seen": str(seen), "until": str(until)})
    pool = make()
    future = pool.decode(photo, SHAPE)
    wait_for(seen.exists)
    os.kill(pool.pids[0], signal.SIGKILL)
    error = future.exception(SOON)
    assert isinstance(error, DecoderDied) and "SIGKILL" in error.reason
    until.touch()
    assert pool.decode(photo, SHAPE).result(SOON).facts.width == 96


@pytest.mark.parametrize("at", ["read", "decode"])
def test_a_system_without_descriptors_is_no_death_of_the_photo(
    make: Make, order: Order, tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """What its decoder does cannot be looked up for a while; the decoder continues."""
    seen, until, asked = tmp_path / "seen", tmp_path / "until", list[str]()
    fault = {"name": "photo.jpg", "do": "wait", "seen": str(seen), "until": str(until)}
    order({**fault, "at": "read"} if at == "read" else fault)

    def refuse(*_: object) -> None:
        asked.append("")
        raise OSError(errno.EMFILE, "Too many open files")

    future = make().decode(photo, SHAPE)
    wait_for(seen.exists)
    for name in ("cpu_times", "memory_info", "status"):
        monkeypatch.setattr(psutil.Process, name, refuse)
    wait_for(lambda: len(asked) > 1)
    until.touch()
    assert future.result(SOON).facts.width == 96


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the stack is lost")
def test_decoders_need_no_directory_for_temporary_files(
    make: Make, order: Order, tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was deleted with the shell that the daemon was started from: no worker could start."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "deleted"))
    order({"name": "poison.jpg", "do": "crash"})
    pool = make()
    died = failure(pool, write(tmp_path / "poison.jpg", jpeg(scene())))
    assert isinstance(died, DecoderDied) and "sitecustomize.py" in died.stack
    assert pool.decode(photo, SHAPE).result(SOON).facts.width == 96


def test_a_disk_that_does_not_deliver_is_not_the_photos_fault(
    make: Make, order: Order, photo: bytes
) -> None:
    """It is tried again later, and is never counted as a death of the decoder."""
    order({"name": "photo.jpg", "do": "hang", "at": "read"})
    failed = failure(make(read_seconds=0.4), photo)
    assert (failed.code, failed.transient) == ("slow_disk", True)
    assert not isinstance(failed, DecoderDied)


def test_a_file_replaced_under_the_decoder_is_tried_again_later(
    make: Make, order: Order, tmp_path: Path, photo: bytes
) -> None:
    """Rewritten in place between looking and reading."""
    seen, until = tmp_path / "seen", tmp_path / "until"
    order({"do": "wait", "at": "read", "seen": str(seen), "until": str(until)})
    future = make().decode(photo, SHAPE)
    wait_for(seen.exists)
    write(tmp_path / "photo.jpg", jpeg(scene(50, 50)))
    until.touch()
    error = future.exception(SOON)
    assert isinstance(error, DecodeFailed) and (error.code, error.transient) == ("changing", True)


def test_memory_that_runs_out_is_a_reason_not_a_death(
    make: Make, order: Order, photo: bytes
) -> None:
    """The decoder lives on."""
    order({"name": "photo.jpg", "do": "memory"})
    pool = make()
    assert failure(pool, photo).code == "memory"
    order()
    (pid,) = pool.pids
    pool.decode(photo, SHAPE).result(SOON)
    assert pool.pids == [pid]


def test_an_unexpected_exception_is_a_reason_not_a_death(
    make: Make, order: Order, photo: bytes
) -> None:
    """Whatever a library throws."""
    order({"name": "photo.jpg", "do": "raise"})
    failed = failure(make(), photo)
    assert not isinstance(failed, DecoderDied) and "a fault on order" in failed.reason


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When a decoder was started."""
    attempts: list[float] = []

    class Counted(Child):
        def __init__(self, *arguments: object, **options: object) -> None:
            attempts.append(time.monotonic())
            super().__init__(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(decoder, "Child", Counted)
    return attempts


def test_decoders_that_crash_at_start_do_not_spin(
    make: Make, order: Order, photo: bytes, attempts: list[float]
) -> None:
    """Every waiting caller gets the reason at once; attempts become rarer; then it recovers."""
    order(start="exit")
    pool = make(2)
    futures = [pool.decode(photo, SHAPE) for _ in range(40)]
    for future in futures:
        error = future.exception(SOON)
        assert isinstance(error, DecoderUnavailable) and "exited with code 1" in error.reason
    assert len(attempts) <= 6
    order()
    assert pool.decode(photo, SHAPE).result(SOON).facts.width == 96


def test_a_decoder_that_does_not_start_is_not_started_again_at_once(
    make: Make, order: Order, photo: bytes, attempts: list[float]
) -> None:
    """The worker sits a pause out first, though the next file waits already."""
    order(start="exit")
    pool = make()
    assert isinstance(pool.decode(photo, SHAPE).exception(SOON), DecoderUnavailable)
    assert isinstance(pool.decode(photo, SHAPE).exception(SOON), DecoderUnavailable)
    assert attempts[1] - attempts[0] > 0.8 * lane.FIRST_PAUSE


def test_a_decoder_that_never_gets_ready_is_given_up_on(
    make: Make, order: Order, photo: bytes
) -> None:
    """Within the start limit."""
    order(start="hang")
    failed = failure(make(start_seconds=0.5), photo)
    assert isinstance(failed, DecoderUnavailable) and "not ready within 0.5 s" in failed.reason


def test_decoders_are_renewed_after_many_files(
    make: Make, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a library leaks goes with its process."""
    monkeypatch.setattr(decoder, "RECYCLE_AFTER", 2)
    pool = make()
    pids = []
    for _ in range(5):
        pool.decode(photo, SHAPE).result(SOON)
        pids += pool.pids
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


@pytest.mark.slow
def test_memory_stays_flat_over_large_photos(make: Make, tmp_path: Path) -> None:
    """What a 12-megapixel photo needs is given back after it."""
    grain = np.random.default_rng(3).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    large = Image.fromarray(np.tile(grain, (10, 10, 1)))
    path = write(tmp_path / "large.bmp", encoded(large, "BMP"))
    pool = make()
    pool.decode(path, SHAPE).result(SOON)
    (pid,) = pool.pids
    for _ in range(8):
        pool.decode(path, SHAPE).result(SOON)
    assert pool.pids == [pid]
    assert psutil.Process(pid).memory_info().rss < 120 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who waits for a core")
def test_a_decoder_without_a_core_is_not_called_hung(
    make: Make, monkeypatch: pytest.MonkeyPatch, order: Order, photo: bytes
) -> None:
    """On a machine busy with other programs photos take longer, and are no failures."""
    order({"name": "photo.jpg", "do": "slow", "seconds": 1.5})
    pool = make(decode_seconds=0.1)
    ticks = itertools.count()  # as if it waited for a core at every look
    monkeypatch.setattr("photosd.core.child.seconds_without_core", lambda _pid: 0.25 * next(ticks))
    assert pool.decode(photo, SHAPE).result(SOON).facts.width == 96


@pytest.mark.timeout(300)
def test_no_file_is_killed_on_a_busy_machine(make: Make, order: Order, photo: bytes) -> None:
    """Eight programs compute beside it: seconds pass for a tenth of a second of a core."""
    order({"name": "photo.jpg", "do": "spin", "seconds": 0.4})
    pool = make(decode_seconds=0.9)
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
    try:
        for _ in range(3):
            started = time.monotonic()
            assert pool.decode(photo, SHAPE, urgent=True).result(200).facts.width == 96
        assert time.monotonic() - started > 0.4
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_large_photos_may_take_longer(
    make: Make, monkeypatch: pytest.MonkeyPatch, order: Order, tmp_path: Path
) -> None:
    """The limit grows with what is decoded."""
    order({"name": "*.jpg", "do": "spin", "seconds": 4.0, "at": "load"})
    path = write(tmp_path / "large.jpg", jpeg(scene(1000, 1000)))
    pool = make(decode_seconds=0.4)
    monkeypatch.setattr(decoder, "SECONDS_PER_MEGAPIXEL", 0.0)
    assert isinstance(pool.decode(path, SHAPE, urgent=True).exception(SOON), DecoderDied)
    monkeypatch.setattr(decoder, "SECONDS_PER_MEGAPIXEL", 60.0)
    assert pool.decode(path, SHAPE, urgent=True).result(SOON).facts.width == 1000
