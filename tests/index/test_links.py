"""Links to photos: no event names a link when the file that it leads to changes."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from photosd.index.comparer import Comparer
from photosd.index.comparison import EMPTY
from photosd.index.folders import Folder
from photosd.index.reconciler import MAX_LINKS, together
from photosd.watch.filesystem import Filesystem, NotAnswering
from photosd.watch.folder_state import away
from photosd.watch.hints import Hint
from photosd.watch.inodes import STABLE
from photosd.watch.mounts import Mount, mount_of, mounts
from photosd.watch.scanner import Entry
from tests.index.test_reconciler import Shop, within
from tests.watch.hangfs import shared

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

    def count_compared(self) -> list[bytes]:
        """Paths that are compared singly from now on."""
        return count_compared(self.shop)

    def hint(self, kind: str, path: Path) -> None:
        self.shop.watcher.hints.put(Hint(kind, bytes(path)))  # type: ignore[arg-type]

    def size(self, path: Path) -> int:
        photo = self.shop.catalog.get(bytes(path))
        return -1 if photo is None or photo.state == "gone" else photo.size


def count_compared(shop: Shop) -> list[bytes]:
    """Paths that are compared singly from now on."""
    compared: list[bytes] = []
    original = shop.reconciler.comparer.paths

    def recorded(paths: Iterable[bytes]) -> None:
        compared.extend(paths)
        original(paths)

    shop.reconciler.comparer.paths = recorded  # type: ignore[method-assign]
    return compared


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


def test_a_link_to_a_photo_that_is_deleted_and_written_again(album: Album) -> None:
    """The link was deleted from the catalog meanwhile, and the photo has another inode number."""
    album.fill(1)
    photo, link = album.photos / "0.jpg", album.links / "to 0.jpg"
    kept = photo.with_suffix(".kept")
    os.link(photo, kept)  # so that its number is not used again
    photo.unlink()
    album.hint("path", photo)
    within(60, lambda: album.size(link) == -1)
    within(60, lambda: not album.shop.reconciler.busy())
    photo.write_bytes(b"another photo")
    album.hint("path", photo)
    within(60, lambda: album.size(link) == 13)


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_a_photo_without_a_result_that_changes(album: Album, state: str) -> None:
    """Its links are compared too, and each of them a few times only."""
    album.fill(2)
    with album.shop.database.write() as db:
        db.execute("UPDATE photos SET state = ?", (state,))
    compared = album.count_compared()
    for photo in (album.photos / "0.jpg", album.photos / "1.jpg"):
        photo.write_bytes(b"now it is whole")
        album.hint("path", photo)
    links = [album.links / f"to {number}.jpg" for number in range(2)]
    within(60, lambda: [album.size(link) for link in links] == [15, 15])
    within(60, lambda: not album.shop.reconciler.busy())
    time.sleep(0.5)
    assert len(compared) <= 8


@pytest.mark.parametrize("code", ["catalog", None])
def test_photos_that_stay_as_they_are_are_not_compared_again(
    album: Album, code: str | None
) -> None:
    """A row that cannot be written, and one that waits for its hash with its former number."""
    album.fill(1)
    photo = album.photos / "0.jpg"
    with album.shop.database.write() as db:
        if code is None:
            db.execute("UPDATE photos SET state = 'failed', inode = 7")
        else:
            db.execute("UPDATE photos SET state = 'failed', size = 7, code = ?", (code,))
            db.execute(
                "CREATE TRIGGER full BEFORE UPDATE OF size ON photos"
                " BEGIN SELECT RAISE(ABORT, 'too large'); END"
            )
    compared = album.count_compared()
    album.hint("path", photo)
    within(60, lambda: bool(compared))
    time.sleep(1.0)
    assert len(compared) <= 3


def test_a_link_to_a_silent_share_holds_up_no_photo_beside_it(tmp_path: Path) -> None:
    """Both are named by events at the same time. The link is compared again later."""
    with shared(tmp_path) as share:
        shop = Shop(tmp_path)
        (share.source / "a.jpg").write_bytes(b"a")
        local = tmp_path / "local"
        shop.add(local, 0)
        link, new = local / "link.jpg", local / "new.jpg"
        link.symlink_to(share.point / "a.jpg")
        shop.reconciler.start()
        shop.compare()
        share.hang("all")
        new.write_bytes(b"new")
        compared = count_compared(shop)
        for path in (link, new):
            shop.watcher.hints.put(Hint("path", bytes(path)))
        within(30, lambda: shop.catalog.get(bytes(new)) is not None)
        known = shop.catalog.get(bytes(link))
        assert known is not None and known.state != "gone"
        time.sleep(1.0)
        assert len(compared) <= 6
        share.hang()
        shop.close()


@pytest.mark.parametrize(
    ("links", "directories", "tried"),
    [
        (MAX_LINKS, 1, MAX_LINKS),
        (MAX_LINKS + 1, 1, 1),
        (MAX_LINKS + 1, 2, 2),
        (MAX_LINKS + 1, MAX_LINKS + 1, 1),
    ],
)
def test_many_links_that_cannot_be_read_are_tried_together(
    tmp_path: Path, links: int, directories: int, tried: int
) -> None:
    """A comparison of each alone, while a share is silent, would delay other folders by minutes."""
    shop = Shop(tmp_path)
    folder = shop.add(tmp_path / "album", 0)
    names = {b"%s/%d/%d.jpg" % (folder.path, n % directories, n): folder for n in range(links)}
    trees = together(names)
    assert len(trees) == tried
    assert all(name.startswith(tuple(trees)) for name in names)
    whole = together({folder.path: folder, **names})
    assert all(tree.startswith(folder.path) for tree in whole)
    shop.close()


def test_a_folder_whose_photos_have_links_counts_as_emptied(album: Album) -> None:
    """The links are no photos that were moved: they lead nowhere. The photos are kept."""
    album.fill(5)
    local = album.photos.parent
    for number in range(3):
        (local / f"{number}.jpg").unlink()
    album.shop.compare()
    with album.shop.database.write() as db:
        db.execute("DELETE FROM photos WHERE state = 'gone'")
    for photo in album.photos.iterdir():
        photo.unlink()
    album.hint("subtree", album.photos)
    within(60, lambda: any(not folder.present for folder in album.shop.folders.all()))
    assert all(album.size(album.photos / f"{number}.jpg") == 1 for number in range(5))


@pytest.mark.parametrize("where", ["moved before", "album in the folder", "unreadable"])
def test_a_folder_that_lost_its_photos_and_kept_links(album: Album, where: str) -> None:
    """It counts as emptied, although one photo was moved away earlier, some links are in the folder
    itself, or one of them cannot be read.
    """
    album.fill(5)
    local = album.photos.parent
    if where == "moved before":
        (local / "0.jpg").rename(album.links / "0.jpg")
    elif where == "album in the folder":
        (local / "inside").mkdir()
        for number in range(5):
            (local / f"inside/{number}.jpg").symlink_to(f"../2023/{number}.jpg")
    else:
        refuse_one(album.shop, b"/to 0.jpg")
    for photo in local.glob("*.jpg"):
        photo.unlink()
    album.shop.compare()
    with album.shop.database.write() as db:
        db.execute("UPDATE photos SET gone_at = gone_at - 86400 WHERE state = 'gone'")
    for photo in album.photos.iterdir():
        photo.unlink()
    album.hint("subtree", album.photos)
    whole = next(one for one in album.shop.folders.all() if one.contains(bytes(local)))
    within(30, lambda: not album.shop.folders.at(whole.path).present)  # type: ignore[union-attr]
    assert all(album.size(album.photos / f"{number}.jpg") == 1 for number in range(5))


def refuse_one(shop: Shop, name: bytes) -> None:
    """The link that ends so cannot be followed."""
    filesystems = shop.folders.filesystems
    entry = filesystems.entry

    def refuse(path: bytes, known: dict[bytes, bytes] | None = None) -> Entry | None:
        if path.endswith(name):
            raise PermissionError(errno.EACCES, "no", path)
        return entry(path, known)

    filesystems.entry = refuse  # type: ignore[method-assign]


def test_a_disk_in_a_share_that_is_silent_is_tried_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the share holds up its comparison: it is repeated with pauses, not all the time."""
    shop, unread = Shop(tmp_path), list[bytes]()
    folder = shop.add(tmp_path / "share", 1)
    inside = folder.path + b"/disk"
    other = Mount(inside, "ext4", "", "0:77")
    filesystems = shop.folders.filesystems
    of = filesystems.of
    comparer = Comparer(
        shop.catalog,
        shop.folders,
        filesystems,
        Mock(recognised=Mock(return_value=False)),
        lambda: None,
        lambda: False,
        lambda tree, _places: unread.append(tree),
    )
    disk = Filesystem(other, Mock(), threading.Event(), threading.Event())
    monkeypatch.setattr(
        filesystems, "of", lambda path: disk if path.startswith(inside) else of(path)
    )

    def silent(path: bytes) -> tuple[int, int]:
        raise NotAnswering(path)

    monkeypatch.setattr(filesystems, "look", silent)
    comparer.tree(folder, inside)
    assert unread == [inside]
    with pytest.raises(NotAnswering):
        comparer.tree(folder, folder.path)
    shop.folders.update(folder, away(other, f"{EMPTY}: all photos are gone", ""))
    comparer.paths([inside + b"/a.jpg"])
    assert unread == [inside, inside + b"/a.jpg"]
    with pytest.raises(NotAnswering):
        comparer.paths([folder.path + b"/a.jpg"])
    shop.close()


