"""What each released version left on a disk is served by this one, and nothing is encoded again."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photosd.core.paths import Home
from photosd.index.database import Database
from photosd.index.migrations import SCHEMA
from photosd.models.spec import STARTER, read_model
from tests.conftest import RunningDaemon
from tests.upgrade.store import BROKEN, HERE, LIMIT, PICTURES, QUERIES

ARCHIVES = sorted(HERE.glob("photosd-*.tar.gz"))
NEXT = "import photosd; photosd.__version__ = '99.0.0'"


@pytest.fixture(params=ARCHIVES, ids=lambda archive: archive.name.removesuffix(".tar.gz"))
def left_behind(request: pytest.FixtureRequest, home: Home) -> Path:
    """A home as an old version left it, at its new place; its folder of pictures."""
    place = home.config.parent
    with tarfile.open(request.param) as archive:
        # Named so, and not as an argument, it is known to Python 3.11.2, too.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(place)
    for part in ("config", "state"):
        (place / "home" / part).rename(place / part)
    pictures = place / "pictures"
    _move_in(home, pictures)
    tables = {table.name for table in home.index.glob("vectors_*.lance")}
    if f"vectors_{read_model(STARTER).fingerprint}.lance" not in tables:
        pytest.skip("it is of another starter; its photos are encoded anew, as they must be")
    return pictures


def _move_in(home: Home, pictures: Path) -> None:
    """Have the home name the pictures where they lie now, as if it had been made here."""
    saved = home.config / "folders.json"
    folders = json.loads(saved.read_text())
    folders[0]["path"] = str(pictures)
    folders[0]["path_b64"] = base64.b64encode(bytes(pictures)).decode()
    saved.write_text(json.dumps(folders))
    db = sqlite3.connect(home.catalog)
    for (path,) in db.execute("SELECT path FROM photos").fetchall():
        file = pictures / Path(path.decode()).name
        status = file.stat()
        db.execute(
            "UPDATE photos SET path = ?, inode = ?, device = ? WHERE path = ?",
            (bytes(file), status.st_ino, status.st_dev, path),
        )
    status = pictures.stat()
    db.execute(
        "UPDATE folders SET path = ?, inode = ?, device = ?, mount_point = x''",
        (bytes(pictures), status.st_ino, status.st_dev),
    )
    db.commit()
    db.close()


@pytest.fixture
def newer(left_behind: Path, home: Home) -> Iterator[RunningDaemon]:
    """A photosd of a later version on that home."""
    assert left_behind.is_dir()
    daemon = RunningDaemon(home, prelude=NEXT)
    yield daemon
    daemon.stop()


def test_everything_is_served_and_nothing_encoded_again(
    newer: RunningDaemon, left_behind: Path, home: Home
) -> None:
    """Photos, vectors, remembered queries, settings, folders; what failed is tried once more. All
    metadata is read again.
    """
    status: Any = newer.wait_until("ready")
    assert status["daemon_version"] == "99.0.0"
    progress = newer.index()
    assert (progress["indexed"], progress["failed"]) == (len(PICTURES), 1)
    for query, best in zip(QUERIES, ("sunset.jpg", "snow.jpg"), strict=True):
        answer: Any = newer.query(query)
        assert Path(answer["hits"][0]["path"]) == left_behind / best
        assert answer["answered_by"] == "cached_embedding"
    until = time.monotonic() + 60
    while _facts_due(home):
        assert time.monotonic() < until, "facts are not read again"
        time.sleep(0.1)
    with newer.client() as client:
        assert client.show(bytes(left_behind / "beach.jpg"))["facts"]["format"] == "JPEG"
        status = client.status()
        assert status["encoder"]["images_encoded"] == 0
        assert [folder["path"] for folder in status["folders"]] == [str(left_behind)]
        assert {s["name"]: s["value"] for s in client.config()["settings"]}["search.limit"] == LIMIT
        assert Path(client.failures()["failures"][0]["path"]).name == BROKEN
    assert _schema(home) == SCHEMA


def test_the_new_version_continues_with_the_old_state(
    newer: RunningDaemon, left_behind: Path
) -> None:
    """New photos go into the old table, changed ones replace their vectors, a rename costs none."""
    newer.wait_until("ready")
    with Image.open(left_behind / "forest.jpg") as forest:
        forest.rotate(90, expand=True).save(left_behind / "new.jpg")
    (left_behind / "beach.jpg").rename(left_behind / "sea.jpg")
    progress = newer.index()
    assert (progress["indexed"], progress["failed"]) == (len(PICTURES) + 1, 1)
    found: Any = newer.query("trees in a forest", limit=1000)
    names = {Path(hit["path"]).name for hit in found["hits"]}
    assert names == {*PICTURES, "new.jpg", "sea.jpg"} - {"beach.jpg"}
    with newer.client() as client:
        encoded = client.status()["encoder"]["images_encoded"]
        assert encoded == 1
        client.purge()
        client.reindex()
        list(client.rescan())
        assert client.status()["encoder"]["images_encoded"] > encoded


def test_the_schema_is_that_of_a_new_catalog(left_behind: Path, home: Home, tmp_path: Path) -> None:
    """Every table, index and trigger, whatever the white space and comments in them."""
    assert left_behind.is_dir()
    new = tmp_path / "new.sqlite3"
    for file in (home.catalog, new):
        Database(file).close()
    assert _statements(home.catalog) == _statements(new)


def _statements(catalog: Path) -> dict[str, str]:
    with sqlite3.connect(catalog) as db:
        rows = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return {name: "".join(re.sub(r"--.*", "", sql).split()) for name, sql in rows}


def _facts_due(home: Home) -> int:
    with sqlite3.connect(home.catalog) as db:
        return int(db.execute("SELECT count(*) FROM facts_due").fetchone()[0])


def _schema(home: Home) -> int:
    with sqlite3.connect(home.catalog) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])
