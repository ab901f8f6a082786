"""What a model can make of a text: words, pictures among them, and where it stops reading."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from photosd.encoder.tokenizer import CHARACTERS, TextTokenizer
from photosd.models.spec import STARTER, read_model

SPEC = read_model(STARTER)
CLIP = msgspec.structs.replace(
    SPEC,
    tokenizer=msgspec.structs.replace(
        SPEC.tokenizer, kind="clip-bpe", words=None, context_length=77
    ),
)
LONG = " ".join(f"a dog number {number} on a beach" for number in range(40))


@pytest.fixture(scope="module", params=[SPEC, CLIP], ids=["starter", "clip"])
def tokenizer(request: pytest.FixtureRequest) -> TextTokenizer:
    return TextTokenizer(request.param, STARTER)


@pytest.mark.parametrize(
    ("text", "share", "unknown"),
    [
        ("🐶", 0.0, ["🐶"]),
        ("dog 🐶🐱", 0.5, ["🐶🐱"]),
        ("♥", 0.0, ["♥"]),
        ("dog!", 1.0, []),
        ("dog & cat - beach?", 1.0, []),
        ("?!", 0.0, []),
    ],
)
def test_pictures_are_words_that_a_list_of_words_lacks(
    text: str, share: float, unknown: list[str]
) -> None:
    assert TextTokenizer(SPEC, STARTER).understood(text) == (share, unknown)


def test_a_model_of_all_bytes_has_seen_pictures() -> None:
    assert TextTokenizer(CLIP, STARTER).understood("🐶") == (1.0, [])


def test_short_texts_are_read_whole(tokenizer: TextTokenizer) -> None:
    for text in ("", "dog", "a dog on a beach at sunset", "x" * 20):
        assert tokenizer.words_used(text) is None


def test_where_a_long_text_is_cut(tokenizer: TextTokenizer) -> None:
    """The words up to there change what the model sees; those after do not."""
    number = tokenizer.words_used(LONG)
    assert number is not None
    words = LONG.split()
    assert 10 < number < len(words)
    seen = tokenizer.encode([LONG])
    end = " ".join([*words[: number + 2], "cat", "sunset"])
    assert np.array_equal(seen, tokenizer.encode([end]))
    changed = " ".join([*words[: number - 1], "sunset", *words[number:]])
    assert not np.array_equal(seen, tokenizer.encode([changed]))
    assert tokenizer.words_used(" ".join(words[:number])) is None
    assert tokenizer.words_used(" ".join(words[: number + 1])) == number


@pytest.mark.parametrize("text", ["x" * 10_000, "xyz" * CHARACTERS + " dog", "א" * 5000])
def test_a_word_that_is_longer_than_all_there_is_room_for(
    tokenizer: TextTokenizer, text: str
) -> None:
    assert tokenizer.words_used(text) in (0, 1, None)
    assert len(tokenizer.encode([text])) == 1
