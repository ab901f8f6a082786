"""The reconciler: comparisons that run beside each other, and folders that go meanwhile."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from photosd.core.errors import StorageError
from photosd.decode.pool import Decoded, Shape
from photosd.index import comparer, reconciler
from photosd.index.catalog import Catalog
from photosd.index.comparison import Comparison
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folder, Folders
from photosd.index.reconciler import Reconciler
from photosd.index.worklist import WorkList
from photosd.watch.filesystem_calls import UNREADABLE
from photosd.watch.watcher import Watcher
from tests.index.test_pipeline import Bench, FakePool
from tests.watch.hangfs import shared
from tests.watch.listening import as_unprivileged


class Shop:
    """A catalog and the reconciler that fills it; nothing is decoded."""

    def __init__(self, directory: Path) -> None:
        self.database = Database(directory / "catalog.sqlite3")
        self.catalog = Catalog(self.database)
        self.worklist = WorkList(self.database)
        self.folders = Folders(self.database, directory / "folders.json")
        self.watcher = Watcher(directory / "probe")
        self.reconciler = Reconciler(
            self.catalog,
            self.folders,
            self.watcher,
            settle_seconds=0.0,
            rescan_seconds=3600.0,
            is_embedded=lambda content: self.is_embedded(content),
            on_work=lambda: self.on_work(),
        )
        self.on_work: Callable[[], None] = lambda: None
        self.is_embedded: Callable[[str], bool] = lambda content: False

    def add(self, directory: Path, names: int = 3) -> Folder:
        directory.mkdir(exist_ok=True)
        for number in range(names):
            (directory / f"{number}.jpg").write_bytes(b"%d" % number)
        return self.folders.add(bytes(directory))

    def compare(self) -> None:
        assert self.reconciler.request().wait(60)

    def close(self) -> None:
        self.folders.filesystems.stop()
        self.reconciler.stop()
        self.database.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.close()


def within(seconds: float, condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_threads_stay_as_many_over_two_hundred_comparisons(shop: Shop, tmp_path: Path) -> None:
    """A share that hangs costs one process, however often the folders are compared."""
    with shared(tmp_path) as share:
        (share.source / "a.jpg").write_bytes(b"a")
        shop.add(tmp_path / "local")
        folder = shop.folders.add(bytes(share.point))
        shop.reconciler.start()
        shop.compare()
        share.hang("all")
        shop.compare()
        within(30, lambda: not shop.folders.all()[-1].present)
        assert "not answering" in (shop.folders.all()[-1].reason or "")
        before = threading.active_count()
        for _ in range(200):
            shop.compare()
        assert threading.active_count() <= before + 1
        assert shop.catalog.get(folder.path + b"/a.jpg") is not None
        share.hang()
        within(60, lambda: all(folder.present for folder in shop.folders.all()))
        shop.reconciler.stop()


def test_a_link_to_a_share_that_hangs_delays_no_other(shop: Shop, tmp_path: Path) -> None:
    """Where a link leads is asked of the file system that it leads to."""
    with shared(tmp_path) as share:
        (share.source / "a.jpg").write_bytes(b"a")
        local = tmp_path / "local"
        shop.add(local)
        (local / "link.jpg").symlink_to(share.point / "a.jpg")
        shop.reconciler.start()
        shop.compare()
        assert shop.catalog.get(bytes(local / "link.jpg")) is not None
        share.hang("all")
        (local / "new.jpg").write_bytes(b"new")
        shop.compare()
        assert shop.catalog.get(bytes(local / "new.jpg")) is not None
        photo = shop.catalog.get(bytes(local / "link.jpg"))
        assert photo is not None
        assert photo.state != "gone"
        share.hang()
        shop.reconciler.stop()


def test_a_comparison_without_progress_is_told(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the check of liveness; a file system that does not answer is no such case."""
    folder = shop.add(tmp_path / "local", names=1)
    shop.reconciler.start()
    shop.compare()
    assert shop.reconciler.stalled() is None
    with shop.database.write() as db:
        db.execute("UPDATE photos SET content = 'known', state = 'gone'")
    stuck, released = threading.Event(), threading.Event()

    def is_embedded(content: str) -> bool:
        stuck.set()
        return released.wait(60)

    shop.is_embedded = is_embedded
    monkeypatch.setattr(reconciler, "STALLED_SECONDS", 0.0)
    done = shop.reconciler.request()
    assert stuck.wait(60)
    said = shop.reconciler.stalled() or ""
    released.set()
    assert "makes no progress" in said and os.fsdecode(folder.path) in said
    assert done.wait(60)
    assert shop.reconciler.stalled() is None


