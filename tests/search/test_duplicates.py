"""What counts as a duplicate, which one is to be kept, and that a group is no chain."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photosd.decode.decode_errors import FileGone
from photosd.decode.pool import Thumbnail
from photosd.index.shared_resources import SharedResources
from photosd.index.table import Embedding
from photosd.search.duplicate_groups import Duplicates, Group
from photosd.search.likeness import ALIKE, BURST, FEW, UNRELATED
from photosd.watch.scanner import Entry
from tests.search.library import SPEC, Library

INODES = iter(range(1, 10_000))


class Painter:
    """Decoders that see the pictures given to them, (h, w, 3), and no other files."""

    def __init__(self) -> None:
        self.pictures: dict[str, NDArray[np.uint8]] = {}  # by path
        self.contents: dict[str, str] = {}
        self.read: list[str] = []

    def thumbnail(self, path: bytes, _box: Any, **_more: Any) -> Future[Thumbnail]:
        name, future = path.decode(), Future[Thumbnail]()
        self.read.append(name)
        if (picture := self.pictures.get(name)) is None:
            future.set_exception(FileGone())
        else:
            height, width, _ = picture.shape
            small = Thumbnail(picture.tobytes(), width, height, self.contents[name])
            future.set_result(small)
        return future


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path)
    library.pool = Painter()  # type: ignore[assignment]
    return library


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
    shared = SharedResources(
        library.directory / "index",
        library.database,
        library.catalog,
        library.contents,
        library.folders,
        library.pool,  # type: ignore[arg-type]
        lambda _path: None,
    )
    return Duplicates(shared, library.store, SPEC.fingerprint, below)


def named(groups: list[Group]) -> list[list[tuple[str, str]]]:
    return [[(m.relation, m.photo.path.decode().rpartition("/")[2]) for m in g] for g in groups]


def cosine(likeness: float) -> float:
    """What comes to so much in a small library."""
    return UNRELATED + (1 - UNRELATED) * likeness


def add_all(library: Library, vectors: dict[str, Any]) -> None:
    """Files with these vectors, by path, at once."""
    held = [(path, f"1-{path}", np.asarray(v, np.float32)[None]) for path, v in vectors.items()]
    library.store.commit(
        [
            Embedding(content, vector / np.linalg.norm(vector), {}, (path.encode(),))
            for path, content, vector in held
        ]
    )
    with library.contents.batch():
        facts = {"width": 1, "height": 1}
        library.contents.record(SPEC.fingerprint, [(content, facts) for _, content, _ in held])
        for path, content, _ in held:
            entry = Entry(path.encode(), 1, 1, next(INODES), 1)
            library.catalog.put(1, entry, due=0)
            library.worklist.done([(entry, content)])


def paint(library: Library, path: str, content: str, picture: NDArray[np.uint8]) -> None:
    """What the decoders see there."""
    painter: Any = library.pool
    painter.pictures[path], painter.contents[path] = picture, content


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


def test_of_equally_old_copies_the_least_deep_is_kept(library: Library) -> None:
    """Depth is the number of directories, not the length of the path."""
    add(library, "/p/a/b/c.jpg", "1-x", cosine=1)
    add(library, "/p/a long name of a folder/d.jpg", "1-x")
    (group,) = named(list(search(library).identical()))
    assert group == [("keep", "d.jpg"), ("copy", "c.jpg")]


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


def test_photos_outside_of_the_directory_are_no_duplicates(library: Library) -> None:
    """Only photos inside the directory count; a name with the same prefix is another directory."""
    for path in ("/p/in/a.jpg", "/p/inner/b.jpg"):
        add(library, path, "1-x", cosine=1)
    assert list(search(library, b"/p/in").identical()) == []
    assert len(list(search(library, b"/p").identical())) == 1
    assert [group for _, _, group in search(library, b"/p/in").alike() if group] == []


def test_the_largest_files_come_first_and_gone_ones_not_at_all(library: Library) -> None:
    """Pairs are sorted by size; a pair of removed photos is left out."""
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


@pytest.mark.parametrize("copies", [2, 131, 300])
def test_a_group_is_whole_however_large(
    library: Library, copies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removed photos are not in a group and take no place in one; sizes of batches do not split
    a group."""
    monkeypatch.setattr("photosd.search.duplicate_groups.FETCHED", 100)
    monkeypatch.setattr("photosd.index.sketches.AT_ONCE", 20)
    add_all(
        library,
        {
            f"/p/{where}{number}.jpg": (1, number * 1e-4, 0, 0)
            for where in ("gone/", "")
            for number in range(copies)
        },
    )
    library.catalog.forget(f"/p/gone/{number}.jpg".encode() for number in range(copies))
    (group,) = alike(library)
    assert len(group) == copies
    assert {relation for relation, _ in group[1:]} == {"alike"}


def test_a_directory_is_judged_by_the_scale_of_the_whole_library(library: Library) -> None:
    """Among photos that are all rather alike, the same two are alike as among all photos."""
    around = np.linspace(0, 6, FEW)
    add_all(
        library,
        {f"/p/others/{n}.jpg": np.eye(4)[1 + n % 3] + 0.1 * np.eye(4)[n % 2] for n in range(FEW)}
        | {f"/p/in/{n}.jpg": (2.5, np.cos(a), 0, np.sin(a)) for n, a in enumerate(around)},
    )
    whole = [g for _, _, g in search(library).alike() if g and b"/in/" in g[0].photo.path]
    below = [group for _, _, group in search(library, b"/p/in").alike() if group]
    assert named(below) == named(whole)
    likeness = {m.photo.path: m.likeness for group in whole for m in group}
    assert likeness == {m.photo.path: m.likeness for group in below for m in group}


