"""What counts as an input, through a whole daemon: sidecars do, own files and hidden ones not."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from photosd.core.paths import Home
from photosd.index.database import connect
from tests.decode.pictures import jpeg, scene
from tests.decode.test_words_of_photos import listed, packet, takeout_json
from tests.household.daemon import StandInDaemon
from tests.index.test_sidecars import XMP


@pytest.fixture
def running(home: Home) -> Iterator[StandInDaemon]:
    daemon = StandInDaemon(home)
    yield daemon
    daemon.stop()


def soon(true: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def test_inputs_are_what_they_should_be(running: StandInDaemon) -> None:
    """photosd's home is in the watched folder; a sidecar changes and goes; a rule file breaks."""
    root = running.home.state.parent.resolve()
    photos = root / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(jpeg(scene(64, 48)))
    running.wait_until()
    running.index(root)
    with running.client() as client:

        def shown(path: Path = photos / "a.jpg") -> dict[str, Any]:
            result: dict[str, Any] = client.call("show", {"path": str(path)})
            return result

        thumbnail = running.home.thumbnails / "ab" / "0123-ab.320.64x48.jpg"
        thumbnail.parent.mkdir(parents=True)
        thumbnail.write_bytes(jpeg(scene(32, 24)))
        for stars in (5, 3):
            (photos / "a.xmp").write_text(XMP % stars)
            soon(lambda s=stars: shown()["facts"].get("rating") == s, f"{stars} stars")  # type: ignore[misc]
        (photos / "a.xmp").unlink()
        soon(lambda: "rating" not in shown()["facts"] or shown()["facts"]["rating"] is None, "none")
        list(client.stream("rescan", {"wait": True}))
        assert set(running.contents()) == {bytes(photos / "a.jpg")}

        (photos / "private").mkdir()
        (photos / ".photosdignore").mkdir()
        (photos / "private" / "b.jpg").write_bytes(jpeg(scene(48, 64)))
        list(client.stream("rescan", {"wait": True}))
        assert set(running.contents()) == {bytes(photos / "a.jpg")}
        (folder,) = client.call("folders", {})["folders"]
        assert ".photosdignore: it is a folder" in folder["unreadable_example"], folder
        (photos / ".photosdignore").rmdir()
        (photos / ".photosdignore").write_text("nothing\n")
        soon(lambda: len(running.contents()) == 2, "indexed when it may be")


def test_facts_change_and_nothing_is_encoded(running: StandInDaemon) -> None:
    """By a sidecar of Takeout, by a tag in XMP, and by an upgrade that reads more than before."""
    photos = running.home.state.parent.resolve() / "photos"
    photos.mkdir()
    title = packet("<dc:title>Eilat</dc:title>").encode()
    (photos / "IMG-20190503-WA0001.jpg").write_bytes(jpeg(scene(64, 48), xmp=title))
    running.wait_until()
    running.index(photos)
    with running.client() as client:

        def facts() -> dict[str, Any]:
            path = str(photos / "IMG-20190503-WA0001.jpg")
            result: dict[str, Any] = client.call("show", {"path": path})["facts"]
            return result

        def encoded() -> int:
            return int(client.status()["encoder"]["images_encoded"])

        assert (facts()["title"], facts()["taken_from"]) == ("Eilat", "file name")
        before = encoded()
        beside = photos / "IMG-20190503-WA0001.jpg.supplemental-meta.json"
        beside.write_bytes(takeout_json(people=[{"name": "Noa"}]))
        soon(lambda: facts().get("people") == ["Noa"], "Takeout is read")
        assert facts()["taken_from"] == "takeout"
        (photos / "IMG-20190503-WA0001.xmp").write_text(packet(listed("dc:subject", "חוף")))
        soon(lambda: facts().get("tags") == ["חוף"], "XMP is read")
        beside.unlink()
        soon(lambda: "people" not in facts(), "Takeout has gone")
        assert encoded() == before
    running.stop()
    with contextlib.closing(connect(running.home.catalog)) as db:
        db.execute("UPDATE contents SET own = NULL, facts = '{\"width\": 64}'")
        db.execute("INSERT INTO facts_due SELECT content FROM contents")
    running.restart()
    running.wait_until()
    with running.client() as client:
        soon(lambda: facts().get("title") == "Eilat", "facts are read again")
        assert (facts()["tags"], encoded()) == (["חוף"], 0)
    assert running.rows("SELECT count(*) FROM facts_due") == [(0,)]


def test_a_shorter_rest_holds_for_files_that_rest_already(
    running: StandInDaemon, tmp_path: Path
) -> None:
    """Noticed or compared: a minute was asked for, then a moment."""
    running.wait_until()
    with running.client() as client:
        client.config_set("watch.settle_seconds", "60")
        client.add(bytes(tmp_path))
        (tmp_path / "compared.jpg").write_bytes(jpeg(scene(64, 48)))
        for _ in client.rescan(wait=False):
            pass
        soon(lambda: client.status()["index"]["pending"] == 1, "not compared")
        (tmp_path / "noticed.jpg").write_bytes(jpeg(scene(48, 64)))
        time.sleep(0.5)  # either way it must be indexed; so it is noticed before
        client.config_set("watch.settle_seconds", "0.1")
    soon(lambda: len(running.contents()) == 2, "they rest for a minute")
