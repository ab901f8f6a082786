"""Reads Hebrew as English: for text towers that know English only.

The glossary has a line for each word, ``Hebrew, other spellings = English | another meaning``,
below the kind of the words in brackets. With ``~`` for ``=`` the English is only similar. Words
below ``[unseen]`` describe nothing visible; without them they would be taken for forms of other
words. Words of other scripts are left as they are.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from photosd.encoder.hebrew import (
    MIN_SKELETON,
    PLURALS,
    crude,
    doubled,
    is_hebrew,
    owned,
    plain,
    skeleton,
    splits,
    stems,
    tenses,
)

MAX_READINGS = 2
MAX_PHRASE_WORDS = 4  # words
MAX_VOWEL_LETTERS = 1  # fewer than the glossary's spelling has: else it is another word
MIN_LONG = 4  # consonants of a word in another spelling with prefixes other than the
SIGN = re.compile("([=~])")
KIND = re.compile(r"\[(\w+)\]")
NOUNS = ("noun", "person", "animal")
LIVING = ("person", "animal")
# Which endings a word of each kind can have.
FORMS = {
    "noun": ("plural", "construct"),
    "person": ("plural", "construct", "feminine"),
    "animal": ("plural", "construct", "feminine"),
    "adjective": ("plural", "feminine"),
    "verb": ("plural", "feminine"),
    "word": (),
}
# Kinds of words, from likely to unlikely, after such a word.
ORDERS = {
    "nothing": ("word", "noun", "person", "animal", "adjective", "verb"),
    "construct": ("noun", "person", "animal", "adjective", "verb", "word"),
    "living": ("word", "verb", "adjective", "noun", "animal", "person"),
    "thing": ("word", "adjective", "noun", "animal", "person", "verb"),
}
RARE_PREFIXES, RARE, ENDING = "מכש", 1.5, 0.9  # what it costs to take off a letter, or an ending
REPEATED = re.compile(r"(.)\1{2,}")  # a letter held down
CONJUNCTIONS = "ושכ"
PREPOSITIONS = {"ב": "in", "ל": "to", "מ": "from"}
# Nouns without a plural of their own, and the plurals that no rule makes.
UNCHANGED = """bread deer feet food fruit hair jewelry luggage men money people sand sheep teeth
    underwear water women wood children""".split()  # noqa: SIM905 (readable)
IRREGULAR = {
    **{one: one for one in UNCHANGED},
    **{
        "grandchild": "grandchildren",
        "man": "men",
        "woman": "women",
        "child": "children",
        "person": "people",
        "mouse": "mice",
    },
    **{"leaf": "leaves", "knife": "knives", "wolf": "wolves", "goose": "geese", "calf": "calves"},
    **{"policeman": "policemen", "fisherman": "fishermen", "tomato": "tomatoes"},
}


class GlossaryEntry(NamedTuple):
    """The meanings of a word, its kind, and whether they are exact."""

    meanings: tuple[str, ...]
    kind: str
    exact: bool = True


class Sense(NamedTuple):
    """A word in its context: its prefixes, entry, and form, and whether it looks like a plural."""

    prefix: str
    entry: GlossaryEntry
    form: str = ""
    many: bool = False


class WordReading(NamedTuple):
    """A text in English, in one or more ways, the likeliest first; and its words that carry
    meaning, each with its meaning (None: unknown, or nothing exact).
    """

    texts: tuple[str, ...]
    words: tuple[tuple[str, str | None], ...]


class Glossary:
    """Hebrew words with their English meanings."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._words: dict[str, list[GlossaryEntry]] = {}
        self._phrases: dict[tuple[str, ...], tuple[GlossaryEntry, str]] = {}  # with the first word
        self._unseen: set[str] = set()
        kind = "noun"
        for line in lines:
            if line.startswith("#") or not line.strip():
                continue
            if (named := KIND.fullmatch(line.strip())) is not None:
                kind = named[1]
                continue
            if kind == "unseen":
                self._unseen.update(map(plain, line.split()))
                continue
            spellings, sign, english = SIGN.split(line, 1)
            meanings = tuple(one.strip() for one in english.split("|"))
            entry = GlossaryEntry(meanings, kind, sign == "=")
            for spelling in spellings.split(","):
                self._add(spelling.split(), entry)

    @classmethod
    def of(cls, file: Path) -> Glossary:
        """The glossary in ``file``."""
        return cls(file.read_text("utf-8").splitlines())

    def read(self, tokens: Sequence[str]) -> WordReading:
        """These words in English. Unknown Hebrew words are left out."""
        words: list[tuple[str, str | None]] = []
        senses: list[Sense] = []
        place = 0
        while place < len(tokens):
            length, sense = self._sense(list(tokens[place : place + MAX_PHRASE_WORDS]), senses)
            if sense is not None:
                senses.append(sense)
            if sense is None or sense.entry.kind != "word":
                exact = sense is not None and sense.entry.exact
                meaning = sense.entry.meanings[0] if sense and exact else None
                words += [(token, meaning) for token in tokens[place : place + length]]
            place += length
        return WordReading(_composed(senses), tuple(words))

    def _add(self, words: list[str], entry: GlossaryEntry) -> None:
        if len(words) > 1:
            key = tuple(crude(word) for word in words)
            self._phrases.setdefault(key, (entry, words[0]))
            return
        for form in dict.fromkeys((words[0], words[0].replace("'", ""))):
            entries = self._words.setdefault(plain(form), [])
            if entry not in entries:
                entries.append(entry)

    @functools.cached_property
    def _skeletons(self) -> dict[str, tuple[str, GlossaryEntry | None]]:
        """A word and its entry by skeleton; no entry if words of other meanings share it."""
        found: dict[str, tuple[str, GlossaryEntry | None]] = {}
        for word, entries in self._words.items():
            key = skeleton(word)
            if entries[0].kind != "word" and len(key) >= MIN_SKELETON:
                same = found.get(key, (word, entries[0]))[1] == entries[0]
                found[key] = (word, entries[0] if same else None)
        return found

    def _sense(self, tokens: list[str], before: list[Sense]) -> tuple[int, Sense | None]:
        """How many of these words, and what they mean: the longest phrase, else the first word."""
        if not is_hebrew(tokens[0]):
            return 1, Sense("", GlossaryEntry((tokens[0],), "other"))
        tokens = [plain(token) for token in tokens]
        for length in range(len(tokens), 1, -1):
            rest = tuple(crude(token) for token in tokens[1:length])
            for prefix, first in splits(tokens[0]):
                if (crude(first), *rest) in self._phrases:
                    entry, written = self._phrases[crude(first), *rest]
                    many = first.endswith(PLURALS)
                    form = "plural" if many and not written.endswith(PLURALS) else ""
                    return length, Sense(prefix, entry, form, many)
        heads = [one for one in before if one.entry.kind != "adjective"]
        word = tokens[0].rstrip("'")
        spellings = (tokens[0], word, REPEATED.sub(r"\1", word))
        found = next(filter(None, map(self._senses, spellings)), None)
        unseen = [_cost(prefix) for prefix, rest in splits(word) if rest in self._unseen]
        if found and min(unseen, default=math.inf) >= min(cost for cost, _ in found):
            return 1, _fitting(found, heads[-1] if heads else None)
        sense = None if unseen else self._owned(word) or self._spelled_otherwise(word)
        return 1, sense or self._in_present(word)

    def _senses(self, word: str) -> list[tuple[float, Sense]]:
        """The ways to read one word, with a cost each: the more is taken off, the higher."""
        found: list[tuple[float, Sense]] = []
        many = word.endswith(PLURALS)
        for prefix, rest in splits(word):
            taken = _cost(prefix)
            forms: dict[GlossaryEntry, str] = {}
            for stem, form in stems(rest):
                for entry in self._words.get(stem, []):
                    if form in FORMS[entry.kind]:
                        forms.setdefault(entry, form)
                        found.append((taken + ENDING, Sense(prefix, entry, form, many)))
            for entry in self._words.get(rest, []):
                if not prefix or _may_follow(prefix, entry):
                    found.append((taken, Sense(prefix, entry, forms.get(entry, ""), many)))
        return found

    def _owned(self, word: str) -> Sense | None:
        """A thing, animal or person with the letters for its owner."""
        for prefix, rest in splits(word):
            for stem, form in owned(rest) if "ה" not in prefix else ():
                for entry in self._words.get(stem, []):
                    if entry.kind in NOUNS:
                        return Sense(prefix, entry, form)
        return None

    def _spelled_otherwise(self, word: str) -> Sense | None:
        """The word with more or fewer vowel letters, if only one is like it."""
        for prefix, rest in splits(word):
            plurals = [one for one in stems(rest) if one[1] == "plural"]
            for stem, form in [(rest, ""), *plurals]:
                least = MIN_SKELETON if prefix in ("", "ה") else MIN_LONG
                known, entry = self._skeletons.get(skeleton(stem), ("", None))
                if entry is None or len(skeleton(stem)) < least or not _shorter(stem, known):
                    continue
                if not form or form in FORMS[entry.kind]:
                    return Sense(prefix, entry, form)
        return None

    def _in_present(self, word: str) -> Sense | None:
        """A verb in another tense."""
        for prefix, rest in splits(word):
            for stem in tenses(rest) if set(prefix) <= set(CONJUNCTIONS) else ():
                _, entry = self._skeletons.get(skeleton(stem), ("", None))
                for one in [entry] if entry else self._words.get(plain(stem), []):
                    if one.kind == "verb":
                        return Sense(prefix, one)
        return None