@pytest.mark.parametrize("most", [2, 1])
def test_links_that_were_made_before_their_photos(
    album: Album, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """They are found when the photos are, as many as are remembered; the others at a rescan."""
    monkeypatch.setattr("photosd.index.comparer.MAX_AWAITED", most)
    album.photos.mkdir()
    photos = [album.photos / f"{number}.jpg" for number in range(2)]
    for number, photo in enumerate(photos):
        (album.links / f"to {number}.jpg").symlink_to(f"../local/2023/{photo.name}")
    album.shop.compare()
    assert album.there() == 0
    compared = album.count_compared()
    for photo in photos:
        photo.write_bytes(b"now")
        album.hint("path", photo)
    within(30, lambda: album.there() == most)
    within(30, lambda: not album.shop.reconciler.busy())
    assert len(compared) == 2 + most
    album.shop.compare()
    assert album.there() == 2


def test_a_link_to_a_name_that_is_too_long(album: Album) -> None:
    """What is wrong is said; no permission is."""
    (album.links / "a.jpg").symlink_to("x" * 300 + ".jpg")
    album.shop.compare()
    found = [album.shop.reconciler.comparer.unreadable(f.id) for f in album.shop.folders.all()]
    (said,) = filter(None, found)
    assert "too long" in said.reason and "shorten" in said.remedy


def test_files_that_get_the_numbers_of_deleted_ones(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restored backup: the comparison that finds them compares no directory twice."""
    album.fill(2 * MAX_LINKS)
    with album.shop.database.write() as db:
        numbers = [inode for (inode,) in db.execute("SELECT inode FROM photos ORDER BY path")]
        paths = [path for (path,) in db.execute("SELECT path FROM photos ORDER BY path DESC")]
        swapped = zip(numbers, paths, strict=True)
        db.executemany("UPDATE photos SET inode = ?, state = 'gone' WHERE path = ?", swapped)
    monkeypatch.setattr("photosd.index.comparer.BATCH", 16)
    trees, compare = set[bytes](), album.shop.reconciler.comparer.tree

    def recorded(folder: Folder, tree: bytes) -> None:
        trees.add(tree)
        compare(folder, tree)

    album.shop.reconciler.comparer.tree = recorded  # type: ignore[method-assign]
    album.shop.compare()
    within(60, lambda: album.there() == 2 * MAX_LINKS)
    within(60, lambda: not album.shop.reconciler.busy())
    assert trees == {bytes(album.photos.parent), bytes(album.links)}
