"""Real models, downloaded from the real hub, find the right photos.

`python -m pytest -m real_weights` downloads 2 GB. It has not been run yet.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from photosd.core.paths import Home
from tests.conftest import RunningDaemon
from tests.encoder.install.test_real_architectures import photosd

pytestmark = [pytest.mark.real_weights, pytest.mark.timeout(3600)]

# What is asked, in English and in Hebrew, and whose name has to be among the first three.
RANKINGS = (
    ("sunset", "שקיעה", "elementary-sunset-tree.jpg"),
    ("a toucan", "טוקן", "nextcloud-toucan.jpg"),
)


@pytest.mark.parametrize(("name", "hebrew"), [("english", False), ("multilingual", True)])
def test_a_real_model_finds_what_is_asked_for(
    name: str, hebrew: bool, home: Home, photos: Path
) -> None:
    """`english` in English; `multilingual` in Hebrew, too, and without a warning."""
    photosd("model", "pull", name)
    photosd("model", "use", name)
    folder = home.state.parent / "photos"
    shutil.copytree(photos / "library", folder)
    daemon = RunningDaemon(home)
    try:
        daemon.wait_until("ready", 300)
        daemon.index(folder)
        for english, translated, expected in RANKINGS:
            for text in (english, translated) if hebrew else (english,):
                answer: Any = daemon.query(text, 3, deadline_ms=10_000)
                found = [Path(hit["path"]).name for hit in answer["hits"]]
                assert expected in found, (text, found)
                assert answer["warnings"] == [] and answer["convincing"], (text, answer)
    finally:
        daemon.stop()
