"""With Gemini to translate, a question in Greek finds with the starter what English finds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gemini.conftest import Cloudy, paths

TRANSLATIONS = {
    "σκύλος": "a dog",
    "γάτα": "a cat",
    "ηλιοβασίλεμα πάνω από τη θάλασσα": "a sunset over the sea",
    "χιονισμένα βουνά": "snowy mountains",
    "φαγητό στο τραπέζι": "food on the table",
    "τρένο": "a train",
    "λουλούδια": "flowers",
    "αγόρι παίζει ποδόσφαιρο": "a boy playing soccer",
    "πόλη τη νύχτα": "a city at night",
    "άνθρωποι στην παραλία": "people on the beach",
    "δάσος": "a forest",
    "ποδήλατο": "a bicycle",
}
SEVERAL = {"ζώα στη φάρμα": ["animals on a farm", "cows in a field", "horses in a meadow"]}


@pytest.fixture(scope="module")
def cloudy(make_cloudy: Callable[..., Cloudy], photos: Path) -> Cloudy:
    """The starter's index of real photos, with hybrid switched on."""
    made = make_cloudy({**{greek: [english] for greek, english in TRANSLATIONS.items()}, **SEVERAL})
    made.put_key()
    folder = made.directory / "library"
    folder.mkdir()
    for file in sorted((photos / "library").glob("*.jpg")):
        shutil.copy(file, folder / file.name)
    made.daemon.index(folder)
    made.daemon.wait_for_calibration()
    made.enable("hybrid")
    made.warm()
    return made


@pytest.mark.parametrize("greek", TRANSLATIONS)
def test_greek_finds_what_english_finds(cloudy: Cloudy, greek: str) -> None:
    english = cloudy.query(TRANSLATIONS[greek], mode="local")
    result = cloudy.query(greek)
    assert result["mode_used"] == "hybrid"
    assert paths(result) == paths(english)
    for name in ("convincing", "understood", "unknown", "warnings"):
        assert result[name] == english[name], name
    assert [hit["score"] for hit in result["hits"]] == [hit["score"] for hit in english["hits"]]


def test_they_mean_something(cloudy: Cloudy) -> None:
    """The questions of this page are ones that the starter answers at all, mostly."""
    convincing = [cloudy.query(greek)["convincing"] for greek in TRANSLATIONS]
    assert sum(convincing) >= len(TRANSLATIONS) / 2
    assert not any(cloudy.query(greek, mode="local")["convincing"] for greek in TRANSLATIONS)


def test_several_captions_are_fused_by_rank(cloudy: Cloudy) -> None:
    """What any of them ranks first is near the top; the Greek itself, read as noise, is not."""
    ((greek, captions),) = SEVERAL.items()
    first = [paths(cloudy.query(caption, mode="local"))[0] for caption in captions]
    result = cloudy.query(greek)
    assert set(first) <= set(paths(result)[:6])
    assert {source for hit in result["hits"] for source in hit["sources"]} <= {"rewrite", "name"}


def test_english_keeps_its_own_words(cloudy: Cloudy) -> None:
    result = cloudy.query("a dog on the grass")
    assert any("clip" in hit["sources"] for hit in result["hits"])


def test_pages_continue_in_the_same_ranking(cloudy: Cloudy) -> None:
    first = cloudy.query("σκύλος", limit=5)
    second = cloudy.query("", cursor=first["cursor"], limit=5)
    assert second["mode_used"] == "hybrid"
    assert paths(first) + paths(second) == paths(cloudy.query("σκύλος", limit=10))


def test_only_plain_descriptions_are_sent(cloudy: Cloudy) -> None:
    asked = len(cloudy.gemini.requests)
    result = cloudy.query("", terms=[{"text": "dog"}, {"text": "grass", "weight": -1}])
    assert (result["mode_used"], result["fallback_reason"]) == ("local", "composed")
    assert len(cloudy.gemini.requests) == asked


def test_what_is_read_is_not_sent(cloudy: Cloudy) -> None:
    """Only the words that are left; nothing if none are."""
    asked = len(cloudy.gemini.requests)
    cloudy.query("אגס בסל מהשנה")
    (request,) = cloudy.gemini.requests[asked:]
    assert "אגס בסל" in str(request.body) and "שנה" not in str(request.body)
    cloudy.query("מהשנה")
    assert len(cloudy.gemini.requests) == asked + 1


def test_remembered_captions_need_neither_gemini_nor_our_encoder(cloudy: Cloudy) -> None:
    """Both are asked once for the same question."""
    cloudy.gemini.always = None
    before = cloudy.query("γάτα")
    asked = len(cloudy.gemini.requests)
    again = cloudy.query("γάτα")
    assert again["answered_by"] == "cached_embedding"
    assert paths(again) == paths(before)
    assert len(cloudy.gemini.requests) == asked
