"""The work list of a model switch comes to its end, whatever happens to photos meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photosd.index.photo import Photo
from photosd.index.reencoding import ReencodingList
from photosd.watch.scanner import Entry
from tests.index.test_pipeline import Bench, wait_for

PHOTOS = 6


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Photos that one model has indexed."""
    bench = Bench(tmp_path)
    for number in range(PHOTOS):
        bench.add(f"{number}.jpg", bytes([number]) * (100 + number))
    bench.pipeline.start()
    bench.settle()
    bench.pipeline.stop()
    return bench


@pytest.fixture
def fill(bench: Bench) -> Iterator[ReencodingList]:
    fill = ReencodingList(bench.database, "other")
    yield fill
    fill.close()


def finish(bench: Bench, fill: ReencodingList, photos: list[Photo]) -> None:
    """The next model has these."""
    bench.contents.record("other", [(photo.content or "", {}) for photo in photos])
    fill.done([(entry(photo), photo.content or "") for photo in photos])


def entry(photo: Photo) -> Entry:
    return Entry(photo.path, photo.size, photo.mtime_ns, photo.inode, photo.device)


def delete(bench: Bench, photo: Photo) -> None:
    bench.catalog.forget([photo.path])


def take_away(bench: Bench, _photo: Photo) -> None:
    with bench.database.write() as db:
        db.execute("UPDATE folders SET state = 'offline'")


@pytest.mark.parametrize("vanish", [delete, take_away])
def test_a_photo_that_was_put_off_and_vanished_is_not_waited_for(
    bench: Bench, fill: ReencodingList, vanish: Callable[[Bench, Photo], None]
) -> None:
    """It was deleted, or its disk disconnected: the switch never ended, and all photos were looked
    through a hundred times a second.
    """
    first, *others = fill.due(256)
    fill.postpone(first, time.time() + 0.01)
    finish(bench, fill, others)
    vanish(bench, first)
    wait_for(lambda: fill.due(256) == [] and fill.exhausted())
    assert fill.left() == 0 and fill.next_due() is None


def test_a_photo_that_was_put_off_is_waited_for(bench: Bench, fill: ReencodingList) -> None:
    """Until it is due, and while it is with the pipeline."""
    first, *others = fill.due(256)
    fill.postpone(first, time.time() + 0.2)
    finish(bench, fill, others)
    assert fill.due(256) == [] and not fill.exhausted()
    wait_for(lambda: fill.due(256) == [first])
    assert not fill.exhausted()
    finish(bench, fill, [first])
    wait_for(lambda: fill.due(256) == [] and fill.exhausted())


def test_a_photo_whose_bytes_are_others_now_is_read_once(
    bench: Bench, fill: ReencodingList
) -> None:
    """Size and time are the same, as after `exiftool -P`, or on a failing disk. Its former content
    was left without end, and the photo was read again and again; the work list finds what it is.
    """
    first, *others = fill.due(256)
    finish(bench, fill, others)
    bench.contents.record("other", [("other bytes", {})])
    fill.done([(entry(first), "other bytes")])
    wait_for(lambda: fill.due(256) == [] and fill.exhausted())
    assert fill.left() == 0
