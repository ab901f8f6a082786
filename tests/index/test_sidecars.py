"""Sidecars are inputs of the facts: one that comes, changes or goes is read, nothing else is."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from photosd.decode import facts
from photosd.decode.decode_errors import DecodeFailed
from photosd.index.reconciler import Reconciler
from photosd.index.sidecars import AT_ONCE, COPIES, Sidecars, merge
from photosd.watch.watcher import Watcher
from tests.index.shelf import Shelf

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="%d"/></rdf:RDF></x:xmpmeta>'
)


class Pool:
    """Reads in this process."""

    def __init__(self) -> None:
        self.read = 0
        self.broken = False
        self.deadly = b""  # a file that kills a decoder

    def sidecars(self, photo: bytes, files: Sequence[Sequence[bytes]]) -> Future[Any]:
        future: Future[Any] = Future()
        self.read += len(files)
        if self.broken or any(self.deadly in one for one in files):
            future.set_exception(DecodeFailed("slow_disk", "odd"))
            return future
        future.set_result([_facts(one) for one in files])
        return future


def _facts(files: Sequence[bytes]) -> Any:
    try:
        return facts.of_sidecars(files)
    except OSError:
        return None


class Rated(Shelf):
    """With sidecars, which the reconciler compares."""

    def __init__(self, directory: Path, kind: str = "ext4") -> None:
        super().__init__(directory, kind)
        self.pool, self.told = Pool(), 0
        self.sidecars = Sidecars(self.database, self.pool, self._told)
        self.reconciler = Reconciler(
            self.catalog,
            self.folders,
            Watcher(directory / "probe"),
            settle_seconds=0,
            rescan_seconds=999,
            is_embedded=lambda content: self.contents.has_embedding("m", content),
            on_work=lambda: None,
        )

    def _told(self) -> None:
        self.told += 1

    def rate(self, name: str, stars: int) -> None:
        self.write(name, (XMP % stars).encode(), at=None)

    def rating(self, name: str) -> int | None:
        """What filters and people see."""
        content = self.content(name) or ""
        return self.contents.facts_of([content])[content].get("rating")

    def settle(self) -> None:
        super().settle()
        self.read_sidecars()

    def read_sidecars(self) -> None:
        while self.sidecars.turn():
            pass
        assert self.sidecars.idle()


@pytest.fixture
def shelf(tmp_path: Path) -> Rated:
    return Rated(tmp_path)


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp", "a.XMP", "a.jpg.XMP"])
def test_a_sidecar_comes_changes_and_goes(shelf: Rated, name: str) -> None:
    """Each time the rating follows; the photo is read once, when it came."""
    shelf.write("a.jpg")
    shelf.settle()
    assert shelf.rating("a.jpg") == 1
    for stars in (5, 4, 0):
        shelf.rate(name, stars)
        shelf.settle()
        assert shelf.rating("a.jpg") == stars
    (shelf.root / name).unlink()
    shelf.settle()
    assert shelf.rating("a.jpg") == 1
    assert shelf.read == ["a.jpg"]
    assert shelf.told >= 4
    with shelf.database.read() as db:
        assert db.execute("SELECT own FROM contents").fetchone()[0] is None  # no second copy
        assert db.execute("SELECT count(*) FROM sidecars").fetchone()[0] == 0


def test_tables_are_updated(shelf: Rated) -> None:
    """The columns that filters use are updated."""
    shelf.write("a.jpg")
    shelf.settle()
    shelf.contents.labels_written(
        "m", {shelf.content("a.jpg") or "": [bytes(shelf.root / "a.jpg")]}
    )
    assert not shelf.contents.labels_due("m", 9)
    shelf.rate("a.xmp", 5)
    shelf.settle()
    (held,) = shelf.contents.labels_due("m", 9)
    assert held.facts == {"width": 3, "rating": 5}


def test_a_sidecar_that_was_there_first_counts(shelf: Rated) -> None:
    """And one of a photo that comes back, or is read again, or has another content now."""
    shelf.rate("a.xmp", 5)
    shelf.write("a.jpg")
    shelf.settle()
    assert shelf.rating("a.jpg") == 5
    shelf.catalog.read_again(None)
    shelf.settle()
    assert shelf.rating("a.jpg") == 5
    shelf.write("a.jpg", b"another", at=1_100_000_000)
    shelf.settle()
    assert shelf.rating("a.jpg") == 5
    (shelf.root / "a.jpg").rename(shelf.root / "aside")
    shelf.settle()
    (shelf.root / "aside").rename(shelf.root / "a.jpg")
    shelf.settle()
    assert shelf.rating("a.jpg") == 5


def test_a_photo_that_leaves_its_sidecar_loses_its_word(shelf: Rated) -> None:
    """Renamed alone it has none any more; renamed with it, it has."""
    shelf.rate("a.xmp", 5)
    shelf.write("a.jpg")
    shelf.settle()
    (shelf.root / "a.jpg").rename(shelf.root / "b.jpg")
    shelf.settle()
    assert shelf.rating("b.jpg") == 1
    (shelf.root / "a.xmp").rename(shelf.root / "b.xmp")
    shelf.settle()
    assert shelf.rating("b.jpg") == 5
    assert shelf.read == ["a.jpg"]


def test_two_photos_share_a_sidecar(shelf: Rated) -> None:
    """The raw file and the JPEG of one exposure; a name that only begins alike does not."""
    for number, name in enumerate(("a.jpg", "a.nef", "a.b.jpg", "ab.jpg")):
        shelf.write(name, b"%d" % number)
    shelf.settle()
    shelf.rate("a.xmp", 5)
    assert sorted(shelf.catalog.beside(bytes(shelf.root / "a.xmp"))) == [
        bytes(shelf.root / "a.jpg"),
        bytes(shelf.root / "a.nef"),
    ]
    shelf.reconciler.comparer.paths([bytes(shelf.root / "a.xmp")])
    shelf.read_sidecars()
    found = [shelf.rating(name) for name in ("a.jpg", "a.nef", "a.b.jpg", "ab.jpg")]
    assert found == [5, 5, 1, 1]


def test_a_sidecar_that_is_written_twice_in_two_seconds(tmp_path: Path) -> None:
    """On FAT its size and time may be the same; the hint has it read."""
    shelf = Rated(tmp_path, "vfat")
    shelf.write("a.jpg")
    shelf.rate("a.xmp", 3)
    os.utime(shelf.root / "a.xmp", (1e9, 1e9))
    shelf.settle()
    shelf.rate("a.xmp", 4)
    os.utime(shelf.root / "a.xmp", (1e9, 1e9))
    shelf.reconciler.comparer.paths([bytes(shelf.root / "a.xmp")])
    shelf.read_sidecars()
    assert shelf.rating("a.jpg") == 4


def test_one_that_cannot_be_read_is_read_later(shelf: Rated) -> None:
    """Indexing does not wait for it; the next comparison reads it."""
    shelf.write("a.jpg")
    shelf.rate("a.xmp", 5)
    shelf.pool.broken = True
    shelf.settle()
    assert shelf.rating("a.jpg") == 1
    shelf.pool.broken = False
    shelf.settle()
    assert shelf.rating("a.jpg") == 5


def test_a_folder_that_is_removed_leaves_nothing(shelf: Rated) -> None:
    """Nor do the facts of a copy elsewhere keep what its sidecar said."""
    shelf.write("a.jpg")
    shelf.rate("a.xmp", 5)
    shelf.settle()
    shelf.folders.remove(bytes(shelf.root))
    shelf.read_sidecars()
    with shelf.database.read() as db:
        assert db.execute("SELECT count(*) FROM sidecars").fetchone()[0] == 0


def test_many_sidecars_at_once_are_not_quadratic(shelf: Rated) -> None:
    """Four times as many take about four times as long, in one directory."""
    taken: Callable[[int], float] = lambda n: timed(shelf, n)  # noqa: E731
    taken(100)
    few, many = taken(500), taken(2000)
    assert many < 4 * few * 3, (few, many)


def timed(shelf: Rated, number: int) -> float:
    """CPU seconds to see and read so many sidecars, all changed since."""
    with shelf.database.write() as db:
        db.executemany(
            "INSERT OR IGNORE INTO photos(path, folder, size, mtime_ns, inode, device, place,"
            " content, state) VALUES(?, ?, 4, 0, 1, 1, 1, ?, 'indexed')",
            (
                (bytes(shelf.root / f"{number}-{n}.jpg"), shelf.folder.id, f"4-{number}-{n}")
                for n in range(number)
            ),
        )
        db.executemany(
            "INSERT INTO contents(content, facts) VALUES(?, '{}')",
            ((f"4-{number}-{n}",) for n in range(number)),
        )
    begun = time.process_time()
    for n in range(number):
        path = bytes(shelf.root / f"{number}-{n}.xmp")
        with shelf.catalog.batch() as db:
            for photo in shelf.catalog.beside(path):
                from photosd.index.sidecars import note

                note(db, photo, "0:1:1")
    shelf.read_sidecars()
    return time.process_time() - begun


def test_a_sidecar_that_goes_while_its_photo_changes_leaves_nothing(shelf: Rated) -> None:
    """One comparison sees both: the photo is pending, and has no sidecar any more."""
    for name in ("a", "b"):
        shelf.write(f"{name}.jpg", name.encode())
        shelf.rate(f"{name}.xmp", 5)
    shelf.settle()
    for name, data in (("a", b"a"), ("b", b"edited")):
        shelf.write(f"{name}.jpg", data, at=1_200_000_000)
        (shelf.root / f"{name}.xmp").unlink()
    shelf.settle()
    assert shelf.rating("a.jpg") == shelf.rating("b.jpg") == 1
    with shelf.database.read() as db:
        assert db.execute("SELECT count(*) FROM sidecars").fetchone()[0] == 0


@pytest.mark.parametrize("odd", ["pipe", "circle", "nowhere"])
def test_what_cannot_be_read_hides_no_other_sidecar(shelf: Rated, odd: str) -> None:
    """`a.jpg.xmp` comes first; where it is nothing to read, changes of `a.xmp` are seen."""
    shelf.write("a.jpg")
    first = shelf.root / "a.jpg.xmp"
    if odd == "pipe":
        os.mkfifo(first)
    else:
        first.symlink_to("a.jpg.xmp" if odd == "circle" else "/nowhere/at all.xmp")
    for stars in (2, 4):
        shelf.rate("a.xmp", stars)
        os.utime(shelf.root / "a.xmp", (stars, stars))
        shelf.settle()
        assert shelf.rating("a.jpg") == stars


def test_a_linked_sidecar_follows_its_target(shelf: Rated, tmp_path: Path) -> None:
    """Its change is seen at the next comparison of the folder, and read once."""
    shelf.write("a.jpg")
    target = tmp_path / "elsewhere.xmp"
    target.write_text(XMP % 2)
    (shelf.root / "a.xmp").symlink_to(target)
    root = bytes(shelf.root)
    for stars in (2, 4):
        target.write_text(XMP % stars)
        os.utime(target, (stars, stars))
        for _ in range(2):
            shelf.reconciler.comparer.tree(shelf.folder, root)
            shelf.work()
            shelf.read_sidecars()
        assert (shelf.rating("a.jpg"), shelf.pool.read) == (stars, stars // 2)
    target.unlink()
    shelf.reconciler.comparer.paths([root + b"/a.jpg"])
    shelf.read_sidecars()
    assert shelf.rating("a.jpg") == 1


def test_damaged_facts_stop_nothing(shelf: Rated) -> None:
    """Neither of a sidecar nor of a photo; other sidecars are read."""
    for name in ("a", "b"):
        shelf.write(f"{name}.jpg", name.encode())
        shelf.rate(f"{name}.xmp", 2)
    shelf.settle()
    with shelf.database.write() as db:
        db.execute("UPDATE sidecars SET facts = '{'")
        db.execute("UPDATE contents SET own = '{', facts = '{'")
    shelf.rate("b.xmp", 4)
    os.utime(shelf.root / "b.xmp", (4, 4))
    shelf.settle()
    assert shelf.rating("b.jpg") == 4
    shelf.contents.record("m", [(shelf.content("a.jpg") or "", {"width": 1})])


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EMFILE, errno.ESTALE])
def test_a_sidecar_that_the_disk_does_not_give_is_not_taken_for_empty(
    shelf: Rated, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """What it said last holds, and it is read again by itself."""
    shelf.write("a.jpg")
    shelf.rate("a.xmp", 2)
    shelf.settle()
    real = os.open

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if os.fsencode(path).endswith(b".xmp"):
            raise OSError(number, os.strerror(number), path)
        return real(path, *arguments, **options)

    with monkeypatch.context() as sick:
        sick.setattr(os, "open", refuse)
        shelf.rate("a.xmp.new", 4)
        (shelf.root / "a.xmp.new").rename(shelf.root / "a.xmp")
        os.utime(shelf.root / "a.xmp", (4, 4))
        shelf.settle()
        assert shelf.rating("a.jpg") == 2
    shelf.settle()
    assert shelf.rating("a.jpg") == 4


def test_one_that_cannot_be_read_hides_no_other(shelf: Rated) -> None:
    """A request is for many; one of them that kills a decoder is found."""
    for number in range(AT_ONCE + 2):
        shelf.write(f"{number:02}.jpg", b"%d" % number)
    shelf.settle()
    for number in range(AT_ONCE + 2):
        shelf.rate(f"{number:02}.xmp", 5)
    shelf.pool.deadly = bytes(shelf.root / "03.xmp")
    shelf.settle()
    names = [f"{number:02}.jpg" for number in range(AT_ONCE + 2)]
    assert [name for name in names if shelf.rating(name) != 5] == ["03.jpg"]
    shelf.pool.deadly = b""
    shelf.settle()
    assert shelf.rating("03.jpg") == 5


def test_while_a_share_is_slow_one_is_read_at_a_time(shelf: Rated) -> None:
    """Sixteen of them occupied every decoder."""
    futures: list[Future[Any]] = []
    unread: list[int] = []

    class SlowPool:
        def sidecars(self, photo: bytes, files: Sequence[Sequence[bytes]]) -> Future[Any]:
            future: Future[Any] = Future()
            futures.extend([future] * len(files))
            unread.append(sum(not one.done() for one in futures))
            threading.Timer(0.02, future.set_result, [list(map(_facts, files))]).start()
            return future

    for number in range(5):
        shelf.write(f"{number}.jpg")
    shelf.settle()
    for number in range(5):
        shelf.rate(f"{number}.xmp", 5)
    pool = SlowPool()
    shelf.sidecars = Sidecars(shelf.database, pool, lambda: None, slow=lambda: True)
    shelf.settle()
    assert unread == [1] * 5
    for number in range(5):
        shelf.rate(f"{number}.xmp", 4)
    shelf.sidecars = Sidecars(shelf.database, pool, lambda: None, slow=lambda: False)
    shelf.settle()
    assert max(unread) == 5


def test_the_sidecars_of_many_copies_are_merged(shelf: Rated) -> None:
    """In order of their paths; those of very many copies are not read all."""
    shelf.write("a.jpg")
    shelf.settle()
    content = shelf.content("a.jpg") or ""
    with shelf.database.write() as db:
        for number in range(COPIES + 1):
            facts = json.dumps({"rating": number, "tags": [f"tag {number}"]})
            row = (b"/%02d.jpg" % number, facts, content)
            db.execute("INSERT INTO sidecars(path, facts, content) VALUES(?, ?, ?)", row)
        merge(db, content)
    found = shelf.contents.facts_of([content])[content]
    assert found["rating"] == 0
    assert found["tags"] == [f"tag {number}" for number in range(COPIES)]


def test_metadata_that_cannot_be_read_is_listed(shelf: Rated) -> None:
    """While it cannot be; a text that looks like the list is none."""
    shelf.write("a.jpg")
    shelf.write("b.jpg", b"other")
    shelf.write("a.xmp", b"<broken")
    title = b'"unreadable":["exif"]'
    shelf.write("b.xmp", (XMP % 1).encode().replace(b'xmp:Rating="1"', b"xmp:Label='%s'" % title))
    shelf.settle()
    assert shelf.contents.unreadable() == [(bytes(shelf.root / "a.jpg"), ["sidecar"])]
    shelf.write("a.xmp", (XMP % 5).encode())
    shelf.settle()
    assert shelf.contents.unreadable() == []
