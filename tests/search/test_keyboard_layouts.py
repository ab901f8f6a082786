"""Scripts that a model cannot read are reported; keys typed in another layout are read again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from photosd.core.clock import Deadline
from photosd.encoder.results import TextVectors
from photosd.models.spec import STARTER, ModelSpec, Tokenizer, read_model
from photosd.protocol.replies import QueryResult
from photosd.protocol.requests import QueryParams
from photosd.search.keyboard_layouts import (
    LAYOUTS,
    MAX_NEAR_WORDS,
    other_layouts,
    script_of,
    scripts_of,
)
from photosd.search.parsing import Question, QuestionTerm
from tests.conftest import RunningDaemon
from tests.search.library import SPEC, Library

MULTILINGUAL = msgspec.structs.replace(SPEC, name="many", languages=("mul",))
LATIN = frozenset({"Latin"})
WORDS = msgspec.structs.replace(SPEC, tokenizer=Tokenizer("clip-bpe", 8, words="words.txt"))


class Knows:
    """An encoder that understands some texts, for which there is a photo, and nothing else."""

    def __init__(self, *texts: str) -> None:
        self._texts, self.asked = texts, 0

    def encode_texts(self, texts: list[str], _deadline: Deadline) -> Future[Any]:
        self.asked += 1
        known = texts[0] in self._texts
        vector = np.zeros((1, 4), np.float32)
        vector[0, 1 if known else 3] = 1
        future: Future[Any] = Future()
        future.set_result(
            TextVectors(vector, [float(known)], [[] if known else texts[0].split()], [None])
        )
        return future


class Finds(Knows):
    """One that understands this share of every other text, and has a photo of the known ones."""

    def __init__(self, text: str, understood: float) -> None:
        super().__init__(text)
        self._understood = understood

    def encode_texts(self, texts: list[str], deadline: Deadline) -> Future[Any]:
        answer = super().encode_texts(texts, deadline).result()
        if texts[0] not in self._texts:
            unknown = [] if self._understood else texts
            answer = TextVectors(answer.vectors, [self._understood], [unknown], [None])
        future: Future[Any] = Future()
        future.set_result(answer)
        return future


def ask(library: Library, spec: ModelSpec, encoder: Knows, text: str) -> QueryResult:
    library.add("/p/photo.jpg", 1)
    engine = library.engine(spec, encoder)
    answer = engine.query(QueryParams(text))
    engine.close()
    return answer


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("שקיעה מעל הים", "Hebrew"),
        ("שָׁלוֹם", "Hebrew"),
        ("غروب", "Arabic"),
        ("закат", "Cyrillic"),
        ("ηλιοβασίλεμα", "Greek"),
        ("日落", "Chinese"),
        ("夕焼け", None),
        ("sunset", "Latin"),
        ("café", "Latin"),
        ("2019 🌅", None),
    ],
)
def test_scripts_are_distinguished(text: str, script: str | None) -> None:
    """By what most letters are; signs, digits and emoji have none."""
    if text == "夕焼け":
        assert script_of(text) in ("Chinese", "Japanese")
    else:
        assert script_of(text) == script


@pytest.mark.parametrize("text", ["שקיעה מעל הים", "غروب الشمس", "закат над морем", "ηλιοβασίλεμα"])
def test_a_model_of_english_says_that_it_cannot_read(library: Library, text: str) -> None:
    """With the command that changes it, and without pretending to have found something."""
    answer = ask(library, SPEC, Knows(), text)
    assert (
        "photosd model pull multilingual; photosd model use multilingual" in answer["warnings"][0]
    )
    assert not answer["convincing"] and answer["hits"]


def test_a_multilingual_model_warns_of_nothing(library: Library) -> None:
    """Nor does English text on a model of English."""
    assert ask(library, MULTILINGUAL, Knows("שקיעה"), "שקיעה")["warnings"] == []
    assert ask(library, SPEC, Knows(), "gibberish")["warnings"] == []


def test_keys_meant_for_another_layout_are_read_again(library: Library) -> None:
    """`akuo` for שלום; English typed with a Hebrew or Russian layout."""
    answer = ask(library, MULTILINGUAL, Knows("שלום"), "akuo")
    assert answer["convincing"] and "שלום" in answer["warnings"][0]
    assert answer["query"] == "akuo"
    for typed in ("דומדקא", "ыгтыуе"):
        answer = ask(library, WORDS, Knows("sunset"), typed)
        assert answer["convincing"] and "'sunset'" in answer["warnings"][0], typed


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("sunste", "sunset"), ("moutain", "mountain"), ("beech", "beach"), ("elefant", "elephant")],
)
def test_a_word_that_is_misspelled_is_named_as_it_may_be_meant(
    library: Library, typed: str, meant: str
) -> None:
    """Where the model has a list of words, and the answer does not convince."""
    (said,) = ask(library, WORDS, Knows(), typed)["warnings"]
    assert said.startswith(f"{typed}: did you mean ") and meant in said
    assert ask(library, SPEC, Knows(), typed)["warnings"] == []


def test_a_word_like_a_tag_or_a_person_is_named(library: Library) -> None:
    """In any script, with any model; short words, and those that the model knows, are not."""
    library.add("/p/tagged.jpg", 2, tags=["Eilat", "בריכה"], people=["Noam Levi"])
    for typed, meant in (("Eilaat", "the tag 'Eilat'"), ("בריכא", "the tag 'בריכה'"),
                         ("nouam", "the person 'Noam Levi'")):  # fmt: skip
        (said,) = ask(library, MULTILINGUAL, Knows(), typed)["warnings"]
        assert said == f"{typed}: did you mean {meant}?"
    assert ask(library, MULTILINGUAL, Knows("Eilaat"), "Eilaat")["warnings"] == []
    assert ask(library, MULTILINGUAL, Knows(), "eil")["warnings"] == []


def test_only_the_first_words_get_other_spellings(library: Library) -> None:
    """Each is compared with the whole vocabulary."""
    library.add("/p/tagged.jpg", 2, tags=["Zorbling"])
    words = [f"zorbling{letter}" for letter in "abcdfghk"]
    said = ask(library, MULTILINGUAL, Knows(), " ".join(words))["warnings"]
    assert [one.partition(":")[0] for one in said] == words[:MAX_NEAR_WORDS]


def test_what_is_like_no_word_has_no_other_spelling(library: Library) -> None:
    """Nor what convinces, nor names of cameras' files."""
    for typed in ("gibberish", "qzxw", "eilat", "dsc"):
        assert ask(library, WORDS, Knows(), typed)["warnings"] == []
    assert ask(library, WORDS, Knows("sunste"), "sunste")["warnings"] == []


