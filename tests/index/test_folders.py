"""The list of folders and its copy: changed together or not at all, however many change it."""

from __future__ import annotations

import base64
import errno
import json
import os
import threading
from pathlib import Path

import pytest

from photosd.alerts.alert_store import AlertOptions, AlertStore
from photosd.core.errors import FolderError, StorageError
from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.index.worklist import WorkList
from photosd.watch.scanner import Entry


class Listed:
    """Folders to watch, their list, and its copy."""

    def __init__(self, directory: Path) -> None:
        self.root, self.copy = directory / "photos", directory / "config" / "folders.json"
        for name in ("a/inside", "b", "c"):
            (self.root / name).mkdir(parents=True)
        self.database = Database(directory / "catalog.sqlite3")
        self.folders = Folders(self.database, self.copy)

    def path(self, name: str) -> bytes:
        return os.fsencode(self.root / name)

    def watched(self) -> list[bytes]:
        return [folder.path for folder in self.folders.all()]

    def kept(self) -> list[bytes]:
        return [base64.b64decode(one["path_b64"]) for one in json.loads(self.copy.read_text())]


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    return Listed(tmp_path)


def test_many_add_at_once(listed: Listed) -> None:
    """No folder is inside another, each refusal has a reason, and the backup copy is whole."""
    for _ in range(8):
        start, odd = threading.Barrier(5), list[BaseException]()

        def add(name: str, start: threading.Barrier, odd: list[BaseException]) -> None:
            start.wait()
            try:
                listed.folders.add(listed.path(name))
            except FolderError:
                pass
            except Exception as error:
                odd.append(error)

        names = ("a", "a/inside", "b", "b", "c")
        threads = [threading.Thread(target=add, args=(name, start, odd)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        watched = listed.watched()
        assert not odd
        assert len(watched) == 3
        assert listed.kept() == watched
        for path in watched:
            listed.folders.remove(path)
        assert listed.kept() == []


def refuse(**_: object) -> None:
    """A full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_copy_that_cannot_be_written_refuses_the_change(
    listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that was removed does not return, and one that was added is watched."""
    listed.folders.add(listed.path("a"))
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(StorageError, match=r"folders\.json cannot be written"):
        listed.folders.add(listed.path("b"))
    with pytest.raises(StorageError):
        listed.folders.remove(listed.path("a"))
    with pytest.raises(StorageError):
        listed.folders.mark(listed.path("a"), True)
    assert listed.watched() == listed.kept() == [listed.path("a")]
    assert not listed.folders.all()[0].cloud
    monkeypatch.undo()
    listed.folders.add(listed.path("b"))
    listed.folders.remove(listed.path("a"))
    assert listed.watched() == listed.kept() == [listed.path("b")]


def test_a_copy_behind_a_link_stays_behind_it(listed: Listed, tmp_path: Path) -> None:
    """Settings may be kept elsewhere (stow, chezmoi)."""
    target = tmp_path / "kept elsewhere.json"
    target.write_text("[]")
    listed.copy.parent.mkdir()
    listed.copy.symlink_to(target)
    listed.folders.add(listed.path("a"))
    assert listed.copy.is_symlink()
    assert listed.kept() == [listed.path("a")]


def test_a_copy_that_names_a_folder_twice(listed: Listed, tmp_path: Path) -> None:
    """After the catalog was lost: it and the others are watched again."""
    listed.folders.add(listed.path("a"))
    listed.folders.add(listed.path("b"))
    listed.database.close()
    entries = json.loads(listed.copy.read_text())
    listed.copy.write_text(json.dumps([entries[0], *entries]))
    again = Folders(Database(tmp_path / "new.sqlite3"), listed.copy)
    assert [folder.path for folder in again.all()] == [listed.path("a"), listed.path("b")]


def test_standing_queries_change_with_their_copy(
    listed: Listed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was ended does not return after the catalog is lost."""
    copy = tmp_path / "standing.json"
    queries = AlertStore(listed.database, copy)
    query, _ = queries.add(AlertOptions("a dog", "notify", None, (), None))
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(StorageError):
        queries.remove(query.id)
    with pytest.raises(StorageError):
        queries.add(AlertOptions("a cat", "notify", None, (), None))
    assert [one.options.text for one in queries.all()] == ["a dog"]
    monkeypatch.undo()
    queries.remove(query.id)
    assert queries.all() == json.loads(copy.read_text()) == []


def test_an_exclude_may_be_a_whole_path_by_any_name(
    listed: Listed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a link that leads to the folder, or from the home directory, as shells leave it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to(listed.root / "a")
    asked = os.fsencode(tmp_path / "link")
    excludes = (f"{tmp_path}/link/inside", "~/link/inside/", f"!{tmp_path}/link/x", "~/b", "*.png")
    folder = listed.folders.add(asked, excludes)
    real = os.fsdecode(listed.path("a"))
    assert folder.excludes == (f"{real}/inside", f"{real}/inside/", f"!{real}/x", "~/b", "*.png")
    assert folder.rules.ignored(listed.path("a/inside"), is_directory=True)


def test_photos_in_progress_are_dropped_with_their_folder(listed: Listed) -> None:
    """Photos in progress at a kill are deleted with their folder, also from the journal."""
    worklist, catalog = WorkList(listed.database), Catalog(listed.database)
    for name in ("a", "b"):
        folder = listed.folders.add(listed.path(name))
        catalog.put(folder.id, Entry(folder.path + b"/1.jpg", 1, 1, 1, 1), due=0)
        worklist.journal([folder.path + b"/1.jpg"])
    listed.folders.remove(listed.path("a"))
    assert worklist.journaled() == {listed.path("b/1.jpg")}
    catalog.forget([listed.path("b/1.jpg")])
    catalog.sweep(float("inf"))
    assert worklist.journaled() == set()


ODD: list[dict[str, object]] = [
    {"path_b64": base64.b64encode(b"/a\0b").decode(), "excludes": []},
    {"path_b64": base64.b64encode(b"a").decode(), "excludes": []},
    {"path_b64": "", "excludes": []},
    {"path_b64": "%%", "excludes": []},
    {"path_b64": base64.b64encode(b"/nowhere").decode(), "excludes": "Private/"},
    {"path_b64": base64.b64encode(b"/nowhere").decode(), "excludes": [3]},
    {"path_b64": base64.b64encode(b"/nowhere").decode(), "excludes": {"Private/": 1}},
]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_entry_of_the_copy_costs_that_folder_alone(
    listed: Listed, tmp_path: Path, odd: dict[str, object]
) -> None:
    """And a folder is never watched without the patterns that it was added with."""
    listed.folders.add(listed.path("a"))
    listed.copy.write_text(json.dumps([odd, *json.loads(listed.copy.read_text())]))
    again = Folders(Database(tmp_path / "new.sqlite3"), listed.copy)
    assert [folder.path for folder in again.all()] == [listed.path("a")]
    again.add(listed.path("b"))


def test_a_copy_that_nests_without_end_is_renamed(listed: Listed, tmp_path: Path) -> None:
    """No start failed for it but all of them."""
    listed.copy.parent.mkdir()
    listed.copy.write_text("[" * 100_000)
    assert Folders(Database(tmp_path / "new.sqlite3"), listed.copy).all() == []
    assert not listed.copy.exists()


@pytest.mark.parametrize(
    "spoilt", ["", "{", "3", "[3]", '"Private/"', "[" * 100_000, b"\xff", None]
)
def test_damaged_patterns_stop_nothing(listed: Listed, spoilt: object) -> None:
    """Other folders are indexed; in this one nothing is indexed that may have been excluded."""
    listed.folders.add(listed.path("a"), ["Private/"])
    listed.folders.add(listed.path("b"))
    with listed.database.write() as db:
        statement = "UPDATE folders SET excludes = ? WHERE path = ?"
        if spoilt is None:
            spoilt = 7.5
        db.execute(statement, (spoilt, listed.path("a")))
    first, second = listed.folders.all()
    with pytest.raises(OSError):
        first.rules.ignored(listed.path("a") + b"/x.jpg")
    assert not second.rules.ignored(listed.path("b") + b"/x.jpg")


GOOD: dict[str, object] = {
    "text": "a dog",
    "kind": "notify",
    "below": None,
    "argv": [],
    "directory": None,
    "created_at": 1.0,
}


@pytest.mark.parametrize(
    "odd",
    [
        {"text": None},
        {"text": {"a": 1}},
        {"text": "\ud800"},
        {"kind": "format"},
        {"kind": "exec", "argv": "rm -rf x"},
        {"argv": [1]},
        {"below": 3},
        {"created_at": "nan"},
        {"created_at": None},
    ],
)
def test_an_odd_alert_of_the_copy_costs_that_alert_alone(
    tmp_path: Path, odd: dict[str, object]
) -> None:
    """Every start failed for some of them; a command came back as its letters."""
    copy = tmp_path / "standing.json"
    copy.write_text(json.dumps([{**GOOD, **odd}, GOOD]))
    queries = AlertStore(Database(tmp_path / "catalog.sqlite3"), copy)
    assert [one.options.text for one in queries.all()] == ["a dog"]
