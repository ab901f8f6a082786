"""Looks words up in the text index: in which rows they are, and in which columns.

A row is a path of an indexed photo (`named` in the catalog): the words of its name and folders, and
of its photo's title, caption, places, tags and people. Hebrew words also match with another prefix
or plural.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from photosd.core import wording
from photosd.index.labels import DESCRIBED, WHOLE

IGNORED_SHARE = 0.5  # of the library's paths; a more frequent word is ignored
FEW = 3  # photos, in a tiny library
COMMON = 2000  # photos; a more frequent word finds none on its own if the query has other words
# The columns of each kind of evidence, as in the protocol; what is shown last says most.
KINDS = {
    "name": "{name folders}", "caption": "{title caption}", "place": "places", "tag": "tags",
    "person": "people",
}  # fmt: skip
OWN = "{name title places tags people}"  # not names of folders, nor captions, which are long
PLACES_AND_PEOPLE = "{places people}"
FACTS, NAMES = "{title caption places tags people}", "{places tags people}"
WHOLE_IN = {"caption": "title", "place": "places", "tag": "tags", "person": "people"}

PREFIXES = "והבלמכש"
BEFORE_SHORT = "הב"  # before two letters, in names of files: others are often letters of the word
# Endings of a word, and those of its singular or plural; final letters are folded.
ENDINGS = (("ימ", ("",)), ("ות", ("", "ה")), ("ה", ("ות",)), ("", ("ימ", "ות")))
HEBREW = re.compile("[א-ת]+")
SHORTEST = 2  # letters of a word without its prefix or ending
SHORTEST_ALONE = 3  # the same for a query of one word, which rarely has a prefix


class WordTerm(NamedTuple):
    """A word of a query, and its expression for FTS5."""

    word: str
    match: str


Rows = NDArray[np.int64]  # numbers of rows, ascending
NONE: Rows = np.empty(0, np.int64)


class TextIndex:
    """Looks up words, in one transaction. ``described``: whether any photo has words in its facts;
    else only names of files and folders are searched.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.described = self._has(quoted(DESCRIBED))

    def terms(self, words: Sequence[str]) -> list[WordTerm]:
        """The expression of each word (folded)."""
        shortest = SHORTEST if len(words) > 1 else SHORTEST_ALONE
        return [WordTerm(word, self._match(word, shortest)) for word in words]

    def _match(self, word: str, shortest: int) -> str:
        plain = quoted(word)
        if HEBREW.fullmatch(word) is None or len(word) < SHORTEST:
            return plain
        # Sentences and names of files have prefixes; names of people, places and tags hardly have.
        files = KINDS["name"]
        usual = PREFIXES if len(word) > SHORTEST else BEFORE_SHORT
        found = [plain, f"{files} : ({self._varied(word, shortest, files, usual)})"]
        if self.described:
            found.append(f"{FACTS} : ({self._varied(word, shortest, NAMES)})")
            found.append(f"caption : ({self._varied(word, shortest, NAMES, PREFIXES)})")
        return f"({' OR '.join(found)})"

    def _varied(self, word: str, shortest: int, columns: str, prefixes: str = "") -> str:
        """The word with other endings, and after each of these prefixes; if the columns lack it,
        without its own prefixes, too.
        """
        bare = [word]
        if not self._has(f"{columns} : {quoted(word)}"):  # else its first letter may be no prefix
            bare += _without_prefix(word, shortest)
        found = [other for one in bare for other in (one, *_with_other_ending(one))]
        found += [prefix + one for one in bare for prefix in prefixes]
        return _any(dict.fromkeys(found))

    def numbers(self, terms: Sequence[WordTerm]) -> dict[str, int]:
        """The number of rows of each word, without words in most of the library."""
        indexed = self._db.execute("SELECT coalesce(sum(n), 0) FROM counts WHERE state = 'indexed'")
        most = max(FEW, int(IGNORED_SHARE * indexed.fetchone()[0]))
        counted = "SELECT count(*) FROM (SELECT 1 FROM names WHERE names MATCH ? LIMIT ?)"
        found = {
            term.word: self._db.execute(counted, (term.match, most + 1)).fetchone()[0]
            for term in terms
        }
        return {word: number for word, number in found.items() if number <= most}

    def every(self, terms: Sequence[WordTerm], numbers: Mapping[str, int]) -> Rows:
        """The rows with every word that counts."""
        distinctive = [term.match for term in terms if term.word in numbers]
        if not distinctive or not all(numbers.values()):
            return NONE
        return self.rows(" AND ".join(distinctive))

    def some(self, terms: Sequence[WordTerm], numbers: Mapping[str, int]) -> list[Rows]:
        """The rows of each word that counts, not only in a title or caption; those with only one
        common word are left out.
        """
        rare, common, others = _split(terms, numbers)
        if not rare and all(numbers.values()):
            return []  # any row with two common words has every word
        within = f"- {KINDS['caption']} : " if self.described else ""
        found = [within + match for match in rare]
        found += [f"{within}{match} AND ({others})" for match in common]
        return [self.rows(match) for match in found]

    def kinds(self, terms: Sequence[WordTerm], numbers: Mapping[str, int]) -> dict[str, Rows]:
        """The rows that have any word that counts in columns of each kind."""
        any_of = " OR ".join(term.match for term in terms if numbers.get(term.word))
        if not any_of:
            return {}
        kinds = [kind for kind in KINDS if kind == "name" or self._has_facts(KINDS[kind])]
        if not self._has(f"{PLACES_AND_PEOPLE} : ({any_of})"):  # as most words of questions
            kinds = [kind for kind in kinds if kind not in ("place", "person")]
        return {kind: self.rows(f"{KINDS[kind]} : ({any_of})") for kind in kinds}

    def own(
        self, terms: Sequence[WordTerm], numbers: Mapping[str, int], columns: str | None = None
    ) -> Rows:
        """Rows with every word and some in these columns: any, or a distinctive one of two.

        ``columns``: by default all but names of folders and captions.
        """
        columns = columns or (OWN if self.described else "name")
        every = [term.match for term in terms]
        distinctive = [term.match for term in terms if term.word in numbers]
        parts = []
        if len(distinctive) < max(2, len(every)):
            parts.append(f"{columns} : ({' AND '.join(every)})")
        if len(distinctive) > 1:
            parts.append(
                f"(({' AND '.join(distinctive)}) AND {columns} : ({' OR '.join(distinctive)}))"
            )
        return self.rows(" OR ".join(parts))

    def whole(self, text: str, words: Sequence[str]) -> dict[str, Rows]:
        """By kind: rows with a person, or a tag, place or title of several words, that equals the
        whole text.

        ``words``: the distinctive ones of the text.
        """
        keys = dict.fromkeys(["".join(wording.words(text)), "".join(words)])
        match = _any(WHOLE + key for key in keys if key)
        if not self.described or not match:
            return {}
        found = {kind: self.rows(f"{column} : ({match})") for kind, column in WHOLE_IN.items()}
        return {kind: rows for kind, rows in found.items() if len(rows)}

    def captioned(self, terms: Sequence[WordTerm]) -> Rows:
        """The rows with every word in the title or caption."""
        captions = KINDS["caption"]
        return self.rows(" AND ".join(f"{captions} : {term.match}" for term in terms))

    def rows(self, match: str) -> Rows:
        """The rows that match."""
        return ids(
            self._db, "SELECT json_group_array(rowid) FROM names WHERE names MATCH ?", (match,)
        )

    def describes(self, words: Sequence[str]) -> bool:
        """Whether facts of photos have each of these words (folded), whatever the photo; False for
        none, as of an emoji.
        """
        return bool(words) and all(self._has(f"{FACTS} : {quoted(word)}") for word in words)

    def _has_facts(self, columns: str) -> bool:
        return self._has(f"{columns} : {quoted(DESCRIBED)}")

    def _has(self, match: str) -> bool:
        found = self._db.execute("SELECT 1 FROM names WHERE names MATCH ? LIMIT 1", (match,))
        return found.fetchone() is not None


