"""What counts as a duplicate, which one is to be kept, and that a group is no chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from photosd.index.copies import Copies
from photosd.index.ground import Ground
from photosd.index.table import Embedding
from photosd.ipc.messages import Coverage
from photosd.search.duplicates import ALIKE, BURST, UNRELATED, Duplicates, Group
from photosd.watch.scanner import Entry
from tests.search.test_engine import SPEC, Library

INODES = iter(range(1, 10_000))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


def add(
    library: Library,
    path: str,
    content: str,
    *,
    cosine: float | None = None,
    modified: int = 1,
    inode: int | None = None,
    folder: int = 1,
    **facts: object,
) -> None:
    """A file; ``cosine``: how near its vector is to the first axis."""
    if cosine is not None:
        vector = np.array([[cosine, np.sqrt(1 - cosine**2), 0, 0]], np.float32)
        library.store.commit([Embedding(content, vector, {}, (path.encode(),))])
        library.contents.record(SPEC.fingerprint, [(content, {"width": 1, "height": 1, **facts})])
    entry = Entry(path.encode(), int(content[0]), modified, inode or next(INODES), 1)
    library.catalog.put(folder, entry, due=0)
    library.worklist.done([(entry, content)])


def search(library: Library, below: bytes | None = None) -> Duplicates:
    ground = Ground(
        library.directory / "index",
        library.database,
        library.catalog,
        library.contents,
        library.folders,
        library.pool,  # type: ignore[arg-type]
        lambda: Coverage(0, 0, 0, 0, []),
        lambda _path: None,
    )
    return Duplicates(ground, library.store, below)


def named(groups: list[Group]) -> list[list[tuple[str, str]]]:
    return [[(m.relation, m.photo.path.decode().rpartition("/")[2]) for m in g] for g in groups]


def cosine(likeness: float) -> float:
    """What comes to so much in a small library."""
    return UNRELATED + (1 - UNRELATED) * likeness


def alike(library: Library) -> list[list[tuple[str, str]]]:
    return named([group for _, _, group in search(library).alike() if group])


def test_the_oldest_that_is_at_hand_is_kept(library: Library) -> None:
    """Not the one that is named as a copy, and not the one on the disk that is away."""
    add(library, "/p/b.jpg", "1-x", cosine=1, modified=2)
    add(library, "/p/c.jpg", "1-x", modified=3)
    add(library, "/p/a (1).jpg", "1-x", modified=1)
    add(library, "/u/away.jpg", "1-x", modified=0, folder=2)
    (group,) = named(list(search(library).identical()))
    assert group == [
        ("keep", "b.jpg"),
        ("copy", "c.jpg"),
        ("copy", "a (1).jpg"),
        ("copy", "away.jpg"),
    ]


@pytest.mark.parametrize(
    ("name", "copied"),
    [
        ("a copy.jpg", True),
        ("a_copy2.jpg", True),
        ("a-Kopie.jpg", True),
        ("a (2).jpg", True),
        ("העתק של a.jpg", True),
        ("copyright.jpg", False),
        ("photocopy.jpg", False),
        ("a.jpg", False),
    ],
)
def test_names_that_say_copy(library: Library, name: str, copied: bool) -> None:
    """As file managers make them; a word that only begins so says nothing."""
    add(library, f"/p/{name}", "1-x", cosine=1, modified=1)
    add(library, "/p/z.jpg", "1-x", modified=2)
    (group,) = named(list(search(library).identical()))
    assert group[0][1] == ("z.jpg" if copied else name)


def test_links_to_one_file_are_one_file(library: Library) -> None:
    """They take no room: deleting one frees nothing."""
    add(library, "/p/a.jpg", "1-x", cosine=1, inode=77)
    add(library, "/p/b.jpg", "1-x", inode=77)
    assert list(search(library).identical()) == []
    add(library, "/p/c.jpg", "1-x")
    (group,) = search(library).identical()
    assert len(group) == 2


def test_what_lies_outside_is_no_duplicate(library: Library) -> None:
    """Of a directory only its own photos; a name that begins alike is another directory."""
    for path in ("/p/in/a.jpg", "/p/inner/b.jpg"):
        add(library, path, "1-x", cosine=1)
    assert list(search(library, b"/p/in").identical()) == []
    assert len(list(search(library, b"/p").identical())) == 1
    assert [group for _, _, group in search(library, b"/p/in").alike() if group] == []


def test_the_largest_files_come_first_and_gone_ones_not_at_all(library: Library) -> None:
    """Of two pairs, and of a third that is gone."""
    for content in ("1-x", "3-y", "9-gone"):
        for number in range(2):
            add(library, f"/p/{content}{number}.jpg", content, cosine=1)
    library.catalog.forget([b"/p/9-gone0.jpg", b"/p/9-gone1.jpg"])
    sizes = [group[0].photo.size for group in search(library).identical()]
    assert sizes == [3, 1]


def test_the_same_picture_saved_again(library: Library) -> None:
    """The one with the most pixels is kept; a copy of a smaller one belongs to the group."""
    add(library, "/p/small.jpg", "1-s", cosine=1, width=10, height=10)
    add(library, "/p/small again.jpg", "1-s", modified=5)
    add(library, "/p/large.jpg", "2-l", cosine=0.99, width=100, height=100)
    add(library, "/p/other.jpg", "3-o", cosine=0.5, width=5, height=5)
    assert alike(library) == [
        [("keep", "large.jpg"), ("alike", "small.jpg"), ("alike", "small again.jpg")]
    ]


def test_a_burst_is_of_one_camera_and_one_moment(library: Library) -> None:
    """Less alike than the same picture saved again; not another camera, nor a minute later."""
    near = cosine(BURST + 0.01)
    add(library, "/p/1.jpg", "9-1", cosine=1, width=2, taken_at=100.0, camera="A")
    add(library, "/p/2.jpg", "1-2", cosine=near, taken_at=105.0, camera="A")
    add(library, "/p/3.jpg", "1-3", cosine=near, taken_at=105.0, camera="B")
    add(library, "/p/4.jpg", "1-4", cosine=near, taken_at=165.0, camera="A")
    add(library, "/p/5.jpg", "1-5", cosine=near, camera="A")
    (group, *_) = alike(library)
    assert group == [("keep", "1.jpg"), ("burst", "2.jpg")]


def test_a_group_is_no_chain(library: Library) -> None:
    """A is like B and B like C: without that A were like C, C is not in A's group."""
    step = np.arccos(cosine(ALIKE)) * 0.9
    for number in range(3):
        apart = float(np.cos(number * step))
        add(library, f"/p/{number}.jpg", f"1-{number}", cosine=apart, width=10 - number)
    assert alike(library) == [[("keep", "0.jpg"), ("alike", "1.jpg")]]


def test_photos_without_a_vector_are_grouped_with_their_copies(library: Library) -> None:
    """As while a new model fills its table."""
    library.contents.record("another", [("1-x", {"width": 1, "height": 1})])
    for name in ("a", "b"):
        add(library, f"/p/{name}.jpg", "1-x")
    assert alike(library) == [[("keep", "a.jpg"), ("copy", "b.jpg")]]


def test_many_contents_are_asked_for_in_parts(library: Library) -> None:
    """More than one statement takes."""
    for number in range(7):
        add(library, f"/p/{number}.jpg", f"1-{number}", cosine=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("photosd.index.copies.PARAMETERS", 3)
        names = [f"1-{number}" for number in range(7)]
        assert sorted(Copies(library.database).holding(names, None)) == names
