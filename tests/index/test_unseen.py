"""Which known photos a comparison does not find."""

from __future__ import annotations

import tracemalloc

from photosd.index.unseen import Unseen


def _paths(first: int, last: int) -> list[bytes]:
    return [b"/photos/2019/IMG_%06d.jpg" % number for number in range(first, last)]


def test_the_rest_is_what_was_known_and_not_seen() -> None:
    """Files that were seen and not known do not matter, nor does seeing one twice."""
    unseen = Unseen(_paths(0, 5000))
    assert len(unseen) == 5000
    unseen.mark_seen(_paths(10, 4000))
    unseen.mark_seen(_paths(3000, 6000))
    assert unseen.rest() == {hash(path) for path in _paths(0, 10)}


def test_nothing_known_nothing_missing() -> None:
    """The first comparison of a folder knows no photo."""
    unseen = Unseen([])
    unseen.mark_seen(_paths(0, 10))
    assert not unseen.rest()


def test_a_known_path_takes_sixteen_bytes() -> None:
    """A library of a million photos takes 16 MB, not a gigabyte of rows."""
    tracemalloc.start()
    try:
        unseen = Unseen(iter(_paths(0, 50_000)))
        unseen.mark_seen(iter(_paths(0, 50_000)))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not unseen.rest()
    assert held < 50_000 * 24  # arrays grow by an eighth ahead