def test_a_share_in_a_folder_is_compared_by_itself(shop: Shop, tmp_path: Path) -> None:
    """Its photos are kept while it hangs, and the folder around it is compared."""
    outer = tmp_path / "outer"
    outer.mkdir()
    with shared(outer) as share:
        (share.source / "a.jpg").write_bytes(b"a")
        shop.add(outer)
        shop.reconciler.start()
        shop.compare()
        inside = bytes(share.point / "a.jpg")
        assert shop.catalog.get(inside) is not None
        share.hang("all")
        (outer / "0.jpg").unlink()
        (outer / "new.jpg").write_bytes(b"new")
        shop.compare()
        assert shop.catalog.get(bytes(outer / "new.jpg")) is not None
        gone = shop.catalog.get(bytes(outer / "0.jpg"))
        assert gone is not None
        assert gone.state == "gone"
        kept = shop.catalog.get(inside)
        assert kept is not None
        assert kept.state != "gone"
        share.hang()
        shop.reconciler.stop()


def test_a_folder_removed_while_it_is_compared_stays_removed(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is written, neither under its id nor under that of a folder added since."""
    monkeypatch.setattr(comparer, "BATCH", 2)
    first = shop.add(tmp_path / "first", 10)
    compare, seen = Comparison.compare, 0

    def counted(comparison: Comparison, *given: Any, **how: Any) -> None:
        nonlocal seen
        seen += 1
        compare(comparison, *given, **how)

    def on_work() -> None:
        if shop.folders.containing(first.path) is not None:
            shop.folders.remove(first.path)
            second = shop.add(tmp_path / "second", 0)
            assert second.id != first.id

    monkeypatch.setattr(Comparison, "compare", counted)
    shop.on_work = on_work
    shop.reconciler.comparer.tree(first, first.path)
    assert seen == 2
    assert list(shop.catalog.in_state("")) == []


def test_what_cannot_be_read_is_reported(tmp_path: Path) -> None:
    """How many places, one of them with the reason, and its photos are kept."""
    folder = tmp_path / "folder"
    (folder / "private").mkdir(parents=True)
    for place in (tmp_path, *tmp_path.parents[:3]):
        place.chmod(0o755)
    (folder / "private" / "a.jpg").write_bytes(b"a")
    (folder / "private").chmod(0)
    tmp_path.chmod(0o777)

    def told() -> str:
        shop = Shop(tmp_path)
        added = shop.folders.add(bytes(folder))
        shop.reconciler.comparer.tree(added, added.path)
        words = str(shop.reconciler.comparer.unreadable(added.id))
        shop.close()
        return words

    try:
        answer = as_unprivileged(told)
    finally:
        (folder / "private").chmod(0o755)
    assert answer == f"{folder / 'private'}: {os.strerror(13)}"


def test_photos_found_while_the_clock_is_ahead_do_not_wait_for_it(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is two hours ahead, as after another operating system, and then corrected."""
    folder = shop.add(tmp_path / "folder")
    now, ahead = time.time, 7200.0
    monkeypatch.setattr(time, "time", lambda: now() + ahead)
    shop.reconciler.comparer.tree(folder, folder.path)
    ahead = 0.0
    assert len(shop.worklist.due(10)) == 3


def test_the_first_photos_do_not_wait_for_the_others(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first few of 3,000 files are passed on at once; a decoder has one before the rest is
    compared."""
    monkeypatch.setattr(comparer, "BATCH_SECONDS", 600.0)
    (tmp_path / "bench").mkdir()
    bench = Bench(tmp_path / "bench")
    bench.worklist, bench.contents = shop.worklist, Contents(shop.database)
    compared: list[int] = []
    decoded = threading.Event()

    class Noting(FakePool):
        def decode(self, path: bytes, shape: Shape) -> Future[Decoded]:
            decoded.set()
            return super().decode(path, shape)

    bench.pool = Noting()
    pipeline = bench.make_pipeline()

    def on_work() -> None:
        compared.append(sum(shop.catalog.counts()[1].values()))
        if len(compared) == 1:
            pipeline.wake()
            assert decoded.wait(60)
            pipeline.pause(time.time() + 600)

    shop.add(tmp_path / "photos", 3000)
    for file in (tmp_path / "photos").iterdir():
        os.utime(file, (1e9, 1e9))
    shop.on_work = on_work
    pipeline.start()
    shop.reconciler.start()
    shop.compare()
    pipeline.stop()
    assert decoded.is_set()
    assert 0 < compared[0] <= 100 and compared[-1] == 3000 and len(compared) < 20


def test_a_catalog_that_cannot_be_written_is_named_until_it_can_be(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also between two tries; and what was hinted at is looked at again, not only compared."""
    monkeypatch.setattr(reconciler, "RETRY_SECONDS", 0.05)
    folder, looked = shop.add(tmp_path / "photos"), list[bytes]()
    tries, full = list[int](), True
    write, paths = shop.database.write, shop.reconciler.comparer.paths

    def refuse(**more: Any) -> Any:
        tries.append(1)
        if full:
            raise StorageError("database or disk is full", remedy="make room")
        return write(**more)

    def look(some: list[bytes]) -> None:
        paths(some)
        looked.extend(some)

    logged = Mock()
    monkeypatch.setattr(reconciler, "log", logged)
    monkeypatch.setattr(shop.database, "write", refuse)
    monkeypatch.setattr(shop.reconciler.comparer, "paths", look)
    shop.reconciler.start()
    shop.reconciler.look_at(folder.path + b"/1.jpg")
    within(30, lambda: shop.reconciler.waiting_for == "disk")
    before = len(tries)
    while len(tries) < before + 10:
        assert shop.reconciler.waiting_for == "disk"
    full = False
    within(30, lambda: shop.reconciler.waiting_for is None)
    within(30, lambda: folder.path + b"/1.jpg" in looked)
    assert len(list(shop.catalog.below(folder.path))) == 3
    assert logged.error.call_count in (1, 2)  # two threads may fail first; then no more


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first pause before another try is short."""
    monkeypatch.setattr(reconciler, "RETRY_SECONDS", 0.05)


@pytest.mark.parametrize("call", ["tree", "one"])
def test_what_could_not_be_read_is_looked_at_again(
    hasty: None, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """No event tells when an input/output error has passed; until then the pauses grow."""
    folder, tries = shop.add(tmp_path / "photos"), list[float]()
    path, ask = folder.path + b"/1.jpg", folder.path + b"/1.jpg" if call == "one" else folder.path
    shop.reconciler.start()
    shop.compare()
    Path(os.fsdecode(path)).write_bytes(b"another")
    real = shop.folders.filesystems.call

    def sick(place: bytes, kind: str, *given: Any, **more: Any) -> Any:
        if place == ask and kind in ("tree", call):
            tries.append(time.monotonic())
            if len(tries) <= 4:
                if kind == "one":
                    raise OSError(errno.EIO, "Input/output error")
                return iter([(UNREADABLE, folder.path, errno.EIO)])
        return real(place, kind, *given, **more)

    monkeypatch.setattr(shop.folders.filesystems, "call", sick)
    if call == "one":
        shop.reconciler.look_at(path)
    else:
        shop.compare()
    within(30, lambda: (found := shop.catalog.get(path)) is not None and found.size == 7)
    if call == "tree":
        assert tries[4] - tries[0] >= 0.5  # 0.05, 0.1, 0.2 and 0.4 s, from when each ended


def test_a_defect_in_one_folder_is_not_tried_all_the_time(
    hasty: None, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try compares every folder; they become rarer; when it is gone the folder is compared."""
    shop.add(tmp_path / "good")
    bad = shop.add(tmp_path / "bad")
    tries, compare, gone = list[float](), shop.reconciler.comparer.tree, threading.Event()

    def odd(folder: Folder, tree: bytes) -> None:
        if folder.id == bad.id and not gone.is_set():
            tries.append(time.monotonic())
            raise RuntimeError("an unknown defect")
        compare(folder, tree)

    monkeypatch.setattr(shop.reconciler.comparer, "tree", odd)
    shop.reconciler.start()
    within(30, lambda: len(tries) > 5)
    assert tries[5] - tries[0] >= 1.0  # 0.05, 0.1, 0.2, 0.4 and 0.8 s
    gone.set()
    shop.compare()
    assert len(list(shop.catalog.below(bad.path))) == 3


@pytest.mark.parametrize("asked", [True, False])
def test_a_slow_comparison_delays_only_its_own_file_system(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    """It may take hours. Others are compared on request, and at the usual interval."""
    compare, goes_on, begun = shop.reconciler.comparer.tree, threading.Event(), list[bytes]()
    local = shop.add(tmp_path / "local")
    shop.reconciler.set_pace(0.0, 3600.0 if asked else 0.1)
    with shared(tmp_path) as share:
        slow = shop.folders.add(bytes(share.point))

        def hesitating(folder: Folder, tree: bytes) -> None:
            if folder.id == slow.id:
                begun.append(tree)
                assert goes_on.wait(60)
            compare(folder, tree)

        monkeypatch.setattr(shop.reconciler.comparer, "tree", hesitating)
        shop.reconciler.start()
        within(30, lambda: bool(begun) and shop.catalog.get(local.path + b"/0.jpg") is not None)
        (tmp_path / "local" / "new.jpg").write_bytes(b"new")
        requests = [shop.reconciler.request() for _ in range(3 if asked else 0)]
        within(30, lambda: shop.catalog.get(local.path + b"/new.jpg") is not None)
        assert not shop.reconciler.compared
        assert not any(request.is_set() for request in requests)
        assert begun == [slow.path]
        goes_on.set()
        within(30, lambda: shop.reconciler.compared)
        assert all(request.wait(60) for request in requests)
        shop.reconciler.stop()


def test_a_catalog_that_cannot_be_read_is_not_tried_all_the_time(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread waits between two tries, although a comparison is due."""
    folder = shop.add(tmp_path / "photos")
    real, tries = shop.folders.all, list[float]()

    def refuse() -> list[Folder]:
        if threading.current_thread() is not shop.reconciler or len(tries) >= 5:
            return real()
        tries.append(time.monotonic())
        raise StorageError("the catalog cannot be read", remedy="wait")

    monkeypatch.setattr(reconciler, "FAILED_SECONDS", 0.1, raising=False)
    monkeypatch.setattr(shop.folders, "all", refuse)
    shop.reconciler.start()
    within(30, lambda: shop.catalog.get(folder.path + b"/0.jpg") is not None)
    assert tries[4] - tries[0] >= 0.4


def test_a_failure_counts_while_others_are_still_queued(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was lost: the round counted as complete, and the pauses did not grow."""
    bad, good, last = (shop.add(tmp_path / name) for name in ("bad", "good", "last"))
    compare, went_on = shop.reconciler.comparer.tree, threading.Event()
    below, calls = shop.folders.filesystems.mounts_below, list[bytes]()

    def odd(folder: Folder, tree: bytes) -> None:
        if folder.id == bad.id:
            raise RuntimeError("an unknown defect")
        went_on.set()
        compare(folder, tree)

    def late(path: bytes) -> Any:
        if threading.current_thread() is shop.reconciler:
            calls.append(path)
            if path == last.path and calls.count(path) == 2:  # the first one is about silence
                assert went_on.wait(60)
        return below(path)

    monkeypatch.setattr(shop.reconciler.comparer, "tree", odd)
    monkeypatch.setattr(shop.folders.filesystems, "mounts_below", late)
    shop.reconciler.start()
    shop.compare()
    assert not shop.reconciler.compared
    assert len(list(shop.catalog.below(good.path))) == 3


def test_a_thread_that_cannot_be_started_is_missed_for_a_while(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system had no room for it; nothing was compared any more, and nothing stopped."""
    begin, refused = threading.Thread.start, list[str]()

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("compare") and len(refused) < 2:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setattr(reconciler, "RETRY_SECONDS", 0.05)
    folder = shop.add(tmp_path / "photos")
    shop.reconciler.start()
    shop.compare()
    assert len(refused) == 2
    assert len(list(shop.catalog.below(folder.path))) == 3


def test_only_a_retry_that_failed_doubles_the_pause() -> None:
    """A busy folder is compared often; one unreadable place in it would wait for minutes."""
    unread = reconciler.UnreadPlaces(0.05, 300.0)
    for _ in range(10):
        assert unread.note(b"/p", [b"/p/a"])
    within(10, lambda: unread.take_due() == [b"/p/a"])
    unread.note(b"/p", [b"/p/a"])
    assert unread.take_due() == []
    within(10, lambda: unread.take_due() == [b"/p/a"])
    assert not unread.note(b"/p", [])
