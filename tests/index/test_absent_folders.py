"""A folder that could not be read once is compared again, without an event."""

from __future__ import annotations

import errno
import os
import queue
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from photosd.decode.decode_errors import NotDelivered
from photosd.index import reconciler
from photosd.watch.hints import Hint
from tests.index.test_pipeline import Bench
from tests.index.test_reconciler import Shop, shop, within

__all__ = ["shop"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (OSError(errno.EIO, "Input/output error"), "offline"),
        (FileNotFoundError(), "offline"),
        (PermissionError(), "no_permission"),
    ],
)
def test_a_folder_that_could_not_be_read_once_comes_back(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, state: str
) -> None:
    """On a local disk, where the watcher has seen nothing; what was added meanwhile is found."""
    monkeypatch.setattr(reconciler, "RETRY_SECONDS", 0.05)
    folder = shop.add(tmp_path / "photos")
    with monkeypatch.context() as patch:
        patch.setattr(shop.folders.filesystems, "look", Mock(side_effect=error))
        shop.reconciler.start()
        shop.compare()
        assert shop.folders.all()[0].state == state
        assert shop.catalog.get(folder.path + b"/0.jpg") is None
    within(30, lambda: shop.folders.all()[0].present)
    within(30, lambda: shop.catalog.get(folder.path + b"/0.jpg") is not None)


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.EHOSTDOWN, errno.ENXIO, errno.EAGAIN])
def test_a_link_whose_disk_could_not_be_asked_is_compared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As its remedy says, without a rescan: the server of a share was away, or threads."""
    monkeypatch.setattr(reconciler, "RETRY_SECONDS", 0.1)
    shop = Shop(tmp_path)
    try:
        folder, target = shop.add(tmp_path / "photos"), tmp_path / "target.jpg"
        target.write_bytes(b"target")
        (tmp_path / "photos" / "link.jpg").symlink_to(target)
        follow, refused = shop.folders.filesystems.entry, list[bytes]()

        def entry(path: bytes, *arguments: Any) -> Any:
            if not refused:
                refused.append(path)
                raise OSError(number, os.strerror(number), path)
            return follow(path, *arguments)

        monkeypatch.setattr(shop.folders.filesystems, "entry", entry)
        shop.reconciler.start()
        shop.compare()
        assert refused == [folder.path + b"/link.jpg"]
        within(30, lambda: shop.catalog.get(refused[0]) is not None)
    finally:
        shop.close()


def test_nothing_waits_for_a_pending_photo_whose_disk_is_away(shop: Shop, tmp_path: Path) -> None:
    """As a disk that was mounted below the folder: it was tried every five seconds, and
    `photosd index --wait` did not end. Once it is back it is due at once.
    """
    folder = shop.add(tmp_path / "photos")
    shop.reconciler.start()
    shop.compare()
    file = tmp_path / "photos" / "0.jpg"
    kept = file.rename(tmp_path / "kept.jpg")
    with shop.database.write() as db:
        db.execute("UPDATE photos SET place = 99, device = 99 WHERE path = ?", (bytes(file),))
    shop.reconciler.look_at(bytes(file))
    within(30, lambda: bytes(file) not in {photo.path for photo in shop.worklist.due(9)})
    photo = shop.catalog.get(bytes(file))
    assert photo is not None and photo.state == "pending"
    assert shop.catalog.has_pending(folder.id)
    with shop.database.write() as db:
        db.execute("UPDATE photos SET state = 'indexed', due = NULL WHERE path <> ?", (photo.path,))
    assert not shop.catalog.has_pending(folder.id)
    kept.rename(file)
    shop.compare()
    assert shop.catalog.has_pending(folder.id)
    assert [photo.path for photo in shop.worklist.due(9)] == [bytes(file)]


def test_nothing_waits_for_a_photo_on_a_silent_disk(tmp_path: Path) -> None:
    """One that is mounted below a folder that is there."""
    bench = Bench(tmp_path)
    bench.pool.decode_now = silent  # type: ignore[assignment, method-assign]
    bench.add("a.jpg", b"a")
    bench.pipeline.start()
    within(30, lambda: not bench.catalog.has_pending(1) and bench.pipeline.idle())
    assert bench.catalog.counts()[1] == {"pending": 1}
    bench.pipeline.stop()


def silent(_path: bytes) -> Any:
    raise NotDelivered


class Hints(queue.SimpleQueue[Hint]):
    """Notes how long it was waited for the next hint."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def get(self, block: bool = True, timeout: float | None = None) -> Hint:
        self.waits.append(-1.0 if timeout is None else timeout)
        return super().get(block, timeout)


def test_a_folder_that_was_absent_and_is_silent_now_keeps_no_core_busy(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its share answered, the time of its next comparison was past, and always due."""
    monkeypatch.setattr(reconciler, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(reconciler, "TURN_SECONDS", 0.05)
    shop.add(tmp_path / "photos")
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    shop.watcher.hints = hints = Hints()
    comparer = Mock(wraps=shop.reconciler.comparer.tree)
    monkeypatch.setattr(shop.reconciler.comparer, "tree", comparer)
    shop.reconciler.start()
    shop.compare()
    within(30, lambda: comparer.call_count > 2)  # it is compared again and again
    monkeypatch.setattr(shop.folders.filesystems, "silent", lambda _path: True)
    within(30, lambda: "not answering" in (shop.folders.all()[0].reason or ""))
    begun = len(hints.waits)
    within(30, lambda: len(hints.waits) > begun + 100)
    assert max(hints.waits[begun + 50 :]) > 0


def test_an_emptied_folder_is_compared_again_without_an_event(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison after the event may have failed, as of a disk with errors."""
    monkeypatch.setattr(reconciler, "RETRY_SECONDS", 0.05)
    place, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    folder = shop.add(place)
    shop.reconciler.start()
    shop.compare()
    elsewhere.mkdir()
    for file in list(place.iterdir()):
        file.rename(elsewhere / file.name)
    shop.compare()

    def state() -> str:
        return next(one.state for one in shop.folders.all() if one.id == folder.id)

    assert state() == "offline"
    for file in list(elsewhere.iterdir()):
        file.rename(place / file.name)
    within(30, lambda: state() == "ok")
