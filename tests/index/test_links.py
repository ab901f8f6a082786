"""Links to photos: no event names a link when the file that it leads to changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.index.reconciler import MAX_LINKS
from photosd.watch.hints import Hint
from tests.index.test_reconciler import Shop, within


class Album:
    """A folder of photos, and another one with links to them."""

    def __init__(self, directory: Path) -> None:
        self.shop = Shop(directory)
        self.photos, self.links = directory / "local" / "2023", directory / "album"
        self.shop.add(directory / "local")
        self.shop.add(self.links, 0)
        self.shop.reconciler.start()

    def fill(self, count: int) -> None:
        """So many photos, with a link to each."""
        self.photos.mkdir()
        for number in range(count):
            (self.photos / f"{number}.jpg").write_bytes(b"%d" % number)
            (self.links / f"to {number}.jpg").symlink_to(self.photos / f"{number}.jpg")
        self.shop.compare()

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
