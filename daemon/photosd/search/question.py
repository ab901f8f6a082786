"""Queries: terms of words and pictures with weights, and answer options."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from photosd.core.config import SearchSettings
from photosd.core.errors import BadRequest
from photosd.core.log import printable
from photosd.index.filters import Filter
from photosd.protocol.messages import QueryParams
from photosd.protocol.messages import Term as TermParams
from photosd.protocol.paths import path_from
from photosd.search.narrowing import Real, filter_of
from photosd.search.remembered import normalise

EXAMPLE = 'photosd query "sunset"'
MOST_TERMS = 32


class QuestionTerm(msgspec.Struct, frozen=True):
    """Words (normalised) or the path of a picture; a negative weight subtracts."""

    weight: float
    text: str = ""
    path: bytes | None = None


class Question(msgspec.Struct, frozen=True):
    """A query; at least one term has a positive weight. ``asked``: as text."""

    terms: tuple[QuestionTerm, ...]
    asked: str = ""
    limit: int = SearchSettings().limit
    every_copy: bool = False
    where: Filter | None = None
    but: frozenset[str] = frozenset()  # contents to leave out

    @property
    def words(self) -> str:
        """All positive words."""
        return " ".join(term.text for term in self.terms if term.text and term.weight > 0)

    @property
    def plain(self) -> str | None:
        """The text of a query that is only text; None for others."""
        return self.terms[0].text if len(self.terms) == 1 and self.terms[0].text else None


def question_of(params: QueryParams, real: Real = lambda path: path) -> Question:
    """The query in these parameters; raises BadRequest without a positive term.

    ``real``: gives a path as stored in the library.
    """
    terms = tuple(_terms(params))
    if not terms:
        raise BadRequest("the query is empty", remedy=EXAMPLE)
    if all(term.weight < 0 for term in terms):
        raise BadRequest(
            "it has no positive term",
            remedy='add what to search for: photosd query "beach" --minus people',
        )
    if len(terms) > MOST_TERMS:
        raise BadRequest(
            f"the query has {len(terms)} terms; the limit is {MOST_TERMS}",
            remedy="leave some out",
        )
    asked = params.text if not params.terms else " ".join(map(_in_words, terms))
    limit, where = params.limit or SearchSettings().limit, filter_of(params.where, real)
    return Question(terms, asked, limit, params.all, where)


def _terms(params: QueryParams) -> Iterator[QuestionTerm]:
    if text := normalise(params.text):
        yield QuestionTerm(1.0, text)
    for term in params.terms:
        yield _term(term)


def _term(term: TermParams) -> QuestionTerm:
    if not math.isfinite(term.weight) or term.weight == 0:
        raise BadRequest(f"a weight of {term.weight:g} has no effect", remedy="use 1, 2 or -1")
    text, picture = normalise(term.text or ""), term.path or term.path_b64
    if bool(text) == bool(picture):
        raise BadRequest(
            "each term is either text or the path of a picture",
            remedy='send {"text": "dog", "weight": 2} or {"path": "/photos/dog.jpg"}',
        )
    if text:
        return QuestionTerm(term.weight, text)
    return QuestionTerm(term.weight, path=path_from(term.path, term.path_b64))


def _in_words(term: QuestionTerm) -> str:
    """A term as shown in answers: ``beach``, ``+2:dog``, ``-people``, ``like /p/x.jpg``."""
    weight = "" if abs(term.weight) == 1 else f"{abs(term.weight):g}:"
    sign = "-" if term.weight < 0 else "+" if weight else ""
    what = f"like {printable(term.path)}" if term.path is not None else term.text
    return f"{sign}{weight}{what}"
