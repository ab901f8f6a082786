"""Matches names: words in paths, and in titles, captions, tags, places and people of photos.

All photos with the words are considered: words are intersected before the list is cut. Only
distinctive words count: the name of a folder with most of the library does not. A caption counts
only if it has every word, because a long text has some of any.
"""

from __future__ import annotations

import enum
import functools
import itertools
import json
import math
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from photosd.core import wording
from photosd.core.formats import PHOTO_SUFFIXES
from photosd.index.database import Database
from photosd.search.text_index import KINDS, NONE, Rows, TextIndex, WordTerm, ids, isin, merged

MAX_WORDS = 100  # of a query; later ones are not looked up, with a warning
FIRST_ROWS, ROWS_AT_ONCE = 60, 250  # paths read at once; usually the first ones suffice
LOOKED_UP_AT_ONCE = 250  # contents
YEAR = re.compile(r"(19|20)\d\d")
NUMBERED = re.compile(r"([^\W\d_]+)0*([1-9]\d*)")
MAX_DIGITS = 5  # of a number of a camera, with its zeros
HALF = 0.5  # of the words: below this share a path does not match
STOP_WORDS = frozenset(
    map(
        wording.fold,
        """a an and are as at be by for from has in into is it its me my of off on or our out over
        the their there this to under up was we were with you your image images photo photos
        photograph photographs picture pictures pic pics
        או של את עם על כל שלי שלנו תמונה תמונות תמונת התמונה התמונות צילום צילומים הצילום
        הצילומים""".split(),  # noqa: SIM905 (readable)
    )
)
NOWHERE = frozenset({"", ".", "..", "~"})  # parts of a path that are not names of folders

PathTest = Callable[[bytes], bool]  # whether a path may match
Keep = Callable[[Sequence[str]], set[str]]  # the contents among these that may match


class Degree(enum.IntEnum):
    """How much of a query a path has, lowest first."""

    SOME = 0  # some of the words
    EVERY = 1  # every word
    OWN = 2  # every word, two or more, not only in the names of folders
    # The same, consecutive in the file's own name, or its name but for zeros before a number; or a
    # whole person, tag, place, title.
    PHRASE = 3
    WHOLE = 4  # the query is the file's name except for blanks, dashes, case and the suffix
    SUFFIX = 5  # the same, and has its suffix
    EXACT = 6  # the name, with or without suffix, except for case, accents and marks
    LITERAL = 7  # the same, letter for letter


class Named(msgspec.Struct, frozen=True, gc=False):
    """A content, and the path of it that matches a query best; ``share``: of the words that count.

    ``number``: later paths have higher numbers. ``kinds``: of evidence, as in the protocol: where
    the words are, the most distinctive last.
    """

    content: str
    path: bytes
    degree: Degree
    share: float
    number: int
    kinds: tuple[str, ...] = ("name",)

    @property
    def worth(self) -> tuple[int, float, int]:
        """Sort key; the best is the highest."""
        return self.degree, self.share, self.number


Group = tuple[Degree, float]  # degree and share of paths of equal rank


def distinctive_words(text: str) -> list[str]:
    """The words of ``text`` that may match a file, folded: without articles, each once."""
    return _distinctive_words(text)[:MAX_WORDS]


def words_left_out(text: str) -> int:
    """How many words of ``text`` exceed the limit."""
    return max(0, len(_distinctive_words(text)) - MAX_WORDS)


