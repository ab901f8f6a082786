"""Whatever fails, at whichever step: when it works again, all is indexed and no photo is failed."""

from __future__ import annotations

import errno
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog

from photosd.core.errors import Busy, EncoderUnavailable, StorageError
from photosd.decode.decode_errors import DecodeFailed, DecoderDied, DecoderUnavailable
from photosd.encoder.encoder_errors import EncoderDied, EncodingFailed
from photosd.index import committer, pipeline, reencoding, retries
from photosd.index.committer import Committer
from photosd.index.leases import Stage
from photosd.index.reencoding import ReencodingList
from photosd.index.table import open_table
from tests.index.test_pipeline import DIMENSION, Bench, FakeEncoder, FakePool, wait_for

CUDA = "OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB"


def disk_full() -> Exception:
    return OSError(errno.ENOSPC, "No space left on device")


# The errors of a step that do not depend on the photo.
ERRORS: tuple[Callable[[], Exception], ...] = (
    disk_full,
    lambda: OSError(errno.EIO, "Input/output error"),
    lambda: OSError(errno.EMFILE, "Too many open files"),
    lambda: sqlite3.OperationalError("database or disk is full"),
    lambda: sqlite3.OperationalError("database is locked"),
    lambda: sqlite3.DatabaseError("disk I/O error"),
    lambda: StorageError("vectors cannot be written: LanceError(IO): No space left on device"),
    lambda: RuntimeError("lance error: LanceError(IO): Generic LocalFileSystem error"),
    lambda: MemoryError(),
    lambda: RuntimeError("can't start new thread"),
)
ANSWERS: dict[str, tuple[Callable[[], Any], ...]] = {
    "pool": (
        lambda: DecoderUnavailable("no process can be started: Cannot allocate memory"),
        lambda: DecodeFailed("memory", "it needs 900 MiB and 3 are free", "wait", transient=True),
        lambda: DecodeFailed("io", "Too many open files in system", "wait", transient=True),
        lambda: DecoderDied("the decoder was lost: killed by SIGKILL", "", by_others=True),
        lambda: MemoryError(),
        lambda: Busy("too many photos wait", retry_after_ms=10),
    ),
    "encoder": (
        lambda: EncodingFailed(CUDA),
        lambda: EncodingFailed("RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate"),
        lambda: EncoderDied("killed by SIGKILL", "", "killed"),
        lambda: EncoderDied("its connection broke", "", "nonsense"),
        lambda: EncoderUnavailable("the encoder is being replaced", remedy="wait"),
        lambda: MemoryError(),
        lambda: np.zeros((0, 8), np.float32),
        lambda: np.full((1, 8), np.nan, np.float32),
    ),
}
# The steps: what the pipeline and the committer call of others.
STEPS = {
    "worklist": (*("due", "next_due", "perhaps_known", "done", "failed", "postpone", "journal"),),
    "contents": ("record", "labels_written", "has_embedding", "labels_due", "batch"),
    "store": ("commit", "relabel", "tidy"),
    "pool": ("identify", "decode"),
    "encoder": ("encode_images",),
    "database": ("write", "read"),
}


class Faults:
    """Makes steps fail at random, before or after they did their work, while it is on."""

    def __init__(self, seed: int, share: float) -> None:
        self._random = random.Random(seed)
        self.share, self.struck = share, 0
        self._lock = threading.Lock()

    def wrap(self, owner: Any, name: str, kind: str) -> None:
        real = getattr(owner, name)

        def step(*args: Any, **more: Any) -> Any:
            moment = self._due()
            if moment == "before":
                raise self._choose(ERRORS)()
            if moment == "answer" and kind in ANSWERS:
                return _answer(self._choose(ANSWERS[kind])())
            result = real(*args, **more)
            if moment == "after" and kind not in ANSWERS:
                raise self._choose(ERRORS)()
            return result

        setattr(owner, name, step)

    def _due(self) -> str:
        with self._lock:
            if self._random.random() >= self.share:
                return ""
            self.struck += 1
            return self._random.choice(("before", "after", "answer"))

    def _choose(self, among: tuple[Callable[[], Any], ...]) -> Callable[[], Any]:
        with self._lock:
            return self._random.choice(among)


