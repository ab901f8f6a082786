"""Links to photos: no event names a link when the file that it leads to changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.index.reconciler import MAX_LINKS
from photosd.watch.hints import Hint
from photosd.watch.inodes import STABLE
from photosd.watch.mounts import mount_of, mounts
from tests.index.test_reconciler import Shop, within

BY_NUMBERS = "inode numbers identify no file here"


class Album:
    """A folder of photos, and another one with links to them."""

    def __init__(self, directory: Path) -> None:
        if mount_of(bytes(directory), mounts()).filesystem not in STABLE:
            pytest.skip(BY_NUMBERS)
        self.shop = Shop(directory)
        self.photos, self.links = directory / "local" / "2023", directory / "album"
        self.shop.add(directory / "local")
        self.shop.add(self.links, 0)
        self.shop.reconciler.start()

    def fill(self, count: int) -> None:
        """So many indexed photos, with a link to each."""
        self.photos.mkdir()
        for number in range(count):
            (self.photos / f"{number}.jpg").write_bytes(b"%d" % number)
            (self.links / f"to {number}.jpg").symlink_to(self.photos / f"{number}.jpg")
        self.shop.compare()
        with self.shop.database.write() as db:
            db.execute("UPDATE photos SET state = 'indexed' WHERE state = 'pending'")

    def there(self) -> int:
        """Links that count as existing."""
        return sum(1 for _ in self.shop.catalog.below(bytes(self.links)))

    def hint(self, kind: str, path: Path) -> None:
        self.shop.watcher.hints.put(Hint(kind, bytes(path)))  # type: ignore[arg-type]

    def size(self, path: Path) -> int:
        photo = self.shop.catalog.get(bytes(path))
        return -1 if photo is None or photo.state == "gone" else photo.size


@pytest.fixture
def album(tmp_path: Path) -> Iterator[Album]:
    album = Album(tmp_path)
    yield album
    album.shop.close()


@pytest.mark.parametrize("count", [3, MAX_LINKS + 20])
def test_links_into_a_renamed_folder(album: Album, count: int) -> None:
    """They lead nowhere, and are found again when the folder has its former name."""
    album.fill(count)
    other = album.photos.with_name("renamed")
    for before, after, links in ((album.photos, other, 0), (other, album.photos, count)):
        before.rename(after)
        album.hint("subtree", before)
        album.hint("subtree", after)
        within(60, lambda expected=links: album.there() == expected)  # type: ignore[misc]
        within(60, lambda: not album.shop.reconciler.busy())


def test_a_link_to_a_file_that_is_deleted_replaced_or_written(album: Album) -> None:
    """Each of them through an event of the file alone."""
    album.fill(3)
    links = [album.links / f"to {number}.jpg" for number in range(3)]
    deleted, replaced, written = (album.photos / f"{number}.jpg" for number in range(3))
    deleted.unlink()
    replaced.with_suffix(".new").write_bytes(b"another photo")
    replaced.with_suffix(".new").replace(replaced)
    written.write_bytes(b"more of it")
    for path in (deleted, replaced, written):
        album.hint("path", path)
    within(60, lambda: [album.size(link) for link in links] == [-1, 13, 10])


def test_numbers_that_a_file_system_makes_up_name_no_links(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a remount one photo may have the number that another one had: it is not read again."""
    album.fill(2)
    monkeypatch.setattr("photosd.watch.inodes.STABLE", frozenset())
    with album.shop.database.write() as db:
        db.execute("UPDATE photos SET inode = 7, state = 'indexed'")
    (album.photos / "1.jpg").write_bytes(b"another")
    album.hint("path", album.photos / "1.jpg")
    within(60, lambda: album.size(album.photos / "1.jpg") == 7)
    within(60, lambda: not album.shop.reconciler.busy())
    first = album.shop.catalog.get(bytes(album.photos / "0.jpg"))
    assert first is not None and first.state == "indexed"
