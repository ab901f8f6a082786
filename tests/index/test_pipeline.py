"""The pipeline loses nothing, repeats nothing, and blames only the guilty."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import xxhash

from photosd.core.errors import EncoderUnavailable, StorageError
from photosd.decode.decode_errors import DecodeFailed, DecoderDied, FileGone
from photosd.decode.messages import ContentIdentity, Facts
from photosd.decode.pool import Decoded, Shape
from photosd.encoder.supervisor import EncoderDied
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.filters import Filter
from photosd.index.pipeline import Pipeline
from photosd.index.vectors import VectorStore
from photosd.index.worklist import WorkList
from photosd.watch.scanner import Entry, entry_of

DIMENSION = 8


class FakePool:
    """Reads files for real and makes pixels of their first bytes; some contents misbehave."""

    workers = 2

    def __init__(self) -> None:
        self.decoded: list[bytes] = []
        self.warmed = 0

    def warm(self) -> None:
        self.warmed += 1

    def identify(self, path: bytes) -> Future[ContentIdentity]:
        return self._future(lambda: self.identity_now(path))

    def decode(self, path: bytes, _shape: Shape) -> Future[Decoded]:
        return self._future(lambda: self.decode_now(path))

    def decode_now(self, path: bytes) -> Decoded:
        data, identity = Path(path.decode()).read_bytes(), self.identity_now(path)
        self.decoded.append(path)
        if data.startswith(b"kills decoder"):
            raise DecoderDied("killed by SIGSEGV", "stack")
        if data.startswith(b"broken"):
            raise DecodeFailed("broken", "the file is broken", "restore it")
        pixels = np.full((1, 4, 4, 3), data[0], np.uint8)
        facts = Facts(width=4, height=4, format="TEST")
        return Decoded(
            content_id=identity.content_id,
            size=identity.size,
            mtime_ns=identity.mtime_ns,
            inode=identity.inode,
            device=identity.device,
            pixels=pixels,
            facts=facts,
        )

    def identity_now(self, path: bytes) -> ContentIdentity:
        entry = entry_of(path)
        if entry is None:
            raise FileGone
        data = Path(path.decode()).read_bytes()
        return ContentIdentity(
            content_id=f"{entry.size:x}-{xxhash.xxh3_128_hexdigest(data)}",
            size=entry.size,
            mtime_ns=entry.mtime_ns,
            inode=entry.inode,
            device=entry.device,
        )

    def _future(self, make: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(make())
        except DecodeFailed as error:
            future.set_exception(error)
        return future


class FakeEncoder:
    """One vector a picture; a batch with the byte ``poison`` kills it."""

    def __init__(self) -> None:
        self.encoded = 0
        self.batches: list[list[int]] = []
        self.poison: int | None = None
        self.reason = "killed by SIGSEGV"
        self.unavailable = 0

    def encode_images(self, pixels: Any, *, may_crash: bool = False) -> Future[Any]:
        future: Future[Any] = Future()
        values = [int(picture[0, 0, 0]) for picture in pixels]
        self.batches.append(values)
        if self.unavailable:
            self.unavailable -= 1
            future.set_exception(EncoderUnavailable("warming", remedy="wait"))
        elif self.poison in values:
            future.set_exception(EncoderDied(self.reason, "stack"))
        else:
            self.encoded += len(values)
            vectors = np.random.default_rng(values).normal(size=(len(values), DIMENSION))
            future.set_result(
                (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
            )
        return future


class Bench:
    """A pipeline over a folder, with fakes at its ends."""

    def __init__(self, directory: Path) -> None:
        self.folder = directory / "photos"
        self.folder.mkdir()
        self.database = Database(directory / "catalog.sqlite3")
        with self.database.write() as db:
            db.execute("INSERT INTO folders(id, path, state) VALUES(1, ?, 'ok')", (b"/",))
        self.catalog, self.worklist = Catalog(self.database), WorkList(self.database)
        self.contents = Contents(self.database)
        self.store = VectorStore(directory / "index", "fake", DIMENSION)
        self.store.open()
        self.pool, self.encoder = FakePool(), FakeEncoder()
        self.gone: list[bytes] = []
        self.pipeline = self.make_pipeline()

    def make_pipeline(self) -> Pipeline:
        return Pipeline(
            self.worklist,
            self.contents,
            self.store,
            self.pool,  # type: ignore[arg-type]
            self.encoder,  # type: ignore[arg-type]
            Shape(4),
            "fake",
            look_at=self.gone.append,
            on_vanished=lambda: None,
        )

    def add(self, name: str, data: bytes) -> Path:
        file = self.folder / name
        file.write_bytes(data)
        entry = entry_of(bytes(file))
        assert entry is not None
        self.catalog.put(1, entry, due=0)
        self.pipeline.wake()
        return file

    def settle(self, seconds: float = 20) -> None:
        limit = time.monotonic() + seconds
        while self.catalog.counts().get(1, {}).get("pending") or not self.pipeline.idle():
            assert time.monotonic() < limit, self.catalog.counts()
            time.sleep(0.02)

    def state(self, file: Path) -> str:
        photo = self.catalog.get(bytes(file))
        assert photo is not None
        return photo.state


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.pipeline.stop()


def test_everything_ends_indexed_once(bench: Bench) -> None:
    """A hundred photos, a third of them copies: one encoding a content, every path indexed."""
    files = [bench.add(f"{n}.jpg", bytes([n % 67]) * (100 + n % 67)) for n in range(100)]
    bench.pipeline.start()
    bench.settle()
    assert {bench.state(file) for file in files} == {"indexed"}
    assert bench.encoder.encoded == 67
    assert len(bench.store.contents()) == 67
    assert bench.worklist.journaled() == set()


def test_folders_are_filed_as_photos_are_indexed_and_moved(bench: Bench) -> None:
    """New photos with their first commit, copies and moves soon after, without being asked."""
    (bench.folder / "in").mkdir()
    with patch.object(bench.store, "relabel") as relabel:
        bench.pipeline.start()
        bench.add("a.jpg", bytes([1]) * 50)
        bench.settle()
        assert bench.contents.labels_due("fake", 9) == []
        relabel.assert_not_called()
    copy = bench.add("in/copy.jpg", bytes([1]) * 50)
    inside = Filter(below=(bytes(copy.parent),))
    query = np.ones(DIMENSION, np.float32)
    wait_for(lambda: len(bench.store.nearest(query, 9, inside)) == 1)
    bench.catalog.forget([bytes(copy)])
    bench.pipeline.wake()
    wait_for(lambda: bench.store.nearest(query, 9, inside) == [])
    assert len(bench.store.nearest(query, 9, Filter(below=(bytes(bench.folder),)))) == 1


def test_a_broken_file_stops_no_other(bench: Bench) -> None:
    """It fails with its reason; all others are indexed."""
    bad = bench.add("bad.jpg", b"broken")
    files = [bench.add(f"{n}.jpg", bytes([n]) * 50) for n in range(10)]
    bench.pipeline.start()
    bench.settle()
    assert bench.state(bad) == "failed"
    assert {bench.state(file) for file in files} == {"indexed"}


def test_only_the_photo_that_crashes_the_encoder_is_quarantined(bench: Bench) -> None:
    """31 of 32 are indexed; the one that kills the encoder alone twice is quarantined."""
    bench.encoder.poison = 200
    bad = bench.add("bad.jpg", bytes([200]) * 50)
    files = [bench.add(f"{n}.jpg", bytes([n]) * 60) for n in range(31)]
    bench.pipeline.start()
    bench.settle()
    photo = bench.catalog.get(bytes(bad))
    assert photo is not None
    assert (photo.state, photo.deaths, photo.due) == ("failed", 2, None)
    assert photo.stack == "stack"
    assert {bench.state(file) for file in files} == {"indexed"}
    deadly = [batch for batch in bench.encoder.batches if 200 in batch]
    assert deadly[-2:] == [[200], [200]]
    assert len(deadly) <= 3
    assert bench.encoder.batches[-1] == [200]  # the last appeal came when all else was done


def test_a_worker_killed_from_outside_quarantines_no_photo(bench: Bench) -> None:
    """Photos in progress are tried again, at last one at a time, and indexed."""
    bench.encoder.poison = 0
    files = [bench.add(f"{n}.jpg", bytes([n]) * 60) for n in range(8)]
    deaths = iter([True, True])
    encode = bench.encoder.encode_images

    def strike(pixels: Any, **more: Any) -> Future[Any]:
        bench.encoder.poison = int(pixels[0, 0, 0, 0]) if next(deaths, False) else None
        return encode(pixels, **more)

    bench.encoder.encode_images = strike  # type: ignore[method-assign]
    bench.pipeline.start()
    bench.settle()
    assert {bench.state(file) for file in files} == {"indexed"}


def test_crashes_on_an_accelerator_quarantine_no_photo(bench: Bench) -> None:
    """A single photo was quarantined after two, though the device was the cause."""
    deaths = iter([True, True, True])
    encode = bench.encoder.encode_images

    def strike(pixels: Any, **more: Any) -> Future[Any]:
        if not next(deaths, False):
            return encode(pixels, **more)
        future: Future[Any] = Future()
        future.set_exception(EncoderDied("killed by SIGABRT", "", "device"))
        return future

    bench.encoder.encode_images = strike  # type: ignore[method-assign]
    file = bench.add("a.jpg", b"a" * 50)
    bench.pipeline.start()
    bench.settle()
    photo = bench.catalog.get(bytes(file))
    assert photo is not None and (photo.state, photo.deaths) == ("indexed", 0)


def test_a_photo_that_kills_the_decoder_is_quarantined(bench: Bench) -> None:
    """Twice is enough there, too."""
    bad = bench.add("bad.jpg", b"kills decoder")
    bench.pipeline.start()
    bench.settle()
    assert bench.state(bad) == "failed"
    assert len(bench.pool.decoded) == 2


def test_an_encoder_that_is_away_is_waited_for(bench: Bench) -> None:
    """No photo fails while the encoder warms up; the work continues when it is ready."""
    bench.encoder.unavailable = 3
    file = bench.add("a.jpg", b"a" * 50)
    bench.pipeline.start()
    bench.settle()
    assert bench.state(file) == "indexed"


def test_a_disk_that_refuses_is_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is finished is kept and committed when there is room again."""
    monkeypatch.setattr("photosd.index.pipeline.STORAGE_RETRY_SECONDS", 0.3)
    commit, refusals = bench.store.commit, [1, 2]

    def refuse(embeddings: Any) -> None:
        if refusals:
            refusals.pop()
            raise StorageError("no space left", remedy="make some")
        commit(embeddings)

    monkeypatch.setattr(bench.store, "commit", refuse)
    file = bench.add("a.jpg", b"a" * 50)
    bench.pipeline.start()
    bench.settle()
    assert bench.state(file) == "indexed"
    assert bench.encoder.encoded == 1