def scene(seed: int) -> NDArray[np.uint8]:
    """Large patches of grey: (48, 64, 3)."""
    patches = np.random.default_rng(seed).integers(0, 255, (6, 8, 1), np.uint8)
    return np.tile(np.kron(patches, np.ones((8, 8, 1), np.uint8)), (1, 1, 3))


def test_a_copy_that_the_model_hardly_knows_is_known_by_its_pixels(library: Library) -> None:
    """Turned, or shrunk to half; the sketch of another picture is another one, and one that
    cannot be read resembles nothing."""
    near = cosine(0.84)
    pictures = {
        "a": scene(1),
        "half": np.ascontiguousarray(scene(1)[::2, ::2]),
        "turned": np.ascontiguousarray(np.rot90(scene(1))),
        "other": scene(2),
    }
    for place, (name, picture) in enumerate(pictures.items()):
        add(library, f"/p/{name}.jpg", f"1-{name}", cosine=near if place else 1, width=9 - place)
        paint(library, f"/p/{name}.jpg", f"1-{name}", picture)
    add(library, "/p/away.jpg", "1-away", cosine=near)
    (group,) = alike(library)[:1]
    assert {name for _, name in group} == {"a.jpg", "half.jpg", "turned.jpg"}


def test_a_fine_picture_is_known_by_a_crop_of_it(library: Library) -> None:
    """Its whole sketch differs; a part of another picture's sketch is no crop either."""
    fine = np.random.default_rng(1).integers(0, 255, (40, 40, 1), np.uint8)
    picture = np.tile(np.kron(fine, np.ones((4, 4, 1), np.uint8)), (1, 1, 3))
    pictures = {
        "a": picture,
        "cropped": picture[6:158, 2:154],
        "cropped and turned": np.rot90(picture[:152, 8:]),
        "other": scene(2),
    }
    for place, (name, pixels) in enumerate(pictures.items()):
        likeness = cosine(0.84) if place else 1
        add(library, f"/p/{name}.jpg", f"1-{name}", cosine=likeness, width=9 - place)
        paint(library, f"/p/{name}.jpg", f"1-{name}", np.ascontiguousarray(pixels))
    (group,) = alike(library)
    assert {name for _, name in group} == {"a.jpg", "cropped.jpg", "cropped and turned.jpg"}


def test_sketches_are_made_once(library: Library) -> None:
    """And again where the catalog lost them with the content; a flat picture resembles nothing."""
    for name in ("a", "b"):
        add(library, f"/p/{name}.jpg", f"1-{name}", cosine=1 if name == "a" else cosine(0.8))
        paint(library, f"/p/{name}.jpg", f"1-{name}", np.full((8, 8, 3), 90, np.uint8))
    painter: Any = library.pool
    assert alike(library) == [] == alike(library)
    assert sorted(painter.read) == ["/p/a.jpg", "/p/b.jpg"]


def test_progress_is_told_while_large_photos_are_read(library: Library) -> None:
    """A client gives up after a minute without any."""
    for number in range(40):
        path, content = f"/p/{number}.jpg", f"1-{number}"
        add(library, path, content, cosine=0.5)
        paint(library, path, content, np.full((8, 8, 3), number, np.uint8))
    painter: Any = library.pool
    read = [len(painter.read) for _ in search(library).alike()]
    assert max(np.diff(read)) <= 16 and read[-1] == 40


def test_the_same_pixels_of_what_looks_quite_different_are_no_copy(library: Library) -> None:
    """Two grey skies are not the same picture."""
    add(library, "/p/a.jpg", "1-a", cosine=1)
    add(library, "/p/b.jpg", "1-b", cosine=cosine(-0.1))
    for name in ("a", "b"):
        paint(library, f"/p/{name}.jpg", f"1-{name}", scene(1))
    assert alike(library) == []


def sky(clouds: int) -> NDArray[np.uint8]:
    """Bright above and dark below, with some clouds of its own: (64, 64, 3)."""
    down, across = np.mgrid[:64, :64]
    grey = 220 - 2.5 * down
    for left, top, size in np.random.default_rng(clouds).uniform(4, 60, (12, 3)):
        distance = np.hypot(across - left, down - top)
        grey += 25 * np.exp(-((distance / (3 + size / 12)) ** 2))
    return np.repeat(np.clip(grey, 0, 255)[:, :, None], 3, axis=2).astype(np.uint8)


def test_skies_are_no_copies_of_each_other(library: Library) -> None:
    """To the model all clouds are one picture, and every sky is bright above and dark below."""
    for number in range(6):
        path, content = f"/p/{number}.jpg", f"{9 - number}-x"
        add(library, path, content, cosine=cosine(1 - 0.01 * number))
        paint(library, path, content, sky(number))
    clear = np.repeat(np.linspace(220, 60, 64)[:, None, None], 64, axis=1).repeat(3, axis=2)
    for name, darker in (("clear", 0), ("dusk", 40)):  # nothing in it to tell it by
        add(library, f"/p/{name}.jpg", f"1-{name}", cosine=1.0)
        paint(library, f"/p/{name}.jpg", f"1-{name}", (clear - darker).astype(np.uint8))
    assert alike(library) == []
    add(library, "/p/again.jpg", "1-again", cosine=cosine(0.9))
    paint(library, "/p/again.jpg", "1-again", np.rot90(sky(0)).copy())
    assert alike(library) == [[("keep", "0.jpg"), ("alike", "again.jpg")]]
