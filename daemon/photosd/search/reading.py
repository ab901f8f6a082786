"""Reads a question: which of its words are dates, places or people; the rest is for the model.

Rules: docs/explanation/how-search-works.md. Words that may mean something else are not read: they
stay in the rest, where they rank photos and exclude none. Names come from a `KnownNames`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec import structs

from photosd.core import wording
from photosd.index.vocabulary import Value
from photosd.search import ordinary
from photosd.search.function_words import (
    ABOUT_PHOTOS,
    ARTICLES,
    BEFORE,
    DANGLING,
    FUNCTION_WORDS,
    NAMED_AFTER,
    NEGATIONS,
    OWNER_BEFORE,
    PERSON_BEFORE,
    PLACE_BEFORE,
    SPEAKER,
)
from photosd.search.literal_text import hidden, literal_spans
from photosd.search.relations import (
    PartKind,
    QuestionPart,
    negation_of,
    specified,
    wanted,
    with_alternatives,
)
from photosd.search.remainder import Span, remainder
from photosd.search.spellings import (
    ABBREVIATED,
    BETWEEN,
    SHORTEST_BARE,
    WORD,
    Spelling,
    Word,
    are_separated,
    joined,
    spellings_of,
    word_of,
)

if TYPE_CHECKING:
    from photosd.search.dates.finding import FoundDate
    from photosd.search.dates.periods import Moment

MAX_WORDS = 100  # of a question; what follows is not read
LONGEST_VALUE = 5  # words
MAX_NAMESAKES = 100  # people of one first name who are compared
SHORTEST_VALUE = 2  # letters of a value of one word
LONGEST_EVENT = 14 * 86_400.0  # seconds: Passover, not May

NAME_AND_YEAR = re.compile(r"\w+\s+(?:in\s+|ב-?)?\d{4}")
NO_NAMES = ABOUT_PHOTOS | DANGLING | NEGATIONS


class KnownNames(Protocol):
    """The people, tags and places of the library."""

    def find(self, keys: Collection[str]) -> Mapping[str, Sequence[Value]]:
        """The values of these keys (core.wording.key of the words); absent ones are left out."""
        ...

    def beginning(self, kind: str, text: str, limit: int) -> Sequence[Value]:
        """Values of a kind whose spelling begins with ``text``, most photos first."""
        ...


class NameHint(msgspec.Struct, frozen=True):
    """Values of one kind that some words of a question name, though they were not read as
    conditions; ``rest``: the other words for the model.
    """

    kind: str
    keys: tuple[str, ...]
    rest: str


class Reading(msgspec.Struct, frozen=True):
    """The parts of a question in their order. ``rest``: the words for the model, if any.
    ``hints``: values of the library that some words of ``rest`` name.
    """

    parts: tuple[QuestionPart, ...]
    rest: str
    hints: tuple[NameHint, ...] = ()

    @property
    def conditions(self) -> tuple[QuestionPart, ...]:
        """The parts that exclude photos."""
        return tuple(part for part in self.parts if part.kind != "rest")


def read(
    text: str,
    vocabulary: KnownNames,
    now: Moment | None = None,
    without: Collection[str] = (),
) -> Reading:
    """Read ``text``. ``without``: kinds of parts not to look for. ``now``: for relative dates."""
    literal = list(literal_spans(text))
    visible = hidden(text, literal)
    values = _values(visible, vocabulary, without)
    dates = [] if "date" in without else _dates(text, visible, values, now)
    taken = [(one.start, one.end) for one in dates]
    read_values = [one for one in values if one.kind != "rest" and not _overlaps(one, taken)]
    read_values = specified(text, read_values)
    parts = sorted([*(_part_of(text, one) for one in dates), *read_values], key=_start)
    parts = wanted(text, with_alternatives(text, parts))
    hints = tuple(_hints(text, parts, [v for v in values if not _overlaps(v, taken)], literal))
    if not parts:
        return Reading((), text, hints)
    rest = [
        QuestionPart("rest", start, end, text[start:end], text[start:end])
        for start, end in remainder(text, _spans(parts), literal)
    ]
    every = sorted([*parts, *rest], key=_start)
    return Reading(tuple(every), " ".join(part.text for part in rest), hints)


def _start(part: QuestionPart) -> int:
    return part.start


def _hints(
    text: str,
    parts: Sequence[QuestionPart],
    values: Sequence[QuestionPart],
    literal: Sequence[Span],
) -> Iterator[NameHint]:
    """Hints that leave other words: all tags together, then each value, the rarest first."""
    read_so = _spans(parts)
    named = [one for one in values if one.named and not _overlaps(one, read_so)]
    named = [one for one in named if negation_of(text, one) is None]
    named.sort(key=lambda one: one.photos)
    tags = [one for one in named if one.named == "tag"]
    for some in [tags] * (len(tags) > 1) + [[one] for one in named]:
        spans = remainder(text, sorted([*read_so, *_spans(some)]), literal)
        if spans:
            rest = " ".join(text[start:end] for start, end in spans)
            yield NameHint(some[0].named, tuple(one.key for one in some), rest)


def _spans(parts: Sequence[QuestionPart]) -> list[Span]:
    return [(part.start, part.end) for part in parts]


# -- dates ----------------------------------------------------------------------------------------


def _part_of(text: str, date: FoundDate) -> QuestionPart:
    words = text[date.start : date.end]
    return QuestionPart("date", date.start, date.end, words, date.shown, "", date.since, date.until)


def _dates(
    text: str, visible: str, values: Sequence[QuestionPart], now: Moment | None
) -> list[FoundDate]:
    """The dates outside values of several words; of ``May 2019`` only the year if May is a name."""
    from photosd.search.dates.finding import find  # words of ten languages: on first use

    several = [(one.start, one.end) for one in values if BETWEEN.search(one.text.strip())]
    visible = hidden(visible, several)
    found = find(visible, now)
    names = [
        (one.start, one.end) for one in values for date in found if _is_name_in(one, date, text)
    ]
    return find(hidden(visible, names), now) if names else found


def _is_name_in(value: QuestionPart, date: FoundDate, text: str) -> bool:
    """Whether the date begins with a name: ``with May in 2019``, ``May 2019``."""
    if value.kind == "person":  # read as a name
        return value.start <= date.start < value.end <= date.end
    words = text[date.start : date.end]
    if value.named == "person" and (value.start, value.end) == (date.start, date.end):
        return wording.key(words) == value.key and not words.isdecimal()  # May and July 2019
    if value.tag and (date.until or 0.0) - (date.since or 0.0) > LONGEST_EVENT:  # a tag "summer"
        return False
    return value.start == date.start and NAME_AND_YEAR.fullmatch(words) is not None


# -- people and places ----------------------------------------------------------------------------


def _values(text: str, vocabulary: KnownNames, without: Collection[str]) -> list[QuestionPart]:
    """Values by their words, longest first; kind ``rest``: known, but not a condition."""
    words = [word_of(one) for one in itertools.islice(WORD.finditer(text), MAX_WORDS)]
    spellings: dict[tuple[int, int], list[Spelling]] = {}
    for first in range(len(words)):
        for last in range(first, min(first + LONGEST_VALUE, len(words))):
            if last > first and not joined(text, words[last - 1], words[last], ABBREVIATED):
                break
            if last > first or words[first].key not in DANGLING:
                spellings[first, last] = spellings_of(words[first : last + 1])
    known = _known(spellings, vocabulary)
    if not known:
        return []
    found, place = list[QuestionPart](), 0
    while place < len(words):
        for last in range(min(place + LONGEST_VALUE, len(words)) - 1, place - 1, -1):
            some = spellings.get((place, last), ())
            separated = are_separated(text, words[place : last + 1])
            spelling = _named(some, known, separated=separated)
            if spelling is not None:
                part = _decided(text, words, place, last, spelling, known, without)
                if part.kind == "person" and place == last and _may_be_another(part, vocabulary):
                    part = structs.replace(part, kind="rest", named="person")
                found.append(part)
                place = last
                break
        place += 1
    return found


def _named(
    spellings: Iterable[Spelling], known: Mapping[str, Sequence[Value]], *, separated: bool
) -> Spelling | None:
    """The first spelling that has values. ``separated``: the words have a comma or a full stop
    between them, so a value must have one, too.
    """
    for one in spellings:
        values = known.get(one.key, ())
        if any(not separated or "," in value.shown or "." in value.shown for value in values):
            return one
    return None


def _known(
    spellings: Mapping[tuple[int, int], Sequence[Spelling]], vocabulary: KnownNames
) -> dict[str, Sequence[Value]]:
    """The values with these spellings, by key."""
    keys = {one.key for some in spellings.values() for one in some}
    known = dict(vocabulary.find(keys)) if keys else {}
    for (first, last), some in spellings.items():
        if first == last:
            known |= _first_names(some, known, vocabulary)
    return known


def _first_names(
    spellings: Sequence[Spelling], known: Mapping[str, Sequence[Value]], vocabulary: KnownNames
) -> dict[str, Sequence[Value]]:
    """The person with this first name, if there is only one and the word names nothing else."""
    if any(one.key in known for one in spellings):
        return {}
    for one in spellings:
        if len(one.key) >= SHORTEST_BARE and one.key not in NO_NAMES:
            others = vocabulary.beginning("person", one.key, MAX_NAMESAKES)
            named = [other for other in others if wording.words(other.shown)[:1] == [one.key]]
            if len(named) == 1:
                return {one.key: named}
    return {}


def _decided(
    text: str,
    words: Sequence[Word],
    first: int,
    last: int,
    spelling: Spelling,
    known: Mapping[str, Sequence[Value]],
    without: Collection[str],
) -> QuestionPart:
    """The part for these words: a condition, or ``rest`` if they may mean something else."""
    before = _before(text, words, first)
    start, end = words[first].start, words[last].end
    unread = QuestionPart("rest", start, end, text[start:end], text[start:end])
    if some := [one for one in known[spelling.key] if one.kind not in ("camera", "folder")]:
        best = max(some, key=lambda one: one.photos)
        unread = structs.replace(unread, key=best.key, photos=best.photos, named=best.kind)
    said = {word.key for word in words[before:first]} | set(spelling.prefix[-1:])
    kind, values = _meant(known[spelling.key], said, spelling)
    tagged = any(one.kind == "tag" for one in known[spelling.key])
    if kind == "rest" or kind in without:
        only = tagged and all(one.kind == "tag" for one in known[spelling.key])
        return structs.replace(unread, tag=spelling.key if only else "")
    if first == last and _is_function_word(words[first], spelling.key, values[0].shown, said):
        return unread
    if first == last and spelling.key in ordinary.ordinary_words():
        capital = first > 0 and text[start].isupper() and text[words[0].start].islower()
        if kind == "place":  # in Nice
            named = capital and not PLACE_BEFORE.isdisjoint(said)
        else:  # with Rose, עם יעל, Rose's birthday
            often = capital or spelling.key in ordinary.mostly_names()
            named = spelling.genitive or (often and not NAMED_AFTER.isdisjoint(said))
        if not named:
            return unread
    start = words[before].start
    shown, key, photos = values[0].shown, values[0].key, values[0].photos
    bare = before == first and not spelling.prefix
    tag = spelling.key if kind == "place" and tagged else ""
    return QuestionPart(
        kind, start, end, text[start:end], shown, key, photos=photos, bare=bare, tag=tag
    )


def _is_function_word(word: Word, key: str, shown: str, said: Collection[str]) -> bool:
    """Whether it is a letter, a number or a word like ``us``; not a name: ``US``, ``of me``."""
    if key not in FUNCTION_WORDS and len(key) >= SHORTEST_VALUE and not key.isdecimal():
        return False
    if key in SPEAKER and not (PERSON_BEFORE | OWNER_BEFORE).isdisjoint(said):
        return False
    named = word.text == shown and word.text[0].isupper()
    return not named or (len(key) < SHORTEST_VALUE and BEFORE.isdisjoint(said))


def _may_be_another(part: QuestionPart, vocabulary: KnownNames) -> bool:
    """Whether other people with this first name have more photos: ``Noa`` may be ``Noa Levi``."""
    others = vocabulary.beginning("person", part.key, MAX_NAMESAKES)
    alike = (one.photos for one in others if wording.words(one.shown)[:1] == [part.key])
    return sum(alike) > 2 * part.photos  # the sum includes those of the part itself


def _meant(
    values: Sequence[Value], said: Collection[str], spelling: Spelling
) -> tuple[PartKind, Sequence[Value]]:
    """The values of the kind that is meant; ``rest`` if they may be of several kinds."""
    people = [one for one in values if one.kind == "person"]
    places = [one for one in values if one.kind in ("place", "country")]
    tags = [one for one in values if one.kind == "tag"]
    if people and spelling.prefix and spelling.prefix[-1] in "בה":
        people = []
    if people and places:
        if spelling.genitive or not PERSON_BEFORE.isdisjoint(said):
            places = []
        elif not PLACE_BEFORE.isdisjoint(said):
            people = []
    tagged = sum(one.photos for one in tags)
    # Programs that name faces also write the names as tags: these photos are the person's.
    if people and not places and tagged <= people[0].photos:
        return "person", people
    return ("place", places) if places and not people else ("rest", ())


def _before(text: str, words: Sequence[Word], first: int) -> int:
    """The first word of a value with the prepositions before it: ``near the``."""
    place = first
    while place and joined(text, words[place - 1], words[place]):
        word = words[place - 1].key
        if word not in BEFORE and not (word in ARTICLES and place == first):
            break
        place -= 1
    return place


def _overlaps(part: QuestionPart, spans: Sequence[tuple[int, int]]) -> bool:
    return any(part.start < end and start < part.end for start, end in spans)