def _cost(prefix: str) -> float:
    return sum(RARE if letter in RARE_PREFIXES else 1 for letter in prefix)


def _shorter(stem: str, known: str) -> bool:
    """Whether ``known`` is ``stem`` with a vowel letter more inside, or one doubled or not."""
    rest = iter(known)
    more = 0 <= len(known) - len(stem) <= MAX_VOWEL_LETTERS
    inside = more and stem[-1] == known[-1] and all(letter in rest for letter in stem)
    return inside or doubled(stem) == doubled(known)


def _may_follow(prefix: str, entry: GlossaryEntry) -> bool:
    return entry.kind != "word" or prefix == "ו"


def _fitting(senses: list[tuple[float, Sense]], head: Sense | None) -> Sense:
    """The sense that fits after the noun or verb ``head``: people and animals do something, things
    are like something. A noun follows a construct state.
    """
    kinds = ORDERS["construct" if head and head.form == "construct" else _kind_of(head)]
    least = min(cost for cost, _ in senses)

    def unlikely(cost: float, sense: Sense) -> tuple[float, int]:
        kind = sense.entry.kind
        describes = kind in ("adjective", "verb")
        if describes and set(sense.prefix) & set(PREPOSITIONS):
            return cost + ENDING, len(kinds)
        agrees = describes and kinds is not ORDERS["nothing"] and head and head.many == sense.many
        free = ENDING if agrees and sense.form != "construct" else 0
        return max(least, cost - free), kinds.index(kind)

    return min(senses, key=lambda one: unlikely(*one))[1]


