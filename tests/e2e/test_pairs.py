"""`show` says which files are the same photo."""

from __future__ import annotations

from pathlib import Path

import pytest

from photosd.core.errors import NotFound
from photosd.core.paths import Home
from tests.decode.pictures import jpeg, scene
from tests.household.daemon import StandInDaemon


def test_show_names_the_files_of_a_photo(home: Home, tmp_path: Path) -> None:
    """A raw file and its JPEG, a Live Photo and its video; a video says whose it is."""
    root = tmp_path / "photos"
    root.mkdir()
    for number, name in enumerate(("a.HEIC", "b.JPG", "b.DNG", "c.jpg", "d.MP.jpg"), 40):
        (root / name).write_bytes(jpeg(scene(number, 48)))
    for name in ("a.MOV", "d.MP", "e.mov"):
        (root / name).write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0qt  ")
    daemon = StandInDaemon(home)
    try:
        daemon.wait_until()
        with daemon.client() as client:
            client.call("add", {"path": str(root)})
            list(client.stream("rescan", {"wait": True}))
            pairs = {
                name: [
                    Path(one["path"]).name for one in client.show(str(root / name)).get("pair", ())
                ]
                for name in ("a.HEIC", "b.JPG", "b.DNG", "c.jpg", "d.MP.jpg")
            }
            assert pairs == {
                "a.HEIC": ["a.MOV"], "b.JPG": ["b.DNG"], "b.DNG": ["b.JPG"], "c.jpg": [],
                "d.MP.jpg": ["d.MP"],
            }  # fmt: skip
            for name, said in (("a.MOV", "a.HEIC"), ("d.MP", "d.MP.jpg"), ("e.mov", "is a video")):
                with pytest.raises(NotFound) as caught:
                    client.show(str(root / name))
                assert said in str(caught.value)
            status = client.status()["index"]
            assert (status["photos"], status["failed"]) == (5, 0)  # videos count as nothing
    finally:
        daemon.stop()