def _answer(what: Any) -> Future[Any]:
    future: Future[Any] = Future()
    if isinstance(what, Exception):
        future.set_exception(what)
    else:
        future.set_result(what)
    return future


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pipeline, "STORAGE_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(pipeline, "SHORTAGE_PAUSES", (0.005, 0.01, 0.02))
    monkeypatch.setattr(pipeline, "ENCODER_PAUSES", (0.01,))
    monkeypatch.setattr(pipeline, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(pipeline, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(pipeline, "TRANSIENT_RETRIES", (0.01, 0.02, 0.05, 0.1))
    monkeypatch.setattr(committer, "SECONDS", 0.02)
    for module in (pipeline, committer, retries):  # thousands of stacks take minutes to draw
        monkeypatch.setattr(module, "log", structlog.wrap_logger(None, processors=[_drop]))
    yield


def _drop(_logger: Any, _name: str, _event: Any) -> Any:
    raise structlog.DropEvent


def library(directory: Path, photos: int = 30) -> tuple[Bench, list[Path]]:
    """Photos of which a third are copies, most with faults still to come."""
    bench = Bench(directory)
    files = [
        bench.add(f"{n}.jpg", bytes([n * 2 // 3 % 250]) * (100 + n * 2 // 3)) for n in range(photos)
    ]
    return bench, files


@pytest.mark.parametrize("seed", range(20))
def test_a_walk_through_faults_loses_nothing(tmp_path: Path, seed: int) -> None:
    """Every step fails a fifth of the time, in any way; then all works again."""
    bench, files = library(tmp_path)
    faults = Faults(seed, share=0.2)
    owners = {
        "worklist": bench.worklist,
        "contents": bench.contents,
        "store": bench.store,
        "pool": bench.pool,
        "encoder": bench.encoder,
        "database": bench.database,
    }
    for kind, names in STEPS.items():
        for name in names:
            faults.wrap(owners[kind], name, kind)
    bench.pipeline.start()
    try:
        wait_for(lambda: faults.struck >= 50)
        faults.share = 0.0
        bench.settle()
        wait_for(lambda: {bench.state(file) for file in files} == {"indexed"})
        known = {bench.catalog.get(bytes(file)).content for file in files}  # type: ignore[union-attr]
        assert bench.store.contents() == known
        wait_for(bench.pipeline.idle)
        assert bench.worklist.journaled() == set()
        assert bench.pipeline.is_alive()
    finally:
        faults.share = 0.0
        bench.pipeline.stop()


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, names in STEPS.items() for n in names])
def test_each_step_may_fail_for_a_while(tmp_path: Path, kind: str, name: str) -> None:
    """Always this one, in the same way, until the cause is gone."""
    bench, files = library(tmp_path, 12)
    owner = {"database": bench.database, "encoder": bench.encoder, "pool": bench.pool}.get(kind)
    owner = owner or getattr(bench, kind)
    faults = Faults(7, share=1.0)
    faults.wrap(owner, name, kind)
    bench.pipeline.start()
    try:
        time.sleep(0.15)
        faults.share = 0.0
        bench.settle()
        wait_for(lambda: {bench.state(file) for file in files} == {"indexed"})
    finally:
        faults.share = 0.0
        bench.pipeline.stop()


def test_too_little_memory_counts_against_no_photo(tmp_path: Path) -> None:
    """As long as it lasts nothing fails, status says why, and batches get smaller."""
    bench, files = library(tmp_path, 40)
    sizes: list[int] = []
    encode = bench.encoder.encode_images

    def short(pixels: Any, **more: Any) -> Future[Any]:
        sizes.append(len(pixels))
        return _answer(EncodingFailed(CUDA))

    bench.encoder.encode_images = short  # type: ignore[method-assign]
    bench.pipeline.start()
    wait_for(lambda: len(sizes) > 20)
    assert sizes[-1] == 1
    assert bench.pipeline.waiting_for == "memory"
    assert "failed" not in bench.catalog.counts()[1]
    bench.encoder.encode_images = encode  # type: ignore[method-assign]
    bench.settle()
    assert {bench.state(file) for file in files} == {"indexed"}
    assert bench.pipeline.waiting_for is None
    assert max(map(len, bench.encoder.batches)) > 1  # and larger again
    bench.pipeline.stop()


def test_a_photo_that_always_takes_all_memory_ends_somewhere(tmp_path: Path) -> None:
    """It fails, with a reason that names memory and a time to try again; the others do not."""
    bench, files = library(tmp_path, 20)
    bench.encoder = Greedy(137)
    bench.pipeline = bench.make_pipeline()
    greedy = bench.add("greedy.jpg", bytes([137]) * 77)
    bench.pipeline.start()
    wait_for(lambda: bench.state(greedy) == "failed")
    photo = bench.catalog.get(bytes(greedy))
    assert photo is not None and photo.reason is not None and photo.due is not None
    assert "memory" in photo.reason
    wait_for(lambda: {bench.state(file) for file in files} == {"indexed"})
    bench.pipeline.stop()


def test_a_shortage_is_over_once_nothing_waits_for_it(tmp_path: Path) -> None:
    """The last photo has failed, and is tried again in an hour: until then status said that
    indexing waits for memory.
    """
    bench = Bench(tmp_path)
    bench.encoder = Greedy(137)
    bench.pipeline = bench.make_pipeline()
    greedy = bench.add("greedy.jpg", bytes([137]) * 77)
    bench.pipeline.start()
    wait_for(lambda: bench.state(greedy) == "failed")
    wait_for(lambda: bench.pipeline.waiting_for is None)
    bench.pipeline.stop()


class Greedy(FakeEncoder):
    """Is killed by the kernel over one picture."""

    def __init__(self, value: int) -> None:
        super().__init__()
        self._value = value

    def encode_images(self, pixels: Any, *, may_crash: bool = False) -> Future[Any]:
        if self._value in {int(picture[0, 0, 0]) for picture in pixels}:
            return _answer(EncoderDied("killed by SIGKILL", "", "killed"))
        return super().encode_images(pixels, may_crash=may_crash)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: EncodingFailed("RuntimeError: CUDA error: device-side assert triggered"),
        lambda: np.full((1, 8), np.nan, np.float32),
        lambda: EncoderDied("an invalid message", "", "nonsense"),
    ],
)
def test_an_encoder_that_fails_on_everything_quarantines_no_photo(
    tmp_path: Path, answer: Callable[[], Any]
) -> None:
    """It is asked for a plain picture before a photo is blamed."""
    bench, files = library(tmp_path, 10)
    encode, asked = bench.encoder.encode_images, [0]

    def fail(_pixels: Any, **_more: Any) -> Future[Any]:
        asked[0] += 1
        return _answer(answer())

    bench.encoder.encode_images = fail  # type: ignore[method-assign, assignment]
    bench.pipeline.start()
    wait_for(lambda: asked[0] > 30)
    assert "failed" not in bench.catalog.counts()[1]
    bench.encoder.encode_images = encode  # type: ignore[method-assign]
    bench.settle()
    assert {bench.state(file) for file in files} == {"indexed"}
    bench.pipeline.stop()


def test_an_encoder_that_fails_on_one_photo_quarantines_that_one(tmp_path: Path) -> None:
    """It manages a plain picture, and every other photo."""
    bench, files = library(tmp_path, 10)
    encode = bench.encoder.encode_images

    def fail(pixels: Any, **more: Any) -> Future[Any]:
        if 211 in {int(picture[0, 0, 0]) for picture in pixels}:
            return _answer(EncodingFailed("ValueError: it is odd"))
        return encode(pixels, **more)

    bench.encoder.encode_images = fail  # type: ignore[method-assign]
    odd = bench.add("odd.jpg", bytes([211]) * 77)
    bench.pipeline.start()
    wait_for(lambda: bench.state(odd) == "failed")
    photo = bench.catalog.get(bytes(odd))
    assert photo is not None and photo.due is not None and "ValueError" in str(photo.reason)
    wait_for(lambda: {bench.state(file) for file in files} == {"indexed"})
    bench.pipeline.stop()


def test_a_decoder_with_invalid_answers_stops_no_other(tmp_path: Path) -> None:
    """Pixels of a wrong shape or kind are this photo's alone, and it is tried again."""
    bench, files = library(tmp_path, 10)
    decode, odd = bench.pool.decode_now, [3]

    def lie(path: bytes) -> Any:
        found = decode(path)
        if path.endswith(b"/2.jpg") and odd[0]:
            odd[0] -= 1
            wrong = (found.pixels[:, :2], found.pixels.astype(np.float32), found.pixels[0])
            return type("Odd", (), {**_fields(found), "pixels": wrong[odd[0]]})
        return found

    bench.pool.decode_now = lie  # type: ignore[method-assign]
    bench.pipeline.start()
    wait_for(lambda: {bench.state(file) for file in files} == {"indexed"})
    assert odd == [0]
    bench.pipeline.stop()


def _fields(decoded: Any) -> dict[str, Any]:
    return {name: getattr(decoded, name) for name in decoded.__struct_fields__}


def test_vectors_that_went_meanwhile_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy is not called indexed by the vector of a photo that was just forgotten."""
    bench, _ = library(tmp_path, 0)
    first = bench.add("first.jpg", b"a" * 50)
    bench.pipeline.start()
    bench.settle()
    photo = bench.catalog.get(bytes(first))
    assert photo is not None and photo.content is not None
    content, commit = photo.content, Committer.commit

    def late(committer: Committer) -> Any:
        bench.contents.unembed("fake", [content])
        bench.store.remove([content])
        monkeypatch.setattr(Committer, "commit", commit)
        return commit(committer)

    monkeypatch.setattr(Committer, "commit", late)
    copy = bench.add("copy.jpg", b"a" * 50)
    wait_for(lambda: bench.state(copy) == "indexed")
    bench.settle()
    assert content in bench.store.contents()
    bench.pipeline.stop()


def test_a_row_that_cannot_be_written_delays_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is quarantined with its reason, the others are committed."""
    bench, files = library(tmp_path, 10)
    bad = bench.add("bad.jpg", bytes([222]) * 99)
    commit = bench.store.commit

    def refuse(embeddings: Any) -> None:
        if any(bytes(bad) in one.paths for one in embeddings):
            raise StorageError("vectors cannot be written: int too large")
        commit(embeddings)

    monkeypatch.setattr(bench.store, "commit", refuse)
    bench.pipeline.start()
    wait_for(lambda: {bench.state(file) for file in files} == {"indexed"})
    more = [bench.add(f"more {n}.jpg", bytes([100 + n]) * 200) for n in range(9)]
    wait_for(lambda: {bench.state(file) for file in more} == {"indexed"})
    bench.pipeline.stop()


@pytest.mark.parametrize("late", ["vectors", "catalog"])
def test_a_write_that_failed_leaves_nothing_of_a_photo_that_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """The rows were written, an error was reported, and the pipeline was replaced meanwhile."""
    bench, _ = library(tmp_path, 0)
    photo = bench.add("late.jpg", b"a" * 50)
    owner: Any = bench.store if late == "vectors" else bench.contents
    name = "commit" if late == "vectors" else "record"
    write = getattr(owner, name)

    def fail(*given: Any) -> None:
        if late == "vectors":
            write(*given)
        raise StorageError("Commit conflict", remedy="")

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        bench.pipeline.start()
        wait_for(lambda: on_disk(tmp_path) == 1)
        bench.pipeline.stop()
    bench.catalog.forget([bytes(photo)])
    bench.pipeline = bench.make_pipeline()
    bench.pipeline.start()
    try:
        wait_for(lambda: on_disk(tmp_path) == 0 and bench.store.contents() == set())
    finally:
        bench.pipeline.stop()


def on_disk(directory: Path) -> int:
    """Rows of the model's table."""
    table: Any = open_table(directory / "index", "vectors_fake", DIMENSION)
    return int(table.count_rows())


def test_a_fill_that_fails_comes_to_its_end(tmp_path: Path) -> None:
    """A fill returns released contents again; contents in progress are not returned twice."""
    bench, _ = library(tmp_path, 20)
    bench.pipeline.start()
    bench.settle()
    bench.pipeline.stop()
    fill = ReencodingList(bench.database, "other")
    held = fill.due(256)
    assert held and not fill.due(256)
    fill.release([photo.path for photo in held])
    assert len(fill.due(256)) == len(held)
    assert reencoding.MAX_TRIES
    fill.close()


def test_a_clock_set_back_delays_no_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was put off for a moment was put off until the clock would be there again."""
    bench, _ = library(tmp_path, 4)
    bench.pipeline.start()
    bench.settle()
    bench.pipeline.stop()
    fill = ReencodingList(bench.database, "other")
    held, now = fill.due(256), time.time
    fill.postpone(held[0], now() + 0.05)
    fill.release([photo.path for photo in held])
    monkeypatch.setattr(time, "time", lambda: now() - 7200)
    assert (fill.next_due() or 0.0) < time.time() + 1
    wait_for(lambda: held[0].path in {photo.path for photo in fill.due(256)})
    fill.close()


def test_every_stage_is_known_to_those_who_ask() -> None:
    """For each stage it is known whether another component retries the photo."""
    from photosd.index.leases import ELSEWHERE, WAITING

    assert {*ELSEWHERE, *WAITING, Stage.FINISHED} == set(Stage)


def test_the_fakes_are_those_of_the_pipelines_tests() -> None:
    """So that what is wrapped here is what the pipeline calls."""
    assert hasattr(FakePool, "identify") and hasattr(FakeEncoder, "encode_images")
