"""Applies what was read in a question: its conditions join the filter, the rest is for the model.

If no photo meets all conditions, the least certain kinds are dropped with a warning, and their
words return to the rest. Filters that the caller gave are never dropped.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterable, Sequence

from msgspec import structs

from photosd.core import wording
from photosd.core.errors import BadRequest
from photosd.index.database import Database
from photosd.index.filters import Filter
from photosd.protocol.requests import QueryParams
from photosd.search.literal_text import hidden, literal_spans
from photosd.search.names import distinctive_words, with_name
from photosd.search.parsing import Question, QuestionTerm
from photosd.search.query_cache import normalise
from photosd.search.reading import KnownNames, NameHint, Reading, read
from photosd.search.relations import PartKind, QuestionPart
from photosd.search.request_words import request_end

LEAST_CERTAIN_FIRST: tuple[PartKind, ...] = ("place", "date", "person")
MAX_HINTS = 3
NUMERIC_DATE = re.compile(r"(?<![\w./])(?<!\d-)\d\d?([./-])\d\d?\1\d{4}(?![\w/-])")
WARM_UP_TEXT = "a dog last summer"

Passes = Callable[[Question], bool]  # whether any photo passes its filter


class Conditions:
    """Reads questions about one library. Any thread may use it."""

    def __init__(self, database: Database, vocabulary: KnownNames, passes: Passes) -> None:
        self._database, self._vocabulary, self._passes = database, vocabulary, passes

    def apply(self, question: Question, params: QueryParams) -> tuple[Question, list[str]]:
        """The question with the conditions of its text as filters, and warnings. A question
        without conditions is returned as it is.
        """
        if params.literal or not params.text.strip():
            return question, []
        question, warnings = self._applied(self.without_request(question), params)
        if "date" not in params.without and (unread := _ambiguous(params.text)):
            warnings += [] if self._is_name(question, params.text) else unread
        return question, warnings

    def _applied(self, question: Question, params: QueryParams) -> tuple[Question, list[str]]:
        given = question.where is not None and question.where.has_places
        reading = self._read(params, ["place"] if given else [])  # places are alternatives
        wanted = reading.conditions or _hints(reading, question)
        if not wanted or self._is_name(question, params.text):
            return question, []
        narrowed = _narrowed(question, reading)
        if not reading.conditions:
            return narrowed, []
        if self._passes(narrowed) or not self._passes(question):
            return narrowed, []
        kinds = [kind for kind in LEAST_CERTAIN_FIRST if _of_kind(reading, [kind])]
        for number in range(1, len(kinds)):
            for left_out in itertools.combinations(kinds, number):
                again = self._read(params, left_out)
                if self._passes(narrowed := _narrowed(question, again)):
                    only = not normalise(reading.rest)  # no words but those of conditions
                    narrowed = structs.replace(narrowed, only_conditions=only)
                    warning = _left_out(reading, left_out, question)
                    return _understood(narrowed, reading, left_out), [warning]
        warning = _left_out(reading, kinds, question)
        return _understood(question, reading, kinds), [warning]

    def without_request(self, question: Question) -> Question:
        """Without words such as `show me`, unless a file has this name."""
        first, *others = question.terms or (QuestionTerm(1.0),)
        end = request_end(first.text)
        if not end or self._is_name(question, first.text):
            return question
        first = structs.replace(first, text=first.text[end:])
        return structs.replace(question, terms=(first, *others))

    def _is_name(self, question: Question, text: str) -> bool:
        """Whether a photo that passes the filters has this name."""
        where = question.where or Filter()
        named = with_name(self._database, text, where.holds_path() if where.below else None)
        if where.among is not None:
            named &= where.among
        narrowed = structs.replace(question, where=structs.replace(where, among=named))
        return bool(named) and (question.where is None or self._passes(narrowed))

    def warm_up(self) -> None:
        """Read a question, so that the first real one finds the words of dates in memory."""
        read(WARM_UP_TEXT, self._vocabulary)

    def _read(self, params: QueryParams, left_out: Iterable[str]) -> Reading:
        reading = read(params.text, self._vocabulary, without={*params.without, *left_out})
        return structs.replace(reading, parts=tuple(map(self._located, reading.parts)))

    def _located(self, part: QuestionPart) -> QuestionPart:
        """``Paris, Texas`` keeps both places; if no photo is in both (``Eilat, Rome``), either one
        suffices.
        """
        if not part.all_of or part.excluded:
            return part
        if self._passes(Question((), where=_with(Filter(), part))):
            return part
        return structs.replace(part, all_of=(), any_of=part.all_of)


def _narrowed(question: Question, reading: Reading) -> Question:
    """With the conditions in its filter, and without their words."""
    if not reading.conditions:
        return structs.replace(question, hints=_hints(reading, question))
    where = _with_all(question.where or Filter(), reading.conditions)
    rest, others = normalise(reading.rest), question.terms[1:]
    if not rest and others and all(term.weight < 0 for term in others):
        rest = question.terms[0].text  # negative terms need a positive one
    terms = (QuestionTerm(1.0, rest), *others) if rest else others
    found = structs.replace(question, terms=terms, where=where, reading=reading)
    return structs.replace(found, hints=_hints(reading, found))


def _hints(reading: Reading, question: Question) -> tuple[NameHint, ...]:
    """The hints that can rank photos, MAX_HINTS at most."""
    if question.plain is None:
        return ()
    some = [one for one in reading.hints if distinctive_words(one.rest)]
    if question.where is not None and question.where.has_places:  # any of several places counts
        some = [one for one in some if one.kind not in ("place", "country")]
    return tuple(some[:MAX_HINTS])


def with_values(where: Filter, kind: str, keys: Sequence[str]) -> Filter:
    """The filter for photos that also have all of these tags, or people, or any of these places."""
    match kind:
        case "tag":
            return structs.replace(where, tags=(*where.tags, *keys))
        case "person":
            return structs.replace(where, people=(*where.people, *keys))
    return structs.replace(where, places=(*where.places, *keys))


def _with_all(where: Filter, parts: Sequence[QuestionPart]) -> Filter:
    """The filter with these conditions. If the dates do not overlap, any one suffices."""
    dates = [(part.since, part.until) for part in parts if part.kind == "date"]
    since = max((one for one, _ in dates if one is not None), default=-math.inf)
    until = min((one for _, one in dates if one is not None), default=math.inf)
    if since >= until:
        where = structs.replace(where, dates=tuple(dates))
        parts = [part for part in parts if part.kind != "date"]
    return functools.reduce(_with, parts, where)


def _with(where: Filter, part: QuestionPart) -> Filter:
    match part.kind:
        case "date":
            since = max((one for one in (where.since, part.since) if one is not None), default=None)
            until = min((one for one in (where.until, part.until) if one is not None), default=None)
            return structs.replace(where, since=since, until=until)
        case "person" if part.excluded:
            return structs.replace(where, without_people=(*where.without_people, part.key))
        case "person" if part.any_of:
            return structs.replace(where, any_people=(*where.any_people, part.any_of))
        case "person":
            return with_values(where, "person", [part.key])
        case "place" if part.excluded:
            return structs.replace(where, without_places=(*where.without_places, part.key))
        case "place" if part.all_of:
            tagged = where.within_tags
            if all(part.all_tags):
                tagged = (*tagged, part.all_tags)
            within = (*where.within, part.all_of)
            return structs.replace(where, within=within, within_tags=tagged)
        case "place":
            tags = (*where.place_tags, *filter(None, part.all_tags or (part.tag,)))
            places = (*where.places, *(part.any_of or (part.key,)))
            return structs.replace(where, places=places, place_tags=tags)
    return where


def _of_kind(reading: Reading, kinds: Sequence[str]) -> list[QuestionPart]:
    return [part for part in reading.conditions if part.kind in kinds]


def _ambiguous(text: str) -> list[str]:
    """Warnings about dates such as 1.5.2019, which are not read as they may mean two days."""
    found = []
    for date in NUMERIC_DATE.finditer(hidden(text, list(literal_spans(text)))):
        from photosd.search.dates import period_of  # words of ten languages: on first use

        try:
            period_of(date[0])
        except BadRequest as error:
            if error.remedy.startswith("write "):
                found.append(f"{date[0]} was not read as a date; {error.remedy}")
    return found


def _understood(question: Question, reading: Reading, kinds: Sequence[str]) -> Question:
    """With the words of these conditions, which have a meaning although they exclude nothing."""
    words = [word for part in _of_kind(reading, kinds) for word in wording.words(part.text)]
    return structs.replace(question, understood=frozenset(words))


def _left_out(reading: Reading, kinds: Sequence[str], question: Question) -> str:
    """The warning for kinds of conditions that were left out; ``question``: with the filters."""
    none = "no photo" if question.where is None else "no photo that passes the filters"
    every = " · ".join(part.value for part in reading.conditions)
    dropped = ", ".join(map(_named, _of_kind(reading, kinds)))
    if len(reading.conditions) == 1:
        return f"{none} has {dropped}: its words were only used to rank photos"
    return f"{none} has all of {every}; left out: {dropped}"


def _named(part: QuestionPart) -> str:
    return part.value if part.excluded else f"the {part.kind} {part.value}"
