"""Matches names: words in paths, looked up in SQLite's full-text index.

All photos with the words are considered: words are intersected before the list is cut. Only
distinctive words count: the name of a folder with most of the library does not.
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
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from photosd.core import wording
from photosd.core.formats import PHOTO_SUFFIXES
from photosd.index.database import Database

MOST_WORDS = 100  # of a query; later ones are not looked up, with a warning
TELLING = 0.5  # of the library; a more frequent word is ignored
FEW = 3  # photos, in a tiny library
COMMON = 2000  # photos; a more frequent word finds none on its own if the query has other words
FIRST_ROWS, ROWS_AT_ONCE = 60, 250  # paths read at once; usually the first ones suffice
LOOKED_UP_AT_ONCE = 250  # contents
YEAR = re.compile(r"(19|20)\d\d")
HALF = 0.5  # of the words: below this share a path does not match
STOP_WORDS = frozenset(
    """a an and are as at be by for from has in into is it its my of off on or our out over the
    their there this to under up was we were with you your image images photo photos photograph
    photographs picture pictures pic pics""".split()  # noqa: SIM905 (readable)
)
NOWHERE = frozenset({"", ".", "..", "~"})  # parts of a path that are not names of folders

PathTest = Callable[[bytes], bool]  # whether a path may match


class Degree(enum.IntEnum):
    """How much of a query a path has, lowest first."""

    SOME = 0  # some of the words
    EVERY = 1  # every word
    OWN = 2  # every word, two or more, not only in the names of folders
    PHRASE = 3  # the same, consecutive in the file's own name
    WHOLE = 4  # the query is the file's name except for blanks, dashes, case and the suffix
    SUFFIX = 5  # the same, and has its suffix
    EXACT = 6  # the name, with or without suffix, except for case, accents and marks
    LITERAL = 7  # the same, letter for letter


class Named(msgspec.Struct, frozen=True, gc=False):
    """A content, and the path of it that matches a query best; ``share``: of the words that count.

    ``number``: later paths have higher numbers.
    """

    content: str
    path: bytes
    degree: Degree
    share: float
    number: int

    @property
    def worth(self) -> tuple[int, float, int]:
        """Sort key; the best is the highest."""
        return self.degree, self.share, self.number


Group = tuple[Degree, float]  # degree and share of paths of equal rank


def telling_words(text: str) -> list[str]:
    """The words of ``text`` that may match a file, folded: without articles, each once."""
    return _telling_words(text)[:MOST_WORDS]


def words_left_out(text: str) -> int:
    """How many words of ``text`` exceed the limit."""
    return max(0, len(_telling_words(text)) - MOST_WORDS)


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
        with database.read() as db:
            self._groups = _grouped(
                found for text in texts for found in (*_whole(db, text), *_by_words(db, text))
            )
        self._worth = {number: group for group, numbers in self._groups for number in numbers}
        self._known: dict[str, Named | None] = {}

    def __bool__(self) -> bool:
        """Whether any path has such words, wherever it is."""
        return bool(self._groups)

    def clear(self, most: int) -> list[str]:
        """The contents with a path that has every word; none if there are more than ``most``."""
        rows = sum(len(numbers) for (degree, _), numbers in self._groups if degree > Degree.SOME)
        if self._accepts is None and rows > most:
            return []
        every = itertools.takewhile(lambda one: one.degree > Degree.SOME, self.best({}))
        found = [one.content for one in itertools.islice(every, most + 1)]
        return found if len(found) <= most else []

    def best(self, scores: Mapping[str, float]) -> Iterator[Named]:
        """Every content once, with its best path.

        By match, then by ``scores`` if any, then the latest.
        """
        first: dict[Group, list[Named]] = {}
        for one in self.of(list(scores)).values():
            first.setdefault((one.degree, one.share), []).append(one)
        given = {one.content for some in first.values() for one in some}
        for group, numbers in self._groups:
            looked_at = first.get(group, ())
            yield from sorted(
                looked_at, key=lambda one: (scores[one.content], one.number), reverse=True
            )
            for one in self._read(numbers):
                if one.content not in given:
                    given.add(one.content)
                    self._known[one.content] = one
                    yield one

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
                numbers += (number for (number,) in rows if number in self._worth)
        for one in self._read(numbers):
            known = self._known.get(one.content)
            if known is None or known.worth < one.worth:
                self._known[one.content] = one

    def _read(self, numbers: Sequence[int]) -> Iterator[Named]:
        """The rows of these numbers that still exist, the latest of each part first."""
        starts = [0, *range(FIRST_ROWS, len(numbers), ROWS_AT_ONCE), len(numbers)]
        for start, end in itertools.pairwise(starts):
            part = numbers[start:end]
            with self._database.read() as db:
                rows = db.execute(
                    "SELECT id, path, content FROM named WHERE id IN"
                    " (SELECT value FROM json_each(?)) ORDER BY id DESC",
                    (json.dumps(part),),
                ).fetchall()
            yield from self._accepted(rows)

    def _accepted(self, rows: Iterable[Sequence[Any]]) -> Iterator[Named]:
        """The rows (number, path, content) whose path is accepted and has such words."""
        for number, path, content in rows:
            worth = self._worth.get(number)
            if worth is not None and (self._accepts is None or self._accepts(path)):
                yield Named(content, path, *worth, number)


def named(database: Database, text: str, accepts: PathTest | None = None) -> dict[str, Named]:
    """All matches, best first."""
    return {one.content: one for one in Names(database, [text], accepts).best({})}


def taken_in_years(database: Database, text: str) -> list[tuple[str, float]]:
    """Contents taken in a year that ``text`` names, and the share of the year in its words."""
    words = telling_words(text)
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


def _grouped(found: Iterable[tuple[Group, Iterable[int]]]) -> list[tuple[Group, list[int]]]:
    """The best groups first, each with the latest first; a number is only in its best group."""
    merged: dict[Group, set[int]] = {}
    for group, numbers in found:
        merged.setdefault(group, set()).update(numbers)
    taken: set[int] = set()
    groups = []
    for group in sorted(merged, reverse=True):
        if rest := merged[group] - taken:
            taken |= rest
            groups.append((group, sorted(rest, reverse=True)))
    return groups


# -- whole names ----------------------------------------------------------------------------------


def _whole(db: sqlite3.Connection, text: str) -> Iterator[tuple[Group, list[int]]]:
    """Files of this name. Parts before a slash must be their folders."""
    *folders, name = (part.strip() for part in text.split("/"))
    above = [wording.key(part) for part in folders if part not in NOWHERE]
    own = [wording.key(name), wording.key(wording.stem(name)) if _suffix(name) else ""]
    sameness = functools.cache(functools.partial(_sameness, name))  # thousands may have one name
    for path_keys, keys in ((above, own), ([], [wording.key(text)])):
        wanted = sorted({key for key in keys if key})
        rows = db.execute(
            "SELECT id, path FROM named WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(wanted),),
        )
        found: dict[Degree, list[int]] = {}
        for number, path in rows.fetchall():
            if _in_folders(path, path_keys):
                found.setdefault(sameness(path.rpartition(b"/")[2]), []).append(number)
        yield from (((degree, 1.0), numbers) for degree, numbers in found.items())
        if not folders:
            return


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


def _by_words(db: sqlite3.Connection, text: str) -> Iterator[tuple[Group, Iterable[int]]]:
    words = telling_words(text)
    numbers = _numbers(db, words)
    matched = _matched(db, numbers)
    every = [row for row, count in matched.items() if count == len(numbers)]
    if every and len(words) > 1:
        own = _own(db, words, list(numbers))
        yield (Degree.OWN, 1.0), own
        yield (Degree.PHRASE, 1.0), _in_a_row(db, own, wording.key(text))
    yield (Degree.EVERY, 1.0), every
    for number in range(math.ceil(HALF * len(numbers)), len(numbers) if matched else 0):
        rows = [row for row, count in matched.items() if count == number]
        yield (Degree.SOME, number / len(numbers)), rows


def _in_a_row(db: sqlite3.Connection, rows: Sequence[int], key: str) -> list[int]:
    """The rows among these that have the whole key in the file's own name."""
    return _ids(
        db,
        "SELECT json_group_array(id) FROM named"
        " WHERE id IN (SELECT value FROM json_each(?)) AND instr(key, ?)",
        (json.dumps(rows), key),
    )


