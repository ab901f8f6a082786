"""Names on a disk that does not tell case or form of letters apart (row 7 of the faults)."""

from __future__ import annotations

import os
import posix
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photosd.alerts.album import prepare
from photosd.core.errors import BadRequest, FolderError
from photosd.index.folders import Folders
from photosd.index.vocabulary import Vocabulary
from photosd.protocol.requests import QueryParams, Term
from photosd.search.parsing import Parser
from photosd.search.place_names import PlaceNames
from photosd.watch.filesystem_calls import SPELLING
from photosd.watch.filesystems import Filesystems
from tests.darwin.folded import FoldedDisk, tell_paths
from tests.index.test_sidecars import Rated
from tests.watch.hangfs import Share, shared


def composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def decomposed(name: str) -> str:
    return unicodedata.normalize("NFD", name)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rated:
    shelf = Rated(tmp_path)
    FoldedDisk(bytes(shelf.root), monkeypatch)
    tell_paths(monkeypatch)
    return shelf


def told(shelf: Rated, *names: str) -> list[str]:
    """The photos that are listed after a hint for each of these paths, in this order."""
    shelf.reconciler.comparer.paths([bytes(shelf.root / name) for name in names])
    shelf.work()
    return sorted(shelf.states())


@pytest.mark.parametrize("form", [composed, decomposed])
def test_a_folder_is_known_by_the_name_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: object
) -> None:
    """Row 7: with `add ~/pictures` every event missed the root, and everything was compared."""
    assert callable(form)
    shelf = Rated(tmp_path)
    pictures = shelf.root.with_name("Home") / form("Été") / "Pictures"
    pictures.mkdir(parents=True)
    FoldedDisk(bytes(tmp_path), monkeypatch)
    tell_paths(monkeypatch)
    asked = tmp_path / "home" / composed("ÉTÉ") / "pictures"
    assert shelf.folders.add(bytes(asked)).path == bytes(pictures)
    with pytest.raises(FolderError, match="watched already"):
        shelf.folders.add(bytes(pictures))
    for other in (asked, pictures):
        assert shelf.folders.real(bytes(other)) == bytes(pictures)


def test_what_a_user_types_names_the_photo(shelf: Rated) -> None:
    """`show`, `similar` and `reindex` take a path as it was typed; so do missing ones."""
    shelf.write("Trip/IMG_1.JPG")
    shelf.settle()
    right = bytes(shelf.root / "Trip" / "IMG_1.JPG")
    assert shelf.folders.real(bytes(shelf.root / "trip" / "img_1.jpg")) == right
    missing = shelf.folders.real(bytes(shelf.root / "trip" / "other.jpg"))
    assert missing == bytes(shelf.root / "Trip" / "other.jpg")


def test_a_link_to_a_photo_by_another_spelling_is_that_photo(shelf: Rated) -> None:
    """`similar` uses the content of its target."""
    shelf.write("Trip/IMG_1.JPG")
    shelf.settle()
    link = shelf.root.with_name("link.jpg")
    link.symlink_to(shelf.root / "trip" / "img_1.jpg")
    vocabulary = Vocabulary(shelf.database)
    parser = Parser(shelf.catalog, shelf.folders, vocabulary, PlaceNames(vocabulary, None))
    photo = shelf.catalog.get(bytes(shelf.root / "Trip" / "IMG_1.JPG"))
    assert photo is not None and photo.content is not None
    (term,) = parser.parse(QueryParams(terms=[Term(path=str(link))])).terms
    assert term.content == photo.content


def test_an_album_in_a_watched_folder_is_refused_by_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its links would count as photos."""
    shelf = Rated(tmp_path)
    FoldedDisk(bytes(tmp_path), monkeypatch)
    tell_paths(monkeypatch)
    for root in (shelf.root, shelf.root.with_name(shelf.root.name.upper())):
        with pytest.raises(BadRequest, match="in a watched folder"):
            prepare(bytes(root / "album"), shelf.folders, [])


def test_own_files_are_known_by_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PHOTOSD_HOME may be spelled in another way: its thumbnails are no photos."""
    shelf = Rated(tmp_path)
    thumbnails = shelf.root / "Home" / "thumbnails"
    thumbnails.mkdir(parents=True)
    (thumbnails / "a.jpg").write_bytes(b"thumbnail")
    FoldedDisk(bytes(tmp_path), monkeypatch)
    tell_paths(monkeypatch)
    own = (bytes(shelf.root / "home" / "thumbnails"), bytes(shelf.root / "home" / "later"))
    folders = Folders(shelf.database, tmp_path / "folders.json", own=own)
    rules = folders.all()[0].rules
    assert rules.ignored(bytes(thumbnails / "a.jpg"))
    assert rules.ignored(bytes(shelf.root / "Home" / "later" / "a.jpg"))


def test_nothing_is_written_among_photos_by_any_name(
    python: Callable[..., str], tmp_path: Path
) -> None:
    """A contact sheet in `~/pictures` is one in ~/Pictures."""
    for name in ("Pictures", "pictures", "Été", "elsewhere"):
        (tmp_path / composed(name)).mkdir()
        (tmp_path / decomposed(name)).mkdir(exist_ok=True)
    write = """
import base64, json, sys
from pathlib import Path
from photosd.core.errors import OutputRefused
from photosd.core.output_files import check_output
from photosd.core.paths import Home
base, home = Path(sys.argv[1]), Home.from_environment()
home.config.mkdir(parents=True)
watched = [bytes(base / name) for name in ("Pictures", sys.argv[2])]
rows = [{"path_b64": base64.b64encode(path).decode()} for path in watched]
(home.config / "folders.json").write_text(json.dumps(rows))
for name in sys.argv[2:]:
    try:
        check_output(base / name / "sheet.html", home)
        print("written", end=" ")
    except OutputRefused:
        print("refused", end=" ")
"""
    names = (composed("Été"), decomposed("Été"), "Pictures", "pictures", "elsewhere")
    said = python(write, str(tmp_path), *names, PHOTOSD_HOME=str(tmp_path / "home")).split()
    assert said == ["refused"] * 4 + ["written"]


