"""Real photos, the starter model: a picture saved again is found, and different ones are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import RunningDaemon

SAVED_AGAIN = 8


@pytest.mark.slow
def test_pictures_saved_again_are_found(
    daemon: RunningDaemon, photos: Path, tmp_path: Path
) -> None:
    """Halved, in worse quality, in another format; each with its original, which is to be kept."""
    album = tmp_path / "album"
    shutil.copytree(photos / "library", album)
    originals = sorted(album.glob("coco-*.jpg"))[:SAVED_AGAIN]
    assert len(originals) == SAVED_AGAIN
    for original in originals:
        with Image.open(original) as picture:
            whole = picture.convert("RGB")
        whole.reduce(2).save(album / f"{original.stem} half.png")
        whole.save(album / f"{original.stem} worse.jpg", quality=60)
    daemon.wait_until("ready")
    daemon.index(album)
    with daemon.client() as client:
        groups = [g["photos"] for part in client.duplicates(near=True) for g in part["groups"]]
    found = {Path(group[0]["path"]): {Path(p["path"]).name for p in group[1:]} for group in groups}
    for original in originals:
        assert {f"{original.stem} half.png", f"{original.stem} worse.jpg"} <= found[original]
    others = {name for group in found.values() for name in group if "half" not in name} - {
        f"{original.stem} worse.jpg" for original in originals
    }
    assert others == set(), others
