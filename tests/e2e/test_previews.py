"""A phone's photo is found by its preview at once, and by the full picture a little later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunningDaemon
from tests.decode.pictures import scene
from tests.decode.test_previews import heic
from tests.household.daemon import shared_daemon

SECONDS = 60.0


@pytest.fixture(scope="module")
def daemon() -> Iterator[RunningDaemon]:
    with shared_daemon() as running:
        yield running


def source(daemon: RunningDaemon, path: Path) -> str | None:
    """What the vector comes from."""
    with daemon.client() as client:
        return client.show(str(path)).get("vector_from")


def test_the_full_picture_follows_the_preview(daemon: RunningDaemon, tmp_path: Path) -> None:
    """While photosd is otherwise idle; `status` says how many are left."""
    photo, bare = tmp_path / "a.heic", tmp_path / "b.heic"
    photo.write_bytes(heic(scene(1280, 960), 640))
    bare.write_bytes(heic(scene(960, 1280)))
    daemon.index(tmp_path)
    assert source(daemon, bare) == "full"
    end = time.monotonic() + SECONDS
    while source(daemon, photo) != "full":
        assert time.monotonic() < end
        time.sleep(0.1)
    with daemon.client() as client:
        while client.status()["index"]["previews"]:
            assert time.monotonic() < end
            time.sleep(0.1)
        hits = client.query("a photo")["hits"]
    assert {Path(hit["path"]) for hit in hits} == {photo, bare}
    assert "previews_replaced" in daemon.log()