def test_words_of_a_condition_that_was_left_out_get_no_other_spelling(library: Library) -> None:
    """Nor are they words without a meaning."""
    answer = ask(library, WORDS, Knows(), "sunste in august 1950")
    assert answer["unknown"] == ["sunste"]
    assert [one.partition(":")[0] for one in answer["warnings"]] == [
        "no photo has the date Aug 1950", "sunste",
    ]  # fmt: skip


def test_a_convincing_answer_is_not_read_again(library: Library) -> None:
    """The second reading costs the first one nothing."""
    encoder = Knows("akuo", "שלום")
    answer = ask(library, MULTILINGUAL, encoder, "akuo")
    assert answer["warnings"] == [] and encoder.asked == 1


@pytest.mark.parametrize("known", [(), ("שלום",), ("akuo",), ("akuo", "שלום")])
def test_an_alert_reads_the_text_as_a_query_does(library: Library, known: Sequence[str]) -> None:
    """In another layout where the library has nothing for the text as it stands, else as it is."""
    library.add("/p/photo.jpg", 1)
    engine = library.engine(MULTILINGUAL, Knows(*known))
    answer = engine.query(QueryParams("akuo"))
    question, contents = Question((QuestionTerm(1.0, "akuo"),)), ["1-/p/photo.jpg"]
    (verdict,) = engine.match(question, contents, Deadline.after(30)).values()
    engine.close()
    assert verdict.convincing == answer["convincing"] == bool(known)


def test_a_second_reading_must_convince(library: Library) -> None:
    """Otherwise the first one is used."""
    answer = ask(library, MULTILINGUAL, Knows(), "akuo")
    assert answer["warnings"] == [] and not answer["convincing"]


def test_layouts_have_a_letter_for_each_key() -> None:
    """And lead there and back."""
    there = other_layouts("the cat", None)
    assert len(there) == len(LAYOUTS)
    for text in there:
        assert other_layouts(text, LATIN) == ["the cat"]
    assert other_layouts("sunset 2019", None) == []
    assert other_layouts("the cat", LATIN) == []
    assert other_layouts("the cat", frozenset({"Latin", "Hebrew"})) == there[:1]


@pytest.mark.parametrize(("understood", "found"), [(1.0, False), (0.0, True)])
def test_a_text_that_is_mostly_understood_was_not_typed_in_another_layout(
    library: Library, understood: float, found: bool
) -> None:
    """The keys of ``car`` give the Hebrew for meat, in a library without cars."""
    spec = msgspec.structs.replace(WORDS, languages=("en", "he"))
    assert ask(library, spec, Finds("בשר", understood), "car")["convincing"] is found


def test_other_languages_are_asked_of_a_real_daemon(daemon: RunningDaemon) -> None:
    """The starter reads it, niqqud or not; of another script the warning reaches the client."""
    daemon.wait_until("ready")
    for text in ("שקיעה", "שְׁקִיעָה"):
        answer: Any = daemon.query(text)
        assert answer["understood"] == 1 and answer["unknown"] == answer["warnings"] == []
    for text in ("закат", "غروب الشمس", "coucher de soleil", "puesta de sol", "Sonnenuntergang"):
        answer = daemon.query(text)
        assert answer["understood"] == 1 and answer["warnings"] == [], text
    answer = daemon.query("ηλιοβασίλεμα")
    assert "French and Russian only, not Greek" in answer["warnings"][0]
    assert "photosd model use multilingual" in answer["warnings"][0]


@pytest.mark.parametrize(("typed", "meant"), [("fkc", "כלב"), ("pfrfn", "закат"), ("[fg", "جبل")])
def test_the_starter_is_asked_in_the_layouts_of_its_languages(typed: str, meant: str) -> None:
    assert meant in other_layouts(typed, scripts_of(read_model(STARTER).languages))