class Names:
    """Photos whose path has at least half of the words of one of ``texts``.

    ``accepts`` filters paths.

    Rows of the catalog are found by number and grouped by rank; paths and contents are read on
    demand. For one thread.
    """

    def __init__(
        self, database: Database, texts: Iterable[str], accepts: PathTest | None = None
    ) -> None:
        self._database, self._accepts = database, accepts
        # To tell why a row matched: the words of each text, how frequent they are, and the rows
        # with a whole value.
        self._words: list[tuple[list[WordTerm], dict[str, int]]] = []
        self._whole: list[tuple[str, Rows]] = []
        with database.read() as db:
            index = TextIndex(db)
            self._described = index.described
            self._groups = _grouped(
                found
                for text in dict.fromkeys(texts)
                for found in (*_whole(db, text), *self._by_words(db, index, text))
            )
        self._numbers, self._group = _inverted([numbers for _, numbers in self._groups])
        self._known: dict[str, Named | None] = {}

    def __bool__(self) -> bool:
        """Whether any path has such words, wherever it is."""
        return bool(self._groups)

    @property
    def rows(self) -> int:
        """How many paths have such words."""
        return len(self._numbers)

    def every_if_few(self, most: int) -> list[str]:
        """The contents with a path that has every word; empty if there are more than ``most``."""
        rows = sum(len(numbers) for (degree, _), numbers in self._groups if degree > Degree.SOME)
        if self._accepts is None and rows > most:
            return []
        every = itertools.takewhile(lambda one: one.degree > Degree.SOME, self.best({}))
        found = [one.content for one in itertools.islice(every, most + 1)]
        return found if len(found) <= most else []

    def every(self) -> list[str]:
        """The contents with a path that has every word, however many."""
        groups = [numbers for (degree, _), numbers in self._groups if degree > Degree.SOME]
        numbers = np.concatenate([NONE, *groups]).tolist()
        with self._database.read() as db:
            rows = db.execute(
                "SELECT DISTINCT content, iif(?, path, x'') AS path FROM named WHERE id IN"
                " (SELECT value FROM json_each(?))",
                (self._accepts is not None, json.dumps(numbers)),
            ).fetchall()
        found = (row["content"] for row in rows if self._accepts is None or self._accepts(row[1]))
        return list(dict.fromkeys(found))

    def best(self, scores: Mapping[str, float], keep: Keep | None = None) -> Iterator[Named]:
        """Every content once, with its best path; with ``keep``, only those that it returns.

        By match, then by ``scores`` if any, then the latest.
        """
        first: dict[Group, list[Named]] = {}
        scored = list(scores) if keep is None else keep(list(scores))
        for one in self.of(list(scored)).values():
            first.setdefault((one.degree, one.share), []).append(one)
        given = {one.content for some in first.values() for one in some}
        for group, numbers in self._groups:
            looked_at = first.get(group, ())
            yield from sorted(
                looked_at, key=lambda one: (scores[one.content], one.number), reverse=True
            )
            for one in self._read(numbers, keep):
                if one.content not in given:
                    given.add(one.content)
                    self._known[one.content] = one
                    yield one

    def among(self, contents: Sequence[str], scores: Mapping[str, float]) -> Iterator[Named]:
        """As `best`, of these contents only."""

        def worth(one: Named) -> tuple[object, ...]:
            score = scores.get(one.content)
            return one.degree, one.share, score is not None, score or 0.0, one.number

        yield from sorted(self.of(contents).values(), key=worth, reverse=True)

    def of(self, contents: Sequence[str]) -> dict[str, Named]:
        """The contents among these with a matching path, and the best path of each."""
        unknown = [content for content in contents if content not in self._known]
        if self._groups and unknown:
            self._look_up(unknown)
        found = ((content, self._known.get(content)) for content in contents)
        return {content: one for content, one in found if one is not None}

    def _look_up(self, contents: Sequence[str]) -> None:
        self._known |= dict.fromkeys(contents)
        numbers: list[int] = []
        with self._database.read() as db:
            for start in range(0, len(contents), LOOKED_UP_AT_ONCE):
                rows = db.execute(
                    "SELECT id FROM named WHERE content IN (SELECT value FROM json_each(?))",
                    (json.dumps(contents[start : start + LOOKED_UP_AT_ONCE]),),
                )
                numbers += (number for (number,) in rows)
        there = isin(np.array(numbers, np.int64), self._numbers)
        for one in self._read(np.array(numbers, np.int64)[there]):
            known = self._known.get(one.content)
            if known is None or known.worth < one.worth:
                self._known[one.content] = one

    def _read(self, numbers: Rows, keep: Keep | None = None) -> Iterator[Named]:
        """The rows of these numbers that still exist, the latest of each part first."""
        starts = [0, *range(FIRST_ROWS, len(numbers), ROWS_AT_ONCE), len(numbers)]
        for start, end in itertools.pairwise(starts):
            part = numbers[start:end].tolist()
            with self._database.read() as db:
                rows = db.execute(
                    "SELECT id, path, content FROM named WHERE id IN"
                    " (SELECT value FROM json_each(?)) ORDER BY id DESC",
                    (json.dumps(part),),
                ).fetchall()
            if keep is not None:
                kept = keep([row[2] for row in rows])
                rows = [row for row in rows if row[2] in kept]
            yield from self._accepted(rows)

    def _accepted(self, rows: Sequence[Sequence[Any]]) -> Iterator[Named]:
        """The rows (number, path, content) whose path is accepted and has such words."""
        numbers = np.array([row[0] for row in rows], np.int64)
        kinds = {kind: isin(numbers, having) for kind, having in self._kinds.items()}
        places = np.searchsorted(self._numbers, numbers)
        for row, (number, path, content) in enumerate(rows):
            if self._accepts is None or self._accepts(path):
                degree, share = self._groups[self._group[places[row]]][0]
                found = [kind for kind in KINDS if kind in kinds and kinds[kind][row]]
                if degree >= Degree.WHOLE and "name" not in found:
                    found.insert(0, "name")
                why = tuple(found) or ("name",)
                yield Named(content, path, degree, share, number, why)

    @functools.cached_property
    def _kinds(self) -> dict[str, Rows]:
        """The rows with words in columns of each kind; empty if there are only names."""
        if not self._described:
            return {}
        found: dict[str, list[Rows]] = {}
        with self._database.read() as db:
            index = TextIndex(db)
            by_word = [index.kinds(*one).items() for one in self._words]
        for kind, rows in itertools.chain(self._whole, *by_word):
            found.setdefault(kind, []).append(rows)
        return {kind: merged(rows) for kind, rows in found.items()}

    def _by_words(
        self, db: sqlite3.Connection, index: TextIndex, text: str
    ) -> Iterator[tuple[Group, Rows]]:
        words = distinctive_words(text)
        terms = index.terms(words)
        numbers = index.numbers(terms)
        whole = index.whole(text, words)
        self._words.append((terms, numbers))
        self._whole += whole.items()
        every = index.every(terms, numbers)
        if len(every) and len(words) > 1:
            own = index.own(terms, numbers)
            yield (Degree.OWN, 1.0), own
            named_so = index.own(terms, numbers, "name") if index.described else own
            yield (Degree.PHRASE, 1.0), _consecutive(db, named_so, wording.key(text))
        yield from (((Degree.PHRASE, 1.0), rows) for rows in whole.values())
        yield (Degree.EVERY, 1.0), every
        least = math.ceil(HALF * len(numbers))
        if least < len(numbers):
            having = np.concatenate([NONE, *index.some(terms, numbers)])
            rows, counts = np.unique(having, return_counts=True)
            for count in range(least, len(numbers)):
                yield (Degree.SOME, count / len(numbers)), rows[counts == count]


