"""Queries in Arabic, French, German, Russian and Spanish; English words that look like them."""

from __future__ import annotations

import json
import time

import pytest

from photosd.encoder.languages import COLUMNS, Languages, fold
from photosd.encoder.tokenizer import TextTokenizer
from photosd.models.spec import STARTER, read_model

SPEC = read_model(STARTER)
FILE = STARTER / "languages.txt"
FEWEST = 600  # words of each language
QUICK = 0.01  # seconds for a text


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer(SPEC, STARTER)


@pytest.mark.parametrize(
    ("query", "english"),
    [
        ("un chien sur la plage", "dog on beach"),
        ("Chiens", "dog"),
        ("l'avion", "airplane"),
        ("un chat noir", "black cat"),
        ("COUCHER DE SOLEIL", "sunset"),
        ("arcoíris", "rainbow"),
        ("arcoiris", "rainbow"),
        ("dos perros en la nieve", "two dog in snow"),
        ("gafas de sol", "sunglasses"),
        ("ein Hund am Strand", "dog on beach"),
        ("Wüstensand", "desert sand"),
        ("Apfelkuchen", "apple cake"),
        ("rote Blumen", "red flower"),
        ("собаки на пляже", "dog on beach"),
        ("красное платье", "red dress"),
        ("с собакой", "with dog"),
        ("в лесу", "in forest"),
        ("ёлка", "christmas tree"),
        ("كلب على الشاطئ", "dog on beach"),
        ("القطة", "cat"),
        ("سيارة حمراء", "car red"),
        ("بِنْت", "girl"),
    ],
)
def test_everyday_words(tokenizer: TextTokenizer, query: str, english: str) -> None:
    assert tokenizer.readings(query) == (english,)
    assert tokenizer.understood(query) == (1, [])


@pytest.mark.parametrize(
    "text",
    ["chat", "pain", "gift", "rot", "main", "die", "angel", "hut", "sale", "coin", "four", "bras",
     "a gift in a box", "main street", "a chat at the table", "the rot of a tree", "fast car",
     "man with a hat", "bald man", "red rose", "a sandwich", "hell", "brief", "wand", "a big rat",
     "Pierre", "Claire", "Paloma", "Luna", "Blanca", "Vogel",
     "café", "a café", "a dog on the beach", "on a table", "", "🐶", "2019", "xyzzy"],
)  # fmt: skip
def test_english_is_never_read_as_another_language(tokenizer: TextTokenizer, text: str) -> None:
    assert tokenizer.translated(text) is None


def test_the_other_words_decide(tokenizer: TextTokenizer) -> None:
    assert tokenizer.translated("main") is None
    assert tokenizer.readings("la main de l'homme") == ("hand man",)
    assert tokenizer.readings("ein rotes Kleid") == ("red dress",)
    assert tokenizer.translated("chien on the beach") is None


def test_an_english_ending_makes_no_english_word(tokenizer: TextTokenizer) -> None:
    for query, english in (("Kinder", "children"), ("agua", "water"), ("rana", "frog")):
        assert tokenizer.readings(query) == (english,)
    assert tokenizer.readings("un café noir") == ("coffee black",)


def test_a_compound_is_divided_as_late_as_can_be(tokenizer: TextTokenizer) -> None:
    assert tokenizer.readings("Motorradfahrer") == ("motorcycle driver",)


def test_unknown_words_are_named(tokenizer: TextTokenizer) -> None:
    assert tokenizer.understood("Dupont sur la plage") == (0.5, ["dupont"])
    assert tokenizer.readings("Dupont sur la plage") == ("on beach",)
    assert tokenizer.understood("собака Бобик") == (0.5, ["бобик"])
    assert tokenizer.readings("рюмочная") == ("рюмочная",)
    assert tokenizer.understood("كلب iphone")[0] < 1


def test_other_scripts_and_english_in_one_query(tokenizer: TextTokenizer) -> None:
    assert tokenizer.readings("собака on the couch") == ("dog on the couch",)


def test_what_is_only_similar_is_not_understood(tokenizer: TextTokenizer) -> None:
    for query in ("жираф", "une girafe", "زرافة"):
        assert tokenizer.readings(query) == tokenizer.readings("giraffe")
        assert tokenizer.understood(query)[0] == 0


def test_a_table_of_any_model() -> None:
    read = Languages(["dog ; ; ; chien ; ; ", "[word]", "on ; ; ; sur ; ;", "[english]", "chien"])
    assert read.read(["chien"], lambda _word: False) is None
    answer = read.read(["sur", "chien"], lambda _word: False)
    assert answer is not None and answer.texts == ("on dog",)
    assert answer.words == (("chien", "dog"),)
    assert read.read([], lambda _word: False) is None


def test_the_table_is_consistent(tokenizer: TextTokenizer) -> None:
    """Six columns, English that the model or a list of synonyms knows, enough words each."""
    number = dict.fromkeys(COLUMNS, 0)
    section = ""
    for line in FILE.read_text("utf-8").splitlines():
        if line.startswith(("[", "#")):
            section = line
        elif section not in ("[english]", "[foreign]"):
            english, *columns = line.split(";")
            assert len(columns) == len(COLUMNS), line
            for code, column in zip(COLUMNS, columns, strict=True):
                number[code] += len(column.split(","))
            reading = tokenizer.readings(english.strip())[0]
            assert tokenizer.understood(reading)[0] == 1 or not english.strip(), line
    assert min(number.values()) >= FEWEST


def test_letters_are_folded() -> None:
    assert [fold(one) for one in ("Straße", "ÉTÉ", "ёж", "cœur", "مَدِينَة")] == [
        "strasse",
        "ete",
        "еж",
        "coeur",
        "مدينه",
    ]


def test_reading_is_quick(tokenizer: TextTokenizer) -> None:
    """The best of several: other processes may be busy."""
    texts = ("ein Hund auf einem Donaudampfschiff", "старая фотография", "a man on a horse")
    for text in texts:
        seconds = []
        for _ in range(5):
            started = time.perf_counter()
            tokenizer.readings(text)
            seconds.append(time.perf_counter() - started)
        assert min(seconds) < QUICK


def test_the_model_says_which_languages_it_reads() -> None:
    assert set(json.loads((STARTER / "model.json").read_text())["languages"]) == {
        *("en", "he"),
        *COLUMNS,
    }
