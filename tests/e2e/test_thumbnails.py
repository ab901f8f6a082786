"""`thumbnail` through the daemon: known photos, other files, away, broken; queries do not wait."""

from __future__ import annotations

import base64
import io
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photosd.core.errors import (
    BadRequest,
    DeadlineExceeded,
    NotFound,
    PhotosdError,
    UnreadablePhoto,
)
from tests.conftest import RunningDaemon
from tests.household.daemon import shared_daemon


@pytest.fixture(scope="module")
def daemon() -> Iterator[RunningDaemon]:
    with shared_daemon() as running:
        yield running


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Some pictures, one with a name that is not UTF-8."""
    folder = tmp_path / "album"
    folder.mkdir()
    for number, name in enumerate(["a.jpg", "b.png", "\udcff.jpg", "שקיעה.jpg"]):
        colour = (40 * number, 120, 200 - 40 * number)
        kind = "PNG" if name.endswith("png") else "JPEG"
        Image.new("RGB", (1600, 1200), colour).save(folder / name, kind)
    return folder


def slow_picture(directory: Path) -> Path:
    """One that takes a decoder some hundred milliseconds."""
    slow = directory / "slow.png"
    Image.effect_noise((2500, 2000), 90).convert("RGB").save(slow, compress_level=1)
    return slow


def opened(answer: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(answer["data_b64"])))


def test_photos_are_seen_small(daemon: RunningDaemon, album: Path, tmp_path: Path) -> None:
    """Those of the library, kept for when their disk is away, and any other file."""
    daemon.index(album)
    with daemon.client() as client:
        found = list(client.thumbnails(sorted(map(os.fsencode, album.iterdir())), pixels=320))
        assert [not isinstance(one, PhotosdError) and one["width"] for one in found] == [320] * 4
        assert opened(found[0]).size == (320, 240)
        assert opened(found[0]).format == "JPEG"
        small = client.thumbnail(str(album / "b.png"), 30, 12, "rgb")
        assert (small["width"], small["height"]) == (16, 12)
        assert len(base64.b64decode(small["data_b64"])) == 16 * 12 * 3

        elsewhere = tmp_path / "elsewhere.png"
        Image.new("L", (64, 48)).save(elsewhere)
        assert client.thumbnail(str(elsewhere))["width"] == 64

        album.rename(tmp_path / "unplugged")
        away = client.thumbnail(str(album / "a.jpg"))
        assert opened(away).size == (320, 240)
        list(client.stream("rescan", {"wait": True}))
        assert client.folders()["folders"][0]["state"] == "offline"
        assert client.thumbnail(str(album / "a.jpg")) == away
        shutil.rmtree(daemon.home.thumbnails)
        with pytest.raises(NotFound, match="is offline") as caught:
            client.thumbnail(str(album / "a.jpg"))
        assert str(album) in caught.value.remedy


def test_refusals_have_remedies(daemon: RunningDaemon, tmp_path: Path) -> None:
    """No photo, no file, not readable, not enough time."""
    text, secret = tmp_path / "text.jpg", tmp_path / "secret.jpg"
    text.write_text("I am a text file, really." * 20)
    secret.write_bytes(b"x")
    secret.chmod(0)
    os.mkfifo(tmp_path / "pipe.jpg")
    with daemon.client() as client:
        for path, kind in (
            (text, UnreadablePhoto),
            (tmp_path, UnreadablePhoto),
            (tmp_path / "pipe.jpg", UnreadablePhoto),
            (tmp_path / "nowhere.jpg", NotFound),
        ):
            with pytest.raises(kind) as caught:
                client.thumbnail(str(path))
            assert caught.value.remedy
            assert str(path) in str(caught.value)
        if os.getuid() != 0:
            with pytest.raises(UnreadablePhoto, match="no permission to read"):
                client.thumbnail(str(secret))
        with pytest.raises(DeadlineExceeded):
            client.thumbnail(str(slow_picture(tmp_path)), deadline_ms=5)


def test_a_flood_of_thumbnails_delays_no_other(daemon: RunningDaemon, tmp_path: Path) -> None:
    """While hundreds of slow ones are requested, queries and the status are answered."""
    slow = slow_picture(tmp_path)
    floods = []
    for _ in range(20):
        flood = socket.socket(socket.AF_UNIX)
        flood.connect(str(daemon.home.socket))
        flood.sendall(b'{"op":"thumbnail","params":{"path":"%s"}}\n' % os.fsencode(slow) * 8)
        floods.append(flood)
    try:
        with daemon.client(timeout=60) as client:
            for number in range(5):
                client.query(f"sunset number {number}", deadline_ms=9000)
                client.status()
    finally:
        for flood in floods:
            flood.close()


def test_a_photo_is_named_by_its_content(daemon: RunningDaemon, album: Path) -> None:
    """In hits, for thumbnails and for facts; no other file has such a name."""
    Image.new("RGB", (1600, 1200), "gold").save(album / "gold.jpg")
    (album / "yellow.jpg").write_bytes((album / "gold.jpg").read_bytes())
    daemon.index(album)
    with daemon.client() as client:
        hit = next(h for h in client.query("gold")["hits"] if h["path"].endswith("gold.jpg"))
        assert (hit["width"], hit["height"]) == (1600, 1200)
        shown = client.show(content_id=hit["content_id"])
        assert (shown["path"], shown["content_id"]) == (hit["path"], hit["content_id"])
        assert [other["path"] for other in shown["copies"]] == [str(album / "yellow.jpg")]
        named = client.thumbnail(content_id=hit["content_id"])
        assert named == client.thumbnail(hit["path"])
        for unknown in (f"ff-{'0' * 32}", f"{hit['content_id']}0", "../../../etc/passwd"):
            with pytest.raises((NotFound, BadRequest)):
                client.thumbnail(content_id=unknown)
            with pytest.raises((NotFound, BadRequest)):
                client.show(content_id=unknown)
        (group,) = next(client.duplicates(str(album)))["groups"]
        assert {photo["content_id"] for photo in group["photos"]} == {hit["content_id"]}


def test_the_state_is_followed(daemon: RunningDaemon) -> None:
    """What changes is sent at once; without a change there is a keep-alive."""
    with daemon.client() as client, daemon.client() as other:
        states = client.follow()
        assert next(states)["index"]["paused"] is False
        other.pause(60)
        assert next(states)["index"]["paused"] is True
        other.resume()
        assert next(states)["index"]["paused"] is False
        assert next(states)["state"] == "ready"
