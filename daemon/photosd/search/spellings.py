"""Splits a question into words, and lists the spellings by which some of them may be a name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from photosd.core import wording
from photosd.search import ordinary

SHORTEST_BARE = 3  # letters that remain without a Hebrew prefix
LONGEST_PREFIX = 3  # letters

# Accents, niqqud, and marks of Arabic and Japanese, that are not letters.
POINTS = r"\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u3099\u309a"
WORD = re.compile(rf"[^\W_][\w{POINTS}]*(?:['’‘׳״\"`´][^\W_][\w{POINTS}]*)*['’׳]?")
GENITIVE = re.compile(r"['’]s?$", re.IGNORECASE)
BETWEEN = re.compile(r"[\s\-־'’]+")  # characters between the words of one value
ABBREVIATED = re.compile(r"[\s\-־'’.,]+")  # and in names such as St. Louis, Washington, D.C.


class Word(NamedTuple):
    """``key``: as in core.wording; ``owner``: the same without a genitive, if it has one."""

    text: str
    start: int
    end: int
    key: str
    owner: str


class Spelling(NamedTuple):
    """One way to look up some words: with a Hebrew prefix or a genitive removed."""

    key: str
    prefix: str = ""
    genitive: bool = False


def joined(text: str, one: Word, other: Word, by: re.Pattern[str] = BETWEEN) -> bool:
    """Whether nothing else is between two words."""
    return by.fullmatch(text, one.end, other.start) is not None


def are_separated(text: str, words: Sequence[Word]) -> bool:
    """Whether a comma or a full stop is between these words."""
    return any(not joined(text, one, other) for one, other in itertools.pairwise(words))


def word_of(found: re.Match[str]) -> Word:
    """The word that `WORD` has matched."""
    text = found[0]
    owner = GENITIVE.sub("", text)
    key = wording.key(text)
    return Word(text, *found.span(), key, wording.key(owner) if owner != text else "")


def spellings_of(words: Sequence[Word]) -> list[Spelling]:
    """As written; else without a genitive; else without Hebrew prefixes, the shortest first."""
    (*_, last), first = words, words[0].key
    more = "".join([word.key for word in words[1:]])
    found = [Spelling(first + more)]
    if last.owner:
        before = "".join([word.key for word in words[:-1]])
        found.append(Spelling(before + last.owner, genitive=True))
    if not first or (not more and first in ordinary.unprefixed()):
        return found
    for cut in range(1, LONGEST_PREFIX + 1):
        left = len(first) - cut
        if left < (1 if more else 2):
            break
        if not more and left < SHORTEST_BARE and first[:cut] != "ו":
            break
        if wording.are_prefixes(first[:cut]):
            found.append(Spelling(first[cut:] + more, first[:cut]))
    return found
