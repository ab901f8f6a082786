"""A share that needs a second for each answer is alive, however many of them a call needs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import Shape
from photosd.decode.pool import Pool
from photosd.watch.filesystem import NotAnswering
from photosd.watch.filesystems import Filesystems
from tests.household import bodies
from tests.watch.hangfs import shared

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
DEPTH = 6
SHAPE = Shape(32)


def within(seconds: float, condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_call_may_need_many_answers(tmp_path: Path) -> None:
    """Each directory of a path is one, and two callers wait for one another."""
    with shared(tmp_path) as share, Filesystems() as filesystems:
        deep = Path("a", *["b"] * DEPTH)
        (share.source / deep).mkdir(parents=True)
        (share.source / deep / "1.jpg").write_bytes(b"1")
        path = bytes(share.point / deep / "1.jpg")
        share.hang("slow")
        found: list[object] = []

        def ask(long: bool) -> None:
            try:
                found.extend(filesystems.call(path, "file", path, long=long))
            except NotAnswering as error:
                found.append(error)

        threads = [threading.Thread(target=ask, args=(long,)) for long in (True, False)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [item[0] for item in found if isinstance(item, list)] == [path, path]
        assert not filesystems.silent(path)
        share.hang("all")
        begun = time.monotonic()

        def silent() -> bool:
            filesystems.start_check(bytes(share.point))
            return filesystems.silent(path)

        within(60, silent)
        assert time.monotonic() - begun > 3
        share.hang("slow")
        within(30, lambda: not filesystems.silent(path))


def test_a_photo_is_read_for_as_long_as_it_comes(tmp_path: Path) -> None:
    """The limit for reading is that of a disk."""
    with shared(tmp_path) as share, Filesystems() as filesystems:
        (share.source / "1.png").write_bytes(bodies.fresh("png", 1))
        share.hang("slow")
        pool = Pool(1, DecodeLimits(read_seconds=4.0), filesystems)
        pool.start()
        try:
            decoded = pool.decode(bytes(share.point / "1.png"), SHAPE).result(60)
        finally:
            pool.stop()
        assert decoded.size == (share.source / "1.png").stat().st_size
