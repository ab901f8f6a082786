"""A library that is made at once for measuring is one that photosd would have made."""

from __future__ import annotations

from pathlib import Path

from benchmarks import report, whole
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.index.vectors import VectorStore
from photosd.models.spec import STARTER, read_model
from photosd.watch.scanner import scan

PHOTOS = 600


def test_catalog_disk_and_vectors_say_the_same(tmp_path: Path) -> None:
    """So nothing is pending at the start, and a comparison finds no difference."""
    whole.fill(tmp_path, None, PHOTOS)
    spec = read_model(STARTER)
    database = Database(tmp_path / "state" / "catalog.sqlite3")
    (folder,) = Folders(database, tmp_path / "config" / "folders.json").all()
    catalog, contents = Catalog(database), Contents(database)
    known = {photo.path: photo for photo in catalog.below(folder.path)}
    found = {entry.path: entry for entry in scan(folder.path, None, folder.rules)}
    assert known.keys() == found.keys()
    assert len(known) == PHOTOS
    assert all(known[path].looks_like(found[path]) for path in found)
    assert catalog.counts() == {folder.id: {"indexed": PHOTOS}}
    store = VectorStore(tmp_path / "state" / "index", spec.fingerprint, spec.dimension)
    store.open()
    assert store.contents() == contents.embedded(spec.fingerprint)
    assert not contents.labels_due(spec.fingerprint, 1)
    database.close()


def test_the_page_names_every_size() -> None:
    """A row for each library that was measured."""

    class Figures(dict[str, int]):
        def __missing__(self, _key: str) -> int:
            return 7

    for part in (report.whole_library, report.index_sizes):
        rows = part({"100k": Figures(), "1m": Figures()}).splitlines()
        assert [row.split(" | ")[0] for row in rows[-2:]] == ["| 100k", "| 1m"]