def test_a_firmlink_is_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """/System/Volumes/Data/Users and /Users are one directory."""
    tell_paths(monkeypatch)
    monkeypatch.setattr(os, "open", lambda *_: os.dup(0))
    monkeypatch.setattr(posix, "readlink", lambda _: b"/System/Volumes/Data/Users/me")
    assert SPELLING.whole(b"/System/Volumes/Data/Users/me/P") == b"/Users/me/P"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("IMG_1.JPG", "img_1.jpg"),
        (composed("Été.jpg"), decomposed("Été.jpg")),
        (decomposed("שָׁלוֹם.jpg"), "שָׁלוֹם.jpg"),
        ("ИМЯ.jpg", "имя.jpg"),
    ],
)
@pytest.mark.parametrize("hints", ["both", "new"])
def test_a_rename_by_case_or_form_keeps_one_row(
    shelf: Rated, before: str, after: str, hints: str
) -> None:
    """Row 7: both rows were kept until the next comparison, even if both names are reported."""
    file = shelf.write(before)
    shelf.settle()
    file.rename(shelf.root / after)
    assert told(shelf, *([before, after] if hints == "both" else [after])) == [after]
    assert len(shelf.encoded) == 1


@pytest.mark.parametrize(("before", "after"), [("Trip", "TRIP"), ("Été", decomposed("Été"))])
def test_a_renamed_directory_keeps_one_row_for_each_photo(
    shelf: Rated, before: str, after: str
) -> None:
    """A directory named without letters of ASCII, too: the old check exchanged only those."""
    shelf.write(f"{before}/a.jpg")
    shelf.settle()
    (shelf.root / before).rename(shelf.root / after)
    folder = shelf.folders.all()[0]
    for name in (before, after):
        shelf.reconciler.comparer.tree(folder, bytes(shelf.root / name))
    shelf.work()
    assert sorted(shelf.states()) == [f"{after}/a.jpg"]


def test_a_name_reported_in_another_spelling_is_found_by_its_own(shelf: Rated) -> None:
    """An event may spell a new photo in another way than its directory."""
    shelf.write("Été/IMG.JPG")
    assert told(shelf, decomposed("été/img.jpg")) == ["Été/IMG.JPG"]
    shelf.write("Été/2.jpg", b"2")
    folder = shelf.folders.all()[0]
    shelf.reconciler.comparer.tree(folder, bytes(shelf.root / decomposed("Été")))
    shelf.work()
    assert sorted(shelf.states()) == ["Été/2.jpg", "Été/IMG.JPG"]


def test_a_moved_photo_is_listed_once_though_only_its_new_place_is_reported(shelf: Rated) -> None:
    """FSEvents merges events, and what has left a folder may be all that is missing."""
    file = shelf.write("a/1.jpg")
    shelf.write("a/2.jpg", b"2")
    shelf.settle()
    (shelf.root / "b").mkdir()
    file.rename(shelf.root / "b" / "1.jpg")
    assert told(shelf, "b/1.jpg") == ["a/2.jpg", "b/1.jpg"]
    assert len(shelf.encoded) == 2


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Share]:
    """A mounted file system that folds names; real, but of a kind without stable inodes."""
    with shared(tmp_path, "fuse.bindfs") as disk:
        disk.hang("fold")
        yield disk


def test_a_real_file_system_that_folds_names(disk: Share, tmp_path: Path) -> None:
    """The kernel finds one file by several names; each call tells the one on disk."""
    (disk.source / "Été").mkdir()
    (disk.source / "Été" / "IMG_1.JPG").write_bytes(b"photo")
    asked = bytes(disk.point / decomposed("été") / "img_1.jpg")
    right = bytes(disk.point / "Été" / "IMG_1.JPG")
    assert os.path.lexists(asked)
    root = bytes(disk.point)
    with Filesystems() as filesystems:
        found = list(filesystems.call(asked, "one", root, (), (), (), asked))
        assert [item[1] for item in found] == [right]
        tree = asked.rpartition(b"/")[0]
        found = list(filesystems.call(tree, "tree", root, (), (), (), tree, ()))
        assert [item[1] for item in found] == [right]


@pytest.mark.parametrize("change", ["case", "form"])
def test_a_rename_on_a_real_file_system_keeps_one_row(
    disk: Share, tmp_path: Path, change: str
) -> None:
    """The whole way: the kernel, a process that makes the calls, the catalog."""
    before, after = ("É1.JPG", "é1.jpg") if change == "case" else ("É1.JPG", decomposed("É1.JPG"))
    file = disk.source / before
    file.write_bytes(b"photo")
    shelf_at = tmp_path / "shelf"
    shelf_at.mkdir()
    shelf = Rated(shelf_at)
    with shelf.folders.filesystems:
        folder = shelf.folders.add(bytes(disk.point))
        shelf.reconciler.comparer.tree(folder, folder.path)
        file.rename(disk.source / after)
        for _ in range(2):  # whatever the order
            paths = [bytes(disk.point / name) for name in (after, before)]
            shelf.reconciler.comparer.paths(paths)
            listed = [photo.path for photo in shelf.catalog.in_state("")]
            assert listed == [bytes(disk.point / after)]