def _kind_of(head: Sense | None) -> str:
    if head is None or head.entry.kind not in NOUNS:
        return "nothing"
    return "living" if head.entry.kind in LIVING else "thing"


def _composed(senses: list[Sense]) -> tuple[str, ...]:
    """English texts, at most MAX_READINGS; the second has second meanings."""
    number = max((len(sense.entry.meanings) for sense in senses), default=1)
    texts = (_text(senses, meaning) for meaning in range(min(number, MAX_READINGS)))
    return tuple(dict.fromkeys(text for text in texts if text))


def _text(senses: list[Sense], meaning: int) -> str:
    """In English order: adjectives and the second noun of two come first."""
    written: list[str] = []
    group: list[str] = []
    last = ""
    for sense in senses:
        kind = sense.entry.kind
        joins = (kind == "adjective" or (kind in NOUNS and last in NOUNS)) and not _links(sense)
        said = sense.entry.meanings[min(meaning, len(sense.entry.meanings) - 1)]
        if kind in NOUNS and sense.form == "plural":
            said = plural(said)
        if not (joins and group):
            written += group
            group = []
            written += _linking(sense.prefix)
        if kind in NOUNS or (joins and group):
            group = [said, *group]
        else:
            written += [*group, said]
            group = []
        last = kind if kind != "adjective" else last
    return " ".join(one for one in [*written, *group] if one)


def _links(sense: Sense) -> bool:
    return bool(_linking(sense.prefix))


def _linking(prefix: str) -> list[str]:
    """The English words of a prefix; articles are left out."""
    found = ["and"] if prefix.startswith("ו") else []
    return found + [english for hebrew, english in PREPOSITIONS.items() if hebrew in prefix]


def plural(noun: str) -> str:
    """``noun`` in the plural, as far as English is regular."""
    *first, last = noun.split()
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    elif last.endswith(("ch", "sh", "x", "z")) and not last.endswith("fish"):
        last += "es"
    elif not last.endswith(("s", "fish")):
        last += "s"
    return " ".join([*first, last])
