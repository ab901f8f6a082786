"""Photos of a slow folder are read one at a time, and those of others go before them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import cast

from photosd.index.leases import Leases, Stage, Supply
from photosd.index.photo import Photo
from photosd.index.worklist import Work

LOCAL, SLOW = 1, 2


def photo(number: int, folder: int, deaths: int = 0) -> Photo:
    path = b"/%d/%d.jpg" % (folder, number)
    return Photo(
        path, folder, 1, 0, number, 1, None, "pending", 0.0, 0, deaths, None, None, None, None
    )


class List:
    """A work list of these photos, the first first."""

    def __init__(self, photos: Iterable[Photo]) -> None:
        self.photos = list(photos)
        self.out: set[bytes] = set()

    def due(self, limit: int, without: Collection[int] = ()) -> list[Photo]:
        """As in the work list, what is in progress is still pending."""
        found = [one for one in self.photos if one.folder not in without][:limit]
        self.out |= {one.path for one in found}
        return found

    def release(self, paths: Iterable[bytes]) -> None:
        """They may be handed out again."""
        self.out.difference_update(paths)


def test_a_slow_folder_has_one_decoder() -> None:
    """More of them than are fetched at once come first on the list."""
    work = List([photo(n, SLOW) for n in range(1000)] + [photo(n, LOCAL) for n in range(3)])
    leases, slow = Leases(), set[int]()
    supply = Supply(cast(Work, work), leases, lambda: slow)
    first = supply.next()
    assert first is not None and first.folder == SLOW
    lease = leases.take(first)
    slow.add(SLOW)  # this shows when one is read
    found = []
    while (one := supply.next()) is not None:
        found.append(one.folder)
        leases.take(one)
    assert found == [LOCAL] * 3
    assert all(path in leases for path in work.out)
    leases.move(lease, Stage.READY)
    following = supply.next()
    assert following is not None and following.folder == SLOW
    leases.take(following)
    assert supply.next() is None
    slow.clear()
    assert supply.next() is not None


def test_a_photo_that_crashed_a_decoder_waits_until_nothing_is_in_progress() -> None:
    work, leases = List([photo(1, LOCAL, deaths=1), photo(2, LOCAL)]), Leases()
    supply = Supply(cast(Work, work), leases, tuple)
    lease = leases.take(photo(3, LOCAL))
    assert supply.next() is None
    assert not work.out
    leases.end(lease)
    assert supply.next() == work.photos[0]
    supply.give_back()
    assert work.out == {work.photos[0].path}
