"""How parts of a question belong together: ``Paris, Texas``, ``Noa or Dan``, ``without Noa``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from typing import Literal

import msgspec
from msgspec import structs

from photosd.core import wording
from photosd.search.function_words import (
    ALTERNATIVES,
    ARTICLES,
    BEFORE,
    EXCLUDING,
    JOINING,
    NEGATIONS,
    OUTSIDE,
)
from photosd.search.spellings import BETWEEN, WORD

PartKind = Literal["date", "place", "person", "rest"]

# Several words that exclude what follows: "except for Noa", "all but those in Eilat".
PHOTOS = (
    r"(?:(?:any|all|the)\s+)*"
    r"(?:those|ones|(?:photo|picture|image|pic)s?(?=\s+(?:of|from|with)\b))"
)
EXCLUDING_PHRASE = re.compile(
    r"\b(?:except(?:ing)?\s+for|(?:apart|aside)\s+from|(?:other|rather)\s+than|instead\s+of"
    rf"|not\s+including|w/o|(?:not|without|except|excluding|but\s+not|all\s+but)\s+{PHOTOS}"
    r"|[ושה]?לא\s+כולל(?:ת|ים|ות)?"
    r"|ו?(?:בלי|ללא|חוץ|מלבד|למעט)\s+מ?ה?"
    r"(?:אלה|אלו|(?:תמונות|תמונה|צילומים)(?=\s+(?:של|עם|מ))))(?!\w)",
    re.IGNORECASE,
)


class QuestionPart(msgspec.Struct, frozen=True):
    """Some words of a question: characters ``start`` to ``end`` of it, and what they were read as.

    ``key`` and ``photos``: of a place or a person, as in the vocabulary. ``tag``: the key of the
    tag with the same spelling, if any. ``bare``: without a preposition or a prefix. ``excluded``:
    hide photos that have it. ``since`` and ``until``: of a date, as in `FoundDate`. ``named``: the
    kind of the value that the words name, if they are not a condition. ``any_of``: keys of which
    one suffices (``Noa or Dan``). ``all_of``: keys of places that contain each other (``Paris,
    Texas``); ``all_tags``: the ``tag`` of each.
    """

    kind: PartKind
    start: int
    end: int
    text: str
    value: str
    key: str = ""
    since: float | None = None
    until: float | None = None
    photos: int = 0
    bare: bool = True
    tag: str = ""
    excluded: bool = False
    named: str = ""
    any_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    all_tags: tuple[str, ...] = ()


def specified(text: str, parts: Sequence[QuestionPart]) -> list[QuestionPart]:
    """Joins places that follow each other into one part: ``Paris, Texas``, ``Eilat Israel``. Its
    key is that of the place with fewer photos.
    """
    found: list[QuestionPart] = []
    for part in parts:
        before = found[-1] if found else None
        if (
            before is None
            or not before.kind == part.kind == "place"
            or text[before.end : part.start].strip(" ,")
            or not part.bare
        ):
            found.append(part)
        else:
            words = text[before.start : part.end]
            least = min(before, part, key=lambda one: one.photos)
            value = f"{before.value}, {part.value}"
            found[-1] = structs.replace(
                least,
                start=before.start,
                end=part.end,
                text=words,
                value=value,
                all_of=(*(before.all_of or (before.key,)), part.key),
                all_tags=(*(before.all_tags or (before.tag,)), part.tag),
            )
    return found


def with_alternatives(text: str, parts: Sequence[QuestionPart]) -> list[QuestionPart]:
    """Joins alternative people into one part: ``Noa or Dan``, ``Noa, Dan or Maya``."""
    found: list[list[QuestionPart]] = []
    for part in parts:
        before = found[-1][-1] if found else None
        if before is not None and _are_alternatives(text, before, part):
            found[-1].append(part)
        else:
            found.append([part])
    return [one for some in found for one in _as_one(text, some)]


def _are_alternatives(text: str, one: QuestionPart, other: QuestionPart) -> bool:
    """Whether these are people with ``or`` between them, or a comma only."""
    if not one.kind == other.kind == "person":
        return False
    between = text[one.end : other.start]
    if words := wording.words(between):
        return all(word in ALTERNATIVES for word in words)
    return between.strip() == "," and other.bare


def _as_one(text: str, people: Sequence[QuestionPart]) -> Sequence[QuestionPart]:
    """Joins these people, unless only commas are between them or they are negated."""
    first, last = people[0], people[-1]
    listed = any(wording.words(text[a.end : b.start]) for a, b in itertools.pairwise(people))
    listed = listed or _word_after(text, last.end) in ALTERNATIVES
    if len(people) == 1 or not listed or negation_of(text, first) is not None:
        return people
    value = first.value
    for one, other in itertools.pairwise(people):
        between = text[one.end : other.start].strip()
        value += f"{'' if between.startswith(',') else ' '}{between} {other.value}"
    keys = tuple(dict.fromkeys(one.key for one in people))
    text = text[first.start : last.end]
    return [structs.replace(first, end=last.end, text=text, value=value, any_of=keys)]


def wanted(text: str, parts: Sequence[QuestionPart]) -> list[QuestionPart]:
    """Marks ``without Noa`` as excluded. Drops other negated parts, and parts that are alternatives
    to other words (``Noa or a dog``); alternatives of places or dates stay.
    """
    found: list[QuestionPart] = []
    unwanted: QuestionPart | None = None  # the last one that was negated
    excluding = False  # whether it was excluded
    for number, part in enumerate(parts):
        before, after = parts[number - 1] if number else None, next(iter(parts[number + 1 :]), None)
        chained = unwanted is not None and unwanted is before and _are_joined(text, before, part)
        negation = negation_of(text, part)
        if chained or negation is not None:
            unwanted = part
            follows = chained and excluding
            excluding = part.kind != "date" and (follows or _excludes(negation, part))
            if excluding:
                start = negation.start() if negation is not None and not follows else part.start
                found.append(_excluded(text, part, start))
            continue
        joining = _word_before(text, part.start)
        first = joining is not None and wording.fold(joining[0]) in ALTERNATIVES
        second = _word_after(text, part.end) in ALTERNATIVES
        if not (first and not _any_counts(text, before, part)) and not (
            second and not _any_counts(text, part, after)
        ):
            found.append(part)
    return found


def negation_of(text: str, part: QuestionPart) -> re.Match[str] | None:
    """The word or the phrase before a part that negates it."""
    word = _word_before(text, part.start, BEFORE | ARTICLES)
    if word is not None and wording.fold(word[0]) in NEGATIONS:
        return word
    for phrase in EXCLUDING_PHRASE.finditer(text, 0, part.end):
        between = text[phrase.end() : max(part.start, phrase.end())]
        if phrase.start() < part.start and _are_prepositions(between):
            return phrase
    return None


def _are_prepositions(text: str) -> bool:
    """Whether ``text`` has no words but prepositions and articles, and nothing that separates."""
    words = WORD.findall(text)
    blank = BETWEEN.fullmatch(WORD.sub(" ", text) + " ") is not None
    return blank and all(wording.fold(word) in BEFORE | ARTICLES for word in words)


def _are_joined(text: str, one: QuestionPart, other: QuestionPart) -> bool:
    """Whether these of one kind are named together: ``Noa and Dan``."""
    words = wording.words(text[one.end : other.start])
    return one.kind == other.kind and all(word in JOINING for word in words)


def _any_counts(text: str, one: QuestionPart | None, other: QuestionPart | None) -> bool:
    if one is None or other is None or one.kind not in ("place", "date"):
        return False
    return _are_joined(text, one, other)


def _excludes(negation: re.Match[str] | None, part: QuestionPart) -> bool:
    """Whether this word before a part excludes its photos."""
    if negation is None:
        return False
    folded = wording.fold(negation[0])
    if folded not in NEGATIONS:  # a phrase
        return True
    return folded in EXCLUDING or (part.kind == "place" and folded in OUTSIDE)


def _excluded(text: str, part: QuestionPart, start: int) -> QuestionPart:
    return structs.replace(
        part, start=start, text=text[start : part.end], value=f"without {part.value}", excluded=True
    )


def _word_before(text: str, place: int, skipped: Collection[str] = ()) -> re.Match[str] | None:
    """The word that ends before this character, without those to skip (folded)."""
    every = [one for one in WORD.finditer(text, 0, place)]
    for word in reversed(every):
        if BETWEEN.fullmatch(text, word.end(), place) is None:
            return None
        place = word.start()
        if wording.fold(word[0]) not in skipped:
            return word
    return None


def _word_after(text: str, place: int) -> str:
    word = WORD.search(text, place)
    joined = word is not None and BETWEEN.fullmatch(text, place, word.start()) is not None
    return wording.fold(word[0]) if word is not None and joined else ""
