"""A text that the model reads only the beginning of: it is said in every answer."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from photosd.encoder.results import TextVectors
from photosd.protocol.requests import QueryParams, Term
from tests.search.library import FakeEncoder, Library


class ShortReader(FakeEncoder):
    """Reads three words."""

    def encode_texts(self, texts: list[str], deadline: Any) -> Future[Any]:
        answer: TextVectors = super().encode_texts(texts, deadline).result()
        used = [3 if len(text.split()) > 3 else None for text in texts]
        future: Future[Any] = Future()
        future.set_result(TextVectors(answer.vectors, answer.understood, answer.unknown, used))
        return future


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path)
    library.encoder = ShortReader()
    library.add("/p/a.jpg", 1)
    return library


def warnings(library: Library, params: QueryParams) -> list[str]:
    found = library.engine().query(params)["warnings"]
    return [warning for warning in found if "first" in warning]


def test_it_is_said_each_time(library: Library) -> None:
    """Also of what was asked before, and of a part of a sum; not of what is read whole."""
    said = "Only the first 3 words were used: the model reads no more. Shorten the text."
    for _ in range(2):
        assert warnings(library, QueryParams("one two three four")) == [said]
    assert warnings(library, QueryParams("one", terms=[Term(text="two three four five")])) == [said]
    assert warnings(library, QueryParams("one two three")) == []