def test_photos_in_progress_at_a_crash_are_tried_alone(bench: Bench) -> None:
    """The journal outlives the daemon: those photos do not endanger others."""
    files = [bench.add(f"{n}.jpg", bytes([n]) * 60) for n in range(6)]
    bench.worklist.journal([bytes(files[0]), bytes(files[1])])
    bench.pipeline = bench.make_pipeline()
    bench.pipeline.start()
    bench.settle()
    assert {bench.state(file) for file in files} == {"indexed"}
    assert [0] in bench.encoder.batches
    assert [1] in bench.encoder.batches


def test_a_file_that_changed_since_is_looked_at_again(bench: Bench) -> None:
    """The reconciler decides what to do with it, not the pipeline."""
    file = bench.add("a.jpg", b"a" * 50)
    file.write_bytes(b"b" * 51)
    bench.pipeline.start()
    limit = time.monotonic() + 60
    while not bench.gone and time.monotonic() < limit:
        time.sleep(0.02)
    bench.pipeline.pause(float("inf"))
    assert bytes(file) in bench.gone
    assert bench.state(file) == "pending"


def test_a_photo_that_is_read_slowly_delays_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were decoded waited for it, to be encoded in company."""
    decode, read = bench.pool.decode, Future[Decoded]()

    def slow(path: bytes, shape: Shape) -> Future[Decoded]:
        return read if path.endswith(b"slow.jpg") else decode(path, shape)

    monkeypatch.setattr(bench.pool, "decode", slow)
    bench.add("slow.jpg", b"slow")
    for number in range(40):
        bench.add(f"{number}.jpg", bytes([number]) * 9)
    bench.pipeline.start()
    limit = time.monotonic() + 20
    while bench.catalog.counts()[1].get("indexed") != 40:
        assert time.monotonic() < limit
    read.set_exception(FileGone())
    bench.pipeline.stop()


def test_pausing_takes_up_nothing_new(bench: Bench) -> None:
    """Paused work waits and its state says paused; resumed, it is done."""
    bench.pipeline.pause(float("inf"))
    file = bench.add("a.jpg", b"a" * 50)
    bench.pipeline.start()
    wait_for(lambda: bench.pipeline.waiting_for == "resume")
    assert bench.state(file) == "pending"
    bench.pipeline.pause(0)
    bench.settle()
    assert bench.state(file) == "indexed"


def test_entries_are_what_the_tests_think() -> None:
    """Entry's fields, in the order this file relies on."""
    assert Entry._fields[:5] == ("path", "size", "mtime_ns", "inode", "device")


def test_a_decoder_is_up_when_a_photo_has_rested(bench: Bench) -> None:
    """It is started while the file that has just been written settles."""
    file = bench.folder / "a.jpg"
    file.write_bytes(b"a")
    entry = entry_of(bytes(file))
    assert entry is not None
    bench.catalog.put(1, entry, due=time.time() + 5)
    bench.pipeline.start()
    wait_for(lambda: bench.pool.warmed > 0)
    assert not bench.pool.decoded
