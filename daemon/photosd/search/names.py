"""Names: what paths say of photos, looked up in SQLite's full-text index.

Every photo that has the words is looked at: words are intersected before anything is cut. Only
words that tell photos apart count: a folder that holds most of the library names none of it.
"""

from __future__ import annotations

import enum
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import msgspec

from photosd.decode.formats import PHOTO_SUFFIXES
from photosd.index import wording
from photosd.index.database import Database

MOST_WORDS = 100  # of a question; later ones are not looked up, and that is said
TELLING = 0.5  # of the library; a word that names more of it distinguishes nothing
FEW = 3  # photos whatever share of a tiny library they are
COMMON = 2000  # photos; a word that names more brings none alone, where other words are asked for
HALF = 0.5  # of the words: fewer say nothing about a photo
STOP_WORDS = frozenset(
    """a an and are as at be by for from has in into is it its my of off on or our out over the
    their there this to under up was we were with you your image images photo photos photograph
    photographs picture pictures pic pics""".split()  # noqa: SIM905 (readable)
)
NOWHERE = frozenset({"", ".", "~"})  # parts of a path that name no folder

Lies = Callable[[bytes], bool]


class Degree(enum.IntEnum):
    """How much of a question a path has, the least first."""

    SOME = 0  # some of the words
    EVERY = 1  # every word
    OWN = 2  # every word, two or more, and not in the names of folders alone
    PHRASE = 3  # the same, in a row in the file's own name
    WHOLE = 4  # the question is the file's name but for blanks, dashes, case and the suffix
    SUFFIX = 5  # the same, and has its suffix
    EXACT = 6  # the question is the file's name but for case, with its suffix or without


class Named(msgspec.Struct, frozen=True):
    """A content, and which of its paths has most of a question; ``share`` of the words that count.

    ``number``: the later a path became known, the higher.
    """

    content: str
    path: bytes
    degree: Degree
    share: float
    number: int

    @property
    def worth(self) -> tuple[int, float, int]:
        """Orders them; the best is the highest."""
        return self.degree, self.share, self.number


def telling_words(text: str) -> list[str]:
    """The words of ``text`` that may name a file, folded: no articles, each once."""
    return _telling_words(text)[:MOST_WORDS]


def words_left_out(text: str) -> int:
    """How many of the words of ``text`` are more than are looked up."""
    return max(0, len(_telling_words(text)) - MOST_WORDS)


def named(database: Database, text: str, lies: Lies = lambda _path: True) -> dict[str, Named]:
    """The contents that have words of ``text`` in a path for which ``lies`` holds."""
    best: dict[str, Named] = {}
    with database.read() as db:
        for found in (_whole(db, text), _by_words(db, text)):
            for one in found:
                if lies(one.path) and (
                    one.content not in best or best[one.content].worth < one.worth
                ):
                    best[one.content] = one
    return best


# -- whole names ----------------------------------------------------------------------------------


def _whole(db: sqlite3.Connection, text: str) -> Iterator[Named]:
    """Files of this name. What comes before a slash has to be the folders it lies in."""
    *folders, name = (part.strip() for part in text.split("/"))
    above = [wording.key(part) for part in folders if part not in NOWHERE]
    own = [wording.key(name), wording.key(wording.stem(name)) if _suffix(name) else ""]
    for path_keys, keys in ((above, own), ([], [wording.key(text)])):
        wanted = sorted({key for key in keys if key})
        rows = db.execute(
            "SELECT id, path, content FROM named WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(wanted),),
        )
        for row in rows.fetchall():
            if _lies_in(row["path"], path_keys):
                degree = _sameness(name, wording.read(row["path"]).rpartition("/")[2])
                yield Named(row["content"], row["path"], degree, 1.0, row["id"])


def _sameness(asked: str, name: str) -> Degree:
    """Of two names that have one key."""
    if _tidy(asked) in (_tidy(name), _tidy(wording.stem(name))):
        return Degree.EXACT
    return Degree.SUFFIX if _suffix(asked) and _suffix(asked) == _suffix(name) else Degree.WHOLE


def _tidy(name: str) -> str:
    return " ".join(wording.fold(name).split())


def _lies_in(path: bytes, above: Sequence[str]) -> bool:
    if not above:
        return True
    folders = [part for part in wording.read(path).split("/")[:-1] if part]
    return [wording.key(part) for part in folders[-len(above) :]] == list(above)


def _suffix(name: str) -> str:
    """The suffix of a photo's file, without case; empty for other names."""
    before, dot, suffix = name.rpartition(".")
    found = (dot + suffix).lower() if before else ""
    return found if found in PHOTO_SUFFIXES else ""


# -- words ----------------------------------------------------------------------------------------


def _by_words(db: sqlite3.Connection, text: str) -> Iterator[Named]:
    words = telling_words(text)
    numbers = _numbers(db, words)
    matched = _matched(db, numbers)
    if not matched:
        return
    every = [row for row, number in matched.items() if number == len(numbers)]
    own = _own(db, words, list(numbers)) if every and len(words) > 1 else frozenset()
    rows = db.execute(
        "SELECT id, path, content, instr(key, ?) AS phrase FROM named"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (wording.key(text), json.dumps(list(matched))),
    )
    for row in rows.fetchall():
        share = matched[row["id"]] / len(numbers)
        degree = Degree.EVERY if share == 1 else Degree.SOME
        if row["id"] in own:
            degree = Degree.PHRASE if row["phrase"] else Degree.OWN
        yield Named(row["content"], row["path"], degree, share, row["id"])


def _numbers(db: sqlite3.Connection, words: Sequence[str]) -> dict[str, int]:
    """How many photos each word names, without those that name most of the library."""
    indexed = db.execute("SELECT coalesce(sum(n), 0) FROM counts WHERE state = 'indexed'")
    most = max(FEW, int(TELLING * indexed.fetchone()[0]))
    counted = "SELECT count(*) FROM (SELECT 1 FROM names WHERE names MATCH ? LIMIT ?)"
    found = {w: db.execute(counted, (_quoted(w), most + 1)).fetchone()[0] for w in words}
    return {word: number for word, number in found.items() if number <= most}


def _matched(db: sqlite3.Connection, numbers: dict[str, int]) -> Counter[int]:
    """How many of these words each row has; rows that have but one common word are left out."""
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


def _own(db: sqlite3.Connection, words: Sequence[str], telling: Sequence[str]) -> frozenset[int]:
    """Rows of every word that have some in the file's own name: all, or one of two that tell."""
    own = f"name : ({_all(words)})"
    if len(telling) > 1:
        own += f" OR (({_all(telling)}) AND name : ({' OR '.join(map(_quoted, telling))}))"
    return frozenset(_rows(db, own))


def _rows(db: sqlite3.Connection, match: str) -> list[int]:
    found = db.execute("SELECT rowid FROM names WHERE names MATCH ?", (match,))
    return [rowid for (rowid,) in found.fetchall()]


def _telling_words(text: str) -> list[str]:
    found = dict.fromkeys(wording.words(text))
    return [word for word in found if word not in STOP_WORDS and not _is_letter(word)]


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isascii() and word.isalpha()


def _quoted(word: str) -> str:
    """In FTS5's language."""
    return f'"{word}"'


def _all(words: Sequence[str]) -> str:
    return " AND ".join(map(_quoted, words))