def named(database: Database, text: str, accepts: PathTest | None = None) -> dict[str, Named]:
    """All matches, best first."""
    return {one.content: one for one in Names(database, [text], accepts).best({})}


def with_name(database: Database, text: str, accepts: PathTest | None = None) -> frozenset[str]:
    """Contents of files with this name, except for case, blanks, dashes and the suffix."""
    with database.read() as db:
        whole = (rows for (degree, _), rows in _whole(db, text) if degree >= Degree.WHOLE)
        numbers = np.concatenate([NONE, *whole]).tolist()
        rows = db.execute(
            "SELECT content, path FROM named WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(numbers),),
        ).fetchall()
    return frozenset(content for content, path in rows if accepts is None or accepts(path))


def undescribed(database: Database, texts: Sequence[str]) -> list[str]:
    """Those whose words no title, caption, tag, place or person of the library has."""
    if not texts:
        return []
    with database.read() as db:
        index = TextIndex(db)
        return [text for text in texts if not index.describes(wording.words(text))]


def captioned(database: Database, text: str) -> frozenset[str]:
    """Contents whose title or caption has every word of ``text``; none without words."""
    words = distinctive_words(text) or wording.words(text)
    if not words:
        return frozenset()
    with database.read() as db:
        index = TextIndex(db)
        rows = index.captioned(index.terms(words)).tolist()
        found = db.execute(
            "SELECT DISTINCT content FROM named WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(rows),),
        )
        return frozenset(content for (content,) in found)


def taken_in_years(database: Database, text: str) -> list[tuple[str, float]]:
    """Contents taken in a year that ``text`` names, and the share of the year in its words."""
    words = distinctive_words(text)
    years = [word for word in words if YEAR.fullmatch(word)]
    if not years:
        return []
    with database.read() as db:
        rows = db.execute(
            "SELECT DISTINCT content FROM photos JOIN contents USING(content)"
            " WHERE state = 'indexed' AND coalesce(substr(json_extract(facts, '$.taken'), 1, 4),"
            " strftime('%Y', json_extract(facts, '$.taken_at'), 'unixepoch', 'localtime'))"
            " IN (SELECT value FROM json_each(?))",
            (json.dumps(years),),
        ).fetchall()
    return [(content, 1 / len(words)) for (content,) in rows]