def ids(db: sqlite3.Connection, statement: str, values: tuple[str, ...]) -> Rows:
    """Numbers of rows as one JSON array, a fraction of the cost of thousands of rows."""
    found: str = db.execute(statement, values).fetchone()[0]
    return np.array(np.fromstring(found[1:-1], np.int64, sep=",")) if len(found) > 2 else NONE


def merged(rows: Sequence[Rows]) -> Rows:
    """Each number once, ascending."""
    if len(rows) == 1:
        return rows[0]
    found = np.sort(np.concatenate([NONE, *rows]))
    return found[np.diff(found, prepend=-1) > 0]


def isin(numbers: Rows, rows: Rows) -> NDArray[np.bool_]:
    """Which of these numbers are in ``rows``, ascending."""
    if not len(rows):
        return np.zeros(len(numbers), np.bool_)
    places = np.minimum(np.searchsorted(rows, numbers), len(rows) - 1)
    found: NDArray[np.bool_] = rows[places] == numbers
    return found


def quoted(word: str) -> str:
    """Quoted for FTS5."""
    return f'"{word}"'


def _split(
    terms: Sequence[WordTerm], numbers: Mapping[str, int]
) -> tuple[list[str], list[str], str]:
    """The expressions of rare words, of common words, and what a row with a common word must match
    as well. Ignored words, and words without rows, are left out.
    """
    there = [term for term in terms if numbers.get(term.word)]
    rare = [term.match for term in there if numbers[term.word] <= COMMON]
    common = [term.match for term in there if numbers[term.word] > COMMON]
    others = list(rare)
    if len(common) > 1 or not rare:
        others += [f"({' AND '.join(common)})"] if common else []
    return rare, common, " OR ".join(others)


def _any(words: Iterable[str]) -> str:
    return " OR ".join(map(quoted, words))


# -- Hebrew ---------------------------------------------------------------------------------------


def _without_prefix(word: str, shortest: int) -> Iterator[str]:
    """The word without one prefix, and without two."""
    for letters in (1, 2):
        bare = word[letters:]
        if len(bare) >= shortest and wording.are_prefixes(word[:letters]):
            yield bare


def _with_other_ending(word: str) -> Iterator[str]:
    """Its plural, or its singular."""
    for ending, others in ENDINGS:
        base = word.removesuffix(ending)
        if word.endswith(ending) and len(base) >= SHORTEST:
            yield from (base + other for other in others)
            return
