"""`show` and `add` say which rule ignores a place; the setting turns rules off at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.protocol.client import Client
from tests.decode.pictures import jpeg, scene
from tests.e2e.test_damage import eventually
from tests.household.daemon import StandInDaemon

NAMES = ("a.jpg", "#recycle/b.jpg", ".hid/c.jpg", "quiet/d.jpg", "P.photoslibrary/originals/e.jpg",
         "P.photoslibrary/resources/f.jpg", "out/g.jpg", "told/h.jpg", "._a.jpg")  # fmt: skip


@pytest.fixture
def running(home: Home) -> Iterator[StandInDaemon]:
    daemon = StandInDaemon(home)
    yield daemon
    daemon.stop()


@pytest.fixture
def photos(running: StandInDaemon, tmp_path: Path) -> Path:
    """A folder with a photo, and many that are ignored."""
    root = tmp_path / "photos"
    for number, name in enumerate(NAMES, 40):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(jpeg(scene(number, 48)))
    (root / "quiet/.nomedia").touch()
    (root / "told/.photosdignore").write_text("*.jpg\n")
    (root / "gone.jpg").symlink_to(".git/annex/objects/x")
    running.wait_until()
    with running.client() as client:
        client.call("add", {"path": str(root), "exclude": ["out/"]})
        list(client.stream("rescan", {"wait": True}))
    return root


def refused(client: Client, op: str, path: Path) -> tuple[str, str]:
    with pytest.raises(PhotosdError) as caught:
        client.call(op, {"path": str(path)})
    return str(caught.value), caught.value.remedy


def indexed(client: Client) -> set[str]:
    return {
        Path(one["path"]).name
        for chunk in client.stream("list", {"state": "indexed"})
        for one in chunk.get("paths", ())
    }


def set_off(client: Client, names: str) -> None:
    client.call("config_set", {"name": "watch.ignore_off", "value": names})


def test_show_names_the_rule(running: StandInDaemon, photos: Path) -> None:
    """With the command that turns it off, or what else helps."""
    with running.client() as client:
        assert indexed(client) == {"a.jpg"}
        set_off(client, "snapshots")

        def show(name: str) -> tuple[str, str]:
            return refused(client, "show", photos / name)

        says, remedy = show("#recycle/b.jpg")
        assert f"the rule recycle-bins ignores {photos}/#recycle (" in says
        assert remedy.endswith("photosd config set watch.ignore_off recycle-bins,snapshots")
        assert "the rule recycle-bins" in show("#recycle")[0]
        assert "the rule hidden" in show(".hid/c.jpg")[0]
        assert "the rule appledouble" in show("._a.jpg")[0]
        says, remedy = show("quiet/d.jpg")
        assert f"the rule nomedia ignores {photos}/quiet (" in says
        says, remedy = show("P.photoslibrary/originals/e.jpg")
        assert "the rule photo-libraries" in says
        assert remedy == f"to index its originals: photosd add '{photos}/P.photoslibrary'"
        assert "--exclude of photosd add excludes" in show("out/g.jpg")[0]
        assert f"{photos}/told/.photosdignore excludes" in show("told/h.jpg")[0]
        assert "git annex get" in show("gone.jpg")[1]


def test_the_setting_takes_effect_at_once(running: StandInDaemon, photos: Path) -> None:
    """In both directions; a library that is watched itself stays a folder of its own."""
    with running.client() as client:
        client.call("add", {"path": str(photos / "P.photoslibrary")})
        eventually(lambda: indexed(client) == {"a.jpg", "e.jpg"})
        set_off(client, "recycle-bins, nomedia, photo-libraries")
        eventually(lambda: indexed(client) == {"a.jpg", "b.jpg", "d.jpg", "e.jpg", "f.jpg"})
        shown = client.call("show", {"path": str(photos / "P.photoslibrary/originals/e.jpg")})
        assert shown["folder"] == str(photos / "P.photoslibrary")
        (photos / "#recycle/later.jpg").write_bytes(jpeg(scene(80, 48)))
        eventually(lambda: "later.jpg" in indexed(client))
        set_off(client, "")
        eventually(lambda: indexed(client) == {"a.jpg", "e.jpg"})
        with pytest.raises(PhotosdError, match="names separated by commas"):
            set_off(client, "recycle")


def test_add_names_the_rule(running: StandInDaemon, photos: Path, tmp_path: Path) -> None:
    """Inside a watched folder, and of a folder that would be ignored inside another."""
    (tmp_path / "#snapshot/2020").mkdir(parents=True)
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole/.nomedia").touch()
    with running.client() as client:
        says, remedy = refused(client, "add", photos / "#recycle")
        assert "watched already, but the rule recycle-bins ignores" in says
        assert "watch.ignore_off recycle-bins" in remedy

        def note(path: Path) -> Any:
            return client.call("add", {"path": str(path)})["reason"]

        assert "the rule snapshots ignores #snapshot" in note(tmp_path / "#snapshot/2020")
        assert "the rule nomedia ignores all of it" in note(tmp_path / "whole")
