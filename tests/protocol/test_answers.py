"""What the daemon answers has the types that its clients are given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photosd.core import typed
from photosd.protocol.requests import OPERATIONS
from tests.conftest import RunningDaemon


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A picture twice, once by a name that is not UTF-8, and a file that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in (b"a.jpg", b"b\xff.jpg"):
        Image.new("RGB", (64, 48), (200, 90, 30)).save(folder / os.fsdecode(name), "JPEG")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def test_answers_are_of_the_declared_types(daemon: RunningDaemon, photos: Path) -> None:
    """Each required field is there, and no other than the declared ones."""
    daemon.wait_until("ready")
    alert = {"text": "a photo", "kind": "stream", "below": str(photos)}
    picture = {"path": str(photos / "a.jpg")}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("add", {"path": str(photos)}),
        ("rescan", {}),
        *((op, {}) for op in ("hello", "status", "folders", "failures", "config", "model")),
        *((op, {}) for op in ("cloud_status", "cloud_log", "self_check", "list", "duplicates")),
        ("query", {"text": "orange"}),
        ("query", {"text": "orange", "all": True}),
        ("show", picture),
        ("thumbnail", picture),
        ("follow", {"wait": False}),
        ("cloud_preview", picture),
        ("cloud_terms", {"mode": "hybrid"}),
        ("standing_add", alert),
        ("standing", {}),
        ("subscribe", {"id": 1, "wait": False}),
        ("pause", {"seconds": 60}),
        ("resume", {}),
        ("remove", {"path": str(photos)}),
        ("stop", {}),
    ]
    with daemon.client() as client:
        for op, params in asked:
            operation = OPERATIONS[op]
            *progress, result = client.stream(op, params)
            typed.convert(result, operation.result)
            assert result.keys() <= operation.result.__annotations__.keys(), op
            for part in progress:
                typed.convert(part, operation.progress or Any)
