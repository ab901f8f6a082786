"""Photo libraries and other packages are skipped, and named in the status (row 3 of the faults)."""

from __future__ import annotations

from pathlib import Path

import pytest

from photosd.core.errors import FolderError
from photosd.core.filestat import UF_HIDDEN
from photosd.watch.ignore import IgnoreRules
from photosd.watch.scanner import entry_of, scan
from photosd_cli.commands.status import folder_lines
from tests.darwin.flags import Flags
from tests.index.test_sidecars import Rated

LIBRARY = "Photos Library.photoslibrary"
INSIDE = (
    "originals/0/a.heic",
    "resources/derivatives/0/a.jpeg",
    "resources/renders/b.jpg",
    "database/search/c.jpg",
    "private/d.jpg",
)


@pytest.fixture
def shelf(tmp_path: Path) -> Rated:
    shelf = Rated(tmp_path)
    shelf.write("outside.jpg", b"outside")
    for number, name in enumerate(INSIDE):
        shelf.write(f"{LIBRARY}/{name}", b"%d" % number)
    return shelf


def compare(shelf: Rated) -> set[str]:
    """Compare every folder as the reconciler does; the names that are listed then."""
    for folder in shelf.folders.all():
        shelf.reconciler.comparer.tree(folder, folder.path)
    shelf.work()
    return set(shelf.states())


@pytest.mark.parametrize(
    "package",
    [LIBRARY, "iPhoto Library.photolibrary", "Aperture.aplibrary", "X.migratedphotolibrary",
     "Catalog Previews.lrdata", "Demo.app", "UPPER.PHOTOSLIBRARY", "Film.imovielibrary"],
)  # fmt: skip
def test_packages_are_skipped(tmp_path: Path, package: str) -> None:
    """Row 3: README's own `add ~/Pictures` indexed each original and its smaller copies."""
    shelf = Rated(tmp_path)
    shelf.write("sub/a.jpg")
    inside = shelf.write(f"sub/{package}/originals/b.jpg")
    root = bytes(shelf.root)
    assert compare(shelf) == {"sub/a.jpg"}
    assert entry_of(bytes(inside), IgnoreRules(root)) is None
    shelf.reconciler.comparer.paths([bytes(inside)])
    assert set(shelf.states()) == {"sub/a.jpg"}


@pytest.mark.parametrize("originals", ["originals", "Masters"])
def test_only_originals_of_a_library_that_is_asked_for(tmp_path: Path, originals: str) -> None:
    """`photosd add` of the library itself: what Photos made of the originals is left out."""
    shelf = Rated(tmp_path)
    library = shelf.root / LIBRARY
    for name in (f"{originals}/0/a.jpg", "resources/derivatives/b.jpg", "c.jpg", "private/d.jpg"):
        shelf.write(f"{LIBRARY}/{name}")
    rules = IgnoreRules(bytes(library))
    found = {entry.path for entry in scan(bytes(library), None, rules)}
    assert found == {bytes(library / originals / "0" / "a.jpg")}
    assert rules.ignored(bytes(library / "resources"), is_directory=True)
    assert not rules.ignored(bytes(library / originals), is_directory=True)


@pytest.mark.parametrize("library_first", [False, True])
def test_a_library_is_watched_beside_the_folder_that_it_is_in(
    tmp_path: Path, library_first: bool
) -> None:
    """The folder does not forget the library's photos, nor the library the folder's."""
    shelf = Rated(tmp_path)
    library = shelf.root / LIBRARY
    for number, name in enumerate(("outside.jpg", *(f"{LIBRARY}/{name}" for name in INSIDE))):
        shelf.write(name, b"%d" % number)
    if library_first:
        shelf.folders.remove(bytes(shelf.root))
        shelf.folders.add(bytes(library))
        shelf.folders.add(bytes(shelf.root))
    else:
        assert compare(shelf) == {"outside.jpg"}
        shelf.folders.add(bytes(library))
    both = {"outside.jpg", f"{LIBRARY}/{INSIDE[0]}"}
    original = bytes(library / INSIDE[0])
    assert compare(shelf) == both == compare(shelf)
    folder = shelf.folders.containing(original)
    assert folder is not None
    assert folder.path == bytes(library)
    shelf.reconciler.comparer.paths([original, bytes(library / INSIDE[1])])
    assert set(shelf.states()) == both
    (library / INSIDE[0]).unlink()
    shelf.reconciler.comparer.paths([original])
    assert set(shelf.states()) == {"outside.jpg"}
    shelf.folders.remove(bytes(library))
    assert compare(shelf) == {"outside.jpg"}


def test_other_folders_inside_of_a_watched_one_are_refused_as_before(shelf: Rated) -> None:
    shelf.write("sub/a.jpg")
    with pytest.raises(FolderError, match="watched already"):
        shelf.folders.add(bytes(shelf.root / "sub"))
    shelf.folders.add(bytes(shelf.root / LIBRARY))
    with pytest.raises(FolderError, match="watched already"):
        shelf.folders.add(bytes(shelf.root / LIBRARY / "originals"))


def test_a_folder_that_holds_nothing_but_a_library_may_be_empty(shelf: Rated) -> None:
    """The skipped library is no sign that the folder's own photos are only away."""
    for number in range(3):
        shelf.write(f"{number}.jpg", b"n%d" % number)
    compare(shelf)
    for file in shelf.root.glob("*.jpg"):
        file.unlink()
    assert len(compare(shelf)) == 4
    assert shelf.folders.all()[0].reason is not None


def test_skipped_libraries_are_named_with_the_command(shelf: Rated) -> None:
    """Row 3 asks that it is said."""
    compare(shelf)
    folder = shelf.folders.all()[0]
    library = bytes(shelf.root / LIBRARY)
    assert shelf.reconciler.comparer.libraries(folder.id) == [library]
    report = {
        "path": "/p", "state": "ok", "photos": 1, "reason": None, "remedy": None,
        "libraries": [library.decode()],
    }  # fmt: skip
    lines = folder_lines([report])  # type: ignore[list-item]
    assert any(f"photosd add '{library.decode()}'" in line for line in lines)
    (shelf.root / LIBRARY).rename(shelf.root / "plain")
    compare(shelf)
    assert shelf.reconciler.comparer.libraries(folder.id) == []


def test_what_finder_hides_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """~/Library and files marked as hidden, as names with a dot are."""
    flags = Flags(monkeypatch)
    shelf = Rated(tmp_path)
    shelf.write("a.jpg")
    hidden = [shelf.write(name, name.encode()) for name in ("b.jpg", "Library/c.jpg", "L/d/e.jpg")]
    flags.mark(hidden[0], UF_HIDDEN)
    flags.mark(shelf.root / "Library", UF_HIDDEN)
    flags.mark(shelf.root / "L", UF_HIDDEN)
    assert compare(shelf) == {"a.jpg"}
    shelf.reconciler.comparer.paths([bytes(file) for file in hidden])
    assert set(shelf.states()) == {"a.jpg"}
    flags.mark(shelf.root / "Library", 0)
    assert compare(shelf) == {"a.jpg", "Library/c.jpg"}
