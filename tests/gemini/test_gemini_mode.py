"""Gemini's own ranking beside ours: where ours means nothing, and where a filter is set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.gemini.conftest import MARKED, Cloudy, paths
from tests.gemini.fake_gemini import wait_for


@pytest.fixture(scope="module")
def cloudy(make_cloudy: Callable[..., Cloudy]) -> Cloudy:
    """Scenes, and a green picture, of a marked folder, all of them sent."""
    made = make_cloudy()
    made.put_key()
    made.paint()
    Image.new("RGB", (640, 480), (10, 200, 10)).save(made.marked / "x.jpg")
    with made.daemon.client(timeout=60) as client:
        list(client.stream("rescan", {"wait": True}))
    made.enable("gemini")
    wait_for(lambda: made.status()["photos_sent"] == len(MARKED) + 1)
    made.warm()
    return made


def test_it_finds_what_our_model_cannot_read(cloudy: Cloudy) -> None:
    """The starter model does not understand Greek: its ranks would be noise and are not used."""
    result = cloudy.query("πράσινο")
    first = result["hits"][0]
    assert Path(first["path"]).name == "x.jpg"
    assert first["sources"] == ["gemini"] and first["strength"] == "fair"
    assert (result["mode_used"], result["answered_by"]) == ("gemini", "gemini")
    assert result["convincing"] and result["warnings"] == []
    assert not cloudy.query("πράσινο", mode="local")["convincing"]


def test_both_rankings_are_fused(cloudy: Cloudy) -> None:
    result = cloudy.query("a green thing")
    assert {"clip", "gemini"} == {source for hit in result["hits"] for source in hit["sources"]}
    unmarked = [hit for hit in result["hits"] if str(cloudy.unmarked) in hit["path"]]
    assert all(hit["sources"] == ["clip"] for hit in unmarked)


def test_filters_hold_for_what_gemini_finds(cloudy: Cloudy) -> None:
    """They stay here: what it is asked is the words alone."""
    asked = len(cloudy.gemini.requests)
    elsewhere = cloudy.query("πράσινο", where={"below": [str(cloudy.unmarked)]})
    assert all(str(cloudy.unmarked) in path for path in paths(elsewhere))
    old = cloudy.query("πράσινο", where={"until": "1990"})
    assert old["hits"] == []
    here = cloudy.query("πράσινο", where={"below": [str(cloudy.marked)]})
    assert Path(paths(here)[0]).name == "x.jpg"
    assert len(cloudy.gemini.requests) == asked, "the same words are not asked for twice"


def test_a_name_counts_though_its_words_mean_nothing(cloudy: Cloudy) -> None:
    Image.new("RGB", (640, 480), (200, 10, 10)).save(cloudy.marked / "πράσινο.jpg")
    with cloudy.daemon.client(timeout=60) as client:
        list(client.stream("rescan", {"wait": True}))
    names = {Path(path).name for path in paths(cloudy.query("πράσινο"))[:2]}
    assert names == {"x.jpg", "πράσινο.jpg"}
