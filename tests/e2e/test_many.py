"""Many photos through the whole daemon: thousands renamed at once, and every odd file there is."""

from __future__ import annotations

import csv
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import psutil
import pytest
from PIL import Image

from photosd.core.formats import is_photo_name
from photosd.core.paths import Home
from tests.conftest import RunningDaemon

MANY = 5000
MIN_COSINE = 0.98
ORIENTATION = 0x0112
# How a camera stores a picture whose tag is so (EXIF 2.3, 4.6.4).
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
GROWTH = 150 << 20  # bytes the daemon may grow over the zoo


@pytest.fixture
def ready(daemon: RunningDaemon) -> Iterator[RunningDaemon]:
    daemon.wait_until("ready")
    yield daemon


def status(daemon: RunningDaemon) -> Any:
    with daemon.client() as client:
        return client.call("status", {})


def listed(daemon: RunningDaemon) -> set[str]:
    """Every indexed path."""
    with daemon.client(timeout=60) as client:
        return {
            path["path"]
            for batch in client.stream("list", {"state": "indexed"})
            for path in batch.get("paths", ())
        }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_thousand_renamed_photos_are_right_again(ready: RunningDaemon, tmp_path: Path) -> None:
    """And nothing is encoded: half of them moved with their folder."""
    folder = tmp_path / "photos"
    (folder / "tree").mkdir(parents=True)
    generator = np.random.default_rng(1)
    for number in range(MANY):
        place = folder / "tree" if number % 2 else folder
        picture = generator.integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(picture).save(place / f"{number}.png")
    with ready.client(timeout=500) as client:
        client.call("add", {"path": str(folder)})
        for _ in client.stream("rescan", {"wait": True}):
            pass
    assert len(listed(ready)) == MANY
    before = status(ready)["encoder"]["images_encoded"]

    (folder / "tree").rename(folder / "moved")
    for file in list(folder.glob("*.png")):
        file.rename(file.with_name(f"renamed {file.name}"))
    limit = time.monotonic() + 60
    expected = {str(file) for file in folder.rglob("*.png")}
    while listed(ready) != expected:
        assert time.monotonic() < limit, "it never came right"
        time.sleep(0.1)
    assert status(ready)["encoder"]["images_encoded"] == before


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_file_of_the_zoo_is_indexed_or_explained(
    photos: Path, ready: RunningDaemon, tmp_path: Path
) -> None:
    """And nothing restarts, nothing grows."""
    folder = tmp_path / "zoo"
    shutil.copytree(photos / "zoo", folder)
    with (folder / "manifest.csv").open(newline="") as table:
        readable = {row["file"]: row["pillow_status"] == "ok" for row in csv.DictReader(table)}
    ours = {name: fine for name, fine in readable.items() if is_photo_name(name.encode())}
    memory = psutil.Process(ready.process.pid).memory_info().rss
    result = ready.index(folder)
    assert psutil.Process(ready.process.pid).memory_info().rss < memory + GROWTH
    assert result["pending"] == 0

    with ready.client() as client:
        failures = client.call("failures", {})["failures"]
    explained = {Path(failure["path"]).name: failure for failure in failures}
    indexed = {Path(path).name for path in listed(ready)}
    assert indexed.isdisjoint(explained)
    assert indexed | explained.keys() == ours.keys()
    assert {name for name, fine in ours.items() if fine} <= indexed, "readable, but not indexed"
    for failure in explained.values():
        assert failure["reason"] and failure["remedy"], failure
    now = status(ready)
    assert now["encoder"]["restarts"] == 0
    assert "decoder_died" not in ready.log()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_photo_stored_turned_has_the_upright_ones_vector(
    photos: Path, ready: RunningDaemon, home: Home, tmp_path: Path
) -> None:
    """All eight orientations of the EXIF tag, of several real photos."""
    files = sorted((photos / "library").glob("*.jpg"))[::15]
    for file in files:
        for tag, turn in STORED.items():
            upright = Image.open(file).convert("RGB")
            exif = Image.Exif()
            exif[ORIENTATION] = tag
            stored = upright if turn is None else upright.transpose(turn)
            stored.save(tmp_path / f"{file.stem}-{tag}.jpg", exif=exif, quality=92)
    assert ready.index(tmp_path)["failed"] == 0
    ready.stop()
    for file in files:
        vectors = [vector_of(home, tmp_path / f"{file.stem}-{tag}.jpg") for tag in STORED]
        cosines = [float(vector @ vectors[0]) for vector in vectors]
        assert min(cosines) >= MIN_COSINE, (file.name, cosines)


def vector_of(home: Home, photo: Path) -> Any:
    """The vector of a photo's content, (d,) float32."""
    with sqlite3.connect(home.catalog) as catalog:
        (content,) = catalog.execute(
            "SELECT content FROM photos WHERE path = ?", (bytes(photo),)
        ).fetchone()
    (name,) = (directory.stem for directory in home.index.glob("*.lance"))
    table = lancedb.connect(home.index).open_table(name)
    rows = table.search().where(f"content = '{content}'").to_arrow()
    return np.asarray(rows["vector"][0].as_py(), np.float32)
