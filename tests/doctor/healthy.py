"""Healthy set-ups: what people have that is unusual, and is no fault."""

# Paths are bytes or text that need not be UTF-8.
from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from photosd.protocol.client import Client
from tests.household import bodies
from tests.household.daemon import StandInDaemon


class Scene:
    """A folder of its own in the library of a daemon that runs."""

    def __init__(self, daemon: StandInDaemon, place: Path, patch: pytest.MonkeyPatch) -> None:
        self.daemon, self.place, self.patch = daemon, place, patch
        self.folder = place / "photos"
        self.folder.mkdir(parents=True)

    @property
    def client(self) -> Client:
        return self.daemon.client()

    def photo(self, name: str = "a.jpg", folder: Path | None = None) -> Path:
        """A photo that no other is like."""
        path = (folder or self.folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            colour = tuple(os.urandom(3))
            Image.new("RGB", (40, 30), colour).save(file, "JPEG")
        return path

    def add(self, folder: Path | None = None) -> None:
        with self.client as client:
            client.add(os.fsencode(folder or self.folder))
            for _ in client.rescan(wait=True):
                pass


Setup = Callable[[Scene], object]
SETUPS: dict[str, Setup] = {}


def setup(function: Setup) -> Setup:
    SETUPS[function.__name__] = function
    return function


def linked(scene: Scene, name: str, target: str | Path) -> None:
    (scene.folder / name).symlink_to(target)


@setup
def plain(scene: Scene) -> None:
    scene.photo()
    scene.add()


@setup
def link_to_a_photo(scene: Scene) -> None:
    linked(scene, "b.jpg", scene.photo().name)
    scene.add()


@setup
def link_to_a_photo_elsewhere(scene: Scene) -> None:
    linked(scene, "b.jpg", scene.photo("x.jpg", scene.place / "elsewhere"))
    scene.add()


@setup
def link_to_another_disk(scene: Scene) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == scene.folder.stat().st_dev:
        pytest.skip("one disk")
    place = other / f"photosd-test-{os.getpid()}"
    try:
        linked(scene, "b.jpg", scene.photo("x.jpg", place))
        scene.add()
    finally:
        shutil.rmtree(place)


@setup
def link_to_a_directory(scene: Scene) -> None:
    scene.photo("2019/a.jpg")
    linked(scene, "latest", "2019")
    scene.add()


@setup
def links_that_lead_nowhere(scene: Scene) -> None:
    scene.photo()
    linked(scene, "broken.jpg", "nowhere.jpg")
    linked(scene, "circle.jpg", "circle.jpg")
    linked(scene, "up", "..")
    scene.add()


@setup
def folder_added_by_a_link(scene: Scene) -> None:
    scene.photo()
    (scene.place / "link").symlink_to(scene.folder)
    scene.add(scene.place / "link")


@setup
def odd_names(scene: Scene) -> None:
    for name in ("a b.jpg", "it's.jpg", 'say "x".jpg', "n\nl.jpg", "תמונה.jpg", "🐶.jpg", "-n.jpg"):
        scene.photo(name)
    scene.add()


@setup
def names_that_are_not_utf8(scene: Scene) -> None:
    scene.photo("\udce4.jpg")
    scene.photo("\udcff/b.jpg")
    scene.add()


@setup
def names_in_both_normal_forms(scene: Scene) -> None:
    scene.photo("\u00e9t\u00e9.jpg")
    scene.photo("e\u0301te\u0301.jpg")
    scene.add()


@setup
def longest_names(scene: Scene) -> None:
    scene.photo("x" * 251 + ".jpg")
    scene.photo("/".join(["deep"] * 30) + "/a.jpg")
    scene.add()


@setup
def sidecars(scene: Scene) -> None:
    photo = scene.photo()
    photo.with_name("a.jpg.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    photo.with_name("a.jpg.json").write_text("{}")
    scene.add()


@setup
def damaged_sidecar(scene: Scene) -> None:
    scene.photo().with_name("a.jpg.xmp").write_bytes(b"\xff" * 100)
    scene.add()


@setup
def hard_links(scene: Scene) -> None:
    (scene.folder / "b.jpg").hardlink_to(scene.photo())
    scene.add()


@setup
def copies(scene: Scene) -> None:
    shutil.copy2(scene.photo(), scene.folder / "b.jpg")
    scene.add()


@setup
def times_in_the_future(scene: Scene) -> None:
    os.utime(scene.photo(), (4_733_510_400, 4_733_510_400))
    scene.add()


@setup
def times_before_1970(scene: Scene) -> None:
    os.utime(scene.photo(), (-1_000_000, -1_000_000))
    os.utime(scene.photo("b.jpg"), (0, 0))
    scene.add()


@setup
def times_in_nanoseconds(scene: Scene) -> None:
    os.utime(scene.photo(), ns=(1, 1_234_567_890_123_456_789))
    scene.add()


@setup
def hidden_files(scene: Scene) -> None:
    scene.photo()
    scene.photo(".hidden.jpg")
    scene.photo(".thumbnails/b.jpg")
    scene.add()


@setup
def only_ignored_files(scene: Scene) -> None:
    scene.photo()
    (scene.folder / ".photosdignore").write_text("*.jpg\n")
    scene.add()


@setup
def a_folder_marked_nomedia(scene: Scene) -> None:
    scene.photo("sub/a.jpg")
    (scene.folder / "sub" / ".nomedia").touch()
    scene.add()


@setup
def no_photos(scene: Scene) -> None:
    (scene.folder / "notes.txt").write_text("nothing")
    scene.add()


@setup
def empty_folder(scene: Scene) -> None:
    scene.add()


@setup
def special_files(scene: Scene) -> None:
    scene.photo()
    os.mkfifo(scene.folder / "pipe.jpg")
    (scene.folder / "directory.jpg").mkdir()
    scene.add()


@setup
def photos_that_cannot_be_read(scene: Scene) -> None:
    scene.photo()
    (scene.folder / "empty.jpg").touch()
    (scene.folder / "text.jpg").write_text("no picture")
    (scene.folder / "cut.jpg").write_bytes(bodies.truncated(1))
    scene.add()


@setup
def a_photo_that_was_just_deleted(scene: Scene) -> None:
    scene.photo("kept.jpg")
    photo = scene.photo()
    scene.add()
    photo.unlink()


@setup
def a_directory_that_was_just_deleted(scene: Scene) -> None:
    scene.photo("kept.jpg")
    scene.photo("sub/sub/a.jpg")
    scene.add()
    shutil.rmtree(scene.folder / "sub")


@setup
def a_photo_that_was_just_replaced(scene: Scene) -> None:
    scene.photo()
    scene.add()
    scene.photo().write_bytes(scene.photo("b.jpg").read_bytes() + b"more")


@setup
def a_directory_that_was_just_renamed(scene: Scene) -> None:
    scene.photo("old/a.jpg")
    scene.add()
    (scene.folder / "old").rename(scene.folder / "new")


@setup
def a_photo_deleted_while_files_have_to_be_quiet_for_a_minute(scene: Scene) -> None:
    photo = scene.photo()
    scene.add()
    with scene.client as client:
        client.config_set("watch.settle_seconds", "60")
    photo.write_bytes(scene.photo("b.jpg").read_bytes() + b"more")
    time.sleep(0.5)


@setup
def paused(scene: Scene) -> None:
    scene.photo()
    scene.add()
    with scene.client as client:
        client.pause()


@setup
def paused_with_photos_waiting(scene: Scene) -> None:
    scene.add()
    with scene.client as client:
        client.pause(3600)
    scene.photo()


@setup
def clients_that_hang_up(scene: Scene) -> None:
    scene.photo()
    scene.add()
    requests = [
        {"op": "rescan", "params": {"wait": True}},
        {"op": "list", "params": {"state": ""}},
        {"op": "query", "params": {"text": "dog"}},
        {"op": "duplicates", "params": {"near": True}},
    ]
    for request in requests:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(os.fspath(scene.daemon.home.socket))
            one.sendall(json.dumps({"v": 1, "id": 1, **request}).encode() + b"\n")


@setup
def nonsense_on_the_socket(scene: Scene) -> None:
    for words in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 1000 + b"\n", b"{}\n", b"[[[["):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(os.fspath(scene.daemon.home.socket))
            one.sendall(words)


@setup
def alerts(scene: Scene) -> None:
    scene.photo()
    scene.add()
    with scene.client as client:
        client.standing_add("dog", "stream")
        client.standing_add("cat", "link", directory=os.fsencode(scene.place / "album"))


@setup
def purged(scene: Scene) -> None:
    scene.photo().rename(scene.place / "kept.jpg")
    scene.add()
    with scene.client as client:
        client.purge()


@setup
def read_again(scene: Scene) -> None:
    scene.photo()
    scene.add()
    with scene.client as client:
        client.reindex()
        for _ in client.rescan(wait=True):
            pass


@setup
def a_folder_that_was_removed(scene: Scene) -> None:
    scene.photo()
    scene.add()
    with scene.client as client:
        client.remove(os.fsencode(scene.folder))


@setup
def folders_beside_each_other(scene: Scene) -> None:
    scene.photo()
    scene.photo("x.jpg", scene.place / "photos 2")
    scene.add()
    scene.add(scene.place / "photos 2")


@setup
def log_level_debug(scene: Scene) -> None:
    with scene.client as client:
        client.config_set("log.level", "debug")
    scene.photo()
    scene.add()


@setup
def no_thumbnails(scene: Scene) -> None:
    with scene.client as client:
        client.config_set("thumbnails.cache_mb", "0")
    scene.photo()
    scene.add()


@setup
def the_socket_named(scene: Scene) -> None:
    scene.patch.setenv("PHOTOSD_SOCKET", os.fspath(scene.daemon.home.socket))


@setup
def the_socket_named_by_another_path(scene: Scene) -> None:
    link = scene.place / "run"
    link.symlink_to(scene.daemon.home.socket.parent)
    scene.patch.setenv("PHOTOSD_SOCKET", f"{link}//{scene.daemon.home.socket.name}")


@setup
def a_log_that_was_emptied(scene: Scene) -> None:
    os.truncate(scene.daemon.home.log, 0)


@setup
def questions_that_were_refused(scene: Scene) -> None:
    with scene.client as client:
        for params in ({"text": ""}, {"text": "x", "limit": 0}, {"text": "x", "where": 7}):
            with pytest.raises(Exception, match=r"."):
                client.call("query", params)


@contextmanager
def as_before(daemon: StandInDaemon) -> Iterator[None]:
    """Undo what a set-up may have done to the daemon that all share."""
    try:
        yield
    finally:
        with daemon.client() as client:
            client.resume()
            for name, value in (
                ("log.level", "info"),
                ("thumbnails.cache_mb", "500"),
                ("watch.settle_seconds", "0.2"),
            ):
                client.config_set(name, value)
            for alert in client.standing()["standing"]:
                client.standing_remove(alert["id"])
            for folder in client.folders()["folders"]:
                client.remove(os.fsencode(folder["path"]))
