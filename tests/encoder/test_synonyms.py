"""Words that the starter does not know are said with words that it knows."""

from __future__ import annotations

import pytest

from photosd.encoder.synonyms import LINE, Synonyms
from photosd.encoder.tokenizer import TextTokenizer
from photosd.models.spec import STARTER, read_model

SPEC = read_model(STARTER)
FILE = STARTER / "synonyms.txt"
GENERATED = "\n# Generated"


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer(SPEC, STARTER)


def test_the_same_thing_counts_as_understood(tokenizer: TextTokenizer) -> None:
    assert tokenizer.readings("an armchair") == ("an chair",)
    assert tokenizer.understood("Armchairs") == (1, [])


def test_something_like_it_does_not(tokenizer: TextTokenizer) -> None:
    (said,) = tokenizer.readings("two Giraffes")
    assert said != "two Giraffes" and "raffe" not in said
    assert tokenizer.understood("two giraffes") == (0.5, ["giraffes"])


def test_known_words_are_never_replaced() -> None:
    synonyms = Synonyms(["dog = cat", "fern ~ green plant"])
    assert synonyms.said("a dog, ferns", lambda word: word != "ferns") == "a dog, green plant"
    assert synonyms.has("dogs") and not synonyms.has("fern")


def test_the_same_is_said_once_for_several_words(tokenizer: TextTokenizer) -> None:
    """What is repeated in the query stays."""
    synonyms = Synonyms(["fork = spoon and knife", "lego ~ toy blocks"])
    assert synonyms.said("lego blocks", lambda word: word == "blocks") == "toy blocks"
    said = synonyms.said("forks and fork knife", lambda word: word in ("and", "knife"))
    assert said == "spoon and knife and spoon and knife"
    assert tokenizer.readings("dog dog") == ("dog dog",)


def test_the_list_is_consistent() -> None:
    """Each word once, none that the model knows, said with words that it knows."""
    spec = SPEC.tokenizer
    words = frozenset((STARTER / str(spec.words)).read_text("utf-8").split())
    by_hand, _, generated = FILE.read_text("utf-8").partition(GENERATED)
    parts = [
        [line for line in part.splitlines() if " = " in line or " ~ " in line]
        for part in (by_hand, generated)
    ]
    assert all(part == sorted(part) for part in parts)
    lines = [line for part in parts for line in part]
    assert len({line.split()[0] for line in lines}) == len(lines)
    for line in lines:
        match = LINE.fullmatch(line)
        assert match is not None, line
        assert match[1] not in words, line