def _numbers(db: sqlite3.Connection, words: Sequence[str]) -> dict[str, int]:
    """The number of photos for each word, without words in most of the library."""
    indexed = db.execute("SELECT coalesce(sum(n), 0) FROM counts WHERE state = 'indexed'")
    most = max(FEW, int(TELLING * indexed.fetchone()[0]))
    counted = "SELECT count(*) FROM (SELECT 1 FROM names WHERE names MATCH ? LIMIT ?)"
    found = {w: db.execute(counted, (_quoted(w), most + 1)).fetchone()[0] for w in words}
    return {word: number for word, number in found.items() if number <= most}


def _matched(db: sqlite3.Connection, numbers: dict[str, int]) -> Counter[int]:
    """How many of these words each row has; rows with only one common word are left out."""
    rare = [word for word, number in numbers.items() if 0 < number <= COMMON]
    common = [word for word, number in numbers.items() if number > COMMON]
    any_of = [_quoted(word) for word in rare]
    if len(common) > 1 or not rare:
        any_of += [f"({_all(common)})"] if common else []
    matched: Counter[int] = Counter()
    for word in rare:
        matched.update(_rows(db, _quoted(word)))
    for word in common:
        matched.update(_rows(db, f"{_quoted(word)} AND ({' OR '.join(any_of)})"))
    return matched


def _own(db: sqlite3.Connection, words: Sequence[str], telling: Sequence[str]) -> list[int]:
    """Rows with every word and some in the file's own name: any, or a distinctive one of two."""
    own = f"name : ({_all(words)})"
    if len(telling) > 1:
        own += f" OR (({_all(telling)}) AND name : ({' OR '.join(map(_quoted, telling))}))"
    return _rows(db, own)


def _rows(db: sqlite3.Connection, match: str) -> list[int]:
    return _ids(db, "SELECT json_group_array(rowid) FROM names WHERE names MATCH ?", (match,))


def _ids(db: sqlite3.Connection, statement: str, values: tuple[str, ...]) -> list[int]:
    """Numbers of rows as one JSON array, half the cost of thousands of rows."""
    return list(json.loads(db.execute(statement, values).fetchone()[0]))


def _telling_words(text: str) -> list[str]:
    found = dict.fromkeys(wording.words(text))
    return [word for word in found if word not in STOP_WORDS and not _is_letter(word)]


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isascii() and word.isalpha()


def _quoted(word: str) -> str:
    """Quoted for FTS5."""
    return f'"{word}"'


def _all(words: Sequence[str]) -> str:
    return " AND ".join(map(_quoted, words))
