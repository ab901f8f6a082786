"""Words that ask for photos say nothing about one: ``show me``, ``find all pictures of``."""

from __future__ import annotations

from pathlib import Path

import pytest

from photosd.core.clock import Deadline
from photosd.protocol.requests import QueryParams
from photosd.search.parsing import Question, QuestionTerm
from photosd.search.request_words import request_end
from tests.search.library import Library


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("show me a dog", "a dog"),
        ("Show me photos of birds", "birds"),
        ("please show me all my pictures of Noa", "Noa"),
        ("find the dog", "the dog"),
        ("can you find images of the sea", "the sea"),
        ("I'm looking for a picture of a cat", "a cat"),
        ("where is my dog?", "my dog?"),
        ("do we have photos with Dan", "Dan"),
        ("תראה לי תמונות של כלב", "כלב"),
        ("חפשי את כל התמונות של נועה", "נועה"),
        ("איפה הכלב", "הכלב"),
    ],
)
def test_words_that_ask_for_photos_are_left_out(text: str, left: str) -> None:
    assert text[request_end(text) :] == left


@pytest.mark.parametrize(
    "text",
    [
        "", "show me", "where is", "show jumping", "finding nemo", "search party", "looking up",
        "find 3", "find me.jpg", "a photo of a dog", "photos of dogs", "איפה", "תמונות של כלב",
    ],
)  # fmt: skip
def test_other_words_stay(text: str) -> None:
    """Also where nothing would be left, and in names of files."""
    assert request_end(text) == 0


def test_an_answer_is_that_of_the_other_words(tmp_path: Path) -> None:
    """By look, by name and for an alert; not if a file has the whole name."""
    library = Library(tmp_path)
    for number in range(8):
        library.add(f"/p/{number}.jpg", number % 4)
    library.add("/p/okapi.jpg", 3)
    library.encoder.unknown = ["my", "okapi"]
    engine = library.engine()
    for text, plain in (("where is my okapi", "my okapi"), ("show me photos of abc", "abc")):
        answer, other = engine.query(QueryParams(text)), engine.query(QueryParams(plain))
        assert answer["hits"] == other["hits"] and answer["query"] == text
        contents = ["1-/p/okapi.jpg", "1-/p/1.jpg"]
        asked, alone = (Question((QuestionTerm(1.0, one),)) for one in (text, plain))
        deadline = Deadline.after(20)
        assert engine.match(asked, contents, deadline) == engine.match(alone, contents, deadline)
    answer = engine.query(QueryParams("show me an okapi"))
    assert answer["convincing"] and answer["hits"][0]["path"] == "/p/okapi.jpg"
    library.add("/p/where is my okapi.jpg", 3)
    hit = engine.query(QueryParams("where is my okapi"))["hits"][0]
    assert (hit["path"], hit["strength"]) == ("/p/where is my okapi.jpg", "strong")


def test_words_such_as_my_are_not_reported(tmp_path: Path) -> None:
    """The model does not know them; they say nothing about a photo."""
    library = Library(tmp_path)
    library.add("/p/0.jpg", 0)
    library.encoder.unknown = ["my", "zorble"]
    assert library.engine().query(QueryParams("my zorble"))["unknown"] == ["zorble"]