def _grouped(found: Iterable[tuple[Group, Rows]]) -> list[tuple[Group, Rows]]:
    """The best groups first, each with the latest first; a number is only in its best group."""
    parts: dict[Group, list[Rows]] = {}
    for group, numbers in found:
        if len(numbers):
            parts.setdefault(group, []).append(numbers)
    taken, groups = NONE, []
    for group in sorted(parts, reverse=True):
        numbers = merged(parts[group])
        rest = numbers[~isin(numbers, taken)]
        if len(rest):
            taken = merged([taken, rest])
            groups.append((group, rest[::-1]))
    return groups


def _inverted(groups: Sequence[Rows]) -> tuple[Rows, Rows]:
    """The numbers of all groups, ascending, and the place of the group of each."""
    numbers = np.concatenate([NONE, *groups])
    places = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    order = np.argsort(numbers, kind="stable")
    return numbers[order], places[order]


# -- whole names ----------------------------------------------------------------------------------


def _whole(db: sqlite3.Connection, text: str) -> Iterator[tuple[Group, Rows]]:
    """Files of this name. Parts before a slash must be their folders. Other zeros before a number
    are a weaker match.
    """
    *folders, name = (part.strip() for part in text.split("/"))
    above = [wording.key(part) for part in folders if part not in NOWHERE]
    own = [wording.key(name), wording.key(wording.stem(name)) if _suffix(name) else ""]
    sameness = functools.cache(functools.partial(_sameness, name))  # thousands may have one name
    for path_keys, keys in ((above, own), ([], [wording.key(text)])):
        exact = {key for key in keys if key}
        wanted = sorted(exact.union(*map(_with_zeros, exact)))
        rows = db.execute(
            "SELECT id, path, key FROM named WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(wanted),),
        )
        found: dict[Degree, list[int]] = {}
        for number, path, key in rows.fetchall():
            if _in_folders(path, path_keys):
                degree = sameness(path.rpartition(b"/")[2]) if key in exact else Degree.PHRASE
                found.setdefault(degree, []).append(number)
        yield from (((degree, 1.0), np.sort(numbers)) for degree, numbers in found.items())
        if not folders:
            return


def _with_zeros(key: str) -> Iterator[str]:
    """The same name as a camera writes it: ``img42``, ``img0042``."""
    if (parts := NUMBERED.fullmatch(key)) is not None:
        yield from (parts[1] + parts[2].zfill(digits) for digits in range(1, MAX_DIGITS + 1))


def _sameness(asked: str, file_name: bytes) -> Degree:
    """How equal two names with the same key are."""
    name = wording.read(file_name)
    if asked in (_spelled(name), _spelled(wording.stem(name))):
        return Degree.LITERAL
    if _tidy(asked) in (_tidy(name), _tidy(wording.stem(name))):
        return Degree.EXACT
    return Degree.SUFFIX if _suffix(asked) and _suffix(asked) == _suffix(name) else Degree.WHOLE


def _spelled(name: str) -> str:
    """``text`` normalised as queries are: composed letters, single blanks."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def _tidy(name: str) -> str:
    return " ".join(wording.fold(name).split())


def _in_folders(path: bytes, above: Sequence[str]) -> bool:
    if not above:
        return True
    folders = [part for part in wording.read(path).split("/")[:-1] if part]
    return [wording.key(part) for part in folders[-len(above) :]] == list(above)


def _suffix(name: str) -> str:
    """The suffix of a photo's file, lower case; empty for other names."""
    before, dot, suffix = name.rpartition(".")
    found = (dot + suffix).lower() if before else ""
    return found if found in PHOTO_SUFFIXES else ""


# -- words ----------------------------------------------------------------------------------------


def _consecutive(db: sqlite3.Connection, rows: Rows, key: str) -> Rows:
    """The rows among these whose file name has all words of the key next to each other."""
    return ids(
        db,
        "SELECT json_group_array(id) FROM named"
        " WHERE id IN (SELECT value FROM json_each(?)) AND instr(key, ?)",
        (json.dumps(rows.tolist()), key),
    )


def _distinctive_words(text: str) -> list[str]:
    found = dict.fromkeys(wording.words(text))
    return [word for word in found if word not in STOP_WORDS and not _is_letter(word)]


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isascii() and word.isalpha()
