"""After `purge` and `cloud forget` nothing of what was asked, named or answered is on the disk."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image

from tests.gemini.conftest import Cloudy
from tests.gemini.fake_gemini import wait_for

EACH = 15  # words of each kind


def words(seed: int, letters: str, number: int = EACH) -> list[str]:
    """Words that stand nowhere by chance, and that no model knows."""
    chance = random.Random(seed)
    return ["".join(chance.choices(letters, k=9)) for _ in range(number)]


LATIN, HEBREW = "bcdfgklmnprstvz", "אבגדהזחטכלמנסעפצקרש"
ASKED, IN_HEBREW, NAMES, CAPTIONS = (
    words(1, LATIN),
    words(2, HEBREW),
    words(3, LATIN),
    words(4, LATIN),
)


def test_planted_words_are_nowhere(make_cloudy: Callable[..., Cloudy], tmp_path: Path) -> None:
    """Queries, their unknown words, Hebrew ones, names of removed photos, captions."""
    asked = [f"my {word} at the beach" for word in ASKED] + IN_HEBREW
    captions = dict(zip(asked, [[f"a {word}"] for word in CAPTIONS + CAPTIONS], strict=True))
    cloudy = make_cloudy(captions)
    cloudy.put_key()
    cloudy.set(mode="local")
    cloudy.call("config_set", name="log.level", value="debug")
    pictures = cloudy.directory / "pictures"
    pictures.mkdir()
    for number, name in enumerate(NAMES):
        file = pictures / f"{name} of ours.jpg"
        if number % 10:
            Image.new("RGB", (64, 48), tuple(os.urandom(3))).save(file)
        else:
            file.write_bytes(b"no picture at all" * 100)  # it fails, and the log reports it
    cloudy.daemon.index(pictures)
    cloudy.enable("hybrid")
    cloudy.set(deadline_seconds=10)
    cloudy.warm()
    for text in asked:
        assert cloudy.query(text)["mode_used"] == "hybrid"
    again = cloudy.query(asked[0])
    assert again["answered_by"] == "cached_embedding" and ASKED[0] in again["unknown"]
    listed = cloudy.query("beach", mode="local", limit=1)["hits"]
    cloudy.run("query", asked[0], "--local", "--html")  # a contact sheet of our own
    cloudy.call("thumbnail", path=listed[0]["path"])
    assert any(cloudy.home.sheets.iterdir()) and any(cloudy.home.thumbnails.iterdir())
    assert present(cloudy, ASKED) and present(cloudy, NAMES)

    shutil.rmtree(pictures)
    pictures.mkdir()
    cloudy.call("remove", path=str(pictures))
    cloudy.call("purge")
    assert not any(cloudy.home.sheets.iterdir())
    assert not list(cloudy.home.thumbnails.rglob("*.jpg"))
    cloudy.call("cloud_forget")
    nothing_is_left(cloudy)
    cloudy.daemon.stop()
    cloudy.daemon.restart()
    cloudy.daemon.wait_until("ready")
    nothing_is_left(cloudy)


def nothing_is_left(cloudy: Cloudy) -> None:
    assert present(cloudy, ASKED + IN_HEBREW + NAMES + CAPTIONS) == []
    assert not cloudy.home.cloud.exists()


def test_cached_queries_are_deleted_on_request(make_cloudy: Callable[..., Cloudy]) -> None:
    cloudy = make_cloudy()
    before = kept(cloudy)
    cloudy.query("a red car", mode="local")
    assert cloudy.query("a red car", mode="local")["answered_by"] == "cached_embedding"
    wait_for(lambda: kept(cloudy) > before)
    ran = cloudy.run("purge", "--queries")
    assert ran.returncode == 0 and "forgotten" in ran.stdout
    cloudy.daemon.stop()
    cloudy.daemon.restart()
    cloudy.daemon.wait_until("ready")
    assert cloudy.query("a red car", mode="local")["answered_by"] == "vector"
    wait_for(lambda: kept(cloudy) > 0)
    cloudy.call("config_set", name="search.remember", value="no")
    wait_for(lambda: kept(cloudy) == 0)
    cloudy.query("a blue car", mode="local")
    cloudy.call("config_set", name="search.remember", value="yes")
    cloudy.query("a green car", mode="local")
    cloudy.daemon.stop()
    cloudy.daemon.restart()
    cloudy.daemon.wait_until("ready")
    assert cloudy.query("a green car", mode="local")["answered_by"] == "cached_embedding"
    for forgotten in ("a red car", "a blue car"):
        assert cloudy.query(forgotten, mode="local")["answered_by"] == "vector"


def kept(cloudy: Cloudy) -> int:
    """Remembered queries in the catalog."""
    import sqlite3

    with sqlite3.connect(cloudy.home.catalog) as db:
        found = db.execute("SELECT count(*) FROM remembered_queries").fetchone()[0]
    db.close()
    return int(found)


def present(cloudy: Cloudy, planted: Iterable[str]) -> list[tuple[str, str]]:
    """Which of these stand in which file of the state directory, byte for byte, in any case."""
    found = []
    for file in cloudy.home.state.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            data += data.lower()
            found += [(word, str(file)) for word in planted if word.encode() in data]
    return found
