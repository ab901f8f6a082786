"""What the interactive mode asks the daemon: the words typed, their terms and chips.

Clients are kept between questions. Without Textual.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from photosd.core.errors import PhotosdError
from photosd.protocol.client import Client, path_params
from photosd_cli import text
from photosd_cli.query_terms import weighted

if TYPE_CHECKING:
    from photosd.protocol.replies import QueryResult
    from photosd.protocol.requests import Term

PAGE = 60  # photos asked for at once
# A word after + or -, maybe with a weight: `+2:dog`. A dash inside a word is none.
TERM = re.compile(r"(?<!\S)([+-])((?:\d+(?:\.\d+)?:)?[^\W\d_]\S*)")
SIGNS = {"+": 1.0, "-": -1.0}
FILTERS = ("date", "place", "person")  # kinds of chips that can be taken out of a question


class Question(NamedTuple):
    """The words as typed, pictures to look like, kinds of filters not to read in the words."""

    typed: str = ""
    like: tuple[bytes, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for; the newest photos are shown then."""
        return not (self.typed.strip() or self.like)


class Chip(NamedTuple):
    """One part of a question that can be removed: ``kind`` of a filter, ``term`` or ``like``."""

    kind: str
    label: str
    value: str | bytes


def split(typed: str) -> tuple[str, list[tuple[str, str]]]:
    """The words to describe photos, and the terms: sign and text."""
    terms = [(found[1], found[2]) for found in TERM.finditer(typed)]
    return " ".join(TERM.sub(" ", typed).split()), terms


def chips_of(question: Question, result: QueryResult | None) -> list[Chip]:
    """The parts of a question that can be removed, as they were understood."""
    chips = [Chip("like", f"like {os.fsdecode(os.path.basename(path))}", path)  # noqa: PTH119
             for path in question.like]  # fmt: skip
    chips += [
        Chip("term", f"{sign} {words}", sign + words) for sign, words in split(question.typed)[1]
    ]
    for part in () if result is None else result.get("read_as") or ():
        if part["kind"] in FILTERS:
            chips.append(Chip(part["kind"], part["value"], part["kind"]))
    return [chip._replace(label=text.inert(chip.label)) for chip in chips]


def without(question: Question, chip: Chip) -> Question:
    """The question less that part."""
    if chip.kind == "like":
        return question._replace(like=tuple(path for path in question.like if path != chip.value))
    if chip.kind == "term":
        typed = " ".join(question.typed.replace(str(chip.value), " ", 1).split())
        return question._replace(typed=typed)
    return question._replace(without=(*question.without, chip.kind))


class Daemon:
    """Asks the daemon from any thread; each question has a client of its own while it runs."""

    def __init__(self) -> None:
        self._idle: deque[Client] = deque()

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """A connected client; closed after an error."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = Client()
        try:
            yield client
        except BaseException:
            client.close()
            raise
        self._idle.append(client)

    def close(self) -> None:
        """Close the clients that are not in use."""
        while self._idle:
            self._idle.pop().close()

    def ask(
        self, question: Question, cursor: str | None = None, *, typing: bool = False
    ) -> QueryResult:
        """The answer to a question, or its next page; the newest photos if it is empty.

        ``typing``: the words are not complete yet, and are never sent to Gemini.
        """
        words, signed = split(question.typed)
        terms: list[Term] = []
        for sign, term in signed:
            weight, rest = weighted(term)
            terms.append({"text": rest, "weight": SIGNS[sign] * weight})
        for path in question.like:
            like: Any = path_params(path)
            terms.append(like)
        with self.client() as client:
            if cursor is not None:
                return client.query(cursor=cursor, limit=PAGE)
            return client.query(
                words,
                limit=PAGE,
                terms=terms,
                others=bool(question.like),
                without=question.without,
                mode="local" if typing else None,
                sort="-date" if question.empty else "match",
            )


def advice(error: PhotosdError) -> str:
    """An error in one line: what, and what to do."""
    from photosd_cli import console

    return " · ".join(line.strip() for line in console.error_lines(error))
