"""The main job on real photos: index, find, follow every change of the folder."""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunningDaemon
from tests.e2e.test_damage import paint

WAIT_SECONDS = 20.0  # seconds; how soon is measured in benchmarks/, that it happens is tested here


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """A copy of some of the real photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for file in sorted((photos / "library").glob("*.jpg"))[::8]:
        shutil.copy(file, folder)
    for name in ("elementary-sunset-tree.jpg", "nextcloud-toucan.jpg"):
        shutil.copy(photos / "library" / name, folder)
    return folder


def found(daemon: RunningDaemon, text: str, limit: int = 100) -> list[str]:
    answer: Any = daemon.query(text, limit)
    return [Path(hit["path"]).name for hit in answer["hits"]]


def eventually(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not become true in time"
        time.sleep(0.1)


def encoded(daemon: RunningDaemon) -> int:
    with daemon.client() as client:
        return int(client.call("status", {})["encoder"]["images_encoded"])


def test_photos_are_found_and_changes_followed(daemon: RunningDaemon, folder: Path) -> None:
    """Added, copied in, deleted, renamed, replaced: the index follows; no needless encoding."""
    daemon.wait_until("ready")
    result = daemon.index(folder)
    assert result["indexed"] == len(list(folder.iterdir()))
    assert result["failed"] == 0
    answer: Any = daemon.query("sunset", 3)
    assert "elementary-sunset-tree.jpg" in [Path(hit["path"]).name for hit in answer["hits"]]
    assert answer["answered_by"] == "vector"
    assert answer["coverage"]["indexed"] == result["indexed"]
    assert {hit["strength"] for hit in answer["hits"]} <= {"strong", "fair", "weak"}

    sunset = folder / "elementary-sunset-tree.jpg"
    before = encoded(daemon)
    (folder / "sub").mkdir()
    sunset.rename(folder / "sub" / "renamed.jpg")
    eventually(lambda: "renamed.jpg" in found(daemon, "sunset", 3))
    eventually(lambda: "elementary-sunset-tree.jpg" not in found(daemon, "sunset"))

    shutil.copy2(folder / "sub" / "renamed.jpg", folder / "a copy.jpg")
    eventually(lambda: "a copy.jpg" in found(daemon, "sunset", 4))
    (folder / "sub").rename(folder / "moved tree")
    eventually(lambda: any("moved tree" in path for path in paths(daemon)))
    assert encoded(daemon) == before

    (folder / "nextcloud-toucan.jpg").unlink()
    eventually(lambda: "nextcloud-toucan.jpg" not in found(daemon, "toucan bird"))

    (folder / "a copy.jpg").replace(folder / "moved tree" / "renamed.jpg")
    shutil.copy(next(folder.glob("coco-*.jpg")), folder / "fresh.jpg")
    eventually(lambda: any(path.endswith("/fresh.jpg") for path in paths(daemon)))


def paths(daemon: RunningDaemon) -> list[str]:
    with daemon.client() as client:
        parts = list(client.stream("list", {}))
    return [entry["path"] for part in parts[:-1] for entry in part["paths"]]


def test_odd_names_and_odd_files(quick_daemon: RunningDaemon, folder: Path) -> None:
    """Names that are not UTF-8 or hold newlines are indexed; broken files are listed with why."""
    picture = (folder / "nextcloud-toucan.jpg").read_bytes()
    odd = [b"new\nline.jpg", b"bad\xff.jpg", "שקיעה.jpg".encode(), b"quote'\".jpg"]
    for raw_name in odd:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + raw_name)).write_bytes(picture)
    broken = {"empty.jpg": b"", "cut.jpg": picture[:5000], "text.jpg": b"I am a text file, really."}
    for name, data in broken.items():
        (folder / name).write_bytes(data)
    quick_daemon.wait_until("ready")
    quick_daemon.index(folder)
    assert sum("toucan" in path or "jpg" in path for path in paths(quick_daemon)) >= len(odd)
    with quick_daemon.client() as client:
        every_copy = {"text": "toucan bird", "limit": 100, "all": True, "deadline_ms": 5000}
        answer: Any = client.call("query", every_copy)
        raw = {hit.get("path_b64") for hit in answer["hits"]} - {None}
        assert len(raw) == 1
        failures: Any = client.call("failures", {})["failures"]
    reasons = {Path(failure["path"]).name: failure for failure in failures}
    assert set(reasons) == set(broken)
    for failure in reasons.values():
        assert failure["reason"]
        assert failure["remedy"]
    (folder / "text.jpg").write_bytes(picture)
    eventually(lambda: any(path.endswith("/text.jpg") for path in paths(quick_daemon)))


def test_a_removed_folder_leaves_the_index(quick_daemon: RunningDaemon, folder: Path) -> None:
    """`remove` takes the photos out of every answer; the files stay."""
    quick_daemon.wait_until("ready")
    quick_daemon.index(folder)
    with quick_daemon.client() as client:
        assert client.call("remove", {"path": str(folder)})["photos"] > 0
        assert client.call("status", {})["index"]["photos"] == 0
    assert found(quick_daemon, "sunset") == []
    assert list(folder.iterdir())
    quick_daemon.index(folder)
    assert found(quick_daemon, "sunset", 3)


@pytest.mark.slow
def test_a_folder_added_by_a_link_is_known_by_either_name(
    quick_daemon: RunningDaemon, folder: Path, tmp_path: Path
) -> None:
    """`show`, `reindex` and `remove` take the name the user knows."""
    link = tmp_path / "link"
    link.symlink_to(folder, target_is_directory=True)
    quick_daemon.wait_until("ready")
    quick_daemon.index(link)
    photo = next(path for path in sorted(folder.iterdir()) if path.suffix == ".jpg")
    with quick_daemon.client() as client:
        assert client.call("show", {"path": str(link / photo.name)})["state"] == "indexed"
        assert client.call("reindex", {"path": str(link / photo.name)})["marked"] == 1
        assert client.call("reindex", {"path": str(link)})["marked"] > 1
        assert client.call("remove", {"path": str(link)})["photos"] > 1


def test_every_answer_has_the_bytes_of_its_paths(
    quick_daemon: RunningDaemon, tmp_path: Path
) -> None:
    """A folder and a photo whose names are not UTF-8: what an answer names can be asked for."""
    folder = os.fsencode(tmp_path) + b"/\xe4"
    photo = folder + b"/\xff.png"
    Path(os.fsdecode(folder)).mkdir()
    paint(Path(os.fsdecode(photo)), 1)

    def path(answer: Mapping[str, Any]) -> bytes:
        return base64.b64decode(answer.get("path_b64") or b"")

    quick_daemon.wait_until("ready")
    with quick_daemon.client() as client:
        assert path(client.add(folder)) == folder
        list(client.rescan(wait=True))
        assert path(client.show(photo)) == photo
        assert path(client.query("anything")["hits"][0]) == photo
        for folders in (client.folders()["folders"], client.status()["folders"]):
            assert [path(one) for one in folders] == [folder]
        assert path(client.remove(folder)) == folder
