"""What calls a soak flat must see what is not."""

from __future__ import annotations

import mmap
import os
import sys
import threading
from pathlib import Path

import psutil
import pytest

from tests.chaos.flatness import MEASURES, POOL, Lives, look

FLAT = dict.fromkeys(MEASURES, 1000)


def lived(samples: list[dict[str, int]]) -> Lives:
    lives = Lives(2.0)
    lives.all += samples
    return lives


def test_what_stays_is_no_fault() -> None:
    """Nor is noise of half a percent."""
    samples = [FLAT | {"memory": 1000 + (-1) ** number * 5} for number in range(400)]
    assert not [*lived(samples).of_one().faults()]


def test_what_is_given_back_is_no_fault() -> None:
    """Six percent more in two of three samples of the last third."""
    samples = [
        FLAT | {"memory": 1060 if number > 270 and number % 3 else 1000} for number in range(400)
    ]
    assert not [*lived(samples).of_one().faults()]


def test_more_for_a_while_is_no_fault() -> None:
    """Ten percent more in the middle, of which a part is still held at the end."""
    sizes = [1000] * 200 + [1100] * 100 + [1030] * 100
    assert not [*lived([FLAT | {"memory": size} for size in sizes]).of_one().faults()]


def test_one_calm_time_of_a_worker_says_nothing() -> None:
    """What an encoder holds follows the sizes of its last batches."""
    lives = Lives(2.0)
    lives.calm[1, 1] += [FLAT | {"memory": 1000 + number} for number in range(100)]
    lives.all += lives.calm[1, 1]
    assert not [*lives.of_many().faults()]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_slow_leak_is_one(measure: str) -> None:
    """Six percent over the run, of whatever it is."""
    samples = [FLAT | {measure: 1000 + number // 7} for number in range(400)]
    assert any(measure in fault for fault in lived(samples).of_one().faults())


@pytest.mark.parametrize(("more", "says"), [(1, []), (2, ["threads", "threads"])])
def test_one_more_of_thirty_says_nothing_two_do(more: int, says: list[str]) -> None:
    """A pool of the daemon's may make its last thread late; each pool has a limit."""
    samples = [FLAT | {"threads": 31 + more * (number > 300)} for number in range(400)]
    faults = lived(samples).of_one().faults()
    assert [fault.split()[0] for fault in faults] == says


@pytest.mark.parametrize("measure", MEASURES)
def test_workers_are_compared_with_themselves(measure: str) -> None:
    """A worker that grows in its life is reported; one larger than its predecessor is not."""
    lives = Lives(2.0)
    for life, size in enumerate((1000, 1500)):
        lives.calm[life, 1] += [FLAT | {measure: size}] * 30
        lives.all += lives.calm[life, 1]
    assert not [*lives.of_many().faults()]
    for life, size in enumerate((1000, 1500)):
        lives.calm[life, 3] += [FLAT | {measure: size + 5 * number} for number in range(30)]
        lives.calm[life, 5] += [FLAT | {measure: size + 5 * number} for number in range(30)]
    assert any(measure in fault for fault in lives.of_many().faults())


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel must tell pages apart")
def test_pages_of_files_are_no_memory_of_the_process(tmp_path: Path) -> None:
    """The kernel can drop them at any time; what was allocated it cannot."""
    size = 32 << 20
    (file := tmp_path / "file").write_bytes(bytes(size))
    before = look(psutil.Process())
    with file.open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    assert not any(mapped[:: mmap.PAGESIZE])  # each page is in RAM now
    with_file = look(psutil.Process())
    allocated = mmap.mmap(
        -1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    )  # not from the heap, which may have room already
    allocated.write(b"1" * size)
    with_both = look(psutil.Process())
    allocated.close()
    mapped.close()
    assert with_file["rss"] - before["rss"] > 0.9 * size
    assert with_file["memory"] - before["memory"] < 0.1 * size
    assert with_both["memory"] - with_file["memory"] > 0.9 * size


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel must name threads")
def test_the_pool_of_lancedb_is_counted_apart() -> None:
    """By the name of its threads."""
    before, named, done = look(psutil.Process()), threading.Event(), threading.Event()

    def thread() -> None:
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(f"{POOL}-1")
        named.set()
        done.wait(10)

    other = threading.Thread(target=thread)
    other.start()
    try:
        assert named.wait(10)
        now = look(psutil.Process(os.getpid()))
    finally:
        done.set()
        other.join()
    assert now["pool"] == before["pool"] + 1
    assert now["threads"] == before["threads"]
